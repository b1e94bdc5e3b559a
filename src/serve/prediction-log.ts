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

/** A line that can be written. */
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

/** Lines of one day, as bytes: as objects they would be what the garbage collector has most to do with. */
interface Page {
  readonly day: string
  readonly bytes: Buffer
  used: number
  lines: number
}

/** Size of a page, which is written at once. */
const pageBytes = 256 * 1024

/** Pages that are kept for the next lines. */
const sparePages = 8

/** Opens a log; nothing is created before the first line. */
export function openPredictionLog(options: PredictionLogOptions, log: Logger): PredictionLog {
  const { folder, everyMs = 250, waitingLines = 50_000, now = Date.now } = options
  const { days = 30, bytes = 4 * 2 ** 30 } = options
  const counts = { written: 0, dropped: 0 }
  let waiting: Page[] = []
  /** Lines of `waiting`. */
  let lines = 0
  const spare: Buffer[] = []
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

  async function write(pages: readonly Page[]): Promise<void> {
    // Whoever removes the file gets a new one, not lines that nobody can read.
    if (file && (await file.handle.stat()).nlink === 0) await shut()
    for (const page of pages) {
      if (file?.day !== page.day) {
        await shut()
        await mkdir(join(folder, page.day), { recursive: true })
        await prune({ folder, days, bytes }, now())
        file = { day: page.day, handle: await open(pathOf(page.day), 'a') }
        bytesToday = 0
      }
      if (bytesToday + page.used > bytes) throw new Error(`more than ${bytes} bytes on one day`)
      const text = page.bytes.subarray(0, page.used)
      const whole = broken ? Buffer.concat([lineEnd, text]) : text
      broken = true
      await file.handle.appendFile(whole)
      broken = false
      bytesToday += whole.length
      counts.written += page.lines
      if (spare.length < sparePages && page.bytes.length === pageBytes) spare.push(page.bytes)
    }
    lastFault = ''
  }

  /** The page that takes a line of so many bytes. */
  function pageFor(day: string, size: number): Page {
    const last = waiting.at(-1)
    if (last?.day === day && last.used + size <= last.bytes.length) return last
    // Full ones are written at once, so that few are in use and those stay in the processor's cache.
    if (last !== undefined && writing === undefined) void flush()
    const bytes = size > pageBytes ? Buffer.allocUnsafe(size) : (spare.pop() ?? newPage())
    const page: Page = { day, bytes, used: 0, lines: 0 }
    waiting.push(page)
    return page
  }

  function flush(): Promise<void> {
    if (writing) return writing.then(flush)
    if (lines === 0) return Promise.resolve()
    const pages = waiting
    const due = lines
    waiting = []
    lines = 0
    const before = counts.written
    writing = write(pages)
      .catch(async (error: unknown) => {
        // An answer is worth more than its line: what cannot be written is counted.
        counts.dropped += due - (counts.written - before)
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
      if (lines >= waitingLines) {
        counts.dropped++
        return
      }
      const text = `${line.text()}\n`
      // No character takes more than three bytes for each of its UTF-16 units.
      const page = pageFor(line.day, text.length * 3)
      page.used += page.bytes.write(text, page.used)
      page.lines++
      lines++
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

const lineEnd = Buffer.of(0x0a)
const newPage = (): Buffer => Buffer.allocUnsafeSlow(pageBytes)

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
