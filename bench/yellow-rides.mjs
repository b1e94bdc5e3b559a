// Yellow-like rides drawn from bench/yellow-model.json: the pair of zones by its frequency, then
// the distance by how far the zones are apart, then duration and fare by the distance, slower or
// faster by zone and hour. Codes and fees are drawn together, but apart from the zones.
// Knows nothing about files.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chooser, inverse, uniform } from './random.mjs'

const model = JSON.parse(readFileSync(join(import.meta.dirname, 'yellow-model.json'), 'utf8'))
const zones = 265

/** The 19 columns of the official file, in its order, and what holds a batch of each. */
export const columns = [
  ['VendorID', 'int64'],
  ['tpep_pickup_datetime', 'timestamp'],
  ['tpep_dropoff_datetime', 'timestamp'],
  ['passenger_count', 'double'],
  ['trip_distance', 'double'],
  ['RatecodeID', 'double'],
  ['store_and_fwd_flag', 'flag'],
  ['PULocationID', 'int64'],
  ['DOLocationID', 'int64'],
  ['payment_type', 'int64'],
  ['fare_amount', 'double'],
  ['extra', 'double'],
  ['mta_tax', 'double'],
  ['tip_amount', 'double'],
  ['tolls_amount', 'double'],
  ['improvement_surcharge', 'double'],
  ['total_amount', 'double'],
  ['congestion_surcharge', 'double'],
  ['airport_fee', 'double'],
]

/** Columns without a value in the rows at the end of a file. */
export const missingColumns = [
  'passenger_count',
  'RatecodeID',
  'store_and_fwd_flag',
  'congestion_surcharge',
  'airport_fee',
]

const weighted = (entries) => chooser(entries.map(([, weight]) => weight))
const paceOf = (text) => {
  const pace = new Float64Array(zones + 1).fill(1)
  for (const one of text.split(' ')) {
    const [id, value] = one.split(':').map(Number)
    pace[id] = value
  }
  return pace
}

const pairs = model.pairs.flatMap((line) => {
  const [from, ...rest] = line.split(' ')
  return rest.map((one) => {
    const [to, count] = one.split(':').map(Number)
    return { code: Number(from) * (zones + 1) + to, count }
  })
})
const pairCodes = Int32Array.from(pairs, ({ code }) => code)
const seen = new Uint8Array((zones + 1) ** 2)
for (const code of pairCodes) seen[code] = 1
const drawPair = chooser(pairs.map(({ count }) => count))
/** Weights of a zone at one end; half a ride for those the sample has not seen. */
const endWeights = (end) => {
  const weights = new Float64Array(zones + 1).fill(0.5)
  weights[0] = 0
  for (const { code, count } of pairs) weights[end(code)] += count
  return [...weights]
}
const drawFrom = chooser(endWeights((code) => Math.floor(code / (zones + 1))))
const drawTo = chooser(endWeights((code) => code % (zones + 1)))

const places = new Map(
  model.places.map((line) => {
    const [id, x, y] = line.split(' ').map(Number)
    return [id, [x, y]]
  }),
)
/** Hundredths of a mile between two zones by pair code; 0 where a zone has no place. */
const straight = new Float64Array((zones + 1) ** 2)
for (const [from, [ax, ay]] of places) {
  for (const [to, [bx, by]] of places) {
    straight[from * (zones + 1) + to] = 100 * Math.sqrt((ax - bx) ** 2 + (ay - by) ** 2)
  }
}

const inverseOf = (values) => inverse(model.levels, values)
const binOf = (edges) => {
  const bins = Float64Array.from(edges)
  return (value) => {
    let bin = bins.length - 1
    while (bin > 0 && value < bins[bin]) bin--
    return bin
  }
}
const [straightBin, distanceBin] = [binOf(model.straightBins), binOf(model.distanceBins)]
const [inside, unplaced, tips] = [model.inside, model.unplaced, model.tips].map(inverseOf)
const [detours, durations, fares] = [model.detours, model.seconds, model.fares].map((bins) =>
  bins.map(inverseOf),
)
const [paceFrom, paceTo] = [paceOf(model.paceFrom), paceOf(model.paceTo)]
const people = model.people.map(([text]) => {
  const [vendor, flag, passengers] = text.split('|')
  return { vendor: Number(vendor), flag: flag === 'Y' ? 1 : 0, passengers: Number(passengers) }
})
const terms = model.terms.map(([text]) => text.split('|').map(Number))
const [drawPeople, drawTerms, drawTolls] = [model.people, model.terms, model.tolls].map(weighted)
const { absurd, stray } = model

/** Hundredths of a mile of a ride. */
function distanceOf(code, from, to, u) {
  const apart = straight[code]
  if (apart > 0) return Math.round(detours[straightBin(apart)](u) * apart)
  return Math.round((from === to ? inside : unplaced)(u))
}

/**
 * Where rides fall in a month: the hour by its frequency on weekdays and weekends.
 *
 * @param start seconds since 1970 of the month's first midnight
 */
function calendar(start, days) {
  const hours = days * 24
  const edges = new Float64Array(hours + 1)
  const kind = (hour) => {
    const weekday = new Date((start + hour * 3600) * 1000).getUTCDay()
    return (hour % 24) + (weekday === 0 || weekday === 6 ? 24 : 0)
  }
  const pace = new Float64Array(hours)
  for (let hour = 0; hour < hours; hour++) {
    edges[hour + 1] = edges[hour] + model.hours[kind(hour)]
    pace[hour] = model.hourPace[kind(hour)]
  }
  const total = edges[hours]
  let hour = 0
  return {
    /** Seconds after the month's start for a share of its rides; shares must not go far back. */
    at(share) {
      const mark = share * total
      while (hour > 0 && mark < edges[hour]) hour--
      while (mark >= edges[hour + 1]) hour++
      return 3600 * (hour + (mark - edges[hour]) / (edges[hour + 1] - edges[hour]))
    },
    pace: (second) => pace[Math.floor(second / 3600)],
  }
}

const arrayOf = {
  int64: (rows) => new BigInt64Array(rows),
  timestamp: (rows) => new BigInt64Array(rows),
  double: (rows) => new Float64Array(rows),
  flag: (rows) => new Uint8Array(rows),
}

/**
 * The rides of a month, batch by batch, roughly in the order of their pickup, the ones without
 * a passenger count last.
 *
 * @param month YYYY-MM
 * @param rows rides in all
 * @param batchRows rides of a batch, the last excepted
 * @yields `{ rows, full, data }`: rows before `full` have all values; data by column name, times
 *   in microseconds, flags as 0 (N) and 1 (Y)
 */
export function* yellowRides({ seed, month, rows, batchRows }) {
  const [year, number] = month.split('-').map(Number)
  const start = Date.UTC(year, number - 1) / 1000
  const days = Math.round((Date.UTC(year, number) / 1000 - start) / 86_400)
  const random = uniform(seed, year, number, rows)
  const whole = rows - Math.round(rows * model.missing)
  const parts = [calendar(start, days), calendar(start, days)]
  const monthSeconds = days * 86_400
  for (let first = 0; first < rows; first += batchRows) {
    const size = Math.min(batchRows, rows - first)
    const data = Object.fromEntries(columns.map(([name, type]) => [name, arrayOf[type](size)]))
    for (let i = 0; i < size; i++) {
      const row = first + i
      const missing = row >= whole
      const share = missing ? (row - whole + random()) / (rows - whole) : (row + random()) / whole
      ride(data, i, parts[missing ? 1 : 0], share, missing)
    }
    yield { rows: size, full: Math.max(0, Math.min(size, whole - first)), data }
  }

  /** A pair that the sample has not seen, of zones as frequent as they are there. */
  function unseenPair() {
    for (;;) {
      const code = drawFrom(random(), random()) * (zones + 1) + drawTo(random(), random())
      if (seen[code] === 0) return code
    }
  }

  function ride(data, i, times, share, missing) {
    const known = random() >= model.unseenPairs
    const code = known ? pairCodes[drawPair(random(), random())] : unseenPair()
    const from = Math.floor(code / (zones + 1))
    const to = code % (zones + 1)
    let hundredths = distanceOf(code, from, to, random())
    const bin = distanceBin(hundredths)
    // Half an hour to both sides: official files are in order only roughly.
    let second = Math.floor(times.at(share) + (random() - 0.5) * 3600)
    second = Math.max(0, Math.min(monthSeconds - 1, second))
    const slow = random()
    let seconds = durations[bin](slow)
    // Meters that were left running for a day are no slower in the rush hour.
    if (seconds < 10_800) seconds *= paceFrom[from] * paceTo[to] * times.pace(second)
    seconds = Math.round(seconds)
    if (random() < stray.share) {
      const { secondsAfterMonthBegins: after } = stray
      second = after[Math.floor(random() * after.length)]
    }
    if (missing && random() < absurd.share) {
      hundredths = absurd.distances[Math.floor(random() * absurd.distances.length)]
    }
    const { vendor, flag, passengers } = people[drawPeople(random(), random())]
    const [rate, payment, extra, mta, improvement, congestion, airport] =
      terms[drawTerms(random(), random())]
    const sign = improvement < 0 ? -1 : 1
    const fare = sign * Math.round(fares[bin](slow))
    const tolls = model.tolls[drawTolls(random(), random())][0]
    const tip = payment === 1 && sign > 0 ? Math.round(Math.min(20_000, fare * tips(random()))) : 0
    const total = fare + extra + mta + tip + tolls + improvement + congestion + airport

    const pickup = BigInt(start + second) * 1_000_000n
    data.VendorID[i] = BigInt(vendor)
    data.tpep_pickup_datetime[i] = pickup
    data.tpep_dropoff_datetime[i] = pickup + BigInt(seconds) * 1_000_000n
    data.passenger_count[i] = passengers
    data.trip_distance[i] = hundredths / 100
    data.RatecodeID[i] = rate
    data.store_and_fwd_flag[i] = flag
    data.PULocationID[i] = BigInt(from)
    data.DOLocationID[i] = BigInt(to)
    data.payment_type[i] = missing ? 0n : BigInt(payment)
    data.fare_amount[i] = fare / 100
    data.extra[i] = extra / 100
    data.mta_tax[i] = mta / 100
    data.tip_amount[i] = tip / 100
    data.tolls_amount[i] = tolls / 100
    data.improvement_surcharge[i] = improvement / 100
    data.total_amount[i] = total / 100
    data.congestion_surcharge[i] = congestion / 100
    data.airport_fee[i] = airport / 100
  }
}
