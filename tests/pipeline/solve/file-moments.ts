/** The sums of green trip files in the repository. */

import { fileURLToPath } from 'node:url'
import { compileFeatures } from '../../../src/features.ts'
import { openEngine } from '../../../src/pipeline/engines/engines.ts'
import type { Moments } from '../../../src/pipeline/moments.ts'
import { noCache } from '../../../src/pipeline/moments-cache.ts'
import { planOf } from '../../../src/pipeline/plan.ts'
import { obtainFiles, planSources } from '../../../src/pipeline/sources.ts'
import { Summing } from '../../../src/pipeline/summing.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** Sums the terms of a recipe over each of several months. */
export async function momentsOfMonths(
  recipe: Recipe,
  months: readonly string[],
): Promise<Moments[]> {
  const today = new Date('2024-05-17T12:00:00Z')
  const options = { taxis: undefined, dataFolder: 'data', cwd: repository, today }
  const files = await obtainFiles(planSources(months, options))
  const summing = new Summing(() => openEngine('arrow'), noCache)
  try {
    const sums = await summing.byFile(files, [planOf(recipe, compileFeatures(recipe))])
    return sums.map(([moments]) => moments as Moments)
  } finally {
    await summing.close()
  }
}
