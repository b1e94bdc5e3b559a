import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeVersion } from '../../src/artifact.ts'
import { onnxModel } from '../../src/export/onnx.ts'
import { categoryCode } from '../../src/export/onnx-categories.ts'
import { OnnxGraph } from '../../src/export/onnx-graph.ts'
import { onnxInputs } from '../../src/export/onnx-inputs.ts'
import type { GraphNode, Tensor } from '../../src/export/onnx-proto.ts'
import { OnnxRide } from '../../src/export/onnx-ride.ts'
import { type CategoricalTerm, featuresOf } from '../../src/features.ts'
import { linearModel } from '../../src/linear-model.ts'
import type { Model } from '../../src/model.ts'
import { modelFormat } from '../../src/model-format.ts'
import { version as ridecastVersion } from '../../src/package.ts'
import { checkRecipe, parseRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { parseWallClock } from '../../src/ride.ts'
import { DictVectorizer } from '../../src/vectorizer.ts'
import { documentsOf } from '../documents-of-versions.ts'
import { everyTerm, randomModel, randomRides, rideBatch } from '../random-rides.ts'
import { attributeOf, decodeOnnx, elements, evaluateOnnx } from './onnx-evaluate.ts'
import { modelAndRides } from './onnx-recipes.ts'
import { feedsOf, minutesOf } from './onnx-rides.ts'

const shipped = (name: string): Recipe => {
  const text = readFileSync(new URL(`../../recipes/${name}.yaml`, import.meta.url), 'utf8')
  return parseRecipe(text, name)
}
const recipeOf = (terms: object): Recipe => checkRecipe({ name: 'small', ...terms }, 'small')
const about = { name: 'green-duration', version: '0123456789ab', lineage: documentsOf(1).lineage }
const recipes = [
  shipped('plain'),
  shipped('pairs'),
  shipped('standard'),
  shipped('linear'),
  everyTerm,
]

const kindsOf = (nodes: readonly GraphNode[]): string[] => nodes.map(({ opType }) => opType)

/** The table of a term: coefficients by the text of their level. */
function tableOf(model: Model, term: string): Record<string, unknown> {
  const nodes = decodeOnnx(onnxModel(model, about)).graph.node
  const node = nodes.find(({ name }) => name === `${term}/minutes`) as GraphNode
  const [keys = [], values = []] = ['keys_tensor', 'values_tensor'].map((name) =>
    elements(attributeOf(node, name).t as Tensor),
  )
  const text = model.features.categorical.find(({ name }) => name === term)?.text
  return Object.fromEntries(keys.map((key, k) => [text?.(Number(key)), values[k]]))
}

/** What the graph answers for some rides, and what the model does. */
function answers(model: Model, rides: ReturnType<typeof rideBatch>): [number[], number[]] {
  const found = evaluateOnnx(decodeOnnx(onnxModel(model, about)), feedsOf(model, rides))
  return [[...found], [...minutesOf(model, rides)]]
}

describe('the file of plain', () => {
  const model = randomModel(shipped('plain'))
  const document = decodeOnnx(onnxModel(model, about))

  test('is a table for each zone, a product for the distance, a sum and a lower bound', () => {
    expect(kindsOf(document.graph.node)).toEqual([
      ...['LabelEncoder', 'LabelEncoder'],
      ...['Abs', 'LessOrEqual', 'Where', 'Where', 'Mul'],
      ...['Add', 'Add', 'Add'],
      ...['Less', 'GreaterOrEqual', 'And', 'Where'],
    ])
    const lookup = document.graph.node[0] as GraphNode
    expect(lookup.input).toEqual(['PULocationID'])
    expect(elements(attributeOf(lookup, 'default_tensor').t as Tensor)).toEqual([0])
  })

  test('says which ONNX it needs, who wrote it and what it is', () => {
    // ONNX 1.15 is IR 9, opset 20 and ai.onnx.ml 4, by the table in onnx/docs/Versioning.md.
    expect(document).toMatchObject({
      irVersion: 9,
      opsetImport: [
        { domain: '', version: 20 },
        { domain: 'ai.onnx.ml', version: 4 },
      ],
      producerName: 'ridecast',
      producerVersion: ridecastVersion,
      docString: shipped('plain').description,
    })
    const described = onnxModel(model, { ...about, description: 'of January' })
    expect(decodeOnnx(described).docString).toBe('of January')
  })

  test('takes one element a ride and says what each input means', () => {
    const { input, output } = document.graph
    expect(input.map(({ name, type }) => [name, type.tensorType.elemType])).toEqual([
      ['PULocationID', 7],
      ['DOLocationID', 7],
      ['trip_distance', 11],
    ])
    for (const { type } of [...input, ...output]) {
      expect(type.tensorType.shape.dim).toEqual([{ dimParam: 'rides' }])
    }
    expect(input.map(({ docString }) => docString)).toEqual([
      'taxi zone of the pickup, 1 to 265; any negative number where missing',
      'taxi zone of the drop-off, 1 to 265; any negative number where missing',
      'miles; NaN where missing',
    ])
    expect(output.map(({ name, docString }) => [name, docString])).toEqual([
      ['duration', 'minutes'],
    ])
  })
})

describe('metadata', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ridecast-onnx-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const metadata = (lineage: unknown): Record<string, string> => {
    const model = randomModel(shipped('plain'))
    const { metadataProps } = decodeOnnx(onnxModel(model, { ...about, lineage }))
    return Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))
  }

  test('names model, inputs and units', () => {
    expect(metadata(about.lineage)).toMatchObject({
      name: 'green-duration',
      version: '0123456789ab',
      kind: 'linear',
      taxi: 'green',
      recipe: 'plain',
      inputs: 'PULocationID,DOLocationID,trip_distance',
      output: 'duration',
      output_unit: 'minutes',
      ridecast_version: ridecastVersion,
    })
  })

  test('the hash of the lineage is that of lineage.json in the version', async () => {
    const { path } = await writeVersion(folder, documentsOf(1))
    const text = readFileSync(join(path, 'lineage.json'))
    const sha256 = createHash('sha256').update(text).digest('hex')
    expect(metadata(JSON.parse(text.toString())).lineage_sha256).toBe(sha256)
    expect(metadata({ format_version: 1 }).lineage_sha256).not.toBe(sha256)
  })

  test('names the source files and the sums where the lineage does', () => {
    const { lineage } = documentsOf(1)
    const sums = { train: 'ab'.repeat(32), validation: 'cd'.repeat(32) }
    expect(metadata({ ...lineage, moments_sha256: sums })).toMatchObject({
      moments_sha256: 'ab'.repeat(32),
      source_sha256: `${'b8'.repeat(32)}  green_tripdata_2021-01.parquet`,
    })
    expect(metadata(lineage)).not.toHaveProperty('moments_sha256')
  })
})

describe.each(recipes.map((recipe) => [recipe.name, recipe] as const))('%s', (_, recipe) => {
  const model = randomModel(recipe)
  const { graph } = decodeOnnx(onnxModel(model, about))

  test('has every coefficient to the bit, and no other', () => {
    for (const { name } of model.features.categorical) {
      const own = model.effects().filter(({ term }) => term === name)
      expect(own.length).toBeGreaterThan(1)
      expect(tableOf(model, name)).toEqual(
        Object.fromEntries(own.map(({ level, minutes }) => [level, minutes])),
      )
    }
    const constants = new Map(graph.initializer.map((each) => [each.name, elements(each)]))
    for (const { name } of model.features.numeric) {
      const slope = model.effects().find(({ term }) => term === name)?.minutes
      expect(constants.get(`${name}/slope`)).toEqual([slope])
    }
    expect(constants.get('intercept')).toEqual([model.intercept])
    expect(constants.get('shortest')).toEqual([recipe.target.min])
  })

  test('adds the terms in the order of the model', () => {
    const sums = graph.node.filter(({ name }) => name.endsWith('/sum'))
    const { categorical, numeric } = model.features
    expect(sums.map(({ input }) => input[1])).toEqual(
      [...categorical, ...numeric].map(({ name }) => `${name}/minutes`),
    )
    expect(sums[0]?.input[0]).toBe('intercept')
  })

  test('gives every value one name, and reads every constant and input', () => {
    const inputs = graph.input.map(({ name }) => name)
    expect(inputs).toEqual(onnxInputs(model).map(({ name }) => name))
    const constants = graph.initializer.map(({ name }) => name)
    const made = [...inputs, ...constants, ...graph.node.flatMap(({ output }) => output)]
    expect(new Set(made).size).toBe(made.length)
    const read = new Set(graph.node.flatMap(({ input }) => input))
    expect(made.filter((name) => !read.has(name))).toEqual(['duration'])
    expect(graph.node.map(({ name }) => name)).toEqual(graph.node.map(({ output }) => output[0]))
  })

  test('is the same bytes every time', () => {
    const again = randomModel(checkRecipe(JSON.parse(JSON.stringify(recipe)), 'again'))
    expect(Buffer.from(onnxModel(model, about)).equals(onnxModel(again, about))).toBe(true)
  })

  test('computes what the model predicts, to the bit', () => {
    const [found, expected] = answers(model, rideBatch(randomRides(31, 500)))
    expect(new Set(expected).size).toBeGreaterThan(50)
    expect(found).toEqual(expected)
  })
})

test('any linear model computes what it predicts, for hostile values too', () => {
  fc.assert(
    fc.property(modelAndRides, ({ model, rides }) => {
      const [found, expected] = answers(model, rides)
      // The sign of a zero is no difference.
      expect(found.map((minutes) => minutes + 0)).toEqual(expected.map((minutes) => minutes + 0))
    }),
    { numRuns: 300 },
  )
})

/** A model of one quantity that goes through some steps, with a slope and no intercept. */
function steppedModel(steps: readonly unknown[], slope = 1): Model {
  const numeric = [{ name: 'x', of: 'trip_distance', steps }]
  return linearModel({
    format_version: modelFormat,
    kind: 'linear',
    taxi: 'green',
    recipe: recipeOf({ target: { min: -1e9, max: 1e9 }, numeric }),
    intercept: 0,
    vectorizer: DictVectorizer.fromFeatureNames(['x']).toJSON(),
    coefficients: [slope],
  })
}

describe('numeric steps', () => {
  const miles = [
    ...[0, -0, 1e-300, 1e-17, -1e-17, 1e-13, -1e-13, 2 ** -53, 0.5, 1, 3.7, 1e16, 1e300],
    ...[-0.5, -1 + 2 ** -53, -1, -2, Number.MAX_VALUE, 2 ** -21, 3 * 2 ** -21, -(2 ** -21)],
    ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
  ]
  const rides = rideBatch(miles.map((trip_distance) => ({ trip_distance })))

  test.each([
    ['a logarithm', ['log1p']],
    ['a logarithm and whether it is zero', ['log1p', 'is_zero']],
    ['a logarithm and whether it is above zero', ['log1p', { is_between: [5e-324, 1e9] }]],
    ['a logarithm and roots, which make much of little', ['log1p', 'sqrt', 'sqrt', 'sqrt', 'sqrt']],
    ['a logarithm whose infinities are clipped', ['log1p', { clip: [-9, 9] }]],
    ['halves rounded up', [{ clip: [-1, 1] }]],
    ['a hinge far below', [{ hinge: -1e300 }]],
    ['a hinge hardly above zero', [{ hinge: 1e-300 }, 'is_zero']],
    ['what lies between', [{ between: [-1, 1] }]],
  ])('%s', (_, steps) => {
    const [found, expected] = answers(steppedModel(steps), rides)
    expect(new Set(expected).size).toBeGreaterThan(1)
    expect(found.map((minutes) => minutes + 0)).toEqual(expected.map((minutes) => minutes + 0))
  })

  test('a half of 2^-20 is rounded up, not to the even neighbour', () => {
    const rides = rideBatch([1, 3, 5].map((halves) => ({ trip_distance: halves * 2 ** -21 })))
    // In units of 2^-20: 0.5, 1.5, 2.5.
    const units = [1, 2, 3].map((unit) => unit * 2 ** -20)
    expect(answers(steppedModel([{ clip: [0, 1] }]), rides)[0]).toEqual(units)
  })
})

describe('inputs', () => {
  test('an id that a quantity or a bin reads, or that need not be there, is a double: it can be missing', () => {
    const typesOf = (terms: object): object =>
      Object.fromEntries(
        onnxInputs(randomModel(recipeOf(terms))).map(({ name, type }) => [name, type]),
      )
    const rate = { name: 'rate', of: 'RatecodeID' }
    const asBoth = { categorical: ['PULocationID', 'RatecodeID'], numeric: [rate] }
    expect(typesOf(asBoth)).toEqual({ PULocationID: 'int64', RatecodeID: 'double' })
    const maybe = { category: 'VendorID', or_missing: true }
    expect(typesOf({ categorical: ['PULocationID', maybe] })).toEqual({
      PULocationID: 'int64',
      VendorID: 'double',
    })
    const binned = { product: ['hour', { bin: 'VendorID', edges: [1.5] }] }
    expect(typesOf({ categorical: [binned, 'VendorID'] })).toEqual({
      pickup_datetime: 'int64',
      VendorID: 'double',
    })
  })

  /** A model of one term whose levels have the minutes given, and no intercept. */
  const modelOf = (terms: object, minutes: Readonly<Record<string, number>>): Model => {
    const vectorizer = DictVectorizer.fromFeatureNames(Object.keys(minutes))
    return linearModel({
      format_version: modelFormat,
      kind: 'linear',
      taxi: 'green',
      recipe: recipeOf({ target: { min: -1, max: 60 }, ...terms }),
      intercept: 0,
      vectorizer: vectorizer.toJSON(),
      coefficients: vectorizer.featureNames().map((name) => minutes[name] as number),
    })
  }

  test('the hour of a pickup is that of the wall clock, before 1970 too', () => {
    const hours = Array.from({ length: 168 }, (_, hour) => [`hour_of_week=${hour}`, hour])
    const model = modelOf({ categorical: ['hour_of_week'] }, Object.fromEntries(hours))
    const at = (text: string): unknown =>
      answers(model, rideBatch([{ pickup: parseWallClock(text) }]))[0][0]
    // By the calendar: 2021-02-03 was a Wednesday, 1969-12-28 a Sunday, 1970-01-05 a Monday.
    expect(at('2021-02-03T08:15')).toBe(2 * 24 + 8)
    expect(at('1969-12-28T23:59:59.999999')).toBe(167)
    expect(at('1970-01-05T00:00')).toBe(0)
  })

  test('no combination of integers meets the level of another', () => {
    const PU_DO = { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] }
    const model = modelOf({ categorical: [PU_DO] }, { 'PU_DO=43_151': 5, 'PU_DO=0_0': 7 })
    const document = decodeOnnx(onnxModel(model, about))
    const minutes = (from: bigint, to: bigint): unknown => {
      const feeds = { PULocationID: BigInt64Array.of(from), DOLocationID: BigInt64Array.of(to) }
      return evaluateOnnx(document, feeds)[0]
    }
    expect([minutes(43n, 151n), minutes(0n, 0n), minutes(43n, 0n)]).toEqual([5, 7, 0])
    // 43 * 65,536 + 151 in other ways, with and without the 64 bits running over.
    const levels = 65_536n
    expect(minutes(42n, 151n + levels)).toBe(0)
    expect(minutes(44n, 151n - levels)).toBe(0)
    expect(minutes(0n, 43n * levels + 151n)).toBe(0)
    expect(minutes(43n + (1n << 48n), 151n)).toBe(0)
    expect(minutes(1n << 48n, 0n)).toBe(0)
    expect(minutes(-(1n << 63n), (1n << 63n) - 1n)).toBe(0)
    expect(minutes(1n, -levels)).toBe(0)
  })
})

describe('what is asked of a model that knows nothing', () => {
  test('a term without a level adds nothing, for every ride', () => {
    const base = randomModel(recipeOf({ categorical: ['PULocationID'] }))
    const document = { ...base.toJSON(), coefficients: [] }
    const vectorizer = { ...document.vectorizer, feature_names: [] }
    const model = linearModel({ ...document, vectorizer })
    const minutes = Math.max(model.intercept, 1)
    expect(answers(model, rideBatch([{ PULocationID: 1 }, {}]))[0]).toEqual([minutes, minutes])
  })

  test('a term of what is known only after the ride is refused', () => {
    const terms = featuresOf({
      categorical: [{ name: 'late', atoms: [{ kind: 'bin', of: 'duration', edges: [30] }] }],
      numeric: [],
    })
    const ride = new OnnxRide(new OnnxGraph([]), new Map())
    expect(() => categoryCode(ride, terms.categorical[0] as CategoricalTerm)).toThrow(
      expect.objectContaining({
        code: 'export_unsupported',
        message: expect.stringContaining('term late is of duration: expected ids'),
      }),
    )
  })
})
