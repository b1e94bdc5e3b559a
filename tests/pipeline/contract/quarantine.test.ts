import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findContract } from '../../../src/commands/contracts.ts'
import { compileFeatures } from '../../../src/features.ts'
import { quarantine } from '../../../src/pipeline/contract/quarantine.ts'
import { openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { planOf } from '../../../src/pipeline/plan.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import { greenColumns, makeParquet, numbers, texts } from '../make-parquet.ts'
import { readMonth, samplePath, type Values } from './months.ts'

let folder: string
const contract = findContract('green', '/')
const source = (path: string) => ({ path, taxi: 'green', month: '2021-01' }) as const

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-quarantine-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const january = Date.UTC(2021, 0, 10) * 1000
const minutes = (count: number): number => count * 60e6

/** Rides with one thing wrong each, and one with nothing. */
const made = [
  { pickup: january, dropoff: january + minutes(10), from: 43, to: 74, miles: 2 },
  { pickup: null, dropoff: january, from: 43, to: 74, miles: 2 },
  { pickup: january, dropoff: january - minutes(5), from: 43, to: 74, miles: 2 },
  { pickup: january, dropoff: january + minutes(90), from: 43, to: 74, miles: 2 },
  { pickup: january, dropoff: january + minutes(10), from: null, to: 74, miles: 2 },
  { pickup: january, dropoff: january + minutes(10), from: 43, to: 300, miles: 2 },
  { pickup: january, dropoff: january + minutes(10), from: 43, to: 74, miles: -1 },
  { pickup: january, dropoff: january + minutes(10), from: 43, to: 74, miles: 9000 },
  { pickup: 0, dropoff: minutes(10), from: 43, to: 74, miles: 2 },
]

describe('rows that are set aside', () => {
  test('have all their columns and the reasons, in the order of the file', async () => {
    const path = makeParquet(join(folder, 'made.parquet'), {
      ...greenColumns(made),
      note: texts(made.map((_, i) => (i % 2 ? null : `ride ${i}`))),
      small: numbers.int32(made.map((_, i) => i)),
    })
    const target = join(folder, 'set-aside.parquet')
    const found = await quarantine(source(path), contract, target)
    expect(found).toMatchObject({ rows: 9, clean: 1, flagged: 4, refused: 4 })
    const columns = readMonth(target)
    expect(Object.keys(columns)).toEqual([...Object.keys(readMonth(path)), 'reason'])
    expect(columns.reason?.values).toEqual([
      'null_time',
      'below_min;dropoff_before_pickup',
      'above_max',
      'null_value',
      'DOLocationID_not_allowed',
      'trip_distance_below_range',
      'trip_distance_above_range',
      'pickup_outside_month',
    ])
    expect(columns.small?.values).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(columns.note?.values).toEqual([
      null,
      'ride 2',
      null,
      'ride 4',
      null,
      'ride 6',
      null,
      'ride 8',
    ])
    expect(columns.PULocationID?.values).toEqual([43, 43, 43, null, 43, 43, 43, 43])
    expect(columns.lpep_pickup_datetime?.values.slice(1, 3)).toEqual([january, january])
  })

  test('of a real month are those that the plain recipe refuses, by the same reasons', async () => {
    const path = samplePath('green_tripdata_2021-01.parquet')
    const target = join(folder, 'january.parquet')
    const found = await quarantine(source(path), contract, target)
    const terms = { categorical: ['PULocationID', 'DOLocationID'], numeric: ['trip_distance'] }
    const recipe = checkRecipe({ name: 'plain', ...terms }, 'plain')
    const engine = await openArrowEngine()
    const [moments] = await engine.sum(path, 'green', [planOf(recipe, compileFeatures(recipe))])
    expect(found.refused).toBe(76_518 - (moments?.n ?? 0))
    expect(found.reasons.get('below_min')).toBe(moments?.refused.below_min)
    expect(found.reasons.get('above_max')).toBe(moments?.refused.above_max)
    // Counted by data/README.md: three pickups outside the month.
    expect(found.reasons.get('pickup_outside_month')).toBe(3)
    expect(found.clean + found.flagged + found.refused).toBe(found.rows)
    const written = readMonth(target)
    expect(written.reason?.values).toHaveLength(found.flagged + found.refused)
    // Every written row is a row of the file, bit by bit: distances and times of the last one.
    const [last, whole] = [(values: Values) => values.at(-1), readMonth(path)]
    const at = whole.lpep_pickup_datetime?.values.lastIndexOf(
      last(written.lpep_pickup_datetime?.values ?? []) as number,
    )
    expect(at).toBeGreaterThan(0)
  })

  test('may be none: the file is written all the same', async () => {
    const path = makeParquet(join(folder, 'good.parquet'), greenColumns(made.slice(0, 1)))
    const target = join(folder, 'none.parquet')
    expect(await quarantine(source(path), contract, target)).toMatchObject({ rows: 1, clean: 1 })
    expect(readMonth(target).reason?.values).toEqual([])
  })

  test('stream: batches of several row groups arrive in order', async () => {
    const bad = Array.from({ length: 1000 }, (_, i) => ({
      pickup: january,
      dropoff: january + minutes(100 + i),
      from: 43,
      to: 74,
      miles: i,
    }))
    const path = makeParquet(join(folder, 'groups.parquet'), greenColumns(bad), 64)
    const target = join(folder, 'groups-out.parquet')
    await quarantine(source(path), contract, target)
    expect(readMonth(target).trip_distance?.values).toEqual(bad.map(({ miles }) => miles))
  })
})

describe('a file that cannot be set aside', () => {
  test('leaves nothing behind', async () => {
    const path = makeParquet(join(folder, 'other.parquet'), { a: numbers.int64([1]) })
    const target = join(folder, 'nothing.parquet')
    await expect(quarantine(source(path), contract, target)).rejects.toThrow(/lacks lpep_pickup/)
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('says so where the target is', async () => {
    const path = makeParquet(join(folder, 'fine.parquet'), greenColumns(made))
    const target = join(folder, 'no-such-folder', 'out.parquet')
    await expect(quarantine(source(path), contract, target)).rejects.toThrow(
      /out\.parquet cannot be written \(ENOENT\)/,
    )
  })
})
