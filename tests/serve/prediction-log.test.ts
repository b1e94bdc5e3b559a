import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { type Loggable, openPredictionLog } from '../../src/serve/prediction-log.ts'
import { LogLines } from './listening.ts'

let folder: string
let said: LogLines
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-predictions-'))
  said = new LogLines()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const line = (day: string, n: number): Loggable => ({ day, text: () => JSON.stringify({ n }) })
const log = (more: object = {}) =>
  openPredictionLog(
    { folder, process: 'abcdefgh', everyMs: 60_000, ...more },
    createLog('serve', 'info', said),
  )
const linesOf = (day: string): unknown[] =>
  readFileSync(join(folder, day, 'abcdefgh.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as unknown)

describe('the prediction log', () => {
  test('has every line, in order, in the file of its day', async () => {
    const open = log()
    for (let n = 0; n < 1200; n++) open.append(line(n < 700 ? '2026-11-21' : '2026-11-22', n))
    await open.close()
    expect(linesOf('2026-11-21')).toEqual(Array.from({ length: 700 }, (_, n) => ({ n })))
    expect(linesOf('2026-11-22')).toEqual(Array.from({ length: 500 }, (_, i) => ({ n: i + 700 })))
    expect(open.counts).toEqual({ written: 1200, dropped: 0 })
  })

  test('writes by itself after a while', async () => {
    const open = log({ everyMs: 5 })
    open.append(line('2026-11-22', 1))
    await expect.poll(() => open.counts.written).toBe(1)
    await open.close()
  })

  test('drops and counts what would fill memory', async () => {
    const open = log({ waitingLines: 10 })
    for (let n = 0; n < 25; n++) open.append(line('2026-11-22', n))
    await open.close()
    expect(open.counts).toEqual({ written: 10, dropped: 15 })
    expect(linesOf('2026-11-22').length).toBe(10)
  })

  test('a folder that cannot be written costs lines, no answers, and is said once', async () => {
    writeFileSync(join(folder, 'file'), '')
    const open = log({ folder: join(folder, 'file', 'below') })
    for (let n = 0; n < 3; n++) {
      open.append(line('2026-11-22', n))
      await open.flush()
    }
    expect(open.counts).toEqual({ written: 0, dropped: 3 })
    expect(said.lines.map(({ level, event }) => [level, event])).toEqual([
      ['error', 'predictions not logged'],
    ])
    rmSync(join(folder, 'file'))
    open.append(line('2026-11-22', 4))
    await open.close()
    expect(open.counts).toEqual({ written: 1, dropped: 3 })
  })

  test('goes on in a new file when somebody removes the one that it writes to', async () => {
    const open = log()
    open.append(line('2026-11-22', 1))
    await open.flush()
    rmSync(join(folder, '2026-11-22'), { recursive: true })
    open.append(line('2026-11-22', 2))
    await open.close()
    expect(linesOf('2026-11-22')).toEqual([{ n: 2 }])
  })

  test('removes days that are too old, and the oldest of those that are too large', async () => {
    for (const day of ['2026-10-01', '2026-11-20', '2026-11-21']) {
      mkdirSync(join(folder, day))
      appendFileSync(join(folder, day, 'other.ndjson'), 'x'.repeat(1000))
    }
    mkdirSync(join(folder, 'notes'))
    const now = (): number => Date.parse('2026-11-22T12:00:00Z')
    const open = log({ days: 30, bytes: 1500, now })
    open.append(line('2026-11-22', 1))
    await open.close()
    expect(readdirSync(folder).sort()).toEqual(['2026-11-21', '2026-11-22', 'notes'])
  })

  test('writes no more than its bytes on one day', async () => {
    const open = log({ bytes: 100 })
    for (let n = 0; n < 2000; n++) open.append(line('2026-11-22', n))
    await open.close()
    expect(open.counts.dropped).toBeGreaterThan(0)
    expect(open.counts.dropped + open.counts.written).toBe(2000)
  })
})
