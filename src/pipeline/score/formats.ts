/** The formats that rides are scored from and into, and how one is told from a name. */

import { extname } from 'node:path'
import { RidecastError } from '../../errors.ts'

/** The formats: `arrow` is the Arrow IPC file, `arrows` its stream. */
export const formats = ['parquet', 'csv', 'ndjson', 'arrow', 'arrows'] as const

/** A format of rides. */
export type Format = (typeof formats)[number]

const extensions: Readonly<Record<string, Format>> = {
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.arrow': 'arrow',
  '.feather': 'arrow',
  '.ipc': 'arrow',
  '.arrows': 'arrows',
}

/**
 * The format of a file by its extension.
 *
 * @param path a path, or `-`
 * @param flag what says it where the name does not, such as `--from`
 * @throws usage_invalid when the name does not tell
 */
export function formatOf(path: string, flag: string): Format {
  const format = extensions[extname(path).toLowerCase()]
  if (format !== undefined) return format
  const known = Object.keys(extensions).join(', ')
  const name = path === '-' ? 'a pipe' : path
  throw new RidecastError(
    'usage_invalid',
    `${name} does not tell its format: expected a name that ends in ${known}; say ${flag} with one of ${formats.join(', ')}`,
  )
}
