import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRidecastError } from '../../src/errors.ts'
import { type LockEffects, type LockOptions, withLock } from '../../src/pipeline/download-lock.ts'

let folder = ''
let lock = ''
let now = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-lock-'))
  lock = join(folder, 'rides.parquet.lock')
  now = Date.parse('2024-05-17T12:00:00Z')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const options: LockOptions = { purpose: 'download green 2021-01' }

/** A clock that moves only while somebody waits. */
function effects(changes: Partial<LockEffects> = {}): LockEffects {
  return {
    now: () => new Date(now),
    wait: async (ms) => {
      now += ms
      // Others get a turn.
      await new Promise((done) => setImmediate(done))
    },
    ...changes,
  }
}

/** A lock of another process, touched now. */
function locked(owner: object = {}): void {
  const all = { pid: 4_000_000, host: hostname(), at: new Date(now).toISOString(), token: 'ab12' }
  writeFileSync(lock, JSON.stringify({ ...all, ...owner }))
  touch()
}

function touch(): void {
  utimesSync(lock, new Date(now), new Date(now))
}

const alive = (): boolean => true
const start = Date.parse('2024-05-17T12:00:00Z')

describe('a lock that is free', () => {
  test('says who has it while the work goes on, and is gone afterwards', async () => {
    const answer = await withLock(lock, options, effects(), async () => {
      const owner = JSON.parse(readFileSync(lock, 'utf8'))
      expect(owner).toMatchObject({ pid: process.pid, host: hostname() })
      expect(owner.at).toBe('2024-05-17T12:00:00.000Z')
      return 7
    })
    expect(answer).toBe(7)
    expect(readdirSync(folder)).toEqual([])
  })

  test('is gone after a failure too, which is thrown', async () => {
    const work = async (): Promise<never> => {
      throw new Error('no room')
    }
    await expect(withLock(lock, options, effects(), work)).rejects.toThrow('no room')
    expect(readdirSync(folder)).toEqual([])
  })

  test('is touched when the work says that it gets on, once a second at most', async () => {
    await withLock(lock, options, effects(), async (getOn) => {
      now += 999
      getOn()
      now += 30_000
      getOn()
      const deadline = Date.now() + 10_000
      while (statSync(lock).mtimeMs !== now && Date.now() < deadline) {
        await new Promise((done) => setImmediate(done))
      }
      expect(statSync(lock).mtimeMs).toBe(now)
    })
  })

  test('that cannot be made is an error with a remedy', async () => {
    writeFileSync(join(folder, 'file'), '')
    const path = join(folder, 'file', 'rides.lock')
    const error = await withLock(path, options, effects(), async () => 1).catch((e: unknown) => e)
    expect(isRidecastError(error, 'source_io')).toBe(true)
    expect(String(error)).toMatch(/pass --data DIR of a folder that can be written to$/)
  })
})

describe('a lock that another process has', () => {
  test('is waited for, which is said once', async () => {
    locked()
    const notes: string[] = []
    const wait = async (ms: number): Promise<void> => {
      now += ms
      touch()
      if (now > start + 5000) rmSync(lock)
    }
    const taken = await withLock(
      lock,
      options,
      effects({ isAlive: alive, wait, note: (text) => notes.push(text) }),
      async () => now,
    )
    expect(taken).toBeGreaterThan(start + 5000)
    expect(notes).toEqual(['waiting for process 4000000 to download green 2021-01 ...'])
  })

  test('is taken over at once when the process is gone', async () => {
    locked()
    await withLock(lock, options, effects({ isAlive: () => false }), async () => {
      expect(JSON.parse(readFileSync(lock, 'utf8')).pid).toBe(process.pid)
    })
    expect(now).toBe(start)
    expect(readdirSync(folder)).toEqual([])
  })

  test('of a process that is really gone or there is told apart without help', async () => {
    locked({ pid: process.ppid })
    const { isAlive, ...real } = effects()
    const busy = { ...options, busyMs: 1000, staleMs: 1e9 }
    await expect(withLock(lock, busy, real, async () => 1)).rejects.toThrow(/process \d+ is to/)
    // No system gives out a number so high.
    locked({ pid: 2 ** 30 })
    expect(await withLock(lock, busy, real, async () => 1)).toBe(1)
  })

  test('of another machine is taken over only once it was not touched for a minute', async () => {
    locked({ host: 'elsewhere' })
    const notes: string[] = []
    const noted = effects({ isAlive: () => false, note: (text) => notes.push(text) })
    const taken = await withLock(lock, options, noted, async () => now)
    expect(taken - start).toBeGreaterThan(60_000)
    expect(taken - start).toBeLessThan(62_000)
    expect(notes).toEqual([
      'waiting for process 4000000 on elsewhere to download green 2021-01 ...',
    ])
  })

  test('that says nothing, since its owner was killed at once, is taken over after a minute', async () => {
    writeFileSync(lock, '')
    touch()
    const taken = await withLock(lock, options, effects(), async () => now)
    expect(taken - start).toBeGreaterThan(60_000)
  })

  test('is given up when it is touched but nothing gets on', async () => {
    locked()
    const wait = async (ms: number): Promise<void> => {
      now += ms
      touch()
    }
    const sizes = {
      ...options,
      busyMs: 120_000,
      progress: async () => Math.min(now, start + 60_000),
    }
    const error = await withLock(
      lock,
      sizes,
      effects({ isAlive: alive, wait }),
      async () => 1,
    ).catch((reason: unknown) => reason)
    expect(isRidecastError(error, 'source_busy')).toBe(true)
    expect(String(error)).toContain(
      'process 4000000 is to download green 2021-01 and has not got on for 120 s: end it, or remove',
    )
    // A minute of progress, and then two without.
    expect(now - start).toBeGreaterThan(180_000)
    expect(now - start).toBeLessThan(182_000)
    expect(existsSync(lock)).toBe(true)
  })

  test('ends the waiting when that is aborted', async () => {
    locked()
    const stop = new AbortController()
    const waiting = withLock(
      lock,
      options,
      effects({
        isAlive: alive,
        signal: stop.signal,
        note: () => stop.abort(new Error('enough')),
      }),
      async () => 1,
    )
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('many at once', () => {
  test.each([
    ['a free lock', () => {}],
    ['a lock whose owner is gone', () => locked()],
    ['a lock that says nothing', () => writeFileSync(lock, '')],
  ])('have %s one after another', async (_, before) => {
    before()
    now = Date.now() + 120_000
    let [inside, most, done] = [0, 0, 0]
    const one = (): Promise<void> =>
      withLock(
        lock,
        { ...options, staleMs: 60_000 },
        effects({ isAlive: (pid) => pid === process.pid }),
        async () => {
          most = Math.max(most, ++inside)
          for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next))
          inside--
          done++
        },
      )
    await Promise.all(Array.from({ length: 20 }, one))
    expect([most, done]).toEqual([1, 20])
    expect(readdirSync(folder)).toEqual([])
  })

  test('an owner that was taken for dead does not remove the lock of who took over', async () => {
    const relaxed = effects({ isAlive: alive })
    await withLock(lock, options, relaxed, async () => {
      now += 120_000
      const second = withLock(lock, options, relaxed, async () => {
        return JSON.parse(readFileSync(lock, 'utf8')).token as string
      })
      // Taken over, done and released; a third one has it when the first comes back.
      await second
      locked({ token: 'cd34' })
    })
    expect(JSON.parse(readFileSync(lock, 'utf8')).token).toBe('cd34')
  })

  test('a claim that a killed process left is let go after a minute', async () => {
    locked()
    writeFileSync(`${lock}.ab12`, '')
    utimesSync(`${lock}.ab12`, new Date(now), new Date(now))
    const taken = await withLock(lock, options, effects({ isAlive: () => false }), async () => now)
    expect(taken - start).toBeGreaterThan(60_000)
    expect(readdirSync(folder)).toEqual([])
  })
})
