// What CI holds of this example: the frame has exactly the rides that ridecast keeps, and danfojs
// computes with them. Exits with 1 and says why otherwise.

import assert from 'node:assert/strict'
import { keptRides } from './rides.mjs'

// 2021-01 has 76,518 rides; 73,908 of them take 1 to 60 minutes, as the courses publish.
const kept = 73_908

const rides = await keptRides()
assert.equal(rides.shape[0], kept)
const duration = rides.column('duration')
assert.ok(duration.min() >= 1 && duration.max() <= 60)
assert.ok(rides.column('hour').values.every((hour) => hour >= 0 && hour < 24))
const counts = rides.groupby(['weekday']).agg({ duration: 'count' })
assert.equal(counts.shape[0], 7)
assert.equal(counts.column('duration_count').sum(), kept)
process.stdout.write(`ok: ${kept.toLocaleString('en-US')} kept rides in a danfojs data frame\n`)
