/** A trained model judged on its validation rides, for the leaderboard and the report. */

import { exactJson } from '../exact-json.ts'
import { type Intervals, intervalAround } from '../intervals.ts'
import type { Model } from '../model.ts'
import type { Interval } from '../pipeline/judge/coverage.ts'
import { inputEffects } from '../pipeline/judge/input-effects.ts'
import { judge } from '../pipeline/judge/judge.ts'
import { leverageOf } from '../pipeline/judge/leverage.ts'
import type { ReportModel } from '../pipeline/report/document.ts'
import { residualsOf } from '../pipeline/residuals.ts'
import { readTable } from '../pipeline/ride-table.ts'
import { splitPlans } from '../pipeline/sum-rides.ts'
import type { Candidate } from './compare-report.ts'
import type { Ranked } from './compare-run.ts'
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

/**
 * Judges a training on the rides that it was validated on.
 *
 * @param ranked its intervals are those that are judged: their errors are of rides before these
 * @param calibrated the rides of those errors, for people
 */
export async function judged(
  outcome: Outcome,
  { ranking, intervals }: Ranked,
  calibrated: string,
): Promise<Judged> {
  const { training, version, run } = outcome
  const { model, split, files } = training
  const { train: fitted, validation: plan } = splitPlans(model.recipe, split)
  const interval = intervals && intervalsAround(intervals, model)
  const judgement = await judge(model, split.validation, plan, { interval })
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
  const nine = judgement.intervals?.find(({ nominal }) => nominal === 0.9)
  const leverage = await leverageOf(model, {
    files: files.train.map(({ file }) => file),
    plan: fitted,
    moments: training.moments,
  })
  return {
    outcome,
    label: `${months.join(', ')}${split.kind === 'month' ? '' : ' (rides held out)'}`,
    train: namesOf(files.train),
    candidate: {
      recipe: recipe.name,
      kind,
      selection: ranking,
      model_version: version,
      run_id: run.id,
      validation: { n, rmse, mae, bias },
      worst: worst && {
        slice: `${worst.family} ${worst.name}`,
        rmse: worst.rmse,
        n: worst.n,
      },
      interval: nine ? { nominal: 0.9, coverage: nine.coverage, width: nine.width } : null,
      learning: [],
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
      selection: ranking,
      ...(interval && { calibrated_on: calibrated }),
      training_seconds: seconds,
      model_bytes: bytes,
      microseconds_per_prediction: each,
      ...(await inputEffects(model, split.validation, plan)),
      ...(own && { terms: own.map(({ term, share }) => ({ term, share })) }),
      ...(leverage && { leverage }),
    },
  }
}

function intervalsAround(intervals: Intervals, { recipe }: Model): Interval {
  return (predicted, coverage) => {
    const { low, high } = intervalAround(intervals, predicted, coverage, recipe.target)
    return [low, high]
  }
}

/** Another model on the rides that a training was validated on, by its own filters. */
export async function measuredOn(
  model: Model,
  { training }: Outcome,
): Promise<{ readonly rmse: number }> {
  const { validation: plan } = splitPlans(model.recipe, training.split)
  return residualsOf(model, training.split.validation, plan)
}

/**
 * Microseconds that a prediction takes, one ride after the other: of the fastest of ten passes, as
 * whatever else the machine does makes others slower.
 */
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
  })
  return Math.min(...times)
}
