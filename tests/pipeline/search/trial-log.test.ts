/** The log of a search: what it refuses, what it mends, and that a kill loses no more than it may. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomSampler } from '../../../src/pipeline/search/random-sampler.ts'
import { readSearch } from '../../../src/pipeline/search/read-log.ts'
import { runSearch, type SearchOptions } from '../../../src/pipeline/search/search.ts'
import { checkSpace } from '../../../src/pipeline/search/space.ts'
import { tpeSampler } from '../../../src/pipeline/search/tpe-sampler.ts'
import { branin } from './functions.ts'

let root = ''
let made = 0
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ridecast-search-log-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))
const fresh = (): string => join(root, String(made++))
const logOf = (folder: string): string => join(folder, 'search.ndjson')

const options = (folder: string, more: Partial<SearchOptions> = {}): SearchOptions => ({
  space: branin.space,
  sampler: randomSampler(),
  trials: 3,
  seed: 1,
  objective: branin.at,
  title: 'Branin',
  fingerprint: 'abc',
  folder,
  ...more,
})

describe('going on', () => {
  test.each([
    ['seed', { seed: 2 }, 'its seed is 1, found 2'],
    ['objective', { title: 'other' }, 'its objective is "Branin", found "other"'],
    ['data', { fingerprint: 'abd' }, 'its fingerprint is "abc", found "abd"'],
    ['sampler', { sampler: tpeSampler() }, 'its sampler is {"name":"random"}, found {'],
    [
      'space',
      { space: checkSpace({ x: { kind: 'whole', low: 1, high: 2 } }, 'some') },
      'its space is {"x":{"high":10,"kind":"number"',
    ],
  ])('with another %s is refused and says what differs', async (_, more, text) => {
    const folder = fresh()
    await runSearch(options(folder))
    const before = await readFile(logOf(folder), 'utf8')
    await expect(runSearch(options(folder, more))).rejects.toThrow(
      expect.objectContaining({ code: 'usage_invalid', message: expect.stringContaining(text) }),
    )
    expect(await readFile(logOf(folder), 'utf8')).toBe(before)
  })

  test('does not depend on the order of keys in the space', async () => {
    const folder = fresh()
    const first = await runSearch(options(folder))
    const space = Object.fromEntries(Object.entries(branin.space).reverse())
    expect(await runSearch(options(folder, { space }))).toEqual(first)
  })

  test.each([
    ['a line without an end', '{"event":"finished","trial":3,"val'],
    [
      'a letter in two bytes cut through',
      Buffer.from('{"event":"failed","message":"\xc3', 'latin1'),
    ],
    ['a whole line without its end', '{"event":"pruned","trial":3,"seconds":1}'],
    ['a block of zeros', '\0'.repeat(512)],
    ['a line that ends in zeros', '{"event":"star\0\0\0\0\n'],
  ])('cuts off %s', async (_, torn) => {
    const folder = fresh()
    const first = await runSearch(options(folder))
    const before = await readFile(logOf(folder), 'utf8')
    await appendFile(logOf(folder), torn)
    expect((await readSearch(folder))?.trials).toEqual(first.trials)
    expect(await runSearch(options(folder))).toEqual(first)
    expect(await readFile(logOf(folder), 'utf8')).toBe(before)
  })

  test.each([
    [
      'a damaged line before the last',
      'nonsense\n{"event":"pruned","trial":3,"seconds":1}\n',
      'line 8',
    ],
    [
      'the end of a trial that does not run',
      '{"event":"pruned","trial":1,"seconds":1}\n',
      'line 8',
    ],
    ['a trial too far', '{"event":"started","trial":9,"point":{}}\n', 'trial 3 is the next'],
    ['an event that there is not', '{"event":"lost","trial":3}\n', 'line 8'],
  ])('refuses %s', async (_, added, text) => {
    const folder = fresh()
    await runSearch(options(folder))
    await appendFile(logOf(folder), added)
    const refusal = expect.objectContaining({
      code: 'run_corrupt',
      message: expect.stringContaining(text),
    })
    await expect(readSearch(folder)).rejects.toThrow(refusal)
    await expect(runSearch(options(folder))).rejects.toThrow(refusal)
  })

  test.each([
    ['', 'header'],
    ['{"format_version":2,"space":{}}\n', 'it has format 2, and this ridecast reads up to 1'],
    ['{"other":1}\n', 'header'],
  ])('refuses a log of %j', async (content, text) => {
    const folder = fresh()
    await runSearch(options(folder))
    await writeFile(logOf(folder), content)
    await expect(runSearch(options(folder))).rejects.toThrow(
      expect.objectContaining({ code: 'run_corrupt', message: expect.stringContaining(text) }),
    )
  })
})

describe('folders', () => {
  test('without a search hold none', async () => {
    expect(await readSearch(fresh())).toBeUndefined()
  })

  test('are for one process at a time', async () => {
    const folder = fresh()
    const second = async (): Promise<number> => {
      await expect(runSearch(options(folder))).rejects.toThrow(
        expect.objectContaining({
          code: 'usage_invalid',
          message: expect.stringContaining('is run already'),
        }),
      )
      return 1
    }
    const { trials } = await runSearch(options(folder, { trials: 1, objective: second }))
    expect(trials).toMatchObject([{ state: 'finished' }])
  })

  test('are not for a process while another one, which is there, has the lock', async () => {
    const folder = fresh()
    const first = await runSearch(options(folder))
    const lock = (pid: number): Promise<void> => {
      const owner = { pid, host: hostname(), at: new Date().toISOString(), token: 'ab12' }
      return writeFile(`${logOf(folder)}.lock`, JSON.stringify(owner))
    }
    await lock(process.ppid)
    await expect(runSearch(options(folder))).rejects.toThrow('is run already')
    // Left by a process that was killed and whose id this one has now, as in a container.
    await lock(process.pid)
    expect(await runSearch(options(folder))).toEqual(first)
  })

  test('that cannot be made are refused', async () => {
    const file = fresh()
    await writeFile(file, 'a file')
    await expect(runSearch(options(join(file, 'inside')))).rejects.toThrow(
      expect.objectContaining({ code: 'run_write_refused' }),
    )
  })

  test('hold nothing but the log when a search is done', async () => {
    const folder = fresh()
    await runSearch(options(folder))
    await expect(stat(`${logOf(folder)}.lock`)).rejects.toThrow('ENOENT')
  })
})

test('a killed process loses the trials that it was running, no others', async () => {
  const folder = fresh()
  const expected = await runSearch(options(fresh(), { trials: 12, sampler: tpeSampler() }))
  const started: ChildProcess[] = []
  const deadline = Date.now() + 40_000
  try {
    for (const ends of [2, 5]) {
      const script = join(import.meta.dirname, 'endless-search.ts')
      const child = spawn(process.execPath, ['--import', 'tsx', script, folder, String(ends)], {
        stdio: 'ignore',
      })
      started.push(child)
      const ended = once(child, 'exit')
      const under = async (): Promise<boolean> => {
        const trials = (await readSearch(folder))?.trials ?? []
        return trials.length === ends + 1 && trials[ends]?.intermediates.size === 1
      }
      while (!(await under())) {
        expect(child.exitCode).toBeNull()
        expect(Date.now()).toBeLessThan(deadline)
        await sleep(20)
      }
      child.kill('SIGKILL')
      await ended
    }
    const kept = (await readSearch(folder))?.trials ?? []
    expect(kept.map(({ state }) => state)).toEqual([...Array(5).fill('finished'), 'running'])
    const { trials } = await runSearch(options(folder, { trials: 12, sampler: tpeSampler() }))
    const results = (some: typeof trials) => some.map(({ point, value }) => ({ point, value }))
    expect(results(trials)).toEqual(results(expected.trials))
  } finally {
    for (const child of started) child.kill('SIGKILL')
  }
})
