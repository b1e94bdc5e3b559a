/** Terms of what is made of zones and times: sums beside those of rides one by one. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileFeatures, featureRow } from '../../src/features.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import { openDuckdbEngine } from '../../src/pipeline/engines/duckdb.ts'
import type { Engine } from '../../src/pipeline/engines/engine.ts'
import { hashMoments, type Moments } from '../../src/pipeline/moments.ts'
import { beside, columnsOf, planOf, RideSelector } from '../../src/pipeline/plan.ts'
import { readRides } from '../../src/pipeline/rides.ts'
import { checkRecipe } from '../../src/recipe.ts'

const path = 'data/green_tripdata_2021-02.parquet'
const rate = { category: 'RatecodeID', or_missing: true }
const recipe = checkRecipe(
  {
    name: 'made',
    categorical: [
      'quarter_hour',
      { name: 'free', product: ['weekend', 'holiday'] },
      { name: 'from_to', product: ['pickup_borough', 'dropoff_service'] },
      { name: 'straight', bin: 'zone_distance', edges: [0.5, 1, 2, 4, 8], or_missing: true },
      { name: 'detour', bin: 'distance_ratio', edges: [0.9, 1.2, 1.5, 2], or_missing: true },
      { name: 'who', product: [rate, 'detour'] },
      { name: 'early', product: [rate, { bin: 'hour', edges: [6, 10] }] },
    ],
    numeric: [{ of: 'minute_of_day', steps: [{ hinge: 600 }] }, 'hour'],
  },
  'made',
)
const features = compileFeatures(recipe)
const plan = planOf(recipe, features)

let engines: Engine[]
let arrow: Moments
let duckdb: Moments
beforeAll(async () => {
  engines = [await openArrowEngine(), await openDuckdbEngine()]
  const sums = await Promise.all(engines.map((engine) => engine.sum(path, 'green', [plan])))
  ;[arrow, duckdb] = sums.map(([moments]) => moments) as [Moments, Moments]
})
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
})

describe('terms of zones and times', () => {
  test('are summed alike by all engines that read rows', () => {
    expect(hashMoments(duckdb)).toBe(hashMoments(arrow))
  })

  test('take every kept ride where what may be missing has a level', () => {
    // Zones without a borough there are none; 61,921 kept rides as published.
    expect(arrow.n).toBe(61_921)
  })

  test('can be a gate that is not summed itself, as where its own sums are known', async () => {
    const gated = beside(
      { ...plan, crosses: false },
      compileFeatures(checkRecipe({ name: 'x', categorical: ['weekday'] }, 'x')),
    )
    for (const engine of engines) {
      const [moments] = await engine.sum(path, 'green', [gated])
      expect(moments?.n).toBe(arrow.n)
    }
  })

  test('are counted and added up as ride by ride', async () => {
    const counts = new Map<string, number>()
    const totals = new Map<string, number>()
    const selector = new RideSelector(plan)
    for await (const rides of readRides(path, 'green', columnsOf([plan]))) {
      selector.forEach(rides, (i) => {
        for (const [name, value] of Object.entries(featureRow(features, rides, i))) {
          if (typeof value === 'number') totals.set(name, (totals.get(name) ?? 0) + value)
          else counts.set(`${name}=${value}`, (counts.get(`${name}=${value}`) ?? 0) + 1)
        }
      })
    }
    const summed = arrow.blocks.flatMap(({ term, codes, counts }) =>
      Array.from(codes, (code, k): [string, number] => [
        `${term.name}=${term.text(code)}`,
        counts[k] as number,
      ]),
    )
    expect(new Map(summed)).toEqual(counts)
    arrow.numeric.forEach(({ name, scale }, p) => {
      expect((arrow.sums.hi[p] as number) / scale).toBeCloseTo(totals.get(name) as number, 3)
    })
    expect([...counts.keys()]).toContain('who=missing_missing')
    expect([...counts.keys()]).toContain('free=0_1')
  })
})
