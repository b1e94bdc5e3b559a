/**
 * Published and independently recomputed digits on official files: every expected number here is
 * a row of a table made by other code. Relative 1e-9 throughout.
 */

import { openAsBlob, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tableFromIPC } from 'apache-arrow'
import { ParquetFile } from 'parquet-wasm'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileFeatures } from '../../src/features.ts'
import { linearOf } from '../random-rides.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import { columnsOf } from '../../src/pipeline/plan.ts'
import { meanDuration } from '../../src/pipeline/evaluate.ts'
import type { Moments } from '../../src/pipeline/moments.ts'
import { type Plan, planOf } from '../../src/pipeline/plan.ts'
import { readRides } from '../../src/pipeline/rides.ts'
import { type Training, train } from '../../src/pipeline/train.ts'
import { parseRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { hasShared, sharedPath, whyNot } from '../pipeline/shared.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const recipeAt = (path: string): Recipe => parseRecipe(readFileSync(`${root}${path}`, 'utf8'), path)
const data = (month: string): string => `${root}data/green_tripdata_${month}.parquet`

const trained = (source: string, validate: string | undefined, recipe: Recipe): Promise<Training> =>
  train({
    sources: [source],
    validate,
    recipe,
    taxis: ['green'],
    dataFolder: 'data',
    cwd: root,
    today: new Date('2025-01-01'),
    comparison: undefined,
    engine: 'arrow',
    solver: 'auto',
    residuals: recipe.name === 'dense',
  })

function near(found: number | undefined, expected: number): void {
  expect(Math.abs((found as number) / expected - 1)).toBeLessThan(1e-9)
}

function coefficient(training: Training, feature: string): number | undefined {
  return linearOf(training.model).effects().find((effect) => effect.feature === feature)?.minutes
}

/** Sums of durations alone, from `min` to `max` minutes. */
async function durations(path: string, min: number, max: number): Promise<Moments> {
  const features = { categorical: [], numeric: [], inputs: [], required: [] }
  const plan: Plan = {
    ...planOf(recipeAt('recipes/plain.yaml'), features),
    target: { min, max },
  }
  return (await (await openArrowEngine()).sum(path, 'green', [plan]))[0] as Moments
}

/** Checks one row of the table of counts: all rides, kept rides, mean and sample deviation of all. */
async function holdsRow(path: string, row: readonly number[]): Promise<void> {
  const [rows, kept, mean, std] = row as [number, number, number, number]
  const whole = await durations(path, -1e9, 1e9)
  expect([whole.rows, whole.n]).toEqual([rows, rows])
  near(meanDuration(whole), mean)
  const [sum, squares] = [0, 1].map((i) => BigInt(whole.target.hi[i] as number))
  const n = BigInt(rows)
  const spread = n * (squares as bigint) - (sum as bigint) ** 2n
  near(Math.sqrt(Number(spread) / rows / (rows - 1)) / 60, std)
  expect((await durations(path, 1, 60)).n).toBe(kept)
}

/** Number of columns of a recipe of these terms. */
async function widthOf(path: string, categorical: readonly unknown[]): Promise<number> {
  const recipe = {
    ...recipeAt('recipes/plain.yaml'),
    categorical: categorical as Recipe['categorical'],
  }
  const plan = planOf(recipe, compileFeatures(recipe))
  const [moments] = await (await openArrowEngine()).sum(path, 'green', [{ ...plan, crosses: false }])
  const levels = moments?.blocks.map(({ codes }) => codes.length) ?? []
  return levels.reduce((a, b) => a + b, 0) + (moments?.numeric.length ?? 0)
}

describe('counts and durations of the sample months', () => {
  test.each([
    ['2021-01', [76_518, 73_908, 19.92789605060252, 59.33859413164525]],
    ['2021-02', [64_572, 61_921, 20.978723750232273, 53.16743652200162]],
    ['2021-03', [83_827, 80_372, 21.11826658872829, 55.272334833218366]],
  ])('green %s', async (month, row) => {
    await holdsRow(data(month), row)
  })

  test('zones, weekday, hour and distance of 2021-01 make 538 columns', async () => {
    const terms = ['PULocationID', 'DOLocationID', 'weekday', 'hour']
    expect(await widthOf(data('2021-01'), terms)).toBe(538)
  })
})

describe('recipe plain, 2021-01 to 2021-02', () => {
  let training: Training
  beforeAll(async () => {
    training = await trained('2021-01', '2021-02', recipeAt('recipes/plain.yaml'))
  })

  test('has the exact minimum-norm solution', () => {
    const { metrics, model } = training
    expect([metrics.columns, metrics.rank]).toEqual([507, 505])
    expect([metrics.train.n, metrics.validation.n]).toEqual([73_908, 61_921])
    near(metrics.train.rmse, 9.775258694528304)
    near(model.intercept, 24.044519211856)
    near(coefficient(training, 'trip_distance'), 0.000041773412334)
  })

  test('is ruined by distances: hardly better than the mean of the month', () => {
    // Printed with two and three digits.
    expect(training.metrics.validation.rmse).toBeCloseTo(10.47, 2)
    expect(training.metrics.baseline.rmse).toBeCloseTo(12.213, 3)
  })
})

describe('recipe pairs, 2021-01 to 2021-02', () => {
  test('has the exact minimum-norm solution', async () => {
    const training = await trained('2021-01', '2021-02', recipeAt('recipes/pairs.yaml'))
    const { metrics, model } = training
    expect(metrics.columns).toBe(13_221)
    near(metrics.train.rmse, 4.640696266933454)
    near(metrics.validation.rmse, 7.480826943045791)
    near(model.intercept, 26.423095398379598)
    near(coefficient(training, 'trip_distance'), 0.00003084652375167929)
  })
})

describe('lasso 0.01 on pairs, 2021-01 to 2021-02', () => {
  test('has the error of the converged solution, which scikit-learn stops short of', async () => {
    const recipe = recipeAt('recipes/pairs.yaml')
    const { metrics, model } = await trained('2021-01', '2021-02', { ...recipe, l1: 0.01 })
    near(metrics.validation.rmse, 11.167274717510034)
    const left = linearOf(model).effects().filter(({ minutes }) => minutes !== 0)
    expect(left.length + 1).toBe(metrics.rank)
    expect(left.length).toBeLessThan(200)
  })
})

describe('recipe standard, 2021-01 to 2021-02', () => {
  test('has a validation RMSE at or under 5.85 minutes', async () => {
    const { metrics } = await trained('2021-01', '2021-02', recipeAt('recipes/standard.yaml'))
    expect(metrics.validation.rmse).toBeLessThanOrEqual(5.85)
  })
})

describe.skipIf(!hasShared)(`official files beside the repository (else: ${whyNot})`, () => {
  const shared = (month: string): string => sharedPath(`tlc/green_tripdata_${month}.parquet`)

  test.each([
    ['2022-01', [62_495, 59_603, 19.01938661759612, 78.21573161469892]],
    // The table prints a deviation of 78.87897869438212: a digit was miswritten there. Two passes
    // over the rides, without any sums of squares, give this one.
    ['2022-02', [69_399, 66_097, 19.899951248096798, 78.87797869438135]],
    ['2023-01', [68_211, 65_946, 18.097270723685977, 74.92563122537362]],
    ['2023-02', [64_809, 62_574, 17.74489654214699, 69.28096981389243]],
    ['2024-01', [56_551, 54_373, 18.171378637572058, 75.46475115653729]],
  ])('counts and durations of green %s', async (month, row) => {
    await holdsRow(shared(month), row)
  })

  test('pair of zones and distance of 2022-01 make 6,683 columns', async () => {
    const pair = { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] }
    expect(await widthOf(shared('2022-01'), [pair])).toBe(6683)
  })

  describe('recipe dense on 2022-01', () => {
    let training: Training
    beforeAll(async () => {
      training = await trained(
        shared('2022-01'),
        undefined,
        recipeAt('tests/golden/recipes/dense.yaml'),
      )
    })

    test('has the published measures and coefficients', () => {
      const { metrics, model, residuals, split } = training
      expect(split.kind).toBe('rest')
      expect([metrics.train.n, metrics.validation.n]).toEqual([30_000, 25_211])
      expect([metrics.columns, metrics.rank]).toEqual([6, 7])
      near(residuals?.train.mae, 3.804665373785062)
      near(residuals?.validation.mae, 4.142064073688447)
      near(model.intercept, 4.436018816281632)
      const expected = {
        passenger_count: -0.013579399518018651,
        trip_distance: -0.000010880067218426593,
        fare_amount: 0.41288825400935875,
        total_amount: 0.1989029234219748,
        PULocationID: -0.005173405959499978,
        DOLocationID: 0.0021842771145856154,
      }
      for (const [name, value] of Object.entries(expected)) near(coefficient(training, name), value)
    })

    test('predicts the published 25,211 values, ride by ride', async () => {
      const predictions = new Map<number, number>()
      const { model } = training
      const plan = planOf(model.recipe, model.features)
      let row = 0
      for await (const rides of readRides(shared('2022-01'), 'green', columnsOf([plan]))) {
        for (let i = 0; i < rides.length; i++) predictions.set(row++, model.predict(rides, i))
      }
      const file = await ParquetFile.fromFile(
        await openAsBlob(sharedPath('truth/reference_green_2022-01_linreg.parquet')),
      )
      const table = tableFromIPC(
        (await file.read({ columns: ['prediction', '__index_level_0__'] })).intoIPCStream(),
      )
      const published = table.getChild('prediction')?.toArray() as Float64Array
      const rows = table.getChild('__index_level_0__')?.toArray() as BigInt64Array
      expect(published).toHaveLength(25_211)
      const off = published.map((value, k) => {
        return Math.abs((predictions.get(Number(rows[k])) as number) - value)
      })
      expect(off.reduce((most, value) => Math.max(most, value), 0)).toBeLessThan(1e-9)
      expect(off.every(Number.isFinite)).toBe(true)
    })
  })
})
