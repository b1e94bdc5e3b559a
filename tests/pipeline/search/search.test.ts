/** One search after another: what is kept, and that it goes on after a cut as if it had not been. */

import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RidecastError } from '../../../src/errors.ts'
import { gridSampler } from '../../../src/pipeline/search/grid-sampler.ts'
import { randomSampler } from '../../../src/pipeline/search/random-sampler.ts'
import { readSearch } from '../../../src/pipeline/search/read-log.ts'
import { type Objective, runSearch, type SearchEvent } from '../../../src/pipeline/search/search.ts'
import { checkSpace } from '../../../src/pipeline/search/space.ts'
import type { Trial } from '../../../src/pipeline/search/trial.ts'
import { logOf, objective, options } from './small-search.ts'

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ridecast-search-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
const fresh = (): string => join(root, String(made++))

/** A trial without how long it took, which nothing decides. */
const lasting = ({ seconds: _, ...rest }: Trial): object => ({
  ...rest,
  intermediates: [...rest.intermediates],
})

describe('one worker', () => {
  let whole: readonly Trial[] = []
  let log = ''
  beforeAll(async () => {
    const folder = fresh()
    whole = (await runSearch(options(folder))).trials
    log = await readFile(logOf(folder), 'utf8')
  })

  test('tries all trials, with finished, failed and pruned ones among them', () => {
    expect(whole.map(({ number }) => number)).toEqual(Array.from({ length: 24 }, (_, i) => i))
    const states = new Set(whole.map(({ state }) => state))
    expect(states).toEqual(new Set(['finished', 'failed', 'pruned']))
  })

  test('gives the same trials again, and what is kept is what was returned', async () => {
    const folder = fresh()
    const { trials, best } = await runSearch(options(folder))
    expect(trials.map(lasting)).toEqual(whole.map(lasting))
    const values = trials.flatMap(({ value }) => value ?? [])
    expect(best.value).toBe(Math.min(...values))
    expect((await readSearch(folder))?.trials).toEqual(trials)
  })

  // Positions in the file, spread by the golden ratio: in lines, at their ends, in characters.
  const cuts = Array.from({ length: 24 }, (_, i) => (0.618034 * (i + 1)) % 1)
  test.each(cuts)(
    'goes on after a kill at %d of its log as if nothing had happened',
    async (at) => {
      const folder = fresh()
      await mkdir(folder)
      const bytes = Buffer.from(log)
      const header = bytes.indexOf('\n') + 1
      await writeFile(logOf(folder), bytes.subarray(0, header + at * (bytes.length - header)))
      const { trials } = await runSearch(options(folder))
      expect(trials.map(lasting)).toEqual(whole.map(lasting))
      expect((await readSearch(folder))?.trials).toEqual(trials)
    },
  )

  test('goes on after several interruptions as if nothing had happened', async () => {
    const folder = fresh()
    let stop = new AbortController()
    let calls = 0
    const interrupting: Objective = async (point, context) => {
      calls++
      if (calls % 5 === 4) {
        stop.abort(new Error('interrupted'))
        context.signal.throwIfAborted()
      }
      return objective(point, context)
    }
    const interrupted = options(folder, { objective: interrupting })
    let cut = 0
    for (;;) {
      stop = new AbortController()
      const found = runSearch({ ...interrupted, signal: stop.signal })
      const trials = await found.then(
        (result) => result.trials,
        (error: Error) => {
          expect(error.message).toBe('interrupted')
          cut++
        },
      )
      if (!trials) continue
      expect(trials.map(lasting)).toEqual(whole.map(lasting))
      break
    }
    expect(cut).toBeGreaterThan(4)
  })

  test('goes on to more trials', async () => {
    const folder = fresh()
    await runSearch(options(folder, { trials: 9 }))
    const { trials } = await runSearch(options(folder))
    expect(trials.map(lasting)).toEqual(whole.map(lasting))
  })

  test('tries nothing again when all trials are there', async () => {
    const folder = fresh()
    const first = await runSearch(options(folder))
    const again = await runSearch(
      options(folder, {
        objective: () => {
          throw new Error('called')
        },
      }),
    )
    expect(again).toEqual(first)
  })

  test('runs a trial that was cut off again under its number at its point', async () => {
    const folder = fresh()
    await runSearch(options(folder, { trials: 2 }))
    const point = { ...(whole[2]?.point ?? {}), shift: 4.5 }
    await appendFile(
      logOf(folder),
      `${JSON.stringify({ event: 'started', trial: 2, point })}\n` +
        '{"event":"intermediate","trial":2,"step":9,"value":"Infinity"}\n',
    )
    const events: SearchEvent[] = []
    const onEvent = (event: SearchEvent): void => void events.push(event)
    const { trials } = await runSearch(options(folder, { trials: 3, onEvent }))
    expect(trials[2]?.point).toEqual(point)
    expect([...(trials[2]?.intermediates.keys() ?? [])]).not.toContain(9)
    const [resumed, started] = events
    expect(resumed).toMatchObject({ kind: 'resumed', trials: { 2: { state: 'running' } } })
    expect(started).toMatchObject({ kind: 'started', trial: { number: 2 } })
  })
})

describe('trials', () => {
  test('that fail are kept with their fault, and the search goes on', async () => {
    const folder = fresh()
    const { trials } = await runSearch(options(folder, { sampler: randomSampler() }))
    const failed = trials.filter(({ state }) => state === 'failed')
    expect(failed.length).toBeGreaterThan(0)
    for (const { fault, point } of failed) {
      expect(point.kind).toBe('d')
      expect(fault).toEqual({ code: 'solve_failed', message: 'kind d does not converge' })
    }
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('with a value of %d fail', async (value) => {
    const some = (_: unknown, { number }: { number: number }): number => (number === 0 ? value : 1)
    const { trials, best } = await runSearch(options(fresh(), { trials: 2, objective: some }))
    expect(trials[0]).toMatchObject({ state: 'failed', fault: { code: 'internal' } })
    expect(trials[0]?.fault?.message).toContain(String(value))
    expect(best.number).toBe(1)
  })

  test('that all fail are an error with the code of the last fault', async () => {
    const failing: Objective = () => {
      throw new RidecastError('source_not_found', 'there is no month')
    }
    const folder = fresh()
    await expect(runSearch(options(folder, { objective: failing, trials: 15 }))).rejects.toThrow(
      expect.objectContaining({
        code: 'source_not_found',
        message: expect.stringMatching(/none of 15 trials finished.*there is no month/),
      }),
    )
    expect((await readSearch(folder))?.trials).toHaveLength(15)
  })

  test('that report a step twice fail', async () => {
    const twice: Objective = (_, { report, number }) => {
      report(1, 0)
      if (number === 0) report(1, 0)
      return 0
    }
    const { trials } = await runSearch(options(fresh(), { objective: twice, trials: 2 }))
    expect(trials.map(({ state }) => state)).toEqual(['failed', 'finished'])
  })

  test('keep metrics that are not numbers, and change their point for themselves only', async () => {
    const folder = fresh()
    const changing: Objective = (point) => {
      point.kind = 'changed'
      return { value: -0, metrics: { a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: 1.5 } }
    }
    const { best } = await runSearch(options(folder, { objective: changing, trials: 1 }))
    const kept = (await readSearch(folder))?.trials[0]
    expect(kept).toEqual(best)
    expect(kept?.metrics).toEqual({ a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: 1.5 })
    expect(kept?.point.kind).not.toBe('changed')
  })

  test('of a grid end with it, and equal values make the first one the best', async () => {
    const space = checkSpace({ x: { kind: 'whole', low: 1, high: 5 } }, 'some')
    const sampler = gridSampler(9)
    const even: Objective = ({ x }) => Number(x) % 2
    const { trials, best } = await runSearch(options(fresh(), { space, sampler, objective: even }))
    expect(trials.map(({ point }) => point.x)).toEqual([1, 2, 3, 4, 5])
    expect(best.point).toEqual({ x: 2 })
  })
})
