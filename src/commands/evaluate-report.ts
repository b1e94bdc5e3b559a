/** What `ridecast evaluate` puts into a report, and what the lineage of the model says of the rides. */

import type { LoadedModel } from '../loaded-model.ts'
import { isMonth, type Month } from '../month.ts'
import { monthsText } from '../months.ts'
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

/** Months where all file names state them, else what the files are called. */
function namesOf(files: Lineage['train']): string {
  const months = files.map(({ month }) => month)
  if (months.every((month) => month !== null && isMonth(month))) {
    return monthsText([...new Set(months as Month[])])
  }
  return files.map(({ month, file }) => month ?? file).join(', ')
}

/** The report of one model. */
export function reportOf(
  { name, version, predictor }: LoadedModel,
  lineage: Lineage | undefined,
  { label, judgement, inputs }: Evaluation,
  { leverage, learning }: FittedEffects,
): ReportDocument {
  const { model } = predictor
  const of = (part: 'train' | 'validation'): string => namesOf(lineage?.[part] ?? [])
  const [trained, calibrated] = [of('train'), of('validation')]
  const one: ReportModel = {
    name,
    version,
    kind: model.kind,
    recipe: model.recipe.name,
    ...(trained && { trained_on: `${model.taxi} ${trained}` }),
    judgement,
    ...(judgement.intervals && calibrated && { calibrated_on: calibrated }),
    ...inputs,
    ...('importance' in model && { terms: model.importance() }),
    ...(leverage && { leverage }),
    ...(learning && { learning_curve: learning }),
  }
  return { format: 'ridecast-report', version: 1, rides: label, models: [one] }
}
