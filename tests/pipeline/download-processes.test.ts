/** Processes that are killed while they download, or download the same file at once: real ones. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, file, type Publisher, parquet, publish } from './faulty-publisher.ts'

const name = 'green_tripdata_2021-01.parquet'
const whole = parquet(3_000_000)
const sha256 = createHash('sha256').update(whole).digest('hex')
const writer = join(import.meta.dirname, 'download-writer.ts')

let folder = ''
let publisher: Publisher
const children = new Set<ChildProcess>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-processes-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  publisher.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A process that downloads the month, and what it prints. */
function start() {
  const args = ['--import', 'tsx', writer, publisher.url, folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const ended = (once(child, 'close') as Promise<[number | null, string | null]>).then(
    ([code, signal]) => signal ?? code,
  )
  /** Resolves with the first line that fits. */
  const printed = (pattern: RegExp): Promise<string> =>
    new Promise((done, failed) => {
      const look = (): void => {
        const line = lines.find((one) => pattern.test(one))
        if (line !== undefined) done(line)
      }
      reader.on('line', look)
      look()
      void ended.then((how) => failed(new Error(`ended by ${how}: ${lines.join('\n')}`)))
    })
  return { child, lines, ended, printed }
}

describe('a process that is killed while it downloads', () => {
  test('leaves no file, and the next one asks for the rest only', async () => {
    publisher = await publish(file(whole, { stallAfter: 2_000_000 }), file(whole))
    const first = start()
    await first.printed(/^received 2000000$/)
    first.child.kill('SIGKILL')
    expect(await first.ended).toBe('SIGKILL')
    expect(readdirSync(folder)).not.toContain(name)
    expect(readdirSync(folder)).toContain(`${name}.lock`)

    const second = start()
    expect(await second.printed(/^done/)).toBe(`done ${sha256} true`)
    expect(await second.ended).toBe(0)
    expect(publisher.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=2000000-'])
    // The lock of a process that is gone is no reason to wait.
    expect(second.lines.filter((line) => line.startsWith('note'))).toEqual([])
    expect(readFileSync(join(folder, name)).equals(whole)).toBe(true)
    expect(readdirSync(folder).sort()).toEqual([name, 'manifest.json'])
  })
})

describe('two processes that want the same file', () => {
  test('fetch it once: the other waits, says so, and uses it', async () => {
    let go = (): void => {}
    const held: Answer = (request, response, of) => {
      go = () => file(whole)(request, response, of)
    }
    publisher = await publish(held)
    const both = [start(), start()]
    const note = await Promise.race(both.map(({ printed }) => printed(/^note waiting/)))
    const pids = both.map(({ child }) => child.pid)
    const owner = Number(/process (\d+)/.exec(note)?.[1])
    expect(pids).toContain(owner)
    expect(note).toBe(`note waiting for process ${owner} to download green 2021-01 ...`)
    go()
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual([0, 0])
    const done = both.map(({ lines }) => lines.at(-1)).sort()
    expect(done).toEqual([`done ${sha256} false`, `done ${sha256} true`])
    expect(publisher.asked).toHaveLength(1)
    expect(readdirSync(folder).sort()).toEqual([name, 'manifest.json'])
  })

  test('take over when the one that downloads is killed, and ask for the rest only', async () => {
    publisher = await publish(file(whole, { stallAfter: 1_000_000 }), file(whole))
    const first = start()
    await first.printed(/^received 1000000$/)
    const others = [start(), start()]
    for (const { printed } of others) await printed(/^note waiting/)
    first.child.kill('SIGKILL')
    await Promise.all(others.map(({ printed }) => printed(/^done/)))
    expect(publisher.asked.map(({ range }) => range)).toEqual([undefined, 'bytes=1000000-'])
    expect(others.map(({ lines }) => lines.at(-1)).sort()).toEqual([
      `done ${sha256} false`,
      `done ${sha256} true`,
    ])
  })
})
