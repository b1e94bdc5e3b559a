/**
 * Judges a trial by its counts: go on, roll back, or advance, with the numbers that decided. Pure:
 * no clock, no files. It is asked again and again, so chance is held to one in ten thousand or less
 * at each look.
 */

import { type ArmCounts, latencyEdges, type TrialCounts } from './arm-counts.ts'
import { binomialTail } from './chance.ts'
import type { Trial } from './machine.ts'
import type { Rules } from './rules.ts'

/** What is to be done, why in words, and by which numbers. */
export interface Verdict {
  readonly change: 'advance' | 'rollback'
  readonly reason: string
  readonly numbers: Readonly<Record<string, number | null>>
}

/** How likely a good challenger may be rolled back at one look. */
const alpha = 1e-4
/** Standard errors that a difference must be from nothing: one in 15,000, one-sided 1 in 31,000. */
const farAway = 4
/** Standard deviations of the stability index' own chance, whose tail is longer. */
const farBeyond = 6

/** The first reason to roll a challenger back, undefined when there is none. */
export function faultOf(counts: TrialCounts, rules: Rules): Verdict | undefined {
  return (
    errorFault(counts, rules) ??
    latencyFault(counts, rules) ??
    shiftFault(counts, rules) ??
    stabilityFault(counts, rules)
  )
}

/**
 * What is to be done with a trial that runs; undefined: it goes on.
 *
 * @param seconds since the current step began
 */
export function judge(
  { mode, rules, steps, step }: Trial,
  counts: TrialCounts,
  seconds: number,
): Verdict | undefined {
  // A shadow answers nobody: its faults are shown, and a person decides.
  if (mode === 'shadow') return undefined
  const fault = faultOf(counts, rules)
  if (fault || mode === 'ab') return fault
  const { answered } = counts.challenger
  if (seconds < rules.min_seconds || answered < rules.min_predictions) return undefined
  const done = step + 1 === steps.length ? 'all steps' : `step ${step + 1} of ${steps.length}`
  return {
    change: 'advance',
    reason: `${done} passed: ${answered} predictions in ${Math.floor(seconds)} s, no fault found`,
    numbers: { predictions: answered, seconds, ...numbersOf(counts) },
  }
}

/** The numbers that the rules look at, as far as there are any. */
export function numbersOf(counts: TrialCounts): Record<string, number | null> {
  const { champion, challenger } = counts
  return {
    champion_predictions: champion.answered,
    challenger_predictions: challenger.answered,
    champion_error_rate: rateOf(champion),
    challenger_error_rate: rateOf(challenger),
    champion_p99_ms: p99Of(champion),
    challenger_p99_ms: p99Of(challenger),
    champion_mean_minutes: meanOf(champion),
    challenger_mean_minutes: meanOf(challenger),
    shift: both(counts) ? shiftOf(counts).shift : null,
    psi: both(counts) ? psiOf(counts).psi : null,
  }
}

const both = ({ champion, challenger }: TrialCounts): boolean =>
  champion.answered > 0 && challenger.answered > 0

const rateOf = ({ answered, failed }: ArmCounts): number | null =>
  answered + failed === 0 ? null : failed / (answered + failed)

const meanOf = ({ answered, minutes }: ArmCounts): number | null =>
  answered === 0 ? null : minutes / answered

/** The latency that 99 % of the answers do not pass, milliseconds: the upper end of its bin. */
export function p99Of({ latencies }: ArmCounts): number | null {
  const total = latencies.reduce((sum, n) => sum + n, 0)
  if (total === 0) return null
  let below = 0
  const bin = latencies.findIndex((n) => {
    below += n
    return below >= 0.99 * total
  })
  return latencyEdges[Math.min(bin, latencyEdges.length - 1)] as number
}

/**
 * More failures than the rate that is allowed, or the champion's own, would give by chance. Exact,
 * so that it needs no support: 5 failures of 20 are enough, 1 of 1 is not.
 */
function errorFault({ champion, challenger }: TrialCounts, rules: Rules): Verdict | undefined {
  const { max_error_rate: allowed } = rules
  const { failed, answered } = challenger
  if (allowed === null || failed < 2) return undefined
  const rate = Math.max(allowed, rateOf(champion) ?? 0)
  const n = answered + failed
  const chance = binomialTail(failed, n, rate)
  if (chance >= alpha) return undefined
  return {
    change: 'rollback',
    reason: `error rate: the challenger failed on ${failed} of ${n} rides, more than ${text(rate * 100)} % and chance allow`,
    numbers: { failed, rides: n, error_rate: failed / n, allowed_rate: rate, chance },
  }
}

/** More than 1 % of the answers slower than what the champion's p99 allows, beyond chance. */
function latencyFault({ champion, challenger }: TrialCounts, rules: Rules): Verdict | undefined {
  const { max_p99_ratio: ratio, latency_floor_ms: floor, min_support: support } = rules
  const usual = p99Of(champion)
  const own = p99Of(challenger)
  if (ratio === null || usual === null || own === null) return undefined
  if (champion.answered < support || challenger.answered < support) return undefined
  const limit = Math.max(floor, ratio * usual)
  const slow = challenger.latencies.reduce((sum, n, bin) => {
    return (latencyEdges[bin - 1] ?? 0) >= limit ? sum + n : sum
  }, 0)
  const chance = binomialTail(slow, challenger.answered, 0.01)
  if (chance >= alpha) return undefined
  return {
    change: 'rollback',
    reason: `latency: p99 is ${text(own)} ms, expected at most ${text(limit)} ms beside the champion's ${text(usual)} ms`,
    numbers: { challenger_p99_ms: own, champion_p99_ms: usual, limit_ms: limit, slow, chance },
  }
}

/** Difference of the means in standard deviations, and how many standard errors that is. */
export function shiftOf({ champion, challenger }: TrialCounts): { shift: number; errors: number } {
  const [one, other] = [spreadOf(champion), spreadOf(challenger)]
  const difference = other.mean - one.mean
  // Where all rides are alike there is no spread to measure by: then a minute is.
  const spread = Math.max(1, Math.sqrt((one.variance + other.variance) / 2))
  const error = Math.sqrt(one.variance / champion.answered + other.variance / challenger.answered)
  if (difference === 0) return { shift: 0, errors: 0 }
  // Without any spread of its own a difference is certain; a large number is, and stays JSON.
  return { shift: difference / spread, errors: difference / Math.max(error, 1e-9) }
}

function spreadOf({ answered, minutes, squares }: ArmCounts): { mean: number; variance: number } {
  const mean = minutes / answered
  return { mean, variance: Math.max(0, squares / answered - mean * mean) }
}

function shiftFault(counts: TrialCounts, rules: Rules): Verdict | undefined {
  const { champion, challenger } = counts
  const { max_shift: allowed, min_support: support } = rules
  if (allowed === null) return undefined
  if (champion.answered < support || challenger.answered < support) return undefined
  const { shift, errors } = shiftOf(counts)
  if (Math.abs(shift) <= allowed || Math.abs(errors) <= farAway) return undefined
  const [usual, own] = [meanOf(champion) as number, meanOf(challenger) as number]
  return {
    change: 'rollback',
    reason: `prediction shift: the challenger's mean is ${text(own)} minutes, the champion's ${text(usual)}, ${text(Math.abs(shift))} standard deviations apart, expected at most ${text(allowed)}`,
    numbers: {
      challenger_mean_minutes: own,
      champion_mean_minutes: usual,
      shift,
      standard_errors: errors,
    },
  }
}

/**
 * The population stability index of the durations: sum of (p - q) ln(p / q) over the bins, an empty
 * bin counted as half a ride. `chance` is what two equal arms have at most, but for one look in many.
 */
export function psiOf({ champion, challenger }: TrialCounts): { psi: number; chance: number } {
  let psi = 0
  let bins = 0
  champion.durations.forEach((usual, i) => {
    const own = challenger.durations[i] as number
    if (usual + own === 0) return
    bins++
    const p = Math.max(own, 0.5) / challenger.answered
    const q = Math.max(usual, 0.5) / champion.answered
    psi += (p - q) * Math.log(p / q)
  })
  const free = Math.max(1, bins - 1)
  const unit = 1 / champion.answered + 1 / challenger.answered
  return { psi, chance: (free + farBeyond * Math.sqrt(2 * free)) * unit }
}

function stabilityFault(counts: TrialCounts, rules: Rules): Verdict | undefined {
  const { champion, challenger } = counts
  const { max_psi: allowed, min_support: support } = rules
  if (allowed === null) return undefined
  if (champion.answered < support || challenger.answered < support) return undefined
  // A few kinds of rides lie in one or two bins, and whole bins change places by a second.
  const filled = champion.durations.filter((n) => n >= 0.05 * champion.answered)
  if (filled.length < 3) return undefined
  const { psi, chance } = psiOf(counts)
  if (psi <= allowed || psi <= chance) return undefined
  return {
    change: 'rollback',
    reason: `prediction shift: the stability index of the durations is ${text(psi)}, expected at most ${text(allowed)}`,
    numbers: { psi, chance },
  }
}

const text = (value: number): string => String(Number(value.toPrecision(3)))
