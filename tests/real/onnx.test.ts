/** Exported models in ONNX Runtime, for Node and for Python: every ride of a month, and hostile ones. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onnxModel } from '../../src/export/onnx.ts'
import { onnxInputs } from '../../src/export/onnx-inputs.ts'
import { linearModel } from '../../src/linear-model.ts'
import { madeNames } from '../../src/measures.ts'
import type { Model } from '../../src/model.ts'
import { version as ridecastVersion } from '../../src/package.ts'
import { readRides } from '../../src/pipeline/rides.ts'
import { type Training, train } from '../../src/pipeline/train.ts'
import { checkRecipe, parseRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import {
  columnNames,
  derivedLevels,
  type RideBatch,
  rideColumns,
  zoneNames,
} from '../../src/ride.ts'
import { root } from '../command-line.ts'
import { modelAndRides, rideRow } from '../export/onnx-recipes.ts'
import { type Feeds, feedsOf, largestDifference, minutesOf } from '../export/onnx-rides.ts'
import { joinedBatches, linearOf, rideBatch } from '../random-rides.ts'
import { nodePart, python } from './parts.ts'

interface Session {
  run(feeds: Record<string, unknown>): Promise<{ duration: { data: Float64Array } }>
  release(): Promise<void>
}

interface OnnxRuntime {
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<Session>
  }
}

const runtime = nodePart('onnxruntime-node') as OnnxRuntime

/** What ONNX Runtime for Node answers. */
async function runInNode(bytes: Uint8Array, feeds: Feeds): Promise<Float64Array> {
  const threads = { intraOpNumThreads: 1, interOpNumThreads: 1 }
  const session = await runtime.InferenceSession.create(bytes, threads)
  const tensors = Object.entries(feeds).map(([name, data]) => {
    const type = data instanceof BigInt64Array ? 'int64' : 'float64'
    return [name, new runtime.Tensor(type, data, [data.length])]
  })
  const { duration } = await session.run(Object.fromEntries(tensors))
  // A copy: the data is gone with the session.
  const minutes = Float64Array.from(duration.data)
  await session.release()
  return minutes
}

/** Every atom, every step of a transform, every column that green files have. */
const wide: Recipe = checkRecipe(
  {
    name: 'wide',
    categorical: [
      'PULocationID',
      'DOLocationID',
      'VendorID',
      'RatecodeID',
      'trip_type',
      'payment_type',
      'hour',
      'weekday',
      'hour_of_week',
      'quarter_hour',
      'weekend',
      'holiday',
      ...Object.keys(zoneNames),
      { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
      { name: 'far', bin: 'trip_distance', edges: [0.01, 0.5, 1, 2, 3, 5, 8, 13, 21] },
      { name: 'late', bin: 'PULocationID', edges: [100] },
      { name: 'maybe', category: 'trip_type', or_missing: true },
      { name: 'detour', bin: 'distance_ratio', edges: [0.8, 1.2, 1.6], or_missing: true },
      { name: 'PU_hour', product: ['PULocationID', 'hour'] },
      { name: 'far_hour', product: ['far', 'hour_of_week'] },
      { name: 'all', product: ['PU_DO', { bin: 'fare_amount', edges: [0, 10, 25] }, 'weekday'] },
    ],
    numeric: [
      ...['trip_distance', 'passenger_count', 'fare_amount', 'extra', 'mta_tax', 'tip_amount'],
      ...['tolls_amount', 'improvement_surcharge', 'total_amount', 'congestion_surcharge'],
      ...madeNames.map((of) => ({ name: `n_${of}`, of })),
      { name: 'rate', of: 'RatecodeID' },
      { name: 'short', of: 'trip_distance', steps: [{ clip: [0, 30] }] },
      { name: 'log', of: 'trip_distance', steps: ['log1p'] },
      { name: 'root', of: 'trip_distance', steps: [{ clip: [0, 30] }, 'sqrt'] },
      { name: 'zero', of: 'trip_distance', steps: ['is_zero'] },
      { name: 'beyond', of: 'trip_distance', steps: [{ clip: [0, 50] }, { hinge: 7.25 }] },
      { name: 'some', of: 'fare_amount', steps: [{ between: [2.5, 60] }] },
      { name: 'any', of: 'passenger_count', steps: [{ is_between: [1, 6] }] },
      { name: 'deep', of: 'total_amount', steps: ['log1p', 'log1p', { hinge: 0.5 }, 'sqrt'] },
    ],
    l2: 5,
    allow_leakage: true,
  },
  'wide',
)

const shipped = (name: string): Recipe =>
  parseRecipe(readFileSync(join(root, `recipes/${name}.yaml`), 'utf8'), name)
/** As shipped, but smaller: what is compared is the same. */
const trees: Recipe = { ...shipped('trees'), trees: { ...shipped('trees').trees, rounds: 60 } }
const wood: Recipe = { ...trees, name: 'wood', model: 'forest' }
const sum = checkRecipe(
  { name: 'sum', model: 'ensemble', members: [shipped('standard'), trees] },
  '',
)
const linear = [...['plain', 'pairs', 'standard', 'linear'].map(shipped), wide]
const recipes = [...linear, trees, wood, sum]
const names = recipes.map(({ name }) => name)

/**
 * The largest relative difference that is let pass. Trees are added up in 32 bits: in another order,
 * as by several threads, they round otherwise.
 */
const tolerance = (name: string): number =>
  linear.some((recipe) => recipe.name === name) ? 1e-12 : 1e-5

const trained = (recipe: Recipe): Promise<Training> =>
  train({
    sources: ['2021-01'],
    validate: '2021-02',
    recipe,
    taxis: undefined,
    dataFolder: 'data',
    cwd: root,
    today: new Date('2025-01-01'),
    comparison: undefined,
    engine: 'arrow',
    solver: 'auto',
    residuals: false,
  })

/** Every ride of 2021-02, kept by a recipe or not. */
async function month(): Promise<RideBatch[]> {
  const batches: RideBatch[] = []
  const path = join(root, 'data/green_tripdata_2021-02.parquet')
  const columns = { required: [], optional: columnNames }
  for await (const batch of readRides(path, 'green', columns)) batches.push(batch)
  return batches
}

interface Exported {
  readonly model: Model
  readonly bytes: Uint8Array
  readonly feeds: Feeds
  /** By our own model. */
  readonly minutes: Float64Array
}

interface SeenByPython {
  readonly metadata: Record<string, string>
  readonly producer: string
  readonly graph: string
  readonly opsets: Record<string, number>
  readonly inputs: Record<string, [string, unknown[]]>
}

// Rides of the month, and as many again that no file should hold.
const ridesOfMonth = 64_572
const hostile = fc.sample(rideRow, { seed: 4, numRuns: 20_000 })

let folder: string
const exported = new Map<string, Exported>()
const seen = new Map<string, SeenByPython>()
const lineages = new Map<string, Training['lineage']>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-onnx-real-'))
  const rides = joinedBatches([...(await month()), rideBatch(hostile)])
  for (const recipe of recipes) {
    const { model, lineage } = await trained(recipe)
    const bytes = onnxModel(model, { name: `green-${recipe.name}`, version: '0a1b2c', lineage })
    const feeds = feedsOf(model, rides)
    exported.set(recipe.name, { model, bytes, feeds, minutes: minutesOf(model, rides) })
    lineages.set(recipe.name, lineage)
    writeFileSync(join(folder, `${recipe.name}.onnx`), bytes)
    mkdirSync(join(folder, recipe.name))
    for (const [name, values] of Object.entries(feeds)) {
      const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      writeFileSync(join(folder, recipe.name, `${name}.bin`), content)
    }
  }
  const script = readFileSync(join(import.meta.dirname, 'onnx-run.py'), 'utf8')
  const found = python(script, [folder]) as Record<string, SeenByPython>
  for (const [name, facts] of Object.entries(found)) seen.set(name, facts)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the wide recipe has every atom and every step', () => {
  const text = JSON.stringify(wide)
  const ids = columnNames.filter((name) => rideColumns[name].kind === 'id')
  const steps = ['log1p', 'sqrt', 'is_zero', 'clip', 'hinge', 'between', 'is_between']
  const derived = [...Object.keys(derivedLevels), ...Object.keys(zoneNames), ...madeNames]
  for (const name of [...ids, ...derived, ...steps, 'bin', 'product', 'or_missing']) {
    expect(text).toContain(`"${name}"`)
  }
})

describe.each(names)('%s of 2021-01 on every ride of 2021-02 and on hostile ones', (name) => {
  const of = (): Exported => exported.get(name) as Exported

  test('has rides enough that differ', () => {
    const { minutes } = of()
    expect(minutes.length).toBe(ridesOfMonth + hostile.length)
    expect(new Set(minutes.subarray(0, ridesOfMonth)).size).toBeGreaterThan(10_000)
    expect(new Set(minutes.subarray(ridesOfMonth)).size).toBeGreaterThan(1_000)
  })

  test('ONNX Runtime for Node answers as we do', async () => {
    const { bytes, feeds, minutes } = of()
    const found = await runInNode(bytes, feeds)
    expect(largestDifference(found, minutes)).toBeLessThanOrEqual(tolerance(name))
  })

  test('ONNX Runtime for Python answers as we do, and the checker of ONNX passes', () => {
    const { minutes } = of()
    const { buffer, byteOffset, length } = readFileSync(join(folder, name, 'duration.bin'))
    const found = new Float64Array(buffer.slice(byteOffset, byteOffset + length))
    expect(largestDifference(found, minutes)).toBeLessThanOrEqual(tolerance(name))
  })

  test('Python reads what the file says of itself', () => {
    const { model } = of()
    const facts = seen.get(name) as SeenByPython
    const lineage = lineages.get(name) as Training['lineage']
    expect(facts).toMatchObject({
      producer: 'ridecast',
      graph: `green-${name}`,
      opsets: { '': 20, 'ai.onnx.ml': model.kind === 'linear' ? 4 : 5 },
      metadata: {
        name: `green-${name}`,
        version: '0a1b2c',
        recipe: name,
        output_unit: 'minutes',
        inputs: model.features.inputs.join(','),
        moments_sha256: lineage.moments_sha256.train,
        source_sha256: `${lineage.train[0]?.sha256}  green_tripdata_2021-01.parquet`,
        ridecast_version: ridecastVersion,
      },
    })
    expect(facts.inputs).toEqual(
      Object.fromEntries(
        onnxInputs(model).map((input) => [input.name, [`tensor(${input.type})`, ['rides']]]),
      ),
    )
  })

  test('one ride alone, and none, are answered too', async () => {
    const { bytes, feeds, minutes } = of()
    for (const length of [0, 1]) {
      const few = Object.entries(feeds).map(([input, values]) => [input, values.slice(0, length)])
      const found = await runInNode(bytes, Object.fromEntries(few))
      const expected = minutes.slice(0, length)
      expect(largestDifference(found, expected)).toBeLessThanOrEqual(tolerance(name))
    }
  })
})

test('a slope that is 1 in single precision alone is not taken for 1', async () => {
  // ONNX Runtime 1.31 drops a product with such a constant, and 1e-9 of the answer with it.
  const document = linearOf((exported.get('plain') as Exported).model).toJSON()
  const names = document.vectorizer.feature_names
  const coefficients = names.map((name) => (name === 'trip_distance' ? 1 + 1e-9 : 0))
  const model = linearModel({ ...document, coefficients, intercept: 0 })
  const rides = rideBatch([{ trip_distance: 7 }, { trip_distance: 1e9 }])
  const found = await runInNode(
    onnxModel(model, { name: 'one', version: '1', lineage: {} }),
    feedsOf(model, rides),
  )
  expect([...found]).toEqual([7 * (1 + 1e-9), 1e9 * (1 + 1e-9)])
})

test('any linear model answers in ONNX Runtime as here, for hostile values too', async () => {
  await fc.assert(
    fc.asyncProperty(modelAndRides, async ({ model, rides }) => {
      const bytes = onnxModel(model, { name: 'random', version: '1', lineage: {} })
      const found = await runInNode(bytes, feedsOf(model, rides))
      expect(largestDifference(found, minutesOf(model, rides))).toBeLessThanOrEqual(1e-12)
    }),
    { numRuns: 400 },
  )
})
