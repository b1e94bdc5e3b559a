import { describe, expect, test } from 'vitest'
import { askGoldenRides, goldenRides, misfitOf } from '../../../src/serve/rollout/golden-rides.ts'
import { servedModel } from '../../../src/serve/served-model.ts'
import { hoursAndPassengers, zonesAndDistance } from '../small-model.ts'
import { absurd, demanding, renamed, unusable } from './versions.ts'

const served = servedModel('m', 'aaaaaaaaaaaa', zonesAndDistance)

describe('golden rides', () => {
  test('go between the most frequent zones, at the busiest hours, as far as is usual', () => {
    const rides = goldenRides(served)
    // One pair in the profile; its hours are Monday 8:00, Tuesday 9:00 and the first of the others.
    expect(rides).toHaveLength(3)
    const times = rides.map(({ pickup_datetime: at = 0 }) => new Date(at / 1000).toISOString())
    expect(times.slice(0, 2)).toEqual(['2021-01-04T08:30:00.000Z', '2021-01-05T09:30:00.000Z'])
    expect(rides[0]).toMatchObject({ PULocationID: 43, DOLocationID: 151, trip_distance: 1.25 })
  })

  test('say all that a model needs', () => {
    const [ride] = goldenRides(servedModel('m', 'b', hoursAndPassengers))
    expect(ride).toMatchObject({ passenger_count: 1, VendorID: 1 })
  })

  test('let a version through that answers them', () => {
    expect(() => askGoldenRides(served)).not.toThrow()
  })

  test.each([
    ['more minutes than a day has', absurd, /m\/c answers \d+ minutes for a usual ride/],
    ['no number', unusable, /m\/c does not answer a usual ride, from zone 7 to 7/],
  ])('hold a version back that answers %s', (_, documents, message) => {
    expect(() => askGoldenRides(servedModel('m', 'c', documents))).toThrow(message)
  })
})

describe('a version beside another', () => {
  test('fits where it needs no more', () => {
    expect(misfitOf(servedModel('m', 'b', renamed('b')), served)).toBeUndefined()
  })

  test('does not fit where it needs more, or is of another model', () => {
    const more = servedModel('m', 'b', demanding)
    expect(misfitOf(more, served)).toMatch(/^it needs .*passenger_count.*, which aaaaaaaaaaaa does/)
    expect(misfitOf(servedModel('n', 'b', zonesAndDistance), served)).toContain('expected one of m')
  })
})
