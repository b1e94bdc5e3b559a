/**
 * The rollout as a state machine: which change may follow which state, and what is the state after
 * it. Pure: no clock, no files, no models; `rollout-log.ts` keeps what it decides.
 */

import { z } from 'zod'
import { isVersion } from '../../artifact.ts'
import { RidecastError } from '../../errors.ts'
import type { TrialMode } from '../state.ts'
import { rulesSchema } from './rules.ts'

const version = z.string().min(1).max(100)
const share = z.number().min(0).max(1)
const time = z.iso.datetime()

/** The shape of a trial. */
export const trialSchema = z.strictObject({
  /** Names the trial; requests with a key keep their arm for as long as it lasts. */
  id: z.string().min(1).max(100),
  mode: z.enum(['canary', 'ab', 'shadow']),
  /** The version that served when it began, and that it is compared with. */
  champion: version,
  /** The version that is tried. */
  challenger: version,
  /**
   * `promoting`: all requests go to the challenger until the alias has moved; `promoted`,
   * `rolled_back` and `stopped`: it is over.
   */
  status: z.enum(['running', 'paused', 'promoting', 'promoted', 'rolled_back', 'stopped']),
  /** Shares by step, growing; of an A/B trial and a shadow one. */
  steps: z.array(share).min(1).max(100),
  /** The current step, from 0. */
  step: z.int().nonnegative(),
  /** The challenger's share of requests now (of an A/B trial: of keys; of a shadow: mirrored). */
  share,
  /** When the trial began. */
  started: time,
  /** When the current step began. */
  since: time,
  /** The revision that began the current step. */
  since_revision: z.int().positive(),
  rules: rulesSchema,
})

/** A model that is or was tried beside the champion. */
export type Trial = z.output<typeof trialSchema>

/** What happened; `refused` and `promotion_failed` leave the trial as it was, or paused. */
export const events = [
  'started',
  'advanced',
  'paused',
  'resumed',
  'promoting',
  'promoted',
  'promotion_failed',
  'rolled_back',
  'stopped',
  'switched',
  'switched_back',
  'refused',
] as const

/** Who caused a change: a person, or the judge of a serving process. */
export const causes = ['person', 'judge'] as const

const numbers = z.record(z.string(), z.number().nullable())

/** The shape of an entry of the record. */
export const entrySchema = z.strictObject({
  revision: z.int().positive(),
  at: time,
  event: z.enum(events),
  by: z.enum(causes),
  /** Why, in words. */
  reason: z.string(),
  /** The version that it is about. */
  version,
  /** The numbers that decided; empty where a person did. */
  numbers,
  /** The trial after it, null before the first. */
  trial: trialSchema.nullable(),
})

/** One change of a rollout: all that there is to know after it. */
export type Entry = z.output<typeof entrySchema>

/** What is said of a change. */
export interface Because {
  readonly by: (typeof causes)[number]
  /** One line, may be empty. */
  readonly reason: string
  /** What decided, default nothing. */
  readonly numbers?: Readonly<Record<string, number | null>>
}

/** What a trial begins with. */
export interface TrialPlan extends Pick<Trial, 'id' | 'champion' | 'challenger' | 'rules'> {
  readonly mode: TrialMode
  readonly steps: readonly number[]
}

/** A change that is asked for. */
export type Change =
  | { readonly kind: 'start'; readonly plan: TrialPlan }
  | { readonly kind: 'advance' | 'promote' | 'rollback' | 'stop' | 'pause' | 'resume' }
  | { readonly kind: 'promoted' | 'promotion_failed' }
  | { readonly kind: 'switch' | 'back' | 'refuse'; readonly version: string }

/** A trial that is not over. */
export type ActiveTrial = Trial & { readonly status: 'running' | 'paused' | 'promoting' }

/** True for a trial that is not over. */
export function isActive(trial: Trial | null | undefined): trial is ActiveTrial {
  return trial != null && ['running', 'paused', 'promoting'].includes(trial.status)
}

/**
 * The entry that a change leads to.
 *
 * @param trial the trial before it, null without one
 * @param revision of the entry
 * @throws rollout_impossible when the change cannot follow that state
 */
export function transition(
  trial: Trial | null,
  change: Change,
  because: Because,
  { revision, at }: { revision: number; at: string },
): Entry {
  const { by, reason, numbers: decided = {} } = because
  const [event, next, about] = outcome(trial, change, revision, at)
  return { revision, at, event, by, reason, version: about, numbers: { ...decided }, trial: next }
}

type Outcome = readonly [event: Entry['event'], trial: Trial | null, version: string]

function outcome(trial: Trial | null, change: Change, revision: number, at: string): Outcome {
  switch (change.kind) {
    case 'start':
      requireNone(trial, 'another is started')
      return ['started', begun(change.plan, revision, at), change.plan.challenger]
    case 'refuse':
      return ['refused', trial, change.version]
    case 'switch':
    case 'back':
      requireNone(trial, 'the champion is switched')
      return [change.kind === 'switch' ? 'switched' : 'switched_back', trial, change.version]
    default:
      return moved(requireActive(trial, change.kind), change.kind, revision, at)
  }
}

function begun(plan: TrialPlan, revision: number, at: string): Trial {
  const { champion, challenger, steps } = plan
  if (champion === challenger) {
    throw impossible(`version ${challenger} is the champion already: expected another to try`)
  }
  const growing = steps.every((one, i) => one > 0 && one <= 1 && one > (steps[i - 1] ?? 0))
  if (steps.length === 0 || !growing) {
    throw impossible(
      `steps must grow and lie above 0 and up to 1 (100 %), found ${steps.join(', ') || 'none'}`,
    )
  }
  const [first] = steps as [number]
  const dates = { started: at, since: at, since_revision: revision }
  return { ...plan, steps: [...steps], status: 'running', step: 0, share: first, ...dates }
}

type Move = Exclude<Change['kind'], 'start' | 'refuse' | 'switch' | 'back'>

function moved(trial: Trial, kind: Move, revision: number, at: string): Outcome {
  const { challenger, mode } = trial
  const over = (event: Entry['event'], ended: Trial['status'], left: number): Outcome => {
    return [event, { ...trial, status: ended, share: left }, challenger]
  }
  switch (kind) {
    case 'advance':
      requireStatus(trial, kind, ['running', 'paused'])
      if (mode !== 'canary') throw impossible(`${mode} trial has no steps: promote or stop it`)
      if (trial.step + 1 >= trial.steps.length) return over('promoting', 'promoting', 1)
      return ['advanced', stepped(trial, revision, at), challenger]
    case 'promote':
      requireStatus(trial, kind, ['running', 'paused'])
      return over('promoting', 'promoting', mode === 'shadow' ? trial.share : 1)
    case 'pause':
      requireStatus(trial, kind, ['running'])
      return over('paused', 'paused', trial.share)
    case 'resume':
      requireStatus(trial, kind, ['paused'])
      return over('resumed', 'running', trial.share)
    case 'promoted':
      requireStatus(trial, kind, ['promoting'])
      return over('promoted', 'promoted', 0)
    case 'promotion_failed':
      requireStatus(trial, kind, ['promoting'])
      // Not tried again and again: a person has to look why.
      return over('promotion_failed', 'paused', trial.steps[trial.step] as number)
    // A promotion takes a moment; what is to be undone after it is a switch back.
    case 'rollback':
      requireStatus(trial, kind, ['running', 'paused'])
      return over('rolled_back', 'rolled_back', 0)
    case 'stop':
      requireStatus(trial, kind, ['running', 'paused'])
      return over('stopped', 'stopped', 0)
  }
}

function stepped(trial: Trial, revision: number, at: string): Trial {
  const step = trial.step + 1
  const next = trial.steps[step] as number
  return { ...trial, status: 'running', step, share: next, since: at, since_revision: revision }
}

function requireNone(trial: Trial | null, before: string): void {
  if (!isActive(trial)) return
  throw impossible(
    `${trial.mode} trial of ${trial.challenger} goes on: promote it, roll it back or stop it ` +
      `before ${before}`,
  )
}

function requireActive(trial: Trial | null, kind: Move): Trial {
  if (isActive(trial)) return trial
  throw impossible(`${kind} needs a trial that goes on: there is none`)
}

function requireStatus(trial: Trial, kind: Move, expected: readonly Trial['status'][]): void {
  if (expected.includes(trial.status)) return
  throw impossible(
    `${kind} needs a trial that is ${expected.join(' or ')}, found one that is ${trial.status}`,
  )
}

/** The error for a change that cannot be made now. */
export function impossible(message: string, cause?: unknown): RidecastError {
  return new RidecastError('rollout_impossible', message, { cause })
}

/** The error for a version that must not take traffic; it is on record too. */
export function versionRefused(name: string, found: string, why: string): RidecastError {
  const short = isVersion(found) ? `${name}/${found}` : found
  return new RidecastError('version_refused', `version ${short} takes no traffic: ${why}`)
}
