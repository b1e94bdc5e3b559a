/** The leverage plot of a training, where its kind has one. */

import { leveragePoints } from '../pipeline/judge/leverage-points.ts'
import { sampleRides } from '../pipeline/judge/sample-rides.ts'
import type { ReportModel } from '../pipeline/report/document.ts'
import { leveragesOf, leverageUnavailable } from '../pipeline/solve/leverage.ts'
import { splitPlans } from '../pipeline/sum-rides.ts'
import type { Training } from '../pipeline/train.ts'

/** Fitted rides that leverage is worked out for. */
const sampled = 10_000

/** Rides by leverage; why not, of a linear model without; undefined of other kinds. */
export async function leverageOf({
  model,
  moments,
  metrics,
  split,
  files,
}: Pick<Training, 'model' | 'moments' | 'metrics' | 'split' | 'files'>): Promise<
  ReportModel['leverage']
> {
  if (model.kind !== 'linear') return undefined
  const { recipe } = model
  const leverages = leveragesOf(moments, recipe)
  if (!leverages) {
    return { unavailable: leverageUnavailable(moments, recipe) ?? 'it is not known' }
  }
  const { train: plan } = splitPlans(recipe, split)
  const fitted = files.train.map(({ file }) => file)
  const rides = await sampleRides(fitted, plan, model.features, { size: sampled })
  return leveragePoints(model, leverages, rides, metrics.train.mse)
}
