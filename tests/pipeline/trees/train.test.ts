/** Training of trees: against exhaustive search, on any number of threads, and at the edges. */

import { describe, expect, test } from 'vitest'
import type { TreeTable } from '../../../src/pipeline/trees/table.ts'
import { trainBoosted, trainForest } from '../../../src/pipeline/trees/train.ts'
import type { Tree } from '../../../src/tree-ensemble.ts'
import { xgboostJson } from '../../../src/xgboost-json.ts'
import { randomNumbers } from '../../random-rides.ts'
import { categoryColumn, numberColumn, rideTable, rmseOf, rowOf } from './tables.ts'

/** One tree that takes all it can get. */
const greedy = {
  rounds: 1,
  learningRate: 1,
  minRows: 1,
  minCategoryRows: 1,
  categorySmoothing: 0,
  categoryL2: 0,
}

const squares = (values: readonly number[]): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
}

describe('the first split', () => {
  /** By how much the best of all splits of numbers lowers the sum of squares, by trying each. */
  function bestByTrying({ columns, target }: TreeTable): number {
    const rows = [...target.keys()]
    let best = 0
    for (const column of columns) {
      if (column.kind !== 'number') continue
      const missing = rows.filter((i) => Number.isNaN(column.values[i]!))
      const known = rows.filter((i) => !Number.isNaN(column.values[i]!))
      for (const cut of new Set(known.map((i) => column.values[i]!))) {
        const below = known.filter((i) => column.values[i]! < cut)
        const above = known.filter((i) => column.values[i]! >= cut)
        for (const [left, right] of [
          [[...below, ...missing], above],
          [below, [...above, ...missing]],
        ] as const) {
          if (left.length === 0 || right.length === 0) continue
          const pick = (some: readonly number[]): number[] => some.map((i) => target[i]!)
          best = Math.max(best, squares([...target]) - squares(pick(left)) - squares(pick(right)))
        }
      }
    }
    return best
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('is the best of all, random table %i', async (seed) => {
    const random = randomNumbers(seed)
    const make = (): number[] =>
      Array.from({ length: 40 }, () => (random() < 0.15 ? Number.NaN : Math.round(random() * 20)))
    const target = Float64Array.from({ length: 40 }, () => Math.round(random() * 600) / 60)
    const table = { columns: [numberColumn('a', make()), numberColumn('b', make())], target }
    const { ensemble } = await trainBoosted(table, { settings: { ...greedy, leaves: 2 } })
    // 32-bit floats hold 7 digits.
    expect(ensemble.trees[0]!.gain[0]! / bestByTrying(table)).toBeCloseTo(1, 5)
  })

  test.each([1, 2, 3, 4])('by category parts them as no other set does, table %i', async (seed) => {
    const random = randomNumbers(seed)
    const codes = Array.from({ length: 60 }, (_, i) => (i < 7 ? i : Math.floor(random() * 7)))
    const target = Float64Array.from(codes, (code) => ((code * 5) % 7) + random() * 3)
    const table = { columns: [categoryColumn('c', codes, 7)], target }
    let best = 0
    for (let set = 1; set < 2 ** 7 - 1; set++) {
      const parts: [number[], number[]] = [[], []]
      for (const [i, code] of codes.entries()) parts[(set >> code) & 1]!.push(target[i]!)
      best = Math.max(best, squares([...target]) - squares(parts[0]) - squares(parts[1]))
    }
    const { ensemble } = await trainBoosted(table, { settings: { ...greedy, leaves: 2 } })
    expect(ensemble.trees[0]!.gain[0]! / best).toBeCloseTo(1, 5)
  })

  test('has the gain and the values of the formula, with l1 and l2', async () => {
    // By hand: mean 4.5, gradients 3.5, 2.5, -1.5, -4.5; G = 6 and -6, shrunk by 1 to 5 and -5,
    // over 2 rows + l2 = 2: gain 25/4 + 25/4 - 0, values -5/4 and 5/4.
    const table = {
      columns: [numberColumn('a', [1, 2, 3, 4])],
      target: Float64Array.of(1, 2, 6, 9),
    }
    const settings = { ...greedy, leaves: 2, l1: 1, l2: 2 }
    const { ensemble } = await trainBoosted(table, { settings })
    const [tree] = ensemble.trees
    expect(tree!.gain[0]).toBe(12.5)
    expect([...tree!.value]).toEqual([0, -1.25, 1.25])
    expect(tree!.threshold[0]).toBe(2.5)
    expect([...tree!.cover]).toEqual([4, 2, 2])
    const demanding = await trainBoosted(table, { settings: { ...settings, minGain: 12.6 } })
    expect(demanding.ensemble.trees[0]!.feature.length).toBe(1)
  })
})

describe('a whole tree', () => {
  test('is the one that grows leaf by leaf from sums over its rows', async () => {
    const table = rideTable(600)
    const settings = { ...greedy, leaves: 12, minRows: 10, rounds: 1 }
    const { ensemble } = await trainBoosted(table, { settings })
    const tree = ensemble.trees[0]!
    // Independent of histograms and their subtraction: rows are sent down one by one.
    const rows: number[][] = Array.from(tree.feature, () => [])
    for (const i of table.target.keys()) {
      for (let node = 0; node >= 0; ) {
        rows[node]!.push(i)
        node = nextNode(tree, node, rowOf(table, i))
      }
    }
    const gradients = rows.map((some) => some.map((i) => ensemble.base - table.target[i]!))
    for (const [node, some] of gradients.entries()) {
      expect(tree.cover[node]).toBe(some.length)
      const mean = some.reduce((sum, gradient) => sum + gradient, 0) / some.length
      expect(tree.value[node]).toBeCloseTo(-mean, 4)
      if (tree.feature[node]! < 0) continue
      const [left, right] = [gradients[tree.left[node]!]!, gradients[tree.right[node]!]!]
      const lowered = squares(some) - squares(left) - squares(right)
      expect(tree.gain[node]! / lowered).toBeCloseTo(1, 4)
      expect(Math.min(left.length, right.length)).toBeGreaterThanOrEqual(10)
    }
    expect(tree.feature.filter((f) => f < 0).length).toBe(12)
  })

  function nextNode(tree: Tree, node: number, row: readonly number[]): number {
    const f = tree.feature[node]!
    if (f < 0) return -1
    const value = row[f]!
    const set = tree.categories.get(node)
    let isLeft = tree.missingLeft[node] === 1
    if (set && value >= 0) isLeft = ((set[value >> 5] ?? 0) & (1 << (value & 31))) === 0
    if (!set && !Number.isNaN(value)) isLeft = Math.fround(value) < tree.threshold[node]!
    return isLeft ? tree.left[node]! : tree.right[node]!
  }

  test('keeps to depth and leaves', async () => {
    const { ensemble } = await trainBoosted(rideTable(2000), {
      settings: { rounds: 3, leaves: 50, depth: 3, minRows: 1 },
    })
    for (const { feature } of ensemble.trees) {
      expect(feature.filter((f) => f < 0).length).toBeLessThanOrEqual(8)
    }
  })
})

describe('boosting', () => {
  test('lowers the error in each round, and says what the model then gives', async () => {
    const table = rideTable(6000)
    const validation = rideTable(5000, 2)
    const { ensemble, rounds } = await trainBoosted(table, { validation, settings: { rounds: 30 } })
    const train = rounds.map(({ trainRmse }) => trainRmse!)
    for (let i = 1; i < train.length; i++) expect(train[i]).toBeLessThan(train[i - 1]!)
    expect(rmseOf(ensemble.predictTable(table.columns), table.target)).toBeCloseTo(
      train.at(-1)!,
      10,
    )
    const validated = rmseOf(ensemble.predictTable(validation.columns), validation.target)
    expect(validated).toBeCloseTo(rounds.at(-1)!.validationRmse!, 10)
  })

  test('stops when validation no longer gets better, and keeps the best trees', async () => {
    const table = rideTable(500)
    const validation = rideTable(500, 2)
    const settings = { rounds: 400, learningRate: 0.5, minRows: 2 }
    const options = { validation, settings, patience: 5 }
    const { ensemble, rounds, kept } = await trainBoosted(table, options)
    const errors = rounds.map(({ validationRmse }) => validationRmse!)
    expect(rounds.length).toBe(kept + 5)
    expect(ensemble.trees.length).toBe(kept)
    expect(errors[kept - 1]).toBe(Math.min(...errors))
  })

  test('keeps monotone features monotone, both ways, however the data go', async () => {
    const table = rideTable(5000, 3, 0.02)
    const target = table.target.map((minutes, i) => minutes + 8 * Math.sin(i))
    for (const direction of [1, -1] as const) {
      const settings = {
        rounds: 40,
        minRows: 2,
        monotone: { distance: direction, hour: direction },
      }
      const { ensemble } = await trainBoosted({ ...table, target }, { settings })
      for (let zone = -1; zone < 40; zone += 3) {
        let before = -Infinity * direction
        for (let distance = 0; distance < 12; distance += 0.05) {
          const minutes = ensemble.predict([zone, distance, 12])
          expect((minutes - before) * direction).toBeGreaterThanOrEqual(0)
          before = minutes
        }
      }
    }
    const free = await trainBoosted({ ...table, target }, { settings: { rounds: 40, minRows: 2 } })
    const minutes = Array.from({ length: 200 }, (_, i) => free.ensemble.predict([1, i * 0.05, 12]))
    expect(minutes.some((one, i) => i > 0 && one < minutes[i - 1]!)).toBe(true)
  })

  test('sends missing values where they belong, and unseen categories with them', async () => {
    const values = Array.from({ length: 200 }, (_, i) => (i % 2 ? Number.NaN : i % 10))
    const codes = values.map((value) => (Number.isNaN(value) ? -1 : value % 6))
    for (const column of [numberColumn('a', values), categoryColumn('a', codes, 12)]) {
      const target = Float64Array.from(values, (value) => (Number.isNaN(value) ? 50 : value))
      const { ensemble } = await trainBoosted(
        { columns: [column], target },
        {
          settings: { ...greedy, leaves: 2 },
        },
      )
      expect(ensemble.predict([column.kind === 'number' ? Number.NaN : -1])).toBeCloseTo(50, 3)
      expect(ensemble.predict([4])).toBeCloseTo(4, 3)
    }
  })
})

describe('a forest', () => {
  test('is the mean of trees on other rows, better than one of them', async () => {
    const table = rideTable(6000)
    const validation = rideTable(5000, 2)
    const options = { validation, settings: { rounds: 30, leaves: 64, minRows: 3 } }
    const { ensemble, rounds } = await trainForest(table, options)
    expect(ensemble.trees.length).toBe(30)
    const error = rmseOf(ensemble.predictTable(validation.columns), validation.target)
    expect(rounds.at(-1)!.validationRmse).toBeCloseTo(error, 10)
    const one = await trainForest(table, {
      ...options,
      settings: { ...options.settings, rounds: 1 },
    })
    expect(error).toBeLessThan(
      rmseOf(one.ensemble.predictTable(validation.columns), validation.target),
    )
    const roots = new Set(ensemble.trees.map(({ value }) => value[0]))
    expect(roots.size).toBeGreaterThan(25)
    expect(ensemble.trees.every(({ cover }) => cover[0] === 6000)).toBe(true)
  })
})

describe('randomness', () => {
  const settings = { rounds: 5, rowFraction: 0.6, featureFraction: 0.5 }
  const bytes = async (seed: number, train = trainBoosted): Promise<string> => {
    const { ensemble } = await train(rideTable(9000), { settings: { ...settings, seed } })
    return xgboostJson(ensemble)
  }

  test('comes from the seed alone', async () => {
    expect(await bytes(7)).toBe(await bytes(7))
    expect(await bytes(7)).not.toBe(await bytes(8))
    expect(await bytes(7, trainForest)).toBe(await bytes(7, trainForest))
    expect(await bytes(7, trainForest)).not.toBe(await bytes(8, trainForest))
  })

  test('leaves out the rows and features that it is told to', async () => {
    const { ensemble, rounds } = await trainBoosted(rideTable(9000), { settings })
    for (const tree of ensemble.trees) {
      // 5,400 rows on average, with a standard deviation of 46.
      expect(Math.abs(tree.cover[0]! - 5400)).toBeLessThan(280)
      expect(new Set(tree.feature.filter((f) => f >= 0)).size).toBeLessThanOrEqual(2)
    }
    // Rows that were left out get the values of the trees all the same.
    const { columns, target } = rideTable(9000)
    const error = rmseOf(ensemble.predictTable(columns), target)
    expect(rounds.at(-1)!.trainRmse).toBeCloseTo(error, 10)
  })
})

describe('edges', () => {
  const settings = { rounds: 5, minRows: 1 }

  test('one row, a constant target, a constant or missing feature, one category', async () => {
    const tables: TreeTable[] = [
      { columns: [numberColumn('a', [3])], target: Float64Array.of(7.25) },
      { columns: [numberColumn('a', [1, 2, 3])], target: Float64Array.of(7.25, 7.25, 7.25) },
      { columns: [numberColumn('a', [1, 1, 1])], target: Float64Array.of(6.25, 7.25, 8.25) },
      { columns: [numberColumn('a', [NaN, NaN])], target: Float64Array.of(6.25, 8.25) },
      { columns: [categoryColumn('a', [0, 0], 1)], target: Float64Array.of(6.25, 8.25) },
      { columns: [categoryColumn('a', [-1, -1], 0)], target: Float64Array.of(6.25, 8.25) },
    ]
    for (const table of tables) {
      const { ensemble } = await trainBoosted(table, { settings })
      for (const value of [NaN, -1, 0, 1, 1e9]) expect(ensemble.predict([value])).toBe(7.25)
      expect((await trainForest(table, { settings: { ...settings, rounds: 1 } })).kept).toBe(1)
    }
  })

  test('a target of one number is not split by what rounding leaves of it', async () => {
    const table = rideTable(500)
    const { ensemble } = await trainBoosted({ ...table, target: table.target.fill(16.1) })
    expect(ensemble.trees.every(({ feature }) => feature.length === 1)).toBe(true)
    expect(ensemble.predict([1, 2, 3])).toBeCloseTo(16.1, 5)
  })

  test('numbers far apart, of either sign, and zeros of either sign', async () => {
    const values = [-3e38, -1, -0, 0, 1e-40, 1, 3e38]
    const target = Float64Array.of(1, 2, 3, 3, 5, 6, 7)
    const { ensemble } = await trainBoosted(
      { columns: [numberColumn('a', values)], target },
      {
        settings: { ...greedy, leaves: 7 },
      },
    )
    for (const [i, value] of values.entries()) {
      expect(ensemble.predict([value])).toBeCloseTo(target[i]!, 5)
    }
  })

  test('what cannot be trained on is refused, and said why', async () => {
    const column = numberColumn('a', [1, 2])
    const target = Float64Array.of(1, 2)
    const cases: [TreeTable, string, RegExp][] = [
      [
        { columns: [numberColumn('a', [])], target: new Float64Array(0) },
        'source_empty',
        /no rows/,
      ],
      [{ columns: [], target }, 'source_empty', /no features/],
      [
        { columns: [column], target: Float64Array.of(1, NaN) },
        'internal',
        /target .* NaN in row 1/,
      ],
      [{ columns: [numberColumn('a', [1, 1e39])], target }, 'internal', /1e\+39/],
      [{ columns: [numberColumn('a', [1])], target }, 'internal', /1 rows, expected 2/],
      [{ columns: [categoryColumn('a', [0, 2], 2)], target }, 'internal', /code 2 in row 1/],
      [{ columns: [column, column], target }, 'internal', /twice/],
      [{ columns: [categoryColumn('a', [0, 1], 70_000)], target }, 'solve_too_large', /70001/],
    ]
    for (const [table, code, message] of cases) {
      const fault = expect(trainBoosted(table)).rejects
      await fault.toMatchObject({ code, message: expect.stringMatching(message) })
    }
    await expect(trainBoosted({ columns: [column], target }, { settings: { leaves: 1 } }))
      .rejects //
      .toMatchObject({ code: 'recipe_invalid', message: expect.stringContaining('leaves') })
  })
})
