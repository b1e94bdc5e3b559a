/** What an ensemble predicts and why, against definitions written out. */

import { describe, expect, test } from 'vitest'
import { trainBoosted } from '../src/pipeline/trees/train.ts'
import { TreeContributions } from '../src/tree-contributions.ts'
import { type Tree, type TreeColumn, TreeEnsemble } from '../src/tree-ensemble.ts'
import { categoryColumn, numberColumn, rideTable, rowOf } from './pipeline/trees/tables.ts'

/** number < 2.5 ? (category in {1, 33} ? 20 : 10) : 30; missing numbers right, categories right. */
const tree: Tree = {
  feature: Int32Array.of(0, 1, -1, -1, -1),
  threshold: Float32Array.of(2.5, 0, 0, 0, 0),
  categories: new Map([[1, Uint32Array.of(2, 2)]]),
  left: Int32Array.of(1, 3, -1, -1, -1),
  right: Int32Array.of(2, 4, -1, -1, -1),
  missingLeft: Uint8Array.of(0, 0, 0, 0, 0),
  value: Float32Array.of(0, 0, 30, 10, 20),
  gain: Float32Array.of(5, 3, 0, 0, 0),
  cover: Float32Array.of(8, 6, 2, 4, 2),
}
const features = [
  { name: 'number', kind: 'number' },
  { name: 'category', kind: 'category' },
] as const

/** The same trees, looked up and walked. */
const bothWays = (of: TreeEnsemble): TreeEnsemble[] => [
  new TreeEnsemble(of.features, of.trees, of.base),
  new TreeEnsemble(of.features, of.trees, of.base, 0),
]

describe('a prediction', () => {
  test.each([
    [[2.4, 1], 20],
    [[2.4, 33], 20],
    [[2.4, 0], 10],
    [[2.5, 1], 30],
    [[Number.NaN, 1], 30],
    [[-Infinity, -1], 20],
    [[-Infinity, Number.NaN], 20],
    [[Infinity, 1], 30],
    // No set holds those, so they go left.
    [[0, 34], 10],
    [[0, 64], 10],
    [[0, 2 ** 30], 10],
    // Below the threshold in 64 bits, not in the 32 that trees see.
    [[2.5 - 1e-12, 1], 30],
  ])('of %j is %i more than the base', (row, minutes) => {
    for (const ensemble of bothWays(new TreeEnsemble(features, [tree], 1))) {
      expect(ensemble.predict(row)).toBe(minutes + 1)
      const columns = [
        numberColumn('number', [row[0]!]),
        categoryColumn('category', [Number.isNaN(row[1]) ? -1 : row[1]!], 99),
      ]
      expect([...ensemble.predictTable(columns)]).toEqual([minutes + 1])
    }
  })

  test('is rounded to 32 bits after each tree, as XGBoost adds', () => {
    const leaf = (value: number): Tree => ({
      ...tree,
      ...{ feature: Int32Array.of(-1), value: Float32Array.of(value), categories: new Map() },
      ...{ left: Int32Array.of(-1), right: Int32Array.of(-1) },
    })
    const trees = Array.from({ length: 100 }, (_, i) => leaf(0.1 + i))
    let expected = Math.fround(16.1)
    for (let i = 0; i < 100; i++) expected = Math.fround(expected + Math.fround(0.1 + i))
    for (const ensemble of bothWays(new TreeEnsemble(features, trees, 16.1))) {
      expect(ensemble.predict([1, 1])).toBe(expected)
    }
    expect(new TreeEnsemble(features, [], 16.1).predict([1, 1])).toBe(Math.fround(16.1))
  })

  test.each([8, 31, 33, 150])('is the same looked up and walked, %i leaves', async (leaves) => {
    const table = rideTable(4000)
    const { ensemble } = await trainBoosted(table, { settings: { rounds: 20, leaves, minRows: 2 } })
    expect(Math.max(...ensemble.trees.map(({ feature }) => (feature.length + 1) / 2))).toBe(leaves)
    const other = rideTable(3000, 9, 0.2)
    const [masks, walk] = bothWays(ensemble).map((one) => one.predictTable(other.columns))
    expect(walk).toEqual(masks)
    const rows = other.target.map((_, i) => ensemble.predict(rowOf(other, i)))
    expect([...rows]).toEqual([...masks!])
  })

  /** A tree that asks one feature after another whether it is below 0, and stops where one is. */
  function chain(splits: number): TreeEnsemble {
    const nodes = 2 * splits + 1
    // Node 2k splits by feature k; its left child is a leaf, its right one the next split.
    const isLeaf = (node: number): boolean => node % 2 === 1 || node === nodes - 1
    const of = <T>(fill: (node: number) => T): T[] =>
      Array.from({ length: nodes }, (_, i) => fill(i))
    const one: Tree = {
      feature: Int32Array.from(of((node) => (isLeaf(node) ? -1 : node / 2))),
      threshold: new Float32Array(nodes),
      categories: new Map(),
      left: Int32Array.from(of((node) => (isLeaf(node) ? -1 : node + 1))),
      right: Int32Array.from(of((node) => (isLeaf(node) ? -1 : node + 2))),
      missingLeft: new Uint8Array(nodes),
      value: Float32Array.from(of((node) => node)),
      gain: new Float32Array(nodes),
      cover: new Float32Array(nodes).fill(1),
    }
    const names = Array.from({ length: splits }, (_, f) => {
      return { name: `f${f}`, kind: 'number' } as const
    })
    return new TreeEnsemble(names, [one, one], 0)
  }

  test.each([
    [60, 'looked up'],
    [70, 'walked, since it asks too many features'],
    [127, 'walked'],
  ])('of a tree of %i features is right, %s', (splits) => {
    for (const ensemble of bothWays(chain(splits))) {
      for (const at of [0, 1, 31, splits - 1]) {
        const row = Array.from({ length: splits }, (_, f) => (f < at ? 0 : -1))
        expect(ensemble.predict(row)).toBe(2 * (2 * at + 1))
      }
      expect(ensemble.predict(new Array(splits).fill(0))).toBe(4 * splits)
      expect(ensemble.predict(new Array(splits).fill(Number.NaN))).toBe(4 * splits)
    }
  })

  test.each([0, 1, 255, 256, 257, 600])('of %i rows at once is each of them', async (rows) => {
    const { ensemble } = await trainBoosted(rideTable(2000), { settings: { rounds: 5 } })
    const table = rideTable(600, 3, 0.2)
    const expected = Array.from({ length: rows }, (_, i) => ensemble.predict(rowOf(table, i)))
    for (const one of bothWays(ensemble)) {
      const minutes = one.predictRows(rows, (i, values) => values.set(rowOf(table, i)))
      expect([...minutes]).toEqual(expected)
    }
  })
})

test('importance counts splits, and sums gains and rows', () => {
  expect(new TreeEnsemble(features, [tree, tree], 0).importance()).toEqual([
    { feature: 'number', splits: 2, gain: 10, cover: 16 },
    { feature: 'category', splits: 2, gain: 6, cover: 12 },
  ])
})

describe('contributions', () => {
  /** What a tree gives when only some features are known: others follow the training rows. */
  function expected(
    of: Tree,
    node: number,
    row: readonly number[],
    known: ReadonlySet<number>,
  ): number {
    const f = of.feature[node]!
    if (f < 0) return of.value[node]!
    const [left, right] = [of.left[node]!, of.right[node]!]
    if (known.has(f)) {
      const value = row[f]!
      const set = of.categories.get(node)
      let isLeft = of.missingLeft[node] === 1
      if (set && value >= 0) isLeft = ((set[value >> 5] ?? 0) & (1 << (value & 31))) === 0
      if (!set && !Number.isNaN(value)) isLeft = Math.fround(value) < of.threshold[node]!
      return expected(of, isLeft ? left : right, row, known)
    }
    const share = of.cover[left]! / of.cover[node]!
    return share * expected(of, left, row, known) + (1 - share) * expected(of, right, row, known)
  }

  /** Shapley values by their definition: over all orders in which features become known. */
  function shapley(ensemble: TreeEnsemble, row: readonly number[]): number[] {
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]
    const sums = [0, 0, 0]
    for (const one of ensemble.trees) {
      for (const order of orders) {
        const known = new Set<number>()
        for (const f of order) {
          const before = expected(one, 0, row, known)
          known.add(f)
          sums[f]! += (expected(one, 0, row, known) - before) / orders.length
        }
      }
    }
    return sums
  }

  test('are the Shapley values, and add up to the prediction to the bit', async () => {
    const table = rideTable(3000)
    const { ensemble } = await trainBoosted(table, { settings: { rounds: 12, minRows: 5 } })
    const contributions = new TreeContributions(ensemble)
    const minutes = new Float64Array(3)
    const other = rideTable(200, 5, 0.2)
    for (let i = 0; i < other.target.length; i++) {
      const row = rowOf(other, i)
      const prediction = contributions.explain(row, minutes)
      expect(prediction).toBe(ensemble.predict(row))
      const sum = minutes.reduce((partial, one) => partial + one, contributions.intercept)
      expect(sum).toBe(prediction)
      for (const [f, value] of shapley(ensemble, row).entries()) {
        // What rounding to 32 bits leaves, of 12 trees.
        expect(Math.abs(minutes[f]! - value)).toBeLessThan(2e-5)
      }
    }
  })

  test('of a feature that no tree uses are 0, and the intercept is the mean over training', () => {
    const contributions = new TreeContributions(
      new TreeEnsemble([...features, { name: 'x', kind: 'number' }], [tree], 1),
    )
    const minutes = new Float64Array(3)
    contributions.explain([1, 1, 5], minutes)
    expect(minutes[2]).toBe(0)
    // By hand: (2 * 30 + 4 * 10 + 2 * 20) / 8 + 1.
    expect(contributions.intercept).toBe(18.5)
  })

  test('add up for sums that cancel, and for an ensemble of nothing', () => {
    const columns: TreeColumn[] = [numberColumn('number', [1])]
    const huge = { ...tree, value: Float32Array.of(0, 0, 3e4, -1e4, 2e-3) }
    for (const trees of [[], [huge], [huge, tree]]) {
      const ensemble = new TreeEnsemble(features, trees, 1e-3)
      const contributions = new TreeContributions(ensemble)
      for (const category of [0, 1]) {
        const minutes = new Float64Array(2)
        const prediction = contributions.explain([columns.length, category], minutes)
        expect(contributions.intercept + minutes[0]! + minutes[1]!).toBe(prediction)
      }
    }
  })
})
