/** What a search tells, how its workers share it, how it is interrupted, and what it refuses. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gridSampler } from '../../../src/pipeline/search/grid-sampler.ts'
import { readSearch } from '../../../src/pipeline/search/read-log.ts'
import {
  type Objective,
  runSearch,
  type SearchEvent,
  type SearchOptions,
} from '../../../src/pipeline/search/search.ts'
import type { Trial } from '../../../src/pipeline/search/trial.ts'
import { randomNumbers } from '../../random-rides.ts'
import { bowl } from './functions.ts'
import { objective, options } from './small-search.ts'

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ridecast-search-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
const fresh = (): string => join(root, String(made++))

describe('events', () => {
  test('tell of everything in order, after it is in the file', async () => {
    const folder = fresh()
    const kinds: string[] = []
    await runSearch(
      options(folder, {
        trials: 2,
        onEvent: async (event) => {
          if (event.kind === 'resumed') return
          kinds.push(`${event.kind} ${event.trial.number}`)
          const kept = (await readSearch(folder))?.trials[event.trial.number]
          if (event.kind !== 'intermediate') expect(kept?.state).toBe(event.trial.state)
        },
      }),
    )
    const four = (n: number): string[] => Array.from({ length: 4 }, () => `intermediate ${n}`)
    expect(kinds).toEqual([
      'started 0',
      ...four(0),
      'finished 0',
      'started 1',
      ...four(1),
      'finished 1',
    ])
  })

  test.each(['started', 'intermediate', 'finished'])(
    'that throw when %s end the search, which goes on later',
    async (kind) => {
      const folder = fresh()
      const onEvent = (event: SearchEvent): void => {
        if (event.kind === kind) throw new Error(`no ${kind}`)
      }
      await expect(runSearch(options(folder, { onEvent }))).rejects.toThrow(`no ${kind}`)
      const { trials } = await runSearch(options(folder, { trials: 3 }))
      expect(trials).toHaveLength(3)
    },
  )
})

describe('workers', () => {
  test('run trials at the same time, as many as asked and no more', async () => {
    let [now, most] = [0, 0]
    const waiting: (() => void)[] = []
    const meeting: Objective = async (point) => {
      now++
      most = Math.max(most, now)
      // Nobody goes on before three are there: fewer at a time would never end.
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        if (waiting.length % 3 === 0) for (const go of waiting.splice(0)) go()
      })
      now--
      return bowl.at(point)
    }
    const folder = fresh()
    const { trials } = await runSearch(options(folder, { objective: meeting, workers: 3 }))
    expect(most).toBe(3)
    expect(trials).toHaveLength(24)
    const points = trials.map(({ point }) => JSON.stringify(point))
    expect(new Set(points).size).toBe(24)
    expect((await readSearch(folder))?.trials).toEqual(trials)
  })

  test('give the same trials whatever their speed, cut or not', async () => {
    const lasting = ({ seconds: _, ...rest }: Trial): object => ({
      ...rest,
      intermediates: [...rest.intermediates],
    })
    /** Trials that end in another order each time: random turns of the event loop. */
    const dawdling = (seed: number): Objective => {
      const random = randomNumbers(seed)
      return async (point, context) => {
        const turns = Math.floor(random() * 12)
        for (let k = 0; k < turns; k++) await new Promise((go) => setImmediate(go))
        return objective(point, context)
      }
    }
    const of = async (seed: number, more: Partial<SearchOptions> = {}): Promise<object[]> => {
      const folder = fresh()
      const search = { objective: dawdling(seed), workers: 3, ...more }
      return (await runSearch(options(folder, search))).trials.map(lasting)
    }
    const first = await of(1)
    for (const seed of [2, 3, 4, 5]) expect(await of(seed)).toEqual(first)
    // Cut after a few trials, and gone on with.
    const folder = fresh()
    const stop = new AbortController()
    let calls = 0
    const cut: Objective = (point, context) => {
      if (++calls === 8) stop.abort(new Error('interrupted'))
      return dawdling(calls)(point, context)
    }
    const search = options(folder, { objective: cut, workers: 3, signal: stop.signal })
    await expect(runSearch(search)).rejects.toThrow('interrupted')
    const { trials } = await runSearch(options(folder, { objective: dawdling(9), workers: 3 }))
    expect(trials.map(lasting)).toEqual(first)
  })

  test('are all told of an interruption; only what ended is kept', async () => {
    const stop = new AbortController()
    const folder = fresh()
    let begun = 0
    const told: number[] = []
    const hanging: Objective = async (_, { number, signal }) => {
      if (number === 0) return 1
      if (++begun === 2) stop.abort(new Error('interrupted'))
      await new Promise((_resolve, reject) => {
        const tell = (): void => {
          told.push(number)
          reject(signal.reason)
        }
        if (signal.aborted) tell()
        else signal.addEventListener('abort', tell)
      })
      return 2
    }
    const search = options(folder, { objective: hanging, workers: 2, signal: stop.signal })
    await expect(runSearch(search)).rejects.toThrow('interrupted')
    expect(told.sort()).toEqual([1, 2])
    const states = (await readSearch(folder))?.trials.map(({ state }) => state)
    expect(states).toEqual(['finished', 'running', 'running'])
    const { trials } = await runSearch(options(folder, { trials: 4, workers: 2 }))
    expect(trials).toHaveLength(4)
    expect(trials.map(({ state }) => state)).not.toContain('running')
  })

  test('that report are stopped by an interruption, and nothing comes of their trials', async () => {
    const stop = new AbortController()
    const folder = fresh()
    const reporting: Objective = (_, { report }) => {
      stop.abort(new Error('interrupted'))
      return report(0, 1) === 'stop' ? 123 : 1
    }
    const search = options(folder, { objective: reporting, signal: stop.signal })
    await expect(runSearch(search)).rejects.toThrow('interrupted')
    expect((await readSearch(folder))?.trials).toMatchObject([{ state: 'running' }])
  })
})

describe('options', () => {
  test.each([
    { trials: 0 },
    { trials: 1.5 },
    { workers: 0 },
    { seed: -1 },
    { seed: 2 ** 32 },
    { sampler: gridSampler(0) },
  ])('that are out of range are refused: %j', async (more) => {
    const folder = fresh()
    await expect(runSearch(options(folder, more))).rejects.toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
    expect(await readSearch(folder)).toBeUndefined()
  })

  test('a signal that is aborted already starts nothing', async () => {
    const folder = fresh()
    const signal = AbortSignal.abort(new Error('interrupted'))
    await expect(runSearch(options(folder, { signal }))).rejects.toThrow('interrupted')
    expect((await readSearch(folder))?.trials).toEqual([])
  })
})
