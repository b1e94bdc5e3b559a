/**
 * The lines of the log of a search: their schema, and what they make of the trials before them.
 * Numbers that JSON has no way to write stand as text: `"NaN"`, `"Infinity"`, `"-Infinity"`.
 * Knows nothing about files.
 */

import { z } from 'zod'
import { type ErrorCode, errorCodes, messageOf } from '../../errors.ts'
import { checkSpace, type Point, type Setting, type Space } from './space.ts'
import type { Trial } from './trial.ts'

/** Version of the format of search.ndjson. */
export const searchFormat = 1

/** What a search is: with another one of these, its trials do not belong together. */
export interface SearchHeader {
  readonly format_version: typeof searchFormat
  readonly space: Space
  /** The sampler and its options. */
  readonly sampler: Readonly<Record<string, Setting>>
  /** The pruner and its options; null without one. */
  readonly pruner: Readonly<Record<string, Setting>> | null
  readonly seed: number
  /** What is made small, in words. */
  readonly objective: string
  /** Tells tasks apart whose words are the same: a hash of the data, say. */
  readonly fingerprint: string
}

/** Something that happened in a search. */
export type LogEvent =
  | { readonly event: 'started'; readonly trial: number; readonly point: Readonly<Point> }
  | {
      readonly event: 'intermediate'
      readonly trial: number
      readonly step: number
      readonly value: number
    }
  | {
      readonly event: 'finished'
      readonly trial: number
      readonly value: number
      readonly metrics: Readonly<Record<string, number>>
      readonly seconds: number
    }
  | {
      readonly event: 'failed'
      readonly trial: number
      readonly code: ErrorCode
      readonly message: string
      readonly seconds: number
    }
  | { readonly event: 'pruned'; readonly trial: number; readonly seconds: number }

const setting = z.union([z.string(), z.number(), z.boolean()])
const settings = z.record(z.string(), setting)
const number = z.union([
  z.number(),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform((text) => Number(text)),
])

const headerSchema = z.object({
  format_version: z.literal(searchFormat),
  space: z.unknown(),
  sampler: settings,
  pruner: settings.nullable(),
  seed: z.int(),
  objective: z.string(),
  fingerprint: z.string(),
})

const trial = z.int().nonnegative()
const seconds = z.number().nonnegative()
const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('started'), trial, point: settings }),
  z.object({
    event: z.literal('intermediate'),
    trial,
    step: z.int().nonnegative(),
    value: number,
  }),
  z.object({
    event: z.literal('finished'),
    trial,
    value: z.number(),
    metrics: z.record(z.string(), number),
    seconds,
  }),
  z.object({
    event: z.literal('failed'),
    trial,
    // Of a later ridecast, perhaps.
    code: z.enum(Object.keys(errorCodes) as ErrorCode[]).catch('internal'),
    message: z.string(),
    seconds,
  }),
  z.object({ event: z.literal('pruned'), trial, seconds }),
])

/**
 * The header in a line that is JSON.
 *
 * @throws Error that says what is wrong
 */
export function headerOf(value: unknown): SearchHeader {
  const format = z.object({ format_version: z.int() }).safeParse(value)
  if (format.success && format.data.format_version > searchFormat) {
    const found = format.data.format_version
    throw new Error(`it has format ${found}, and this ridecast reads up to ${searchFormat}`)
  }
  const parsed = headerSchema.safeParse(value)
  if (!parsed.success) throw new Error('it does not begin with the header of a search')
  return { ...parsed.data, space: checkSpace(parsed.data.space, 'in it') }
}

/**
 * What happened, from a line that is JSON.
 *
 * @throws Error that says what is wrong
 */
export function eventOf(value: unknown): LogEvent {
  const parsed = eventSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const what = issue ? `${issue.path.join('.')}: ${issue.message}` : messageOf(parsed.error)
  throw new Error(`that is nothing that happens in a search, ${what.toLowerCase()}`)
}

/** A header or event as a line with its end. */
export function lineOf(content: SearchHeader | LogEvent): string {
  return `${JSON.stringify(content, (_, value: unknown) => {
    return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
  })}\n`
}

/**
 * Changes the list of trials by what happened. A trial that is started again forgets what it
 * reported before.
 *
 * @param trials by number, without gaps
 * @throws Error when that cannot have happened after what is in the list
 */
export function applyEvent(trials: Trial[], event: LogEvent): void {
  const before = trials[event.trial]
  const isRunning = before?.state === 'running'
  if (event.event === 'started') {
    if (!isRunning && event.trial !== trials.length) {
      throw new Error(`trial ${event.trial} is started, but trial ${trials.length} is the next`)
    }
    const { trial: number, point } = event
    trials[number] = { number, point, state: 'running', metrics: {}, intermediates: new Map() }
    return
  }
  if (!isRunning) throw new Error(`trial ${event.trial} is ${event.event}, but does not run`)
  if (event.event === 'intermediate') {
    const intermediates = before.intermediates as Map<number, number>
    intermediates.set(event.step, event.value)
  } else trials[event.trial] = ended(before, event)
}

function ended(
  before: Trial,
  event: Exclude<LogEvent, { event: 'started' | 'intermediate' }>,
): Trial {
  const { seconds: took } = event
  if (event.event === 'pruned') return { ...before, state: 'pruned', seconds: took }
  if (event.event === 'failed') {
    const { code, message } = event
    return { ...before, state: 'failed', fault: { code, message }, seconds: took }
  }
  const { value, metrics } = event
  return { ...before, state: 'finished', value, metrics, seconds: took }
}
