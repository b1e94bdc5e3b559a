/** Trials and counts for tests of rollouts. */

import { countAnswer, newCounts, type TrialCounts } from '../../../src/serve/rollout/arm-counts.ts'
import { type Change, type Trial, transition } from '../../../src/serve/rollout/machine.ts'
import { type Rules, rulesOf } from '../../../src/serve/rollout/rules.ts'
import type { TrialMode } from '../../../src/serve/state.ts'

/** The champion of every trial here. */
export const champion = 'aaaaaaaaaaaa'
/** The challenger of every trial here. */
export const challenger = 'bbbbbbbbbbbb'
/** When every trial here begins. */
export const at = '2026-01-02T03:04:05.000Z'

/** What a trial begins with. */
export function startOf(mode: TrialMode = 'canary', rules: Partial<Rules> = {}): Change {
  const steps = mode === 'canary' ? [0.01, 0.5, 1] : [0.5]
  const plan = { id: 'trial', mode, champion, challenger, steps, rules: rulesOf(mode, rules) }
  return { kind: 'start', plan }
}

/** A trial that has just begun, by entry 1. */
export function newTrial(mode: TrialMode = 'canary', rules: Partial<Rules> = {}): Trial {
  const because = { by: 'person', reason: '' } as const
  const { trial } = transition(null, startOf(mode, rules), because, { revision: 1, at })
  return trial as Trial
}

/** Counts of two arms that answered these minutes, in 0.01 ms each. */
export function countsOf(
  ofChampion: readonly number[],
  ofChallenger: readonly number[],
  { failed = 0, challengerMs = 0.01 } = {},
): TrialCounts {
  const counts = newCounts(1)
  for (const minutes of ofChampion) countAnswer(counts.champion, minutes, 0.01)
  for (const minutes of ofChallenger) countAnswer(counts.challenger, minutes, challengerMs)
  counts.challenger.failed = failed
  return counts
}

/** Durations from 2 to 41 minutes, each as often as the others. */
export const rides = (n: number, by = (minutes: number): number => minutes): number[] =>
  Array.from({ length: n }, (_, i) => by(2 + (i % 40)))
