/** A trained model judged on its validation rides, for the leaderboard and the report. */

import { exactJson } from '../exact-json.ts'
import type { Model } from '../model.ts'
import { intervalOf } from '../pipeline/judge/coverage.ts'
import { judge } from '../pipeline/judge/judge.ts'
import type { Judgement } from '../pipeline/judge/judgement.ts'
import type { ReportModel } from '../pipeline/report/document.ts'
import { residualsOf } from '../pipeline/residuals.ts'
import { readTable } from '../pipeline/ride-table.ts'
import { splitPlans } from '../pipeline/sum-rides.ts'
import type { Candidate } from './compare-report.ts'
import { namesOf, type Outcome } from './train-run.ts'

/** A candidate with all that is said of it. */
export interface Judged {
  readonly candidate: Candidate
  readonly outcome: Outcome
  readonly model: ReportModel
  /** The reported rides, for people. */
  readonly label: string
  readonly train: readonly string[]
}

/** Judges a training on the rides that it was validated on. */
export async function judged(outcome: Outcome, selection: Candidate['selection']): Promise<Judged> {
  const { training, version, run } = outcome
  const { model, split, files } = training
  const judgement = await judgementOf(model, outcome)
  const { n, rmse, mae, bias } = judgement.measures
  const { worst } = judgement
  const bytes = Buffer.byteLength(exactJson('model.json', model.toJSON()))
  const seconds = ['source', 'sum', 'read', 'solve'].reduce(
    (sum, stage) => sum + (training.seconds[stage] ?? 0),
    0,
  )
  const each = await microsecondsOf(model, outcome)
  const { recipe, kind } = model
  const months = namesOf(files.validation).map((month) => `${training.taxi} ${month}`)
  const own = model.kind === 'trees' || model.kind === 'forest' ? model.importance() : undefined
  return {
    outcome,
    label: `${months.join(', ')}${split.kind === 'month' ? '' : ' (rides held out)'}`,
    train: namesOf(files.train),
    candidate: {
      recipe: recipe.name,
      kind,
      selection,
      model_version: version,
      run_id: run.id,
      validation: { n, rmse, mae, bias },
      worst: worst && { slice: `${worst.family} ${worst.name}`, rmse: worst.rmse },
      training_seconds: seconds,
      model_bytes: bytes,
      microseconds_per_prediction: each,
    },
    model: {
      name: recipe.name,
      version,
      kind,
      recipe: recipe.name,
      trained_on: training.label,
      judgement,
      training_seconds: seconds,
      model_bytes: bytes,
      microseconds_per_prediction: each,
      ...(own && { terms: own.map(({ term, share }) => ({ term, share })) }),
    },
  }
}

function judgementOf(model: Model, { training }: Outcome): Promise<Judgement> {
  const { validation: plan } = splitPlans(model.recipe, training.split)
  return judge(model, training.split.validation, plan, { interval: intervalOf(model) })
}

/** Another model on the rides that a training was validated on, by its own filters. */
export async function measuredOn(
  model: Model,
  { training }: Outcome,
): Promise<{ readonly rmse: number }> {
  const { validation: plan } = splitPlans(model.recipe, training.split)
  return residualsOf(model, training.split.validation, plan)
}

/** Microseconds that a prediction takes, one ride after the other: the median of ten passes. */
async function microsecondsOf(model: Model, { training }: Outcome): Promise<number> {
  const { split } = training
  const { validation: plan } = splitPlans(model.recipe, split)
  const rides = await readTable(
    split.validation,
    plan,
    model.features,
    training.metrics.validation.n,
  )
  const count = Math.min(2000, rides.length)
  const step = Math.max(1, Math.floor(rides.length / count))
  const times = Array.from({ length: 10 }, () => {
    const start = performance.now()
    for (let k = 0; k < count; k++) model.predict(rides, k * step)
    return ((performance.now() - start) * 1000) / count
  }).sort((a, b) => a - b)
  return times[5] as number
}
