import { describe, expect, test } from 'vitest'
import { findContract } from '../../../src/commands/contracts.ts'
import type { Anomaly } from '../../../src/pipeline/contract/anomaly.ts'
import {
  allowed,
  factsOf,
  judge,
  refusal,
  trainingCheckPlan,
} from '../../../src/pipeline/contract/gate.ts'
import { keptRides, measurementOf } from '../../../src/pipeline/contract/measure.ts'
import { openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { planText } from '../../../src/pipeline/moments-file.ts'
import type { ColumnName } from '../../../src/ride.ts'
import { samplePath } from './months.ts'

const plain: ColumnName[] = ['PULocationID', 'DOLocationID', 'trip_distance']
const contract = findContract('green', '/')
const file = {
  path: samplePath('green_tripdata_2021-01.parquet'),
  month: '2021-01',
  taxi: 'green',
} as const

async function momentsOf(columns: readonly ColumnName[]) {
  const engine = await openArrowEngine()
  const [moments] = await engine.sum(file.path, 'green', [trainingCheckPlan(columns)])
  await engine.close()
  return moments as NonNullable<typeof moments>
}

describe('what training sums for the contract', () => {
  test('is little: durations, speeds, distances, days, and the ids that the recipe uses', () => {
    const { features, crosses } = trainingCheckPlan(plain)
    expect(features.categorical.map(({ name }) => name)).toEqual([
      'minutes',
      'speed',
      'miles',
      'pickup_day',
      'DOLocationID',
      'PULocationID',
    ])
    expect(features.numeric).toEqual([])
    expect(crosses).toBe(false)
  })

  test('has one key for the same columns in any order', () => {
    const keys = [plain, [...plain].reverse()].map((columns) =>
      planText(trainingCheckPlan(columns)),
    )
    expect(keys[0]).toBe(keys[1])
    expect(keys[0]).not.toBe(planText(trainingCheckPlan(['PULocationID'])))
  })

  test('counts what data/README.md counts', async () => {
    const measurement = measurementOf(await momentsOf(plain))
    expect(measurement).toMatchObject({ rows: 76_518, rides: 76_518, unreadable: 0 })
    expect(keptRides(measurement)).toBe(73_908)
    const miles = measurement.columns.trip_distance
    // Bin 1 is a distance of zero; 53 distances are above 1,000 miles.
    expect(miles?.counts.get(1)).toBe(2553)
    expect(miles?.ladder?.at(-1)).toBe(1000)
    expect(miles?.counts.get(15)).toBe(53)
    const zones = measurement.columns.DOLocationID?.counts ?? new Map()
    expect([...zones.values()].reduce((sum, count) => sum + count, 0)).toBe(76_518)
  })

  test('does without a distance where the recipe has none', async () => {
    const measurement = measurementOf(await momentsOf(['PULocationID']))
    expect(measurement.moving).toBeUndefined()
    expect(keptRides(measurement)).toBe(73_908)
  })
})

describe('the verdict', () => {
  test('on a good month has no error', async () => {
    const found = judge(contract, file, await factsOf(file), plain, await momentsOf(plain))
    expect(found.filter(({ severity }) => severity === 'error')).toEqual([])
  })

  test('makes errors of columns that the recipe does not use into warnings', async () => {
    const facts = await factsOf(file)
    const columns = facts.footer.columns.filter(({ name }) => name !== 'fare_amount')
    const without = { ...facts, footer: { ...facts.footer, columns } }
    const severity = (used: readonly ColumnName[], moments: Parameters<typeof judge>[4]) =>
      judge(contract, file, without, used, moments).find(({ column }) => column === 'fare_amount')
        ?.severity
    expect(severity(plain, await momentsOf(plain))).toBe('warn')
    const paid: ColumnName[] = [...plain, 'fare_amount']
    expect(severity(paid, await momentsOf(paid))).toBe('error')
  })
})

const dead: Anomaly = {
  code: 'FEATURE_TYPE_LOW_UNIQUE',
  severity: 'error',
  column: 'trip_distance',
  count: 10,
  share: 1,
  expected: 'at most 60 % of one value',
  found: '0 in 100 %',
  examples: ['0'],
  message: 'column trip_distance is dead: 0 in 10 rows of 10 (100 %)',
}
const late: Anomaly = { ...dead, code: 'TIME_LONG_RIDES', severity: 'warn', message: 'late' }

describe('a refusal', () => {
  test('names the worst, the other files, and the codes that would let it pass', () => {
    const error = refusal([
      { label: 'green 2021-01', anomalies: [dead, late] },
      { label: 'green 2021-02', anomalies: [late] },
      { label: 'green 2021-03', anomalies: [{ ...dead, code: 'NO_DATA_IN_SPAN' }] },
    ])
    expect(error).toMatchObject({ code: 'contract_refused' })
    expect(error?.message).toBe(
      'green 2021-01 breaks its data contract (so do green 2021-03): column trip_distance is ' +
        'dead: 0 in 10 rows of 10 (100 %); see ridecast data check, or let it pass with ' +
        '--allow FEATURE_TYPE_LOW_UNIQUE --allow NO_DATA_IN_SPAN',
    )
  })

  test('does not happen for warnings, nor for errors that are allowed', () => {
    expect(refusal([{ label: 'a', anomalies: [late] }])).toBeUndefined()
    const passed = allowed([dead, late], ['feature_type_low_unique'])
    expect(passed).toEqual([{ ...dead, severity: 'warn', allowed: true }, late])
    expect(refusal([{ label: 'a', anomalies: passed }])).toBeUndefined()
  })

  test('cannot be let pass by a code that there is not', () => {
    expect(() => allowed([], ['ANYTHING'])).toThrow(/code "ANYTHING" is no anomaly: expected one/)
  })
})
