/**
 * Which rides choose between models: months before the one that is reported. Knows nothing about models.
 */

import { type Month, parseMonth } from '../month.ts'
import { areMonths, monthsText, parseMonths } from '../months.ts'
import { holdoutWord } from './split.ts'

/** A training that models are chosen by. */
export interface Fold {
  /** What is trained on. */
  readonly sources: readonly string[]
  /** What is validated on, as `--validate` takes it. */
  readonly validate: string
}

/**
 * The trainings that choose, each validated on rides before those that are reported: every window of
 * months that ends before the last training month is validated on the month after it; where there is
 * one month, or no months but files, its last fifth of rides is held out.
 *
 * @param sources months as they are named, or files
 * @param windows how many windows at most, the latest ones, default 1
 */
export function selectionFolds(sources: readonly string[], now: Date, windows = 1): Fold[] {
  const named = sources.every((source) => areMonths(source))
  const months = named ? [...new Set(sources.flatMap((text) => parseMonths(text, now)))].sort() : []
  const whole = [{ sources, validate: holdoutWord }]
  if (months.length < 2) return whole
  const count = Math.min(windows, months.length - 1)
  const size = months.length - count
  return Array.from({ length: count }, (_, k) => ({
    sources: months.slice(k, k + size),
    validate: parseMonth(months[k + size] as string, now),
  }))
}

/** What folds train on and choose by, for people. */
export function windowsOf(folds: readonly Fold[]): { train: string; validation: string }[] {
  return folds.map(({ sources, validate }) => {
    const named = sources.every((source) => areMonths(source))
    const train = named && sources.length > 1 ? monthsText(sources as Month[]) : sources.join(', ')
    if (validate !== holdoutWord) return { train, validation: validate }
    return { train: `${train}, first four fifths`, validation: `${train}, last fifth` }
  })
}
