// `node bench/measure-model.mjs`: measures bench/yellow-model.json, what the made months are drawn
// from, on real trip files. Needed again only when the model itself is to change.
//   zones, pairs, distances, durations, fares, categories: the first 100,000 rows of yellow 2022-01
//   hours of the week: 5,000 random rows of yellow 2025-02 (a whole month)
//   pace by hour, against the empty streets of the first days of 2022: green 2023-01
//   rows without a passenger count, absurd distances, stray pickups: green 2023-01 (to its last
//   row: in official files such rows stand at the end, where the first 100,000 do not reach)

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'

const { values: flags } = parseArgs({
  options: {
    shared: { type: 'string', default: join(import.meta.dirname, '..', '..', 'shared') },
    out: { type: 'string', default: join(import.meta.dirname, 'yellow-model.json') },
  },
})

/** Shares of the rides at which a distribution is pinned; the tails are finer. */
const levels = [
  0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99,
  0.995, 0.9975, 0.9985, 0.999, 1,
]
/** Lower ends of the bins of trip distance, hundredths of a mile; 0 is a bin of its own. */
const distanceBins = [0, 1, 40, 70, 100, 150, 200, 250, 300, 400, 500, 700, 1000, 1300, 1700, 2200]
/** Lower ends of the bins of straight distance between two zones, hundredths of a mile. */
const straightBins = [0, 50, 80, 120, 200, 400, 800]

const connection = await (await DuckDBInstance.create()).connect()

/** Columns of a query, as arrays of numbers, texts or null. */
async function columnsOf(file, expressions) {
  const list = Object.entries(expressions).map(([name, sql]) => `${sql} AS ${name}`)
  const path = join(flags.shared, 'tlc', file).replaceAll("'", "''")
  const reader = await connection.runAndReadAll(`SELECT ${list.join(', ')} FROM '${path}'`)
  return reader.getColumnsObjectJS()
}

const cents = (name) => `CAST(round(${name} * 100) AS INTEGER)`
const seconds = (fleet) =>
  `CAST(epoch(${fleet}pep_dropoff_datetime) - epoch(${fleet}pep_pickup_datetime) AS INTEGER)`

const hourOfWeek = (fleet) =>
  `(hour(${fleet}pep_pickup_datetime) + 24 * (isodow(${fleet}pep_pickup_datetime) > 5)::INTEGER)::INTEGER`

const yellow = await columnsOf('yellow_tripdata_2022-01.first100000.parquet', {
  pickup: 'PULocationID::INTEGER',
  dropoff: 'DOLocationID::INTEGER',
  distance: cents('trip_distance'),
  seconds: seconds('t'),
  fare: cents('fare_amount'),
  tip: cents('tip_amount'),
  tolls: cents('tolls_amount'),
  people: "concat_ws('|', VendorID, store_and_fwd_flag, passenger_count::INTEGER)",
  payment: 'payment_type::INTEGER',
  terms: `concat_ws('|', RatecodeID::INTEGER, payment_type, ${['extra', 'mta_tax', 'improvement_surcharge', 'congestion_surcharge', 'airport_fee'].map(cents).join(', ')})`,
})
const week = await columnsOf('yellow_tripdata_2025-02.sample5000.parquet', {
  hour: hourOfWeek('t'),
})
const green = await columnsOf('green_tripdata_2023-01.parquet', {
  hour: hourOfWeek('l'),
  distance: 'round(trip_distance * 100)::DOUBLE',
  seconds: seconds('l'),
  missing: 'passenger_count IS NULL',
  after: "(epoch(lpep_pickup_datetime) - epoch(TIMESTAMP '2023-01-01'))::DOUBLE",
})

const median = (numbers) => quantilesOf(numbers)[levels.indexOf(0.5)]

function quantilesOf(numbers) {
  const sorted = Float64Array.from(numbers).sort()
  return levels.map((level) => sorted[Math.round(level * (sorted.length - 1))])
}

const binOf = (edges, value) => edges.findLastIndex((edge) => value >= edge)

function grouped(keys, numbers) {
  const groups = new Map()
  keys.forEach((key, i) => {
    if (!groups.has(key)) groups.set(key, [])
    groups.get(key).push(numbers[i])
  })
  return groups
}

const counted = (values) =>
  [...grouped(values, values)]
    .map(([value, all]) => [value, all.length])
    .sort((a, b) => b[1] - a[1])

const rounded = (numbers, digits = 0) => numbers.map((number) => Number(number.toFixed(digits)))

/** Zones on a plane: miles east and north of the middle of the city. */
function placesOf() {
  const [, ...lines] = readFileSync(join(flags.shared, 'zones', 'zones.csv'), 'utf8')
    .trim()
    .split('\n')
  return lines.flatMap((line) => {
    const fields = line.split(',')
    const [id, lon, lat] = [fields[0], fields.at(-3), fields.at(-2)].map(Number)
    if (!lon || !lat) return []
    return [[id, ...rounded([(lon + 73.94) * 52.39, (lat - 40.7) * 69.05], 2)]]
  })
}

const places = placesOf()
const placeOf = new Map(places.map(([id, x, y]) => [id, [x, y]]))

/** Hundredths of a mile, undefined where a zone has no place. */
function straight(from, to) {
  const [a, b] = [placeOf.get(from), placeOf.get(to)]
  return a && b && 100 * Math.hypot(a[0] - b[0], a[1] - b[1])
}

const rides = yellow.pickup.map((pickup, i) => {
  const dropoff = yellow.dropoff[i]
  const kind = pickup === dropoff ? 'inside' : straight(pickup, dropoff) ? 'between' : 'unplaced'
  return { i, pickup, dropoff, kind, distance: yellow.distance[i], seconds: yellow.seconds[i] }
})

const distancesOf = (kind) =>
  quantilesOf(rides.filter((ride) => ride.kind === kind).map(({ distance }) => distance))
const between = rides.filter(({ kind }) => kind === 'between')
const detours = grouped(
  between.map(({ pickup, dropoff }) => binOf(straightBins, straight(pickup, dropoff))),
  between.map(({ pickup, dropoff, distance }) => distance / straight(pickup, dropoff)),
)

const usual = new Map(
  [
    ...grouped(
      yellow.distance.map((one) => binOf(distanceBins, one)),
      yellow.seconds,
    ),
  ].map(([bin, all]) => [bin, median(all)]),
)
/** Seconds over the median of yellow rides as long: what is slow about an end or an hour. */
const slownessOf = ({ distance, seconds }) =>
  seconds.map((one, i) => one / usual.get(binOf(distanceBins, distance[i])))

const paceBy = (keys, slowness) =>
  new Map(
    [...grouped(keys, slowness)]
      .filter(([, all]) => all.length >= 10)
      .map(([key, all]) => [key, median(all)]),
  )

const slowness = slownessOf(yellow)
const paceFrom = paceBy(yellow.pickup, slowness)
const paceTo = paceBy(
  yellow.dropoff,
  slowness.map((one, i) => one / (paceFrom.get(yellow.pickup[i]) ?? 1)),
)
const even = rides.map(
  ({ seconds, pickup, dropoff }) =>
    seconds / ((paceFrom.get(pickup) ?? 1) * (paceTo.get(dropoff) ?? 1)),
)
const bins = yellow.distance.map((distance) => binOf(distanceBins, distance))
const secondsByBin = grouped(bins, even)
const charged = rides.filter(({ i }) => yellow.fare[i] >= 0)
const faresByBin = grouped(
  charged.map(({ i }) => bins[i]),
  charged.map(({ i }) => yellow.fare[i]),
)
const byCard = rides.filter(({ i }) => yellow.payment[i] === 1 && yellow.fare[i] >= 250)

const pairs = new Map()
for (const { pickup, dropoff } of rides) {
  if (!pairs.has(pickup)) pairs.set(pickup, new Map())
  pairs.get(pickup).set(dropoff, (pairs.get(pickup).get(dropoff) ?? 0) + 1)
}
const once = [...pairs.values()].flatMap((row) => [...row.values()]).filter((count) => count === 1)

const weekPace = paceBy(green.hour, slownessOf(green))
const weekCounts = new Map(counted(week.hour))
const hours = Array.from({ length: 48 }, (_, hour) => hour)

const monthSeconds = 31 * 86_400
const stray = green.after.filter((after) => after < 0 || after >= monthSeconds)
const missing = green.missing.filter(Boolean).length
const absurd = green.distance.filter((distance, i) => green.missing[i] && distance > 10_000)

const inOrder = (map, count, digits) =>
  Array.from({ length: count }, (_, i) => rounded(quantilesOf(map.get(i)), digits))
const paceText = (pace) =>
  [...pace]
    .sort(([a], [b]) => a - b)
    .map(([id, value]) => `${id}:${value.toFixed(2)}`)
    .join(' ')

const model = {
  about: 'measured by bench/measure-model.mjs; hundredths of a mile, seconds, cents',
  levels,
  places: places.map((place) => place.join(' ')),
  pairs: [...pairs]
    .sort(([a], [b]) => a - b)
    .map(
      ([from, row]) =>
        `${from} ${[...row]
          .sort(([a], [b]) => a - b)
          .map((one) => one.join(':'))
          .join(' ')}`,
    ),
  // Good and Turing: pairs seen once weigh as much as all pairs that were not seen.
  unseenPairs: once.length / rides.length,
  inside: distancesOf('inside'),
  unplaced: distancesOf('unplaced'),
  straightBins,
  detours: inOrder(detours, straightBins.length, 3),
  distanceBins,
  seconds: inOrder(secondsByBin, distanceBins.length, 0),
  fares: inOrder(faresByBin, distanceBins.length, 0),
  paceFrom: paceText(paceFrom),
  paceTo: paceText(paceTo),
  hours: hours.map((hour) => weekCounts.get(hour) / (hour < 24 ? 20 : 8)),
  hourPace: rounded(
    hours.map((hour) => weekPace.get(hour) ?? 1),
    2,
  ),
  people: counted(yellow.people),
  terms: counted(yellow.terms),
  tolls: counted(yellow.tolls).filter(([, count]) => count >= 5),
  tips: rounded(quantilesOf(byCard.map(({ i }) => yellow.tip[i] / yellow.fare[i])), 3),
  missing: missing / green.missing.length,
  absurd: { share: absurd.length / missing, distances: absurd.sort((a, b) => a - b) },
  stray: {
    share: stray.length / green.after.length,
    secondsAfterMonthBegins: stray.sort((a, b) => a - b),
  },
}

/** JSON with one line for each member of the outermost arrays, so that a difference can be read. */
const text = `{\n${Object.entries(model)
  .map(([key, value]) => {
    const lines = Array.isArray(value) && typeof value[0] !== 'number'
    const body = lines
      ? `[\n    ${value.map((one) => JSON.stringify(one)).join(',\n    ')}\n  ]`
      : JSON.stringify(value)
    return `  ${JSON.stringify(key)}: ${body}`
  })
  .join(',\n')}\n}\n`
writeFileSync(flags.out, text)
console.log(
  `${flags.out}: ${text.length} bytes, ${rides.length} rides, ${once.length} pairs seen once`,
)
