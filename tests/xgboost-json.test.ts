/** XGBoost's model format: there and back, and what is refused. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRidecastError } from '../src/errors.ts'
import { trainBoosted } from '../src/pipeline/trees/train.ts'
import { parseXgboost, readXgboost, xgboostJson } from '../src/xgboost-json.ts'
import { rideTable } from './pipeline/trees/tables.ts'

const table = rideTable(3000)
const { ensemble } = await trainBoosted(table, { settings: { rounds: 6 } })
const text = xgboostJson(ensemble)

interface LooseTree {
  [list: string]: (number | boolean)[]
}

interface Loose {
  learner: {
    [key: string]: unknown
    gradient_booster: { name: string; model: { trees: LooseTree[] } }
    learner_model_param: Record<string, string>
    objective: { name: string }
    feature_names: string[]
    feature_types: string[]
  }
}

/** The document with something changed. */
function changed(change: (document: Loose, tree: LooseTree) => void): Loose {
  const document = JSON.parse(text) as Loose
  change(document, document.learner.gradient_booster.model.trees[1]!)
  return document
}

describe('a model of ours', () => {
  test('comes back as it was', () => {
    const again = parseXgboost(text)
    expect(again.trees).toEqual(ensemble.trees)
    expect(again.features).toEqual(ensemble.features)
    expect(again.base).toBe(ensemble.base)
    expect(xgboostJson(again)).toBe(text)
  })

  test('writes each float with an exponent, since XGBoost takes no whole number for one', () => {
    const list = /"sum_hessian":\[([^\]]*)\]/.exec(text)?.[1]?.split(',') ?? []
    expect(list.length).toBeGreaterThan(20)
    expect(list.every((number) => /^\d(\.\d+)?e[+-]\d+$/.test(number))).toBe(true)
  })
})

/** As Python's xgboost 3.2.0 wrote it, of two rounds of depth 1. */
const written = `{"learner":{"attributes":{},"feature_names":[],"feature_types":[],"gradient_booster":{"model":{"cats":{"enc":[],"feature_segments":[],"sorted_idx":[]},"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"1"},"iteration_indptr":[0,1],"tree_info":[0],"trees":[{"base_weights":[2.7125466E-8,1.4425993E0,-1.2100923E0],"categories":[0,2,35],"categories_nodes":[0],"categories_segments":[0],"categories_sizes":[3],"default_left":[1,0,0],"id":0,"left_children":[1,-1,-1],"loss_changes":[8.7633057E2,0E0,0E0],"parents":[2147483647,0,0],"right_children":[2,-1,-1],"split_conditions":[1E-45,2.7484083E-1,-2.0864013E-1],"split_indices":[1,0,0],"split_type":[1,0,0],"sum_hessian":[5E2,2.28E2,2.72E2],"tree_param":{"num_deleted":"0","num_feature":"2","num_nodes":"3","size_leaf_vector":"1"}}]},"name":"gbtree"},"learner_model_param":{"base_score":"[1.9163452E0]","boost_from_average":"1","num_class":"0","num_feature":"2","num_target":"1"},"objective":{"name":"reg:squarederror","reg_loss_param":{"scale_pos_weight":"1"}}},"version":[3,2,0]}`

describe('a model of XGBoost', () => {
  test('is read with its base in brackets and its sets, named by number without names', () => {
    const read = parseXgboost(written)
    expect(read.features).toEqual([
      { name: 'f0', kind: 'number' },
      { name: 'f1', kind: 'category' },
    ])
    const [left, right] = [0.27484083, -0.20864013].map((value) => {
      return Math.fround(Math.fround(1.9163452) + Math.fround(value))
    })
    expect([0, 1, 2, 35, 36, Number.NaN].map((code) => read.predict([0, code]))) //
      .toEqual([right, left, right, right, left, left])
  })

  test('of older versions is read: true and false, no categories, no types', () => {
    const document = changed(({ learner }) => {
      learner.feature_types = []
      learner.feature_names = []
      learner.learner_model_param.base_score = '5E-1'
      const trees = learner.gradient_booster.model.trees.filter(
        ({ categories }) => !categories!.length,
      )
      learner.gradient_booster.model.trees = [{ ...learner.gradient_booster.model.trees[0]! }].map(
        (tree) => {
          const { split_type: _, categories_nodes: __, ...rest } = tree
          return {
            ...rest,
            split_indices: tree.split_indices!.map(() => 1),
            default_left: tree.default_left!.map(Boolean),
          }
        },
      )
      expect(trees.length).toBeGreaterThanOrEqual(0)
    })
    const read = readXgboost(document)
    expect(read.base).toBe(0.5)
    expect(read.features.every(({ kind }) => kind === 'number')).toBe(true)
  })

  test('loses the nodes that pruning has cut off', () => {
    const document = changed((_, tree) => {
      const [left, right] = [tree.left_children!, tree.right_children!]
      const node = left.findIndex(
        (child, i) =>
          child !== -1 && left[child as number] === -1 && left[right[i] as number] === -1,
      )
      left[node] = right[node] = -1
    })
    const [before, after] = [ensemble.trees[1]!, readXgboost(document).trees[1]!]
    expect(after.feature.length).toBe(before.feature.length - 2)
  })
})

const put = (list: (number | boolean)[], value: number | boolean): void => {
  list[0] = value
}

const set = (record: object, key: string, value: unknown): void => {
  Object.assign(record, { [key]: value })
}

describe('a damaged model', () => {
  const cases: [string, (document: Loose, tree: LooseTree) => void, RegExp][] = [
    ['a child that is the root', (_, tree) => put(tree.left_children!, 0), /tree 1: .*child 0/],
    ['a child behind the end', (_, tree) => put(tree.right_children!, 999), /child 999/],
    ['a child that is no whole number', (_, tree) => put(tree.left_children!, 1.5), /1\.5/],
    ['a child below -1', (_, tree) => put(tree.left_children!, -7), /child -7/],
    ['one child', (_, tree) => put(tree.right_children!, -1), /child -1/],
    [
      'two ways to a node',
      (_, tree) => put(tree.left_children!, tree.right_children![0]!),
      /reached twice/,
    ],
    [
      'a cycle',
      (_, tree) => {
        const inner = tree.left_children!.findIndex((child, i) => i > 0 && child !== -1)
        tree.left_children![inner] = tree.left_children![0]!
      },
      /reached twice/,
    ],
    ['a feature that is not there', (_, tree) => put(tree.split_indices!, 3), /feature 3/],
    ['a feature below 0', (_, tree) => put(tree.split_indices!, -1), /feature -1/],
    [
      'a threshold out of range',
      (_, tree) => put(tree.split_conditions!, 1e39),
      /split_conditions holds 1e\+39/,
    ],
    ['rows below 0', (_, tree) => put(tree.sum_hessian!, -1), /sum_hessian/],
    ['a short list', (_, tree) => void tree.default_left!.pop(), /lists of/],
    ['no nodes', (_, tree) => void Object.assign(tree, { left_children: [] }), /no nodes/],
    [
      'text among numbers',
      (_, tree) => void Object.assign(tree, { loss_changes: ['1'] }),
      /expected numbers/,
    ],
    [
      'a list that is none',
      (_, tree) => void Object.assign(tree, { split_indices: 5 }),
      /expected numbers/,
    ],
    [
      'sets that are not there',
      (_, tree) => void Object.assign(tree, { categories: [] }),
      /categories of node/,
    ],
    ['a category below 0', (_, tree) => put(tree.categories!, -5), /category -5/],
    ['a category beyond floats', (_, tree) => put(tree.categories!, 2 ** 24), /category 16777216/],
    [
      'a set for a number',
      ({ learner }) => void learner.feature_types.fill('float'),
      /another way/,
    ],
    ['a split without its set', (_, tree) => void tree.categories_nodes!.fill(9999), /another way/],
    [
      'a base that is no number',
      ({ learner }) => set(learner.learner_model_param, 'base_score', 'NaN'),
      /base_score/,
    ],
    [
      'several bases',
      ({ learner }) => set(learner.learner_model_param, 'base_score', '[1E0,2E0]'),
      /base_score/,
    ],
    [
      'too many features',
      ({ learner }) => set(learner.learner_model_param, 'num_feature', '1e9'),
      /num_feature/,
    ],
    [
      'names of other features',
      ({ learner }) => void learner.feature_names.pop(),
      /2 names or types for 3/,
    ],
    ['no learner', (document) => void Object.assign(document, { learner: null }), /learner/],
  ]

  test.each(cases)('is refused: %s', (_, change, message) => {
    const read = (): unknown => readXgboost(changed(change))
    expect(read).toThrow(message)
    expect(read).toThrow(expect.objectContaining({ code: 'artifact_corrupt' }))
  })

  test('is refused: a tree as deep as it has nodes', () => {
    const depth = 50_000
    const chain = (left: number, right: number): number[] =>
      Array.from({ length: 2 * depth + 1 }, (_, i) =>
        i % 2 || i === 2 * depth ? -1 : i + (left || right),
      )
    const document = changed((_, tree) => {
      const size = 2 * depth + 1
      for (const name of Object.keys(tree))
        if (Array.isArray(tree[name])) tree[name] = new Array(size).fill(0)
      Object.assign(tree, { left_children: chain(1, 0), right_children: chain(0, 2) })
      for (const name of ['', '_nodes', '_segments', '_sizes']) tree[`categories${name}`] = []
    })
    expect(() => readXgboost(document)).toThrow(/tree 1: deeper than 128/)
  })

  test.each([
    ['booster', ({ learner }: Loose) => set(learner.gradient_booster, 'name', 'dart')],
    ['objective', ({ learner }: Loose) => set(learner.objective, 'name', 'binary:logistic')],
    ['classes', ({ learner }: Loose) => set(learner.learner_model_param, 'num_class', '3')],
    ['targets', ({ learner }: Loose) => set(learner.learner_model_param, 'num_target', '2')],
  ])('of another %s is said to be unread, not damaged', (name, change) => {
    expect(() => readXgboost(changed(change))) //
      .toThrow(
        expect.objectContaining({
          code: 'artifact_format',
          message: expect.stringContaining(name),
        }),
      )
  })

  test('never does anything but predict or be refused, whatever number is changed to what', () => {
    const numbers = fc.oneof(
      fc.integer({ min: -3, max: 70 }),
      fc.double(),
      fc.constantFrom(2 ** 31, -(2 ** 31), 1e300, null, 'x', [], {}),
    )
    const lists = Object.entries(JSON.parse(text).learner.gradient_booster.model.trees[1]) //
      .flatMap(([name, list]) => (Array.isArray(list) ? [name] : []))
    fc.assert(
      fc.property(fc.constantFrom(...lists), fc.nat(), numbers, (name, at, value) => {
        const document = changed((_, tree) => {
          const list = tree[name]!
          list[at % Math.max(1, list.length)] = value as number
        })
        try {
          const minutes = readXgboost(document).predictTable(table.columns)
          expect(minutes.length).toBe(3000)
        } catch (error) {
          expect(isRidecastError(error, 'artifact_corrupt')).toBe(true)
        }
      }),
      { numRuns: 300, seed: 1 },
    )
    for (const end of [0, 1, 100, text.length - 1]) {
      expect(() => parseXgboost(text.slice(0, end))).toThrow(/XGBoost model/)
    }
  })
})
