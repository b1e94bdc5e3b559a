/** Trees, forests and ensembles as ONNX, and measures of zones and times, without ONNX Runtime. */

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { onnxModel } from '../../src/export/onnx.ts'
import { onnxInputs } from '../../src/export/onnx-inputs.ts'
import { nodeModes, treeAttributes } from '../../src/export/onnx-trees.ts'
import { linearModel } from '../../src/linear-model.ts'
import { type MadeName, madeNames } from '../../src/measures.ts'
import type { EnsembleModel, Model } from '../../src/model.ts'
import { modelFormat } from '../../src/model-format.ts'
import { checkRecipe } from '../../src/recipe.ts'
import { parseWallClock, type RideBatch } from '../../src/ride.ts'
import { type Tree, TreeEnsemble, type TreeFeature } from '../../src/tree-ensemble.ts'
import { DictVectorizer } from '../../src/vectorizer.ts'
import { randomModel, randomRides, rideBatch } from '../random-rides.ts'
import { both, fitted, grown, line, stand, wood } from './fitted-models.ts'
import { decodeOnnx, elements, evaluateOnnx } from './onnx-evaluate.ts'
import { rideRow } from './onnx-recipes.ts'
import { feedsOf, minutesOf } from './onnx-rides.ts'

const about = { name: 'green-duration', version: '1', lineage: {} }
const hostile = rideBatch([
  ...randomRides(31, 400),
  ...fc.sample(rideRow, { seed: 7, numRuns: 600 }),
  {},
])

/** What the graph answers for some rides, and what the model does. */
function answers(model: Model, rides: RideBatch): [number[], number[]] {
  const found = evaluateOnnx(decodeOnnx(onnxModel(model, about)), feedsOf(model, rides))
  return [[...found], [...minutesOf(model, rides)]]
}

const recipes = [grown, wood, both, stand]
const models = new Map<string, Model>()
beforeAll(async () => {
  for (const recipe of recipes) models.set(recipe.name, await fitted(recipe))
})
const of = (name: string): Model => models.get(name) as Model

describe.each(recipes.map(({ name, model }) => [name, model]))('%s, of %s', (name) => {
  test('computes what the model predicts, to the bit, for hostile values too', () => {
    const [found, expected] = answers(of(name), hostile)
    expect(new Set(expected).size).toBeGreaterThan(300)
    expect(found).toEqual(expected)
  })

  test('needs the release of ONNX that has sets of categories', () => {
    // ONNX 1.16 is IR 10 and ai.onnx.ml 5, by the table in onnx/docs/Versioning.md.
    expect(decodeOnnx(onnxModel(of(name), about))).toMatchObject({
      irVersion: 10,
      opsetImport: [
        { domain: '', version: 20 },
        { domain: 'ai.onnx.ml', version: 5 },
      ],
    })
  })

  test('gives every value one name, and reads every constant and input', () => {
    const { graph } = decodeOnnx(onnxModel(of(name), about))
    const inputs = graph.input.map(({ name: input }) => input)
    expect(inputs).toEqual(onnxInputs(of(name)).map((input) => input.name))
    const constants = graph.initializer.map((each) => each.name)
    const made = [...inputs, ...constants, ...graph.node.flatMap(({ output }) => output)]
    expect(new Set(made).size).toBe(made.length)
    const read = new Set(graph.node.flatMap(({ input }) => input))
    expect(made.filter((value) => !read.has(value))).toEqual(['duration'])
  })

  test('is the same bytes every time', () => {
    const bytes = Buffer.from(onnxModel(of(name), about))
    expect(bytes.equals(onnxModel(of(name), about))).toBe(true)
  })

  test('takes what need not be known as doubles, of which NaN is missing', () => {
    const types = Object.fromEntries(onnxInputs(of(name)).map((input) => [input.name, input.type]))
    expect(types).toMatchObject({
      PULocationID: 'int64',
      DOLocationID: 'int64',
      pickup_datetime: 'int64',
      trip_distance: 'double',
      VendorID: 'double',
      RatecodeID: 'double',
      passenger_count: 'double',
    })
  })
})

test('what two members read of a ride is written once', () => {
  const { graph } = decodeOnnx(onnxModel(of('stand'), about))
  const tables = graph.initializer.filter(({ name }) => name.startsWith('zone_distance/by_zones'))
  expect(tables).toHaveLength(1)
  expect(graph.node.filter(({ opType }) => opType === 'TreeEnsemble')).toHaveLength(2)
})

test('a member that counts for nothing takes no room', () => {
  const { members, ...model } = of('both') as EnsembleModel
  const without: EnsembleModel = {
    ...model,
    members: members.map((member, k) => ({ ...member, weight: k === 0 ? 1 : 0 })),
    predict: (rides, i) => members[0]?.model.predict(rides, i) as number,
  }
  const [found, expected] = answers(without, hostile)
  expect(found).toEqual(expected)
  const { graph } = decodeOnnx(onnxModel(without, about))
  expect(graph.node.map(({ name }) => name).filter((name) => name.startsWith('line/'))).toEqual([])
})

test('a line of places and times computes what it predicts, to the bit', () => {
  const [found, expected] = answers(randomModel(line), hostile)
  expect(new Set(expected).size).toBeGreaterThan(300)
  expect(found).toEqual(expected)
})

describe('measures', () => {
  /** A model that answers with the measure itself. */
  const modelOf = (name: MadeName): Model =>
    linearModel({
      format_version: modelFormat,
      kind: 'linear',
      taxi: 'green',
      recipe: checkRecipe(
        {
          name: 'm',
          target: { min: -1e9, max: 1e9 },
          numeric: [{ name: 'x', of: name, steps: [{ clip: [-1e6, 1e6] }] }],
        },
        'm',
      ),
      intercept: 0,
      vectorizer: DictVectorizer.fromFeatureNames(['x']).toJSON(),
      coefficients: [1],
    })

  test.each(madeNames)('%s is what it is for every pair of zones and many times', (name) => {
    const rides = rideBatch(
      Array.from({ length: 270 * 3 }, (_, k) => ({
        PULocationID: k % 270,
        DOLocationID: (k * 7 + 3) % 269,
        trip_distance: (k % 37) / 4,
        // Steps of 13 days, 5 hours and some minutes, from 1940 to 2099.
        pickup: parseWallClock('1940-01-01T00:00') + k * (72 * 86_400e6 + 19_000e6),
      })),
    )
    const [found, expected] = answers(modelOf(name), rides)
    expect(new Set(expected).size).toBeGreaterThan(1)
    expect(found.map((value) => value + 0)).toEqual(expected.map((value) => value + 0))
  })

  test('a holiday is one in every year, on its own day', () => {
    // 5 U.S.C. 6103(a): Juneteenth since 2021, Independence Day always.
    const days = ['1968-07-04', '2020-06-19', '2021-06-19', '2021-07-04', '2021-07-05']
    const rides = rideBatch(
      days.flatMap((day) =>
        ['00:00', '23:59:59.999999'].map((time) => ({ pickup: parseWallClock(`${day}T${time}`) })),
      ),
    )
    expect(answers(modelOf('holiday'), rides)[0]).toEqual([1, 1, 0, 0, 1, 1, 1, 1, 0, 0])
  })
})

describe('the trees of a file', () => {
  const features: TreeFeature[] = [
    { name: 'zone', kind: 'category' },
    { name: 'miles', kind: 'number' },
  ]

  /** A tree of one split with leaves 1 and 2. */
  const stump = (feature: number, missingLeft: number, codes?: readonly number[]): Tree => ({
    feature: Int32Array.of(feature, -1, -1),
    threshold: Float32Array.of(2.5, 0, 0),
    categories: new Map(
      codes ? [[0, Uint32Array.of(codes.reduce((bits, code) => bits | (1 << code), 0))]] : [],
    ),
    left: Int32Array.of(1, -1, -1),
    right: Int32Array.of(2, -1, -1),
    missingLeft: Uint8Array.of(missingLeft, 0, 0),
    value: Float32Array.of(0, 1, 2),
    gain: new Float32Array(3),
    cover: new Float32Array(3),
  })

  const lists = (trees: readonly Tree[]): Record<string, number[]> =>
    Object.fromEntries(
      treeAttributes(new TreeEnsemble(features, trees, 10), [5, 0]).flatMap(({ name, ints, t }) =>
        ints || t
          ? [[name, ints ? [...ints] : elements(t as NonNullable<typeof t>).map(Number)]]
          : [],
      ),
    )

  test('start with the base, and have the smaller side of a set as the true branch', () => {
    // Of the codes 0 to 4, three go right: 1, 2 and 4, so that the set of the left is written.
    const { members, ...found } = {
      members: lists([stump(0, 1, [1, 2, 4])]).membership_values,
      ...lists([stump(0, 1, [1, 2, 4])]),
    }
    expect(members).toEqual([0, 3, Number.NaN])
    expect(found).toMatchObject({
      tree_roots: [0, 1],
      nodes_modes: [nodeModes.less, nodeModes.member],
      nodes_missing_value_tracks_true: [1, 1],
      leaf_weights: [10, 10, 1, 2],
      nodes_truenodeids: [0, 2],
      nodes_falsenodeids: [1, 3],
    })
    const right = lists([stump(0, 1, [4])])
    expect(right.membership_values).toEqual([4, Number.NaN])
    expect(right.leaf_weights).toEqual([10, 10, 2, 1])
    expect(right.nodes_missing_value_tracks_true).toEqual([1, 0])
  })

  test('write no empty set, for which ONNX Runtime looks beyond its end', () => {
    const found = lists([stump(0, 0, []), stump(0, 0, [0, 1, 2, 3, 4])])
    expect(found.nodes_modes).toEqual([nodeModes.less, nodeModes.equal, nodeModes.equal])
    expect(found.nodes_splits?.slice(1)).toEqual([-1, -1])
    expect(found).not.toHaveProperty('membership_values')
  })

  test('may be a leaf alone, which is written as two of the same value', () => {
    const leaf: Tree = {
      ...stump(0, 0),
      feature: Int32Array.of(-1),
      value: Float32Array.of(7.5),
      left: Int32Array.of(-1),
      right: Int32Array.of(-1),
    }
    expect(lists([leaf])).toMatchObject({
      tree_roots: [0, 1],
      leaf_weights: [10, 10, 7.5, 7.5],
      nodes_trueleafs: [1, 1],
      nodes_falseleafs: [1, 1],
    })
  })
})
