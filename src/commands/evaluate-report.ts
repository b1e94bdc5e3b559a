/** What `ridecast evaluate` puts into a report, and what the lineage of the model says of the rides. */

import type { LoadedModel } from '../loaded-model.ts'
import { namesText } from '../months.ts'
import type { Evaluation } from '../pipeline/evaluate-on.ts'
import type { Lineage } from '../pipeline/judge/fitted.ts'
import type { FittedEffects } from '../pipeline/judge/fitted-effects.ts'
import type { ReportDocument, ReportModel } from '../pipeline/report/document.ts'

/** Which of the rides a model has seen: its measures, or its intervals, flatter there. */
export type KnownRides = 'trained' | 'calibrated' | null

/** Whether a model was made from some of the rides that it is measured on. */
export function knownRides(
  lineage: Lineage | undefined,
  { files, judgement }: Evaluation,
): KnownRides {
  const hashes = files.map(({ source }): string | null => source.sha256)
  const has = (part: 'train' | 'validation'): boolean =>
    lineage?.[part].some(({ sha256 }) => sha256 !== null && hashes.includes(sha256)) ?? false
  if (has('train')) return 'trained'
  return judgement.intervals && has('validation') ? 'calibrated' : null
}

/** The report of one model. */
export function reportOf(
  { name, version, predictor }: LoadedModel,
  lineage: Lineage | undefined,
  evaluation: Evaluation,
  { leverage, learning }: FittedEffects,
): ReportDocument {
  const { label, judgement, inputs } = evaluation
  const known = knownRides(lineage, evaluation)
  const { model } = predictor
  const of = (part: 'train' | 'validation'): string =>
    namesText(lineage?.[part].map(({ month, file }) => month ?? file) ?? [])
  const [trained, calibrated] = [of('train'), of('validation')]
  const one: ReportModel = {
    name,
    version,
    kind: model.kind,
    recipe: model.recipe.name,
    ...(trained && { trained_on: `${model.taxi} ${trained}` }),
    judgement,
    ...(judgement.intervals && calibrated && { calibrated_on: calibrated }),
    ...(known && { known }),
    ...inputs,
    ...('importance' in model && { terms: model.importance() }),
    ...(leverage && { leverage }),
    ...(learning && { learning_curve: learning }),
  }
  return { format: 'ridecast-report', version: 1, rides: label, models: [one] }
}
