/** What `ridecast evaluate` prints for people. Knows nothing about how anything is measured. */

import type { Evaluation } from '../pipeline/evaluate-on.ts'
import type { FittedEffects } from '../pipeline/judge/fitted-effects.ts'
import type { RideSlice } from '../pipeline/judge/judgement.ts'
import type { KnownRides } from './evaluate-report.ts'
import { type Io, table } from './io.ts'

const count = (value: number): string => value.toLocaleString('en-US')

/** Prints measures, the slices that are best and worst, and what flatters. */
export function printEvaluation(
  io: Io,
  title: string,
  { label, measures, judgement, rows, kept }: Evaluation,
  known: KnownRides,
): void {
  const { worst, intervals, slices, minimum_support: support } = judgement
  const { mae, quantiles } = judgement.measures
  io.out(`${io.colors.bold(title)} on ${label}: ${count(kept)} of ${count(rows)} rides\n\n`)
  const lines = [
    ['RMSE', measures.rmse.toFixed(4), 'minutes'],
    ['MAE', mae.toFixed(4), 'minutes'],
    ['R2', measures.r2?.toFixed(4) ?? '-', ''],
    ['bias', measures.bias.toFixed(4), 'minutes, prediction - actual'],
    ...Object.entries(quantiles).map(([level, value]) => [
      `${Number(level) * 100} %`,
      value.toFixed(2),
      'minutes, quantile of prediction - actual',
    ]),
  ]
  if (worst) {
    lines.push([
      'worst slice',
      worst.rmse.toFixed(4),
      `minutes, ${worst.family} ${worst.name}, ${count(worst.n)} rides`,
    ])
  }
  for (const { nominal, coverage, width } of intervals ?? []) {
    lines.push([
      `${100 * nominal} % interval`,
      `${(100 * coverage).toFixed(1)} %`,
      `of the rides are inside; ${width.toFixed(2)} minutes wide on average`,
    ])
  }
  io.out(table(io, ['', '', ''], lines, ['left', 'right', 'left']))
  const families = slices.flatMap(({ title: family, slices: some, gap }) => {
    if (gap === null) return []
    const ordered = some.filter(({ n }) => n >= support).sort((a, b) => a.rmse - b.rmse)
    const [best, last] = [ordered[0], ordered.at(-1)]
    const text = (slice: RideSlice | undefined): string =>
      slice ? `${slice.rmse.toFixed(2)} ${slice.name}` : ''
    return [[family, gap.toFixed(2), text(best), text(last)]]
  })
  const header = ['slices by RMSE', 'gap', 'best', 'worst']
  if (families.length > 0) {
    io.out(`\n${table(io, header, families, ['left', 'right', 'left', 'left'])}`)
    io.out(`of slices with ${count(support)} rides and more\n`)
  }
  if (known === 'trained') io.out('\nnote: it was trained on some of these rides, which flatters\n')
  if (known === 'calibrated') {
    io.out('\nnote: its intervals are made of errors on these rides, so that they hold here\n')
  }
}

/** Prints what more months of training buy, and why something is not known. */
export function printFitted(io: Io, { leverage, learning }: FittedEffects): void {
  const missing: [what: string, why: string][] = []
  if (leverage && 'unavailable' in leverage) {
    missing.push(['residuals against leverage', leverage.unavailable])
  }
  if (learning && 'unavailable' in learning) {
    missing.push(['learning curve', learning.unavailable])
  } else if (learning && learning.length > 0) {
    const points = learning.map(({ months, rmse }) => `${months}: ${rmse.toFixed(4)}`)
    io.out(`\nRMSE by months of training, the latest ones: ${points.join(', ')}\n`)
  }
  for (const [what, why] of missing) io.out(`\nnote: no ${what}: ${why}\n`)
}
