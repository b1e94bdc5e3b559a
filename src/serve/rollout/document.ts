/** What people and machines are told of a rollout. Knows nothing about how it is asked for. */

import type { TrialMode } from '../state.ts'
import type { TrialCounts } from './arm-counts.ts'
import { type Comparison, compareArms } from './compare-arms.ts'
import { faultOf, numbersOf } from './judge.ts'
import type { Entry, Trial } from './machine.ts'
import type { Recorded } from './rollout-log.ts'
import type { Rules } from './rules.ts'

/** One entry of the history. */
export interface HistoryEntry extends Omit<Entry, 'trial'> {
  /** The challenger's share of the requests after it; null where it changed none. */
  readonly share: number | null
}

/** Rides that both arms were asked, of a shadow: the challenger's minutes less the champion's. */
export interface PairSummary {
  readonly rides: number
  readonly mean_difference: number
  readonly rms_difference: number
  readonly largest_difference: number
}

/** A rollout as it is shown. */
export interface RolloutDocument {
  readonly model: string
  /** `blue-green` when the last change was a switch, else how the last trial goes on or went. */
  readonly mode: TrialMode | 'blue-green'
  /** `idle` when nothing is tried. */
  readonly status: Trial['status'] | 'idle'
  /** Version that a trial compares with, or that was switched to last. */
  readonly champion: string
  readonly challenger: string | null
  /** The challenger's share now. */
  readonly share: number
  /** The current step, from 1; 0 when nothing is tried. */
  readonly step: number
  readonly steps: readonly number[]
  /** When the current step or state began, ISO 8601, UTC. */
  readonly since: string
  readonly revision: number
  readonly rules: Rules | null
  /** What the rules look at in the current step, of all processes together. */
  readonly numbers: Readonly<Record<string, number | null>> | null
  /** What a shadow would be rolled back for; null when nothing. */
  readonly fault: string | null
  readonly pairs: PairSummary | null
  /** Errors of both arms where actual durations were told, over the whole trial. */
  readonly comparison: Comparison | null
  /** What is wrong with the newest entry on disk, null when nothing: the champion answers alone. */
  readonly damage: string | null
  /** Newest last, at most 100. */
  readonly history: readonly HistoryEntry[]
}

const shown = 100

/**
 * The document of a rollout; undefined where there never was one.
 *
 * @param champion the version that serves now
 * @param counts of the trial, undefined where there are none
 */
export function rolloutDocument(
  { model, champion }: { readonly model: string; readonly champion: string },
  { entries, revision, damage, trial }: Recorded,
  counts: TrialCounts | undefined,
): RolloutDocument | undefined {
  const last = entries.findLast(({ event }) => event !== 'refused') ?? entries[0]
  if (!last) return undefined
  const history = entries.slice(-shown).map(({ trial: after, ...entry }): HistoryEntry => {
    const moved = after !== null && after.challenger === entry.version && entry.event !== 'refused'
    return { ...entry, share: moved ? after.share : null }
  })
  const shownTrial = trial !== null && !last.event.startsWith('switched')
  const now = shownTrial ? trying(trial, counts) : idle(champion, last.at)
  return { model, ...now, revision, damage: damage ?? null, history }
}

type Shown = Omit<RolloutDocument, 'model' | 'revision' | 'damage' | 'history'>

function idle(champion: string, since: string): Shown {
  return {
    mode: 'blue-green',
    status: 'idle',
    champion,
    challenger: null,
    share: 0,
    step: 0,
    steps: [],
    since,
    rules: null,
    numbers: null,
    fault: null,
    pairs: null,
    comparison: null,
  }
}

function trying(trial: Trial, counts: TrialCounts | undefined): Shown {
  const { mode, status, champion, challenger, share, step, steps, since, rules } = trial
  return {
    mode,
    status,
    champion,
    challenger,
    share,
    step: step + 1,
    steps,
    since,
    rules,
    numbers: counts ? numbersOf(counts) : null,
    fault: (counts && faultOf(counts, rules)?.reason) ?? null,
    pairs: counts && counts.pairs.n > 0 ? pairsOf(counts) : null,
    comparison: counts ? compareArms(counts) : null,
  }
}

function pairsOf({ pairs: { n, sum, squares, largest } }: TrialCounts): PairSummary {
  return {
    rides: n,
    mean_difference: sum / n,
    rms_difference: Math.sqrt(squares / n),
    largest_difference: largest,
  }
}
