/**
 * How good the shipped recipes are on months that nothing was chosen on. Each number is held to what
 * the project promises; the published ones beside them are in docs/experiments.md.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileFeatures } from '../../src/features.ts'
import type { EnsembleModel, Model } from '../../src/model.ts'
import { fitRides } from '../../src/pipeline/fit-rides.ts'
import { planOf } from '../../src/pipeline/plan.ts'
import { residualsOf } from '../../src/pipeline/residuals.ts'
import { readTable } from '../../src/pipeline/ride-table.ts'
import type { TripFile } from '../../src/pipeline/summing.ts'
import { parseRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { hasShared, sharedPath, whyNot } from '../pipeline/shared.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const shipped = (name: string): Recipe =>
  parseRecipe(readFileSync(join(root, 'recipes', `${name}.yaml`), 'utf8'), name, [], shipped)

const best = shipped('best')
const features = compileFeatures(best)
const plan = planOf(best, features)
const fileAt = (path: string): TripFile => ({ source: { path }, taxi: 'green' }) as TripFile

/** Errors of the ensemble and of its members, which are the recipes of their names. */
async function errorsOf(train: string, validation: string): Promise<Map<string, number>> {
  const rides = await readTable([fileAt(train)], plan, features, 100_000)
  const { model } = await fitRides(best, 'green', rides)
  const { members } = model as EnsembleModel
  const found = new Map<string, number>()
  const measure = async (name: string, one: Model): Promise<void> => {
    const { rmse, n } = await residualsOf(one, [fileAt(validation)], plan)
    expect(n).toBeGreaterThan(60_000)
    found.set(name, rmse)
  }
  for (const { model: member } of members) await measure(member.recipe.name, member)
  await measure('best', model)
  return found
}

describe.each([
  ['2021-01', '2021-02', { linear: 5.42, trees: 5.14 }],
  ['2023-01', '2023-02', { linear: 4.24, trees: 3.99 }],
] as const)(`trained on green %s, on %s`, (train, validation, held) => {
  describe.skipIf(!hasShared)(hasShared ? 'the error' : `(skipped: ${whyNot})`, () => {
    let errors: Map<string, number>
    const fileOf = (month: string): string => sharedPath(`tlc/green_tripdata_${month}.parquet`)
    beforeAll(async () => {
      errors = await errorsOf(fileOf(train), fileOf(validation))
    }, 1_200_000)

    test('of linear is at most what is promised', () => {
      expect(errors.get('linear')).toBeLessThanOrEqual(held.linear)
    })

    test('of trees is at most what is promised', () => {
      expect(errors.get('trees')).toBeLessThanOrEqual(held.trees)
    })

    test('of best is below both', () => {
      const [linear, trees, places] = ['linear', 'trees', 'places'].map((name) => errors.get(name))
      expect(errors.get('best')).toBeLessThan(Math.min(linear ?? 0, trees ?? 0, places ?? 0))
    })
  })
})
