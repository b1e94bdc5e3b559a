/**
 * What was predicted, one JSON line each, in `<folder>/<day>/<process>.ndjson`. Lines are kept in
 * memory for a moment and written together, off the way of an answer: a crash loses at most what
 * came since the last write ({@link PredictionLogOptions.everyMs}). When the disk does not keep up, lines are
 * dropped and counted rather than memory filled. Whole days are removed when they are too old, or all together too large.
 * Knows nothing about HTTP.
 */

import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { messageOf } from '../errors.ts'

/** How a log is kept. */
export interface PredictionLogOptions {
  /** Folder of the days. */
  readonly folder: string
  /** Name of this process among those that write there. */
  readonly process: string
  /** Between two writes, milliseconds, default 250. */
  readonly everyMs?: number
  /** Lines that wait for a write at most, default 50,000; more are dropped and counted. */
  readonly waitingLines?: number
  /** Days that are kept, default 30. */
  readonly days?: number
  /** Bytes at most, default 4 GiB: the oldest days go; beyond it in one day, lines are dropped. */
  readonly bytes?: number
  /** The time, milliseconds since 1970, default that of the system. */
  readonly now?: () => number
}

/** A line that can be written; made into text only when it is. */
export interface Loggable {
  /** The day it belongs to, such as `2026-11-22`. */
  readonly day: string
  /** The line, JSON, without an end. */
  text(): string
}

/** A log that lines can be added to. */
export interface PredictionLog {
  /** Adds a line; returns at once. */
  append(line: Loggable): void
  /** Writes what waits; resolves when it is with the system. */
  flush(): Promise<void>
  /** Writes what waits and ends. */
  close(): Promise<void>
  /** What became of lines so far. */
  readonly counts: { written: number; dropped: number }
}

/** Size of a text that is written at once, so that no write holds up the answers. */
const linesAtOnce = 512

/** Opens a log; nothing is created before the first line. */
export function openPredictionLog(options: PredictionLogOptions, log: Logger): PredictionLog {
  const { folder, everyMs = 250, waitingLines = 50_000, now = Date.now } = options
  const { days = 30, bytes = 4 * 2 ** 30 } = options
  const counts = { written: 0, dropped: 0 }
  let waiting: Loggable[] = []
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let lastFault = ''
  /** The file of the latest line: opened once a day. */
  let file: { readonly day: string; readonly handle: FileHandle } | undefined
  /** Bytes that this process has written to it. */
  let bytesToday = 0
  /** True after a write that may have left half a line: the next one starts a new one. */
  let broken = false

  const pathOf = (day: string): string => join(folder, day, `${options.process}.ndjson`)

  async function shut(): Promise<void> {
    const before = file
    file = undefined
    await before?.handle.close()
  }

  async function write(lines: readonly Loggable[]): Promise<void> {
    // Whoever removes the file gets a new one, not lines that nobody can read.
    if (file && (await file.handle.stat()).nlink === 0) await shut()
    for (let from = 0; from < lines.length; ) {
      const day = (lines[from] as Loggable).day
      let to = from
      let text = ''
      while (to < lines.length && to - from < linesAtOnce && lines[to]?.day === day) {
        text += `${(lines[to] as Loggable).text()}\n`
        to++
      }
      if (file?.day !== day) {
        await shut()
        await mkdir(join(folder, day), { recursive: true })
        await prune({ folder, days, bytes }, now())
        file = { day, handle: await open(pathOf(day), 'a') }
        bytesToday = 0
      }
      if (bytesToday > bytes) throw new Error(`more than ${bytes} bytes on one day`)
      const whole = broken ? `\n${text}` : text
      broken = true
      await file.handle.appendFile(whole)
      broken = false
      bytesToday += Buffer.byteLength(whole)
      counts.written += to - from
      from = to
    }
    lastFault = ''
  }

  function flush(): Promise<void> {
    if (writing) return writing.then(flush)
    if (waiting.length === 0) return Promise.resolve()
    const lines = waiting
    waiting = []
    const before = counts.written
    writing = write(lines)
      .catch(async (error: unknown) => {
        // An answer is worth more than its line: what cannot be written is counted.
        counts.dropped += lines.length - (counts.written - before)
        const fault = messageOf(error)
        if (fault !== lastFault) log.error({ folder, message: fault }, 'predictions not logged')
        lastFault = fault
        await shut().catch(() => {})
      })
      .finally(() => {
        writing = undefined
      })
    return writing
  }

  return {
    counts,
    append(line) {
      if (waiting.length >= waitingLines) {
        counts.dropped++
        return
      }
      waiting.push(line)
      if (timer !== undefined) return
      timer = setTimeout(() => {
        timer = undefined
        void flush()
      }, everyMs)
      timer.unref()
    },
    flush,
    async close() {
      clearTimeout(timer)
      await flush()
      await writing
      await shut()
    },
  }
}

/** The days of a log that are there, the oldest first. */
export async function loggedDays(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => /^\d{4}-\d\d-\d\d$/.test(name)).sort()
}

/** Removes days that are too old, and the oldest while all together are too large. */
async function prune(
  { folder, days, bytes }: Required<Pick<PredictionLogOptions, 'folder' | 'days' | 'bytes'>>,
  now: number,
): Promise<void> {
  const all = await loggedDays(folder)
  const oldest = new Date(now - (days - 1) * 86_400_000).toISOString().slice(0, 10)
  const sizes = await Promise.all(all.map((day) => sizeOf(join(folder, day))))
  let total = sizes.reduce((sum, size) => sum + size, 0)
  for (const [i, day] of all.entries()) {
    if (i === all.length - 1 || (day >= oldest && total <= bytes)) break
    await rm(join(folder, day), { recursive: true, force: true })
    total -= sizes[i] as number
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
