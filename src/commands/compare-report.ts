/** What `ridecast compare` says: its document, and the leaderboard in a terminal. */

import { namesText } from '../months.ts'
import type { RankingWindow } from '../pipeline/report/document.ts'
import type { Ranking } from './compare-run.ts'
import { type Io, table } from './io.ts'

/** A recipe in the comparison. */
export interface Candidate {
  readonly recipe: string
  readonly kind: string
  /** RMSE on rides before those reported, by window; what is ranked by is their mean. */
  readonly selection: Ranking
  readonly model_version: string
  readonly run_id: string
  /** On the reported rides, minutes. */
  readonly validation: {
    readonly n: number
    readonly rmse: number
    readonly mae: number
    readonly bias: number
  }
  /** The slice with the highest RMSE of those with enough rides. */
  readonly worst: { readonly slice: string; readonly rmse: number; readonly n: number } | null
  /** How many of the reported rides intervals hold whose errors are of rides before; null without. */
  readonly interval: {
    readonly nominal: number
    readonly coverage: number
    /** Mean width, minutes. */
    readonly width: number
  } | null
  /** RMSE on the reported rides by months of training, the latest ones. */
  readonly learning: readonly { readonly months: number; readonly rmse: number }[]
  readonly training_seconds: number
  readonly model_bytes: number
  readonly microseconds_per_prediction: number
}

/** What `--json` prints. */
export interface ComparisonReport {
  readonly train: readonly string[]
  readonly validation: string
  /** What is ranked by, in the order of the numbers in {@link Candidate.selection}. */
  readonly windows: readonly RankingWindow[]
  /** In the order of {@link Candidate.selection}. */
  readonly candidates: readonly Candidate[]
  /** Recipes that could not be trained, and why. */
  readonly failed: readonly { readonly recipe: string; readonly error: string }[]
  readonly winner: string
  /** Whether the winner became champion; null where nobody asked. */
  readonly promoted: { readonly done: boolean; readonly reason: string } | null
  readonly report: string
}

const minutes = (value: number): string => value.toFixed(3).replace(/^-(0\.0+)$/, '$1')

function bytesText(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** Prints the leaderboard and what was decided. */
export function printComparison(io: Io, report: ComparisonReport): void {
  io.out(
    `${io.colors.bold(`trained on ${namesText(report.train)}, reported on ${report.validation}`)}\n\n`,
  )
  const rows = report.candidates.map((one) => {
    const { mean, deviation, rmse } = one.selection
    return [
      one.recipe,
      one.kind,
      rmse.length > 1 ? `${minutes(mean)} ±${minutes(deviation)}` : minutes(mean),
      io.colors.bold(minutes(one.validation.rmse)),
      minutes(one.validation.mae),
      minutes(one.validation.bias),
      one.worst ? `${minutes(one.worst.rmse)} ${one.worst.slice}` : '-',
      `${one.training_seconds.toFixed(1)} s`,
      bytesText(one.model_bytes),
      one.microseconds_per_prediction.toFixed(1),
      one.model_version,
    ]
  })
  const header = [
    'recipe',
    'kind',
    'ranked by',
    'RMSE',
    'MAE',
    'bias',
    'worst slice',
    'trained in',
    'size',
    'us each',
    'version',
  ]
  const right = header.map((_, k): 'left' | 'right' =>
    [2, 3, 4, 5, 7, 8, 9].includes(k) ? 'right' : 'left',
  )
  io.out(`${table(io, header, rows, right)}\n`)
  const windows = report.windows.map(({ train, validation }) => `${train} on ${validation}`)
  io.out(`ranked by  ${windows.join('; ')}\n`)
  for (const { recipe, error } of report.failed) io.out(`left out   ${recipe}: ${error}\n`)
  io.out(`winner     ${io.colors.green(report.winner)}, by rides before those reported\n`)
  if (report.promoted?.done) io.out(`champion   ${report.promoted.reason}\n`)
  io.out(`report     ${io.colors.bold(report.report)}\n`)
}
