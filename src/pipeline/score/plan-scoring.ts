/** Which files are scored into which, before any is opened. Knows nothing about what they hold. */

import { readdir, stat } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { RidecastError } from '../../errors.ts'
import { readable, requireFile } from '../local-file.ts'
import { type Format, formatOf, formats } from './formats.ts'
import type { ScoreSource, ScoreTarget } from './score-file.ts'

/** A file to be scored. */
export interface ScoreJob {
  readonly source: ScoreSource
  readonly target: ScoreTarget
}

/** Formats by the names that a person may give, undefined where names of files tell. */
export interface StatedFormats {
  readonly from?: string
  readonly to?: string
}

/** Where relative paths start from, and what `-` stands for. */
export interface ScorePlace {
  readonly cwd: string
  readonly pipes: { readonly stdin: Readable; readonly stdout: Writable }
}

/**
 * Plans what is scored: one file or pipe, or the files of a folder in the order of their names,
 * Parquet unless another format is stated.
 *
 * @param from a path, or `-` for standard input
 * @param to a path, or `-` for standard output; of a folder the folder that is written
 * @throws usage_invalid, source_not_found, source_io
 */
export async function planScoring(
  from: string,
  to: string,
  stated: StatedFormats,
  place: ScorePlace,
): Promise<readonly ScoreJob[]> {
  if (from === '-') {
    const format = named(stated.from) ?? formatOf(from, '--from')
    const source = { from: place.pipes.stdin, format, label: 'standard input' }
    return [{ source, target: targetOf(to, stated, place) }]
  }
  const path = resolve(place.cwd, from)
  const found = await stat(path).catch(() => undefined)
  if (to !== '-' && resolve(place.cwd, to) === path) {
    throw new RidecastError(
      'usage_invalid',
      `${to} is what is read and what is written: expected two places, name another to write to`,
    )
  }
  if (found?.isDirectory()) return planFolder(path, to, stated, place)
  await requireFile(path, '')
  const format = named(stated.from) ?? formatOf(from, '--from')
  return [{ source: { from: path, format, label: from }, target: targetOf(to, stated, place) }]
}

const named = (format: string | undefined): Format | undefined =>
  formats.find((one) => one === format)

function targetOf(to: string, stated: StatedFormats, place: ScorePlace): ScoreTarget {
  const format = named(stated.to) ?? formatOf(to, '--to')
  return { to: to === '-' ? place.pipes.stdout : resolve(place.cwd, to), format }
}

async function planFolder(
  folder: string,
  to: string,
  stated: StatedFormats,
  { cwd }: ScorePlace,
): Promise<readonly ScoreJob[]> {
  if (to === '-') {
    throw new RidecastError(
      'usage_invalid',
      `${folder} is a folder, whose files are not written to one pipe: name a folder to write to`,
    )
  }
  const from = named(stated.from) ?? 'parquet'
  const into = named(stated.to) ?? from
  const all = await readable(folder, () => readdir(folder, { withFileTypes: true }))
  const names = all
    .filter((entry) => !entry.isDirectory() && isOf(entry.name, from))
    .map(({ name }) => name)
    .sort()
  if (names.length === 0) {
    throw new RidecastError(
      'source_not_found',
      `${folder} holds no files of format ${from}: expected some to score; say --from for another format`,
    )
  }
  return names.map((name) => ({
    source: { from: join(folder, name), format: from, label: name },
    target: {
      to: join(resolve(cwd, to), `${basename(name, extname(name))}.${into}`),
      format: into,
    },
  }))
}

function isOf(name: string, format: Format): boolean {
  try {
    return formatOf(name, '') === format
  } catch {
    return false
  }
}
