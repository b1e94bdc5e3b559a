/**
 * What a command may touch of the world: writers, colours, environment, clock.
 * Only `cli.ts` builds the real one from `process`; tests hand in their own.
 */

import Table from 'cli-table3'
import type pc from 'picocolors'

/** The effects of a command. */
export interface Io {
  /** Write to standard output: results, nothing else. */
  out(text: string): void
  /** Write to standard error: progress, notes, faults. */
  err(text: string): void
  /** True when standard error is a terminal: progress is drawn only then. */
  interactive: boolean
  /** Colours for standard output; they are the identity when it is not a terminal. */
  colors: ReturnType<typeof pc.createColors>
  /** Environment variables, read by entry files only. */
  env: Readonly<Record<string, string | undefined>>
  /** The folder that relative paths start from. */
  cwd: string
  /** The clock. */
  now(): Date
}

/** One line of JSON on standard output and nothing else. */
export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value)}\n`)
}

/** How one column of a {@link table} is aligned. */
export type Alignment = 'left' | 'right'

/**
 * A plain table: a header line, rows, two spaces between columns, no borders.
 *
 * @param header names of the columns; where all are empty there is no header line
 * @param rows cells as text, each row as long as the header
 * @param align alignment by column, default left
 */
export function table(
  io: Io,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Alignment[] = [],
): string {
  const none = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' }
  const edges = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '' }
  const ends = { 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', right: '' }
  const drawn = new Table({
    chars: { ...none, ...edges, ...ends, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: header.map((_, i) => align[i] ?? 'left'),
  })
  if (header.some((text) => text !== '')) drawn.push(header.map((text) => io.colors.dim(text)))
  for (const row of rows) drawn.push([...row])
  return `${drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

/**
 * Progress on one line of standard error; silent when that is not a terminal.
 *
 * @param text what is going on, shorter than a line; empty clears the line
 */
export function progress(io: Io, text: string): void {
  if (io.interactive) io.err(`\r\u001b[2K${text}`)
}

/** Takes the values of a repeatable flag together. */
export const collect = (value: string, all: string[]): string[] => [...all, value]
