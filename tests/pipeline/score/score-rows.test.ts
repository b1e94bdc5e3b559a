import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableFromIPC, vectorFromArray } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadModel, type Model } from '../../../src/model.ts'
import { wallClock } from '../../../src/pipeline/data-profile/wall-clock.ts'
import { readRides } from '../../../src/pipeline/rides.ts'
import type { RideRequest } from '../../../src/predictor.ts'
import { both, fitted, grown } from '../../export/fitted-models.ts'
import { hoursAndPassengers, opposed } from '../../serve/small-model.ts'
import { samplePath } from '../contract/months.ts'
import { greenColumns, makeParquet, numbers, texts, timestamps } from '../make-parquet.ts'
import { objectsOf, plain, plainModel, predictorOf, score, scoreFrom } from './scoring.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-score-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const february = samplePath('green_tripdata_2021-02.parquet')
const inputs = [
  ...(['PULocationID', 'DOLocationID', 'trip_distance', 'passenger_count'] as const),
  ...(['VendorID', 'RatecodeID'] as const),
]

/** Every n-th ride of February, as another reader has it, so that all parts of the month are there. */
async function februaryRides(every: number): Promise<Map<number, RideRequest>> {
  const rides = new Map<number, RideRequest>()
  let row = 0
  for await (const batch of readRides(february, 'green', { required: inputs, optional: [] })) {
    for (let i = 0; i < batch.length; i++, row++) {
      if (row % every !== 0) continue
      const values = inputs.map((name) => [name, batch.columns[name]?.[i] as number] as const)
      const known = values.filter(([, value]) => !Number.isNaN(value))
      const ride = { ...Object.fromEntries(known), pickup_datetime: batch.pickup[i] as number }
      rides.set(row, ride as unknown as RideRequest)
    }
  }
  return rides
}

describe('the numbers of the predictor', () => {
  let models: Record<string, () => Model>
  beforeAll(async () => {
    const [trees, ensemble] = [await fitted(grown), await fitted(both)]
    models = {
      plain: plainModel,
      others: () => loadModel(hoursAndPassengers.model),
      trees: () => trees,
      ensemble: () => ensemble,
    }
  })

  test.each(['plain', 'trees', 'ensemble', 'others'])(
    'are given for every ride of a month by model %s',
    async (name) => {
      const model = models[name]?.() as Model
      const coverage = model.intervals ? 0.9 : undefined
      const predictor = predictorOf(model)
      const result = await scoreFrom(february, 'parquet', 'ndjson', { predictor, coverage })
      const scored = objectsOf(result.text)
      // The rows of the file.
      expect(scored).toHaveLength(64_572)
      const asked = await februaryRides(13)
      const needsPassengers = name === 'others'
      for (const [row, ride] of asked) {
        const { duration, low, high, fault } = scored[row] as Record<string, unknown>
        if (needsPassengers && ride.passenger_count === undefined) {
          expect([duration, fault]).toEqual([
            null,
            'passenger_count is missing: expected a finite number',
          ])
          continue
        }
        const expected = predictor.predict(ride, coverage)
        expect({ row, duration, fault }).toEqual({ row, duration: expected.duration, fault: null })
        if (expected.interval) {
          expect([low, high]).toEqual([expected.interval.low, expected.interval.high])
        }
      }
      // 29,109 rides have no number of passengers, counted with pandas.
      expect(result.counts.faults).toBe(needsPassengers ? 29_109 : 0)
    },
  )

  test.each(['plain', 'trees', 'others'])(
    'are given by model %s where distance or time are missing',
    async (name) => {
      const model = models[name]?.() as Model
      const predictor = predictorOf(model)
      const rides = [...(await februaryRides(1300)).values()].filter(
        (ride) => ride.passenger_count !== undefined,
      )
      expect(rides.length).toBeGreaterThan(20)
      const known = rides.map((ride, i): RideRequest => {
        const { trip_distance, pickup_datetime, ...rest } = ride
        return {
          ...rest,
          ...(i % 2 === 0 && trip_distance !== undefined && { trip_distance }),
          ...(i % 3 === 0 && pickup_datetime !== undefined && { pickup_datetime }),
        }
      })
      const lines = known.map(({ pickup_datetime, ...ride }) => {
        const time = pickup_datetime === undefined ? null : wallClock(pickup_datetime)
        return JSON.stringify({ ...ride, pickup_datetime: time })
      })
      const result = await score(lines.join('\n'), 'ndjson', 'ndjson', { predictor })
      expect(objectsOf(result.text).map(({ duration }) => duration)).toEqual(
        known.map((ride) => predictor.predict(ride).duration),
      )
      const uses = (input: 'trip_distance' | 'pickup_datetime'): boolean =>
        predictor.inputs.includes(input)
      const { length } = known
      expect(result.counts.assumed).toEqual({
        trip_distance: uses('trip_distance') ? Math.floor(length / 2) : 0,
        pickup_datetime: uses('pickup_datetime') ? length - Math.ceil(length / 3) : 0,
      })
    },
  )
})

// From 43 to 151: 10 + 2 - 0.5, and 3 a mile; 1 is the least; no distance is 1.25 miles there.
const csv = `note,PULocationID,DOLocationID,trip_distance
"a, ""quoted"" note",43,151,1
,43,151,
plain,1,2,0.5
`
const durations = [14.5, 15.25, 1]

describe('formats', () => {
  test('CSV keeps its rows as they were written and adds columns', async () => {
    const { text, counts } = await score(csv, 'csv', 'csv', { coverage: 0.9 })
    // 4 minutes to each side, between 1 and 60.
    expect(text).toBe(`note,PULocationID,DOLocationID,trip_distance,duration,low,high,fault
"a, ""quoted"" note",43,151,1,14.5,10.5,18.5,
,43,151,,15.25,11.25,19.25,
plain,1,2,0.5,1,1,1,
`)
    expect(counts).toEqual({
      rows: 3,
      faults: 0,
      assumed: { trip_distance: 1, pickup_datetime: 0 },
    })
  })

  test('NDJSON keeps its objects to the last digit and adds keys', async () => {
    const line =
      '{"id":12345678901234567890, "PULocationID":43,"DOLocationID":"151","trip_distance":1.0}'
    const { text } = await score(`${line}\n\n`, 'ndjson', 'ndjson')
    expect(text).toBe(`${line.slice(0, -1)},"duration":14.5,"fault":null}\n`)
  })

  test.each(['csv', 'ndjson', 'arrow', 'arrows', 'parquet'] as const)(
    'rows go through %s and back',
    async (format) => {
      const path = join(folder, `through.${format}`)
      const there = await score(csv, 'csv', format)
      writeFileSync(path, there.bytes)
      const back = await scoreFrom(path, format, 'ndjson', { column: 'again' })
      expect(objectsOf(back.text)).toEqual([
        ...['a, "quoted" note', null, 'plain'].map((note, i) => ({
          note,
          PULocationID: i === 2 ? '1' : '43',
          DOLocationID: i === 2 ? '2' : '151',
          trip_distance: ['1', null, '0.5'][i],
          // CSV has nothing but text.
          duration: format === 'csv' ? String(durations[i]) : durations[i],
          fault: null,
          again: durations[i],
          again_fault: null,
        })),
      ])
    },
  )

  test('columns of every type that trip files have keep their values', async () => {
    const time = 1_612_139_643_000_001n
    const path = makeParquet(join(folder, 'types.parquet'), {
      PULocationID: numbers.int32([43, 43]),
      DOLocationID: numbers.float64([151, 151]),
      trip_distance: numbers.float32([1, null]),
      big: numbers.int64([9_007_199_254_740_993n, null]),
      nanos: timestamps.ns([time * 1000n + 7n, null]),
      zoned: timestamps.ms([1_612_139_643_500, null], 'UTC'),
      flag: vectorFromArray([true, null]),
      text: texts(['é', null]),
    })
    const { text } = await scoreFrom(path, 'parquet', 'ndjson')
    // 1612139643 s is 2021-02-01T00:34:03 UTC, by `date -u -d @1612139643`.
    expect(text.split('\n')[0]).toBe(
      '{"PULocationID":43,"DOLocationID":151,"trip_distance":1,"big":9007199254740993,' +
        '"nanos":"2021-02-01T00:34:03.000001007","zoned":"2021-02-01T00:34:03.500Z",' +
        '"flag":true,"text":"é","duration":14.5,"fault":null}',
    )
    const arrow = tableFromIPC((await scoreFrom(path, 'parquet', 'arrow')).bytes)
    expect(arrow.getChild('big')?.get(0)).toBe(9_007_199_254_740_993n)
    expect(arrow.schema.fields.map(({ type }) => String(type))).toEqual([
      ...['Int32', 'Float64', 'Float32', 'Int64', 'Timestamp<NANOSECOND>'],
      ...['Timestamp<MILLISECOND, UTC>', 'Bool', 'Utf8', 'Float64', 'Utf8'],
    ])
    expect(arrow.getChild('zoned')?.get(1)).toBe(null)
  })

  test('dictionaries, which differ from batch to batch, become plain text', async () => {
    // Arrow makes a dictionary of texts where it is asked for no type.
    const path = makeParquet(join(folder, 'dictionary.parquet'), {
      PULocationID: numbers.int32([43, 43]),
      DOLocationID: numbers.int32([151, 151]),
      colour: vectorFromArray(['green', 'green']),
    })
    const { bytes } = await scoreFrom(path, 'parquet', 'arrows')
    expect(tableFromIPC(bytes).getChild('colour')?.toArray()).toEqual(['green', 'green'])
  })

  test('a file of many batches keeps its order', async () => {
    const rows = 2 ** 14 * 2 + 5
    const body = Array.from({ length: rows }, (_, i) => `43,151,${i / 1000}\n`).join('')
    const { bytes, counts } = await score(
      `PULocationID,DOLocationID,trip_distance\n${body}`,
      'csv',
      'arrow',
      {},
      2 ** 16,
    )
    expect(counts.rows).toBe(rows)
    const durations = tableFromIPC(bytes).getChild('duration')
    for (let i = 0; i < rows; i += 997) {
      expect(durations?.get(i)).toBe(10 + 2 - 0.5 + (i / 1000) * 3)
    }
  })
})

describe('faults', () => {
  test('are told for each row by its number, and the row is kept', async () => {
    const { text, faults, counts } = await score(
      `PULocationID,DOLocationID,trip_distance
43,151,1
,151,1
43,266,1
43,151,far
43,151,-1
43,151
43,151,1,extra
43,x,NaN
43,151,1
`,
      'csv',
      'csv',
    )
    const zone = 'a taxi zone, an integer from 1 to 265'
    const miles = 'a finite number of miles from 0'
    expect(faults).toEqual([
      { row: 2, fault: `PULocationID is missing: expected ${zone}` },
      { row: 3, fault: `DOLocationID must be ${zone}, found the text "266"` },
      { row: 4, fault: `trip_distance must be ${miles}, found the text "far"` },
      { row: 5, fault: `trip_distance must be ${miles}, found the text "-1"` },
      { row: 6, fault: 'row has 2 fields where the header has 3' },
      { row: 7, fault: 'row has 4 fields where the header has 3; those beyond are left out' },
      {
        row: 8,
        fault: `DOLocationID must be ${zone}, found the text "x"; trip_distance must be ${miles}, found the text "NaN"`,
      },
    ])
    expect(counts).toMatchObject({ rows: 9, faults: 7 })
    const lines = text.split('\n')
    expect(lines).toHaveLength(11)
    expect(lines[1]).toBe('43,151,1,14.5,')
    expect(lines[2]).toBe(`,151,1,,"PULocationID is missing: expected ${zone}"`)
    expect(lines[6]).toBe('43,151,,,row has 2 fields where the header has 3')
    expect(lines[9]).toBe('43,151,1,14.5,')
  })

  test('of NDJSON are lines that are no objects, and values of another type', async () => {
    const good = '{"PULocationID":43,"DOLocationID":151,"trip_distance":1}'
    const { text, faults } = await score(
      `${good}\n[1]\n{oops\n{"PULocationID":true,"DOLocationID":151,"trip_distance":1e999}\n${good}\n`,
      'ndjson',
      'ndjson',
    )
    expect(faults.map(({ row }) => row)).toEqual([2, 3, 4])
    expect(faults[2]?.fault).toMatch(/^PULocationID must be .* found true; trip_distance must/)
    expect(objectsOf(text).map(({ duration }) => duration)).toEqual([14.5, null, null, null, 14.5])
    expect(text.split('\n')[1]).toBe('{"duration":null,"fault":"row is not a JSON object"}')
  })

  test('of Parquet are missing, infinite and fractional values', async () => {
    const path = makeParquet(join(folder, 'faults.parquet'), {
      PULocationID: numbers.float64([43, null, Number.NaN, 43.5, 43]),
      DOLocationID: numbers.int64([151, 151, 151, 151, 151]),
      trip_distance: numbers.float64([1, 1, 1, 1, Number.POSITIVE_INFINITY]),
    })
    const { faults } = await scoreFrom(path, 'parquet', 'csv')
    expect(faults.map(({ row }) => row)).toEqual([2, 3, 4, 5])
  })

  test('are what the predictor says where its numbers are too large', async () => {
    const predictor = predictorOf(loadModel(opposed.model))
    const columns = predictor.inputs
    const ride = columns.map((name) => (name.endsWith('ID') ? '43' : '1e308')).join(',')
    const header = columns.join(',')
    const zones = header.includes('PULocationID') ? '' : ',PULocationID,DOLocationID'
    const { faults } = await score(
      `${header}${zones}\n${ride}${zones && ',43,151'}\n`,
      'csv',
      'csv',
      {
        predictor,
      },
    )
    expect(faults[0]?.fault).toMatch(/too large to be computed with/)
  })
})

describe('files that are refused', () => {
  const green = (rides: number) =>
    greenColumns(
      Array.from({ length: rides }, () => ({ pickup: 0, dropoff: 1, from: 43, to: 151, miles: 1 })),
    )

  test.each([
    ['csv', 'a,b\n1,"2', 'source_truncated'],
    ['csv', '', 'source_columns'],
    ['csv', 'PULocationID,PULocationID\n1,2\n', 'source_columns'],
    ['csv', 'PULocationID,pulocationid,DOLocationID\n1,2,3\n', 'source_columns'],
    ['csv', 'from,to\n1,2\n', 'source_columns'],
    ['csv', 'PULocationID,DOLocationID,duration\n43,151,7\n', 'usage_invalid'],
    ['ndjson', '{"PULocationID":43,"DOLocationID":151}\n{"PULoc', 'source_truncated'],
    ['ndjson', '{"PULocationID":43,"DOLocationID":151,"fault":1}', 'usage_invalid'],
    ['ndjson', '{"from":43}', 'source_columns'],
    ['arrows', '', 'source_truncated'],
  ] as const)('%s %j', async (format, text, code) => {
    await expect(score(text, format, 'ndjson')).rejects.toMatchObject({ code })
  })

  test('bytes that are no text are refused', async () => {
    const bytes = Buffer.from('PULocationID,DOLocationID,caf\xe9\n1,2,3\n', 'latin1')
    await expect(score(bytes, 'csv', 'csv')).rejects.toMatchObject({ code: 'source_column_type' })
  })

  test('Parquet that is cut off or of 0 bytes', async () => {
    const bytes = readFileSync(february)
    for (const size of [0, 3, 5000, bytes.length - 1]) {
      const path = join(folder, 'cut.parquet')
      writeFileSync(path, bytes.subarray(0, size))
      await expect(scoreFrom(path, 'parquet', 'csv')).rejects.toMatchObject({
        code: 'source_truncated',
      })
    }
  })

  test('Arrow that is cut off, as a file and as a stream', async () => {
    const source = makeParquet(join(folder, 'whole.parquet'), green(1000))
    for (const format of ['arrow', 'arrows'] as const) {
      const { bytes } = await scoreFrom(source, 'parquet', format)
      const path = join(folder, `cut.${format}`)
      for (const size of [0, 3, 100, bytes.length >> 1]) {
        writeFileSync(path, bytes.subarray(0, size))
        await expect(
          scoreFrom(path, format, 'csv', { column: 'again' }),
          `${format} cut to ${size}`,
        ).rejects.toMatchObject({ code: 'source_truncated' })
      }
    }
  })

  test('an interval of a model that has none, or a probability that cannot be', async () => {
    const predictor = predictorOf(loadModel(hoursAndPassengers.model))
    await expect(score(csv, 'csv', 'csv', { predictor, coverage: 0.9 })).rejects.toMatchObject({
      code: 'input_invalid',
    })
    await expect(score(csv, 'csv', 'csv', { coverage: 1.5 })).rejects.toMatchObject({
      code: 'input_invalid',
    })
  })

  test('later objects that do not fit the columns of the first ones', async () => {
    const ride = '{"PULocationID":43,"DOLocationID":151,"n":1}\n'
    const later = ride.repeat(2 ** 14)
    for (const [last, code] of [
      ['{"PULocationID":43,"DOLocationID":151,"m":1}', 'source_columns'],
      ['{"PULocationID":43,"DOLocationID":151,"n":"x"}', 'source_column_type'],
    ] as const) {
      const result = score(later + last, 'ndjson', 'csv', {}, 2 ** 16)
      await expect(result).rejects.toMatchObject({ code })
      // The row after the first 2^14.
      await expect(result).rejects.toThrow(/^row 16385 of rides/)
    }
  })
})

describe('files without rows', () => {
  const empty = ['csv', 'ndjson', 'arrow', 'arrows', 'parquet'] as const

  test.each(empty)('a header alone gives %s with columns and no rows', async (format) => {
    const header = 'PULocationID,DOLocationID,trip_distance\n'
    const { bytes, counts } = await score(header, 'csv', format)
    expect(counts.rows).toBe(0)
    const path = join(folder, `none.${format}`)
    writeFileSync(path, bytes)
    const again = await scoreFrom(path, format, 'csv', { column: 'again' })
    const names = 'PULocationID,DOLocationID,trip_distance,duration,fault,again,again_fault'
    // A file without objects has no keys.
    expect(again.text).toBe(format === 'ndjson' ? 'again,again_fault\n' : `${names}\n`)
  })

  test('no objects give no objects', async () => {
    expect((await score('', 'ndjson', 'ndjson')).text).toBe('')
  })
})

describe('columns', () => {
  test('are found by the names of the fleet, in any case, and by canonical ones', async () => {
    const predictor = plain()
    const trips = 'pulocationid,dolocationid,trip_miles\n43,151,1\n'
    const highVolume = await score(trips, 'csv', 'ndjson', { predictor, taxis: ['fhvhv'] })
    expect(objectsOf(highVolume.text)[0]?.duration).toBe(14.5)
    expect(highVolume.counts.assumed.trip_distance).toBe(0)
    const green = await score(trips, 'csv', 'ndjson', { predictor })
    expect(green.counts.assumed.trip_distance).toBe(1)
  })

  test('of several fleets are those of the one whose time of the pickup is there', async () => {
    const predictor = plain()
    const trips = 'pickup_datetime,PULocationID,DOLocationID,trip_miles\n,43,151,1\n'
    const options = { predictor, taxis: ['green', 'fhvhv'] as const }
    expect((await score(trips, 'csv', 'csv', options)).counts.assumed.trip_distance).toBe(0)
  })
})
