/**
 * The table of a fleet in Trino, and the files behind it. A table over Parquet files has hidden
 * columns that tell from which file a row came, so that one file can be read alone.
 */

import { basename } from 'node:path'
import { distance } from 'fastest-levenshtein'
import pLimit from 'p-limit'
import { RidecastError } from '../../../errors.ts'
import type { Taxi } from '../../../ride.ts'
import { columnNamed } from '../../columns.ts'
import type { SqlColumn } from '../sql/runner.ts'
import type { TrinoSettings } from '../trino-settings.ts'
import type { TrinoClient } from './client.ts'
import { kindOf, textLiteral, trinoDialect } from './dialect.ts'

/** A file behind a table. */
export interface TableFile {
  /** As Trino calls it, such as `s3://bucket/green/green_tripdata_2023-01.parquet`. */
  readonly path: string
  readonly bytes: number
  /** When it was written, ISO 8601 in UTC. */
  readonly modified: string
  readonly rows: number
}

/** A table of rides. */
export interface RideTable {
  /** Quoted, with catalog and schema. */
  readonly name: string
  readonly columns: readonly SqlColumn[]
  readonly files: readonly TableFile[]
}

/** A file and the table it belongs to. */
export interface FoundFile {
  readonly table: RideTable
  readonly file: TableFile
}

/** The tables of a catalog, each looked at once: what is in them may be asked for again. */
export class RideTables {
  readonly #known = new Map<Taxi, RideTable>()
  // Files are summed side by side: the first of a fleet looks at its table, the others wait.
  readonly #turn = pLimit(1)
  readonly #client: TrinoClient
  readonly #settings: TrinoSettings

  constructor(client: TrinoClient, settings: TrinoSettings) {
    this.#client = client
    this.#settings = settings
  }

  /**
   * The file of a base name in the table of a fleet; looked for anew where it was not there before.
   *
   * @throws source_not_found, which names what lies near; source_mismatch where several have that
   *   name; engine_* codes
   */
  async find(name: string, taxi: Taxi, signal: AbortSignal): Promise<FoundFile> {
    return this.#turn(async () => {
      const known = this.#known.get(taxi)
      const before = known && fileOf(known, name)
      if (known && before) return { table: known, file: before }
      const table = await this.#look(taxi, signal)
      this.#known.set(taxi, table)
      const file = fileOf(table, name)
      if (file) return { table, file }
      throw new RidecastError(
        'source_not_found',
        `${name} is not behind the table ${table.name}, or has no rows: expected its file there, the table ${near(table, name)}`,
      )
    })
  }

  async #look(taxi: Taxi, signal: AbortSignal): Promise<RideTable> {
    const { catalog, schema, table } = this.#settings
    const parts = [catalog, schema, table.replaceAll('{fleet}', taxi)]
    const name = parts.map((part) => trinoDialect.quote(part)).join('.')
    const rows = async (sql: string): Promise<(string | number)[][]> => {
      const all: (string | number)[][] = []
      for await (const page of this.#client.pages(sql, `table ${name}`, signal)) {
        all.push(...(page.data as (string | number)[][]))
      }
      return all
    }
    const columns = await rows(`DESCRIBE ${name}`)
    const files = await rows(
      'SELECT "$path", "$file_size", to_iso8601("$file_modified_time"), count(*) ' +
        `FROM ${name} GROUP BY 1, 2, 3`,
    )
    return {
      name,
      columns: columns.map(([name, type]) => {
        return { name: String(name), type: String(type), kind: kindOf(String(type)) }
      }),
      files: files.map(([path, bytes, modified, rows]) => ({
        path: String(path),
        bytes: Number(bytes),
        modified: new Date(String(modified)).toISOString(),
        rows: Number(rows),
      })),
    }
  }
}

/**
 * The rows of one file, as something to select from.
 *
 * A DOUBLE column is asked for as a product: Trino would hold what a condition says of the column
 * itself against the statistics of the file, which are of integers in some files, and call those
 * corrupt.
 */
export function rowsOf({ table, file }: FoundFile, taxi: Taxi): string {
  const columns = table.columns.flatMap(({ name, kind }) => {
    const quoted = trinoDialect.quote(name)
    if (columnNamed(name, taxi) === undefined) return []
    return kind === 'double' ? [`${quoted} * 1e0 AS ${quoted}`] : [quoted]
  })
  // An equation, unlike a pattern, keeps Trino from opening any other file.
  return `(SELECT ${columns.join(', ')} FROM ${table.name} WHERE "$path" = ${textLiteral(file.path)})`
}

function fileOf({ name: table, files }: RideTable, name: string): TableFile | undefined {
  const [file, ...others] = files.filter(({ path }) => basename(path) === name)
  if (others.length === 0) return file
  throw new RidecastError(
    'source_mismatch',
    `${name} is behind the table ${table} more than once, as ${[file, ...others].map((one) => one?.path).join(', ')}: expected it once`,
  )
}

/** What a table holds that may have been meant: up to three names, the nearest first. */
function near({ files }: RideTable, wanted: string): string {
  const names = files
    .map(({ path }) => basename(path))
    .sort((a, b) => distance(a, wanted) - distance(b, wanted) || (a < b ? -1 : 1))
  if (names.length === 0) return 'holds no rows'
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return `holds ${names.slice(0, 3).join(', ')}${more}`
}
