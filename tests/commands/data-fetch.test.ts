/** `ridecast data fetch` and `ridecast data verify`, as a person calls them. */

import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { dataFetchCommand } from '../../src/commands/data-fetch.ts'
import { dataVerifyCommand } from '../../src/commands/data-verify.ts'
import { interruptible } from '../../src/commands/interrupt.ts'
import {
  type Answer,
  accessDenied,
  file,
  type Publisher,
  page,
  parquet,
  publish,
} from '../pipeline/faulty-publisher.ts'
import { runCommand } from './run-command.ts'

let cwd = ''
let publisher: Publisher
let out = ''
let err = ''
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-fetch-'))
  publisher = await publish(each)
  out = ''
  err = ''
})
afterEach(() => {
  publisher.close()
  rmSync(cwd, { recursive: true, force: true })
})

/** Answers each path with a file that says its name. */
const each: Answer = (request, response, of) => {
  file(parquet(64_000, basename(request.url ?? '')))(request, response, of)
}

const writers = {
  out: (text: string): void => {
    out += text
  },
  err: (text: string): void => {
    err += text
  },
}

/** Runs one of the two; throws what it throws. */
async function run(verb: 'fetch' | 'verify', ...args: string[]): Promise<void> {
  out = ''
  err = ''
  const make = verb === 'fetch' ? dataFetchCommand : dataVerifyCommand
  await runCommand(make, [...args, '--base-url', publisher.url], cwd, writers)
}

const data = (name: string): string => join(cwd, 'data', name)

describe('ridecast data fetch', () => {
  test('downloads every month of every fleet once, and says what is there', async () => {
    await run('fetch', '2021-01..2021-02', '--taxi', 'yellow,green')
    const lines = out.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^file +MB +sha256$/)
    // 64,018 bytes each.
    expect(lines.slice(1).map((line) => line.replace(/ +[0-9a-f]{12} +/, ' '))).toEqual([
      'green_tripdata_2021-01.parquet   0.1 downloaded',
      'green_tripdata_2021-02.parquet   0.1 downloaded',
      'yellow_tripdata_2021-01.parquet  0.1 downloaded',
      'yellow_tripdata_2021-02.parquet  0.1 downloaded',
    ])
    expect(err).toBe('')
    publisher.asked.length = 0
    await run('fetch', '2021-01..2021-03', '--json')
    const { files } = JSON.parse(out)
    expect(files.map((one: { downloaded: boolean }) => one.downloaded)).toEqual([
      false,
      false,
      true,
    ])
    expect(publisher.asked.map(({ path }) => path)).toEqual(['/green_tripdata_2021-03.parquet'])
  })

  test('names the month that is not published, and keeps the others', async () => {
    publisher.answers = [
      (request, response, of) => {
        const isThere = request.url?.includes('2021-01')
        return (isThere ? each : page(403, accessDenied))(request, response, of)
      },
    ]
    const running = run('fetch', '2021-01..2021-02', '--connections', '1')
    await expect(running).rejects.toMatchObject({ code: 'source_not_published' })
    expect(existsSync(data('green_tripdata_2021-01.parquet'))).toBe(true)
    expect(existsSync(data('green_tripdata_2021-02.parquet'))).toBe(false)
  })

  test.each([
    [['2021-13'], /month 2021-13 does not exist/],
    [['2021-01', '--connections', '0'], /expected a whole number from 1 to 64/],
    [[], /missing required argument/],
  ])('refuses %j', async (args, fault) => {
    const failed = await run('fetch', ...args).catch((error: Error) => `${err}${error.message}`)
    expect(failed).toMatch(fault)
    expect(publisher.asked).toEqual([])
  })
})

describe('ridecast data verify', () => {
  test('is content with what was downloaded, and asks nobody', async () => {
    await run('fetch', '2021-01..2021-02')
    publisher.asked.length = 0
    await run('verify')
    expect(out).toBe(
      'file                             MB  state\n' +
        'green_tripdata_2021-01.parquet  0.1  ok\n' +
        'green_tripdata_2021-02.parquet  0.1  ok\n',
    )
    expect(publisher.asked).toEqual([])
  })

  test('fails when a file is another one, and accepts it when told to', async () => {
    await run('fetch', '2021-01..2021-02')
    writeFileSync(data('green_tripdata_2021-02.parquet'), parquet(64))
    await expect(run('verify')).rejects.toMatchObject({
      code: 'source_mismatch',
      message: expect.stringMatching(
        /^1 of 2 files differ, first .*2021-02\.parquet has 82 bytes, downloaded were 64018; remove/,
      ),
    })
    expect(out).toContain('green_tripdata_2021-01.parquet  0.1  ok\n')
    await run('verify', '2021-01')
    await run('verify', '--accept')
    expect(out).toContain('has 82 bytes, downloaded were 64018: accepted\n')
    await run('verify', '--json')
    expect(JSON.parse(out).files[1]).toMatchObject({
      state: 'ok',
      bytes: 82,
      manifest: { bytes: 82, etag: null },
    })
  })

  test('fails for a file that nobody has downloaded, by path too', async () => {
    writeFileSync(join(cwd, 'mine.parquet'), parquet(64))
    const running = run('verify', './mine.parquet')
    await expect(running).rejects.toMatchObject({ code: 'source_mismatch' })
    expect(out).toContain('mine.parquet  0.0  is not in the manifest')
    await run('verify', './mine.parquet', '--accept')
    await run('verify', './mine.parquet')
    expect(JSON.parse(readFileSync(join(cwd, 'manifest.json'), 'utf8')).files).toHaveProperty([
      'mine.parquet',
    ])
  })

  test('asks the publisher with --remote, and fails when it has another file', async () => {
    await run('fetch', '2021-01')
    await run('verify', '--remote')
    expect(out).toMatch(/ok +same\n$/)
    publisher.answers = [file(parquet(64_000, 'new'), { etag: '"two"' })]
    await expect(run('verify', '--remote')).rejects.toMatchObject({
      code: 'source_mismatch',
      message: expect.stringContaining(
        ': its publisher has the ETag "two" now, it was "one"; remove',
      ),
    })
    expect(out).toMatch(/ok +changed has the ETag "two" now, it was "one"\n$/)
  })

  test('says how to get files where none are listed', async () => {
    await run('verify')
    expect(out).toBe(
      'data has no manifest that lists files; fetch some: ridecast data fetch 2021-01\n',
    )
  })
})

describe('Ctrl-C', () => {
  test('ends a fetch in good order: what came is kept, which is said, and no lock stays', async () => {
    publisher.answers = [file(parquet(64_000), { stallAfter: 30_000 })]
    const script = join(import.meta.dirname, 'fetch-process.ts')
    const flags = ['--base-url', publisher.url, '--data', join(cwd, 'data'), '--no-cache']
    const args = ['--import', 'tsx', script, '2021-01', ...flags]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.on('data', (text) => {
      err += text
    })
    try {
      const shown = 'green 2021-01  0.0 of 0.1 MB'
      await vi.waitFor(() => expect(err).toContain(shown), 20_000)
      const parts = (): string[] =>
        readdirSync(join(cwd, 'data')).filter((n) => n.endsWith('.part'))
      await vi.waitFor(() => expect(statSync(data(parts()[0] ?? '')).size).toBe(30_000), 20_000)
      child.kill('SIGINT')
      const [code] = (await once(child, 'close')) as [number | null]
      expect(code).toBe(1)
      expect(err).toContain('2021-01.parquet: 0.0 MB are kept, the rest comes next time')
      expect(err).toMatch(/error the command was interrupted: .*\[source_interrupted\]\n$/)
      expect(parts()).toHaveLength(1)
      expect(existsSync(data('green_tripdata_2021-01.parquet.lock'))).toBe(false)
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('aborts the work, which fails with the reason, and is let go of afterwards', async () => {
    const interrupts = new EventEmitter()
    const running = interruptible(async (signal) => {
      interrupts.emit('SIGINT')
      signal.throwIfAborted()
    }, interrupts)
    await expect(running).rejects.toMatchObject({ code: 'source_interrupted' })
    // A second one ends the process: nobody catches it.
    expect(interrupts.listenerCount('SIGINT') + interrupts.listenerCount('SIGTERM')).toBe(0)
  })
})
