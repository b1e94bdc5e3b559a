import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRidecastError } from '../../../src/errors.ts'
import {
  type Change,
  type Entry,
  entrySchema,
  isActive,
  type Trial,
  transition,
} from '../../../src/serve/rollout/machine.ts'
import { rulesOf } from '../../../src/serve/rollout/rules.ts'
import { at, challenger, champion, newTrial, startOf } from './trials.ts'

const because = { by: 'person', reason: 'because' } as const
const later = '2026-01-02T04:00:00.000Z'

/** A trial after some changes. */
function trialAfter(...kinds: ('advance' | 'pause')[]): Trial {
  return kinds.reduce<Trial>((trial, kind, i) => {
    return transition(trial, { kind }, because, { revision: i + 2, at }).trial as Trial
  }, newTrial())
}

const promoting = { ...newTrial(), status: 'promoting' } as const
const paused = trialAfter('pause')
const over = { ...newTrial(), status: 'stopped' } as const

describe('a change becomes an entry', () => {
  const cases: [string, Trial | null, Change, Entry['event'], Partial<Trial> | null][] = [
    ['start, without a trial', null, startOf(), 'started', { status: 'running', share: 0.01 }],
    ['start, after one is over', over, startOf(), 'started', { status: 'running', step: 0 }],
    ['advance', newTrial(), { kind: 'advance' }, 'advanced', { share: 0.5, step: 1, since: later }],
    ['advance, paused', paused, { kind: 'advance' }, 'advanced', { status: 'running', step: 1 }],
    [
      'advance, at the last step',
      trialAfter('advance', 'advance'),
      { kind: 'advance' },
      'promoting',
      { status: 'promoting', share: 1 },
    ],
    ['promote', newTrial(), { kind: 'promote' }, 'promoting', { status: 'promoting', share: 1 }],
    [
      'promote, a shadow: it goes on without answering',
      newTrial('shadow'),
      { kind: 'promote' },
      'promoting',
      { status: 'promoting', share: 0.5 },
    ],
    ['pause', newTrial(), { kind: 'pause' }, 'paused', { status: 'paused', share: 0.01 }],
    ['resume', paused, { kind: 'resume' }, 'resumed', { status: 'running', since: at }],
    ['the alias has moved', promoting, { kind: 'promoted' }, 'promoted', { status: 'promoted' }],
    [
      'the alias could not move',
      promoting,
      { kind: 'promotion_failed' },
      'promotion_failed',
      { status: 'paused', share: 0.01 },
    ],
    [
      'rollback',
      newTrial(),
      { kind: 'rollback' },
      'rolled_back',
      { status: 'rolled_back', share: 0 },
    ],
    ['rollback, paused', paused, { kind: 'rollback' }, 'rolled_back', { status: 'rolled_back' }],
    ['stop', newTrial('ab'), { kind: 'stop' }, 'stopped', { status: 'stopped', share: 0 }],
    ['switch, without a trial', null, { kind: 'switch', version: 'c' }, 'switched', null],
    ['back, after a trial', over, { kind: 'back', version: 'c' }, 'switched_back', over],
    [
      'refuse, in the middle of a trial',
      paused,
      { kind: 'refuse', version: 'c' },
      'refused',
      paused,
    ],
  ]
  test.each(cases)('%s', (_, trial, change, event, after) => {
    const entry = transition(trial, change, because, { revision: 9, at: later })
    expect(entry).toMatchObject({ revision: 9, at: later, event, reason: 'because', by: 'person' })
    if (after === null) expect(entry.trial).toBeNull()
    else expect(entry.trial).toMatchObject(after)
    expect(entrySchema.parse(JSON.parse(JSON.stringify(entry)))).toEqual(entry)
  })
})

describe('a change that cannot follow is refused with words', () => {
  const plan = (more: object): Change => {
    const start = startOf() as Extract<Change, { kind: 'start' }>
    return { kind: 'start', plan: { ...start.plan, ...more } }
  }
  const cases: [string, Trial | null, Change, RegExp][] = [
    ['a second trial', newTrial(), startOf(), /canary trial of bbbbbbbbbbbb goes on/],
    ['a switch beside a trial', paused, { kind: 'switch', version: 'c' }, /goes on/],
    ['going back beside a trial', promoting, { kind: 'back', version: 'c' }, /goes on/],
    ['advance without a trial', null, { kind: 'advance' }, /there is none/],
    ['rollback after the end', over, { kind: 'rollback' }, /there is none/],
    ['advance of an A/B trial', newTrial('ab'), { kind: 'advance' }, /ab trial has no steps/],
    ['pause, paused', paused, { kind: 'pause' }, /running, found one that is paused/],
    ['resume, running', newTrial(), { kind: 'resume' }, /paused, found one that is running/],
    ['promote again', promoting, { kind: 'promote' }, /found one that is promoting/],
    ['rollback while promoting', promoting, { kind: 'rollback' }, /found one that is promoting/],
    ['stop while promoting', promoting, { kind: 'stop' }, /found one that is promoting/],
    ['promoted without promoting', newTrial(), { kind: 'promoted' }, /promoting, found/],
    ['the champion itself', null, plan({ challenger: champion }), /is the champion already/],
    ['steps that shrink', null, plan({ steps: [0.5, 0.1] }), /steps must grow/],
    ['a step of nothing', null, plan({ steps: [0, 0.1] }), /steps must grow/],
    ['no steps', null, plan({ steps: [] }), /found none/],
  ]
  test.each(cases)('%s', (_, trial, change, message) => {
    try {
      transition(trial, change, because, { revision: 2, at })
    } catch (error) {
      expect(isRidecastError(error, 'rollout_impossible')).toBe(true)
      expect((error as Error).message).toMatch(message)
      return
    }
    throw new Error('expected a refusal')
  })
})

test('any sequence of changes keeps shares in [0, 1], one trial at a time, and the rules', () => {
  const simple = ['advance', 'promote', 'rollback', 'stop', 'pause', 'resume'] as const
  const ends = ['promoted', 'promotion_failed'] as const
  const version = fc.constantFrom('a', 'b', 'c')
  const change: fc.Arbitrary<Change> = fc.oneof(
    fc.constantFrom(...simple, ...ends).map((kind) => ({ kind })),
    fc.record({ kind: fc.constantFrom('switch', 'back', 'refuse'), version }),
    fc
      .record({
        mode: fc.constantFrom('canary', 'ab', 'shadow'),
        challenger: fc.constantFrom('a', 'b', 'c', 'd'),
        steps: fc.oneof(
          { weight: 4, arbitrary: fc.subarray([0.01, 0.3, 1], { minLength: 1 }) },
          fc.array(fc.double({ min: -0.5, max: 1.5, noNaN: true }), { maxLength: 4 }),
        ),
      })
      .map(({ mode, challenger: own, steps }): Change => {
        const grown = steps.toSorted((a, b) => a - b)
        const plan = { id: own, mode, champion: 'a', challenger: own, steps: grown }
        return { kind: 'start', plan: { ...plan, rules: rulesOf(mode) } }
      }),
  )
  let reached = 0
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const history: Entry[] = []
      for (const one of changes) {
        const before = history.at(-1)?.trial ?? null
        let entry: Entry
        try {
          const next = { revision: history.length + 1, at }
          entry = transition(before, one, because, next)
        } catch (error) {
          // What is refused leaves everything as it was.
          expect(isRidecastError(error, 'rollout_impossible')).toBe(true)
          continue
        }
        entrySchema.parse(entry)
        const { trial } = entry
        if (trial) {
          expect(trial.share).toBeGreaterThanOrEqual(0)
          expect(trial.share).toBeLessThanOrEqual(1)
          expect(trial.step).toBeLessThan(trial.steps.length)
          expect(isActive(trial) || trial.share === 0).toBe(true)
        }
        // Another trial takes the place of one that is over, or of none.
        if (isActive(before)) {
          expect(trial?.id).toBe(before.id)
          expect(trial?.started).toBe(before.started)
          expect(entry.event).not.toBe('started')
          reached++
        }
        history.push(entry)
      }
      expect(history.map(({ revision }) => revision)).toEqual(history.map((_, i) => i + 1))
    }),
    { numRuns: 1000, seed: 20260102 },
  )
  // So that changes which are all refused cannot pass.
  expect(reached).toBeGreaterThan(300)
})

test('a challenger is named by each entry about it', () => {
  const entry = transition(newTrial(), { kind: 'stop' }, because, { revision: 2, at })
  expect(entry.version).toBe(challenger)
})
