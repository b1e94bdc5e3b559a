import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRidecastError } from '../../../src/errors.ts'
import { newCounts } from '../../../src/serve/rollout/arm-counts.ts'
import { readCounts, writeCounts } from '../../../src/serve/rollout/count-files.ts'
import {
  type Change,
  isActive,
  type Trial,
  transition,
} from '../../../src/serve/rollout/machine.ts'
import {
  openRolloutLog,
  type Recorded,
  type RolloutLog,
} from '../../../src/serve/rollout/rollout-log.ts'
import { countsOf, rides, startOf } from './trials.ts'

let state: string
let record: RolloutLog

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'ridecast-rollout-'))
  record = openRolloutLog(state, 'm')
})
afterEach(() => rm(state, { recursive: true, force: true }))

const make = async (change: Change, log = record): Promise<Recorded> => {
  const { recorded } = await log.change(({ trial }, next) => {
    return transition(trial, change, { by: 'person', reason: 'why' }, next)
  })
  return recorded
}

describe('the record', () => {
  test('of a model that nothing was tried of is empty, and makes no folder', async () => {
    expect(await record.read()).toEqual({
      entries: [],
      revision: 0,
      trial: null,
      damage: undefined,
    })
    expect(await readdir(state)).toEqual([])
  })

  test('is read by others as it was written', async () => {
    await make(startOf())
    const written = await make({ kind: 'advance' })
    expect(written.revision).toBe(2)
    expect(await openRolloutLog(state, 'm').read()).toEqual(written)
    expect((await openRolloutLog(state, 'other').read()).revision).toBe(0)
  })

  test('stays as it is where nothing is decided, or the decision is refused', async () => {
    const before = await make(startOf())
    expect(await record.change(() => undefined)).toEqual({ recorded: before, entry: undefined })
    await expect(make(startOf())).rejects.toThrow('goes on')
    expect(await record.read()).toEqual(before)
  })

  test('is decided anew when another was first', async () => {
    const other = openRolloutLog(state, 'm')
    await make(startOf())
    const seen: number[] = []
    let raced = false
    const { entry } = await record.change((recorded, next) => {
      seen.push(recorded.revision)
      return transition(recorded.trial, { kind: 'stop' }, { by: 'judge', reason: '' }, next)
    })
    expect([entry?.revision, seen]).toEqual([2, [1]])
    await make(startOf())
    // Its number is taken between the look and the change.
    const slow = openRolloutLog(state, 'm', {
      now: () => new Date(),
      async link() {
        if (!raced) await make({ kind: 'pause' }, other)
        raced = true
        throw Object.assign(new Error('taken'), { code: 'EEXIST', syscall: 'link' })
      },
    })
    await expect(
      slow.change(({ trial }, next) => {
        return transition(trial, { kind: 'pause' }, { by: 'judge', reason: '' }, next)
      }),
    ).rejects.toThrow('found one that is paused')
  })

  test('gives up after a hundred lost races', async () => {
    const never = openRolloutLog(state, 'm', {
      now: () => new Date(),
      link: async () => {
        throw Object.assign(new Error('taken'), { code: 'EEXIST', syscall: 'link' })
      },
    })
    const failure = await make(startOf(), never).catch((error: unknown) => error)
    expect(isRidecastError(failure, 'registry_busy')).toBe(true)
  })

  test.each([
    ['cut off', '{"revision": 2, "at"'],
    ['empty', ''],
    ['of another shape', '{"revision": 2, "event": "exploded"}'],
  ])('that is damaged (%s) leaves no trial, says so, and can be changed', async (_, text) => {
    await make(startOf())
    await writeFile(join(record.folder, '00000002.json'), text)
    const found = await openRolloutLog(state, 'm').read()
    expect(found).toMatchObject({ revision: 2, trial: null })
    expect(found.damage).toContain('00000002.json cannot be read')
    expect(found.entries).toHaveLength(1)
    const after = await make(startOf())
    expect(after).toMatchObject({ revision: 3, damage: undefined })
    expect(isActive(after.trial)).toBe(true)
    expect(after.entries.map(({ revision }) => revision)).toEqual([1, 3])
  })

  test('that cannot be written says where and why', async () => {
    await mkdir(join(state, 'rollout'), { recursive: true })
    await writeFile(join(state, 'rollout', 'm'), 'a file where a folder should be')
    const failure = await make(startOf()).catch((error: unknown) => error)
    expect(isRidecastError(failure, 'state_io')).toBe(true)
    expect((failure as Error).message).toContain(record.folder)
  })
})

test('four processes, two of them without hard links, change one record one after the other', async () => {
  const count = 25
  const writers = ['links', 'no-links', 'links', 'no-links'].map((links) => {
    const script = join(import.meta.dirname, 'rollout-writer.ts')
    const args = ['--import', 'tsx', script, state, String(count), links]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines: string[] = []
    const reader = createInterface({ input: child.stdout })
    reader.on('line', (line) => lines.push(line))
    const ready = once(reader, 'line')
    const ended = once(child, 'close').then(([code]) => code as number | null)
    return { child, lines, ready, ended }
  })
  try {
    await Promise.all(writers.map(({ ready }) => ready))
    for (const { child } of writers) child.stdin.end('go\n')
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0, 0, 0])
  } finally {
    for (const { child } of writers) child.kill('SIGKILL')
  }
  const { entries, damage } = await record.read()
  expect(damage).toBeUndefined()
  // Each number was granted to one process, and each process knows which were its own.
  const told = writers.flatMap(({ lines }) => lines.filter((line) => line !== 'ready'))
  const written = entries.map(({ revision, event }) => `${revision} ${event}`)
  expect(told.sort()).toEqual(written.sort())
  expect(entries.map(({ revision }) => revision)).toEqual(entries.map((_, i) => i + 1))
  expect(entries.length).toBeGreaterThan(count)
  // Every entry was decided on the one before it: its change fits that trial.
  let before: Trial | null = null
  for (const { event, trial } of entries) {
    const fits = { started: !isActive(before), stopped: isActive(before) }[event as string]
    expect(fits ?? (event === 'paused') === (before?.status === 'running')).toBe(true)
    before = trial
  }
})

describe('counts of processes', () => {
  test('add up, those of this process as they are now', async () => {
    await writeCounts(state, 't', 'one', countsOf(rides(10), rides(5)))
    await writeCounts(state, 't', 'two', countsOf(rides(20), rides(7)))
    const counts = countsOf(rides(30), rides(9))
    const all = await readCounts(state, 't', 1, { name: 'two', counts })
    expect([all.champion.answered, all.challenger.answered]).toEqual([40, 14])
    expect((await readCounts(state, 't', 1)).champion.answered).toBe(30)
  })

  test('that cannot be read are left out', async () => {
    await writeCounts(state, 't', 'one', countsOf(rides(10), []))
    await writeFile(join(state, 'counts', 't', 'two.json'), '{"step":')
    expect((await readCounts(state, 't', 1)).champion.answered).toBe(10)
    expect(await readCounts(state, 'none', 1)).toEqual(newCounts(1))
  })
})
