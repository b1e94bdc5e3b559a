/**
 * A DuckDB in this process that holds no data of its own: opened, asked, interrupted and closed.
 * Nothing is downloaded or loaded into it. Knows nothing about rides.
 */

import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import pLimit from 'p-limit'
import { messageOf, RidecastError } from '../../../errors.ts'
import type { SqlRows, SqlRunner, SqlValue } from '../sql/runner.ts'
import { duckdbDialect, quoteText } from './dialect.ts'

type Library = typeof import('@duckdb/node-api')

/** Told the share of a query that is done, 0 to 1. */
export type QueryProgress = (share: number) => void

/** How many queries run at once: each takes a thread of this process to wait in. */
const queriesAtOnce = 2

/** How often progress is asked for, milliseconds. */
const progressEvery = 100

/** Options of every DuckDB here; the other half of the memory is left to what else there is. */
function optionsOf(temporary: string): Record<string, string> {
  const limit = process.constrainedMemory?.() ?? 0
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem()
  return {
    memory_limit: `${Math.max(256, Math.floor(memory / 2 / 2 ** 20))}MiB`,
    temp_directory: temporary,
    // Nothing comes from elsewhere: no extension, no secret.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
    // The bytes of files would be kept, and memory would grow with them.
    enable_external_file_cache: 'false',
    preserve_insertion_order: 'false',
  }
}

/** Settings that the library takes only once it is open. */
const settings = [
  // Cells of up to 2^20 possible keys are addressed directly.
  'SET perfect_ht_threshold = 20',
  'SET lock_configuration = true',
]

/** An open DuckDB. */
export class Database {
  private readonly limit = pLimit(queriesAtOnce)
  private readonly library: Library
  private readonly temporary: string
  private instance: Promise<DuckDBInstance>

  private constructor(library: Library, temporary: string) {
    this.library = library
    this.temporary = temporary
    this.instance = this.start()
  }

  /**
   * Opens one.
   *
   * @throws engine_missing where the library is not installed, or cannot be loaded here
   */
  static async open(): Promise<Database> {
    const temporary = join(tmpdir(), `ridecast-duckdb-${process.pid}-${randomUUID()}`)
    const library = await import('@duckdb/node-api').catch((error: unknown) => {
      const fault = firstLine(error)
      const text = `the engine duckdb cannot be loaded (${fault}): run npm install @duckdb/node-api, or take --engine arrow`
      throw new RidecastError('engine_missing', text, { cause: error })
    })
    const database = new Database(library, temporary)
    await database.instance
    return database
  }

  /**
   * A runner for queries on one file.
   *
   * @param path how errors call it
   * @param told how far a query is
   */
  reading(path: string, told: QueryProgress = () => {}): SqlRunner {
    return {
      dialect: duckdbDialect,
      query: (sql, signal) => this.chunks(sql, signal, path, told),
    }
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    ;(await this.instance).closeSync()
    await rm(this.temporary, { recursive: true, force: true })
  }

  private async start(): Promise<DuckDBInstance> {
    const options = optionsOf(this.temporary)
    const instance = await this.library.DuckDBInstance.create(':memory:', options)
    const connection = await instance.connect()
    for (const setting of settings) await connection.run(setting)
    connection.closeSync()
    return instance
  }

  private async *chunks(
    sql: string,
    signal: AbortSignal | undefined,
    path: string,
    told: QueryProgress,
  ): AsyncGenerator<SqlRows> {
    for (const chunk of await this.limit(() => this.attempt(sql, signal, path, told))) {
      yield { length: chunk.rowCount, columns: columnsOf(chunk) }
    }
  }

  /** Runs a query, again where another one has brought the database down. */
  private async attempt(
    sql: string,
    signal: AbortSignal | undefined,
    path: string,
    told: QueryProgress,
  ): Promise<DuckDBDataChunk[]> {
    for (;;) {
      signal?.throwIfAborted()
      const current = this.instance
      try {
        return await run(await current, sql, signal, told)
      } catch (error) {
        signal?.throwIfAborted()
        const line = firstLine(error)
        if (/^(INTERNAL|FATAL) Error/i.test(line) && this.instance === current) {
          // It refuses everything from now on.
          this.instance = this.start()
          ;(await current).closeSync()
        }
        if (/has been invalidated/.test(line)) continue
        throw failure(error, path)
      }
    }
  }
}

async function run(
  instance: DuckDBInstance,
  sql: string,
  signal: AbortSignal | undefined,
  told: QueryProgress,
): Promise<DuckDBDataChunk[]> {
  const connection = await instance.connect()
  const stop = (): void => connection.interrupt()
  signal?.addEventListener('abort', stop)
  const timer = setInterval(() => told(shareOf(connection)), progressEvery)
  try {
    const result = await connection.run(sql)
    return await result.fetchAllChunks()
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', stop)
    connection.closeSync()
  }
}

function shareOf(connection: DuckDBConnection): number {
  return Math.min(Math.max(connection.progress.percentage, 0), 100) / 100
}

/** A column of numbers as the library holds it. */
interface NumberVector {
  readonly items?: unknown
  readonly validity: { itemValid(i: number): boolean }
}

/**
 * Columns of a chunk, copied: its own memory is gone when it is collected. Where a value is NULL,
 * what lies in its place is anything.
 */
function columnsOf(chunk: DuckDBDataChunk): ArrayLike<SqlValue>[] {
  const { rowCount } = chunk
  return Array.from({ length: chunk.columnCount }, (_, k) => {
    const { items, validity } = chunk.getColumnVector(k) as unknown as NumberVector
    if (items instanceof Float64Array) {
      const numbers = items.slice(0, rowCount)
      if (numbers.every((_, i) => validity.itemValid(i))) return numbers
    }
    return chunk.getColumnValues(k) as SqlValue[]
  })
}

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0] as string

/** What an error means that came up while a file was read. */
function failure(error: unknown, path: string): RidecastError {
  const line = firstLine(error)
  const fail = (text: string): RidecastError =>
    new RidecastError('engine_failed', text, { cause: error })
  if (/^Out of Memory/i.test(line)) {
    return fail(
      `duckdb ran out of memory over ${path} (${line}): close other programs, or take --engine arrow`,
    )
  }
  // Queries differ by the names and types of a file only; what else is wrong, is wrong with it.
  if (/^(Binder|Parser|Catalog|Syntax) Error/i.test(line)) {
    return fail(`duckdb refused a query over ${path} (${line}): take --engine arrow`)
  }
  const text = `${path} is a damaged Parquet file (${line}): download it again`
  return new RidecastError('source_truncated', text, { cause: error })
}

/**
 * A path as a table function takes it: none of its characters is a pattern.
 *
 * @throws engine_unsupported for a backslash beside characters of a pattern, which cannot be told
 */
export function literalPath(path: string): string {
  if (path.includes('\\') && /[*?[]/.test(path)) {
    throw new RidecastError(
      'engine_unsupported',
      `${path} has a backslash and one of * ? [ in its name, which duckdb takes for a pattern: rename the file, or take --engine arrow`,
    )
  }
  return quoteText(path.replaceAll(/[*?[]/g, (mark) => `[${mark}]`))
}
