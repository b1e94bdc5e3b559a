/**
 * A DuckDB in this process that holds no data of its own: opened, asked, interrupted and closed.
 * Nothing is downloaded or loaded into it. Knows nothing about rides.
 */

import { rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import pLimit from 'p-limit'
import { messageOf, RidecastError } from '../../../errors.ts'
import type { SqlRows, SqlRunner, SqlValue } from '../sql/runner.ts'
import { duckdbDialect, quoteText } from './dialect.ts'

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
export class Database implements SqlRunner {
  readonly dialect = duckdbDialect
  private readonly limit = pLimit(queriesAtOnce)
  private readonly instance: DuckDBInstance
  private readonly temporary: string

  private constructor(instance: DuckDBInstance, temporary: string) {
    this.instance = instance
    this.temporary = temporary
  }

  /**
   * Opens one.
   *
   * @throws engine_missing where the library is not installed, or cannot be loaded here
   */
  static async open(): Promise<Database> {
    const temporary = join(tmpdir(), `ridecast-duckdb-${process.pid}-${crypto.randomUUID()}`)
    const library = await import('@duckdb/node-api').catch((error: unknown) => {
      const fault = messageOf(error).split('\n')[0]
      const text = `the engine duckdb is not installed (${fault}): run npm install @duckdb/node-api, or take --engine arrow`
      throw new RidecastError('engine_missing', text, { cause: error })
    })
    const instance = await library.DuckDBInstance.create(':memory:', optionsOf(temporary))
    const database = new Database(instance, temporary)
    const connection = await instance.connect()
    for (const setting of settings) await connection.run(setting)
    connection.closeSync()
    return database
  }

  /**
   * The same, telling how far its queries are.
   *
   * @param path how errors call what is read
   */
  reading(path: string, told: QueryProgress): SqlRunner {
    return {
      dialect: this.dialect,
      query: (sql, signal) => this.chunks(sql, signal, (error) => readingError(error, path), told),
    }
  }

  query(sql: string, signal?: AbortSignal): AsyncIterable<SqlRows> {
    return this.chunks(sql, signal, failed, () => {})
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    this.instance.closeSync()
    await rm(this.temporary, { recursive: true, force: true })
  }

  private async *chunks(
    sql: string,
    signal: AbortSignal | undefined,
    errorOf: (error: unknown) => RidecastError,
    told: QueryProgress,
  ): AsyncGenerator<SqlRows> {
    for (const chunk of await this.limit(() => this.run(sql, signal, errorOf, told))) {
      yield { length: chunk.rowCount, columns: columnsOf(chunk) }
    }
  }

  private async run(
    sql: string,
    signal: AbortSignal | undefined,
    errorOf: (error: unknown) => RidecastError,
    told: QueryProgress,
  ): Promise<DuckDBDataChunk[]> {
    signal?.throwIfAborted()
    const connection = await this.instance.connect()
    const stop = (): void => connection.interrupt()
    signal?.addEventListener('abort', stop)
    const timer = setInterval(() => told(shareOf(connection)), progressEvery)
    try {
      const result = await connection.run(sql)
      return await result.fetchAllChunks()
    } catch (error) {
      signal?.throwIfAborted()
      throw errorOf(error)
    } finally {
      clearInterval(timer)
      signal?.removeEventListener('abort', stop)
      connection.closeSync()
    }
  }
}

function shareOf(connection: DuckDBConnection): number {
  return Math.min(Math.max(connection.progress.percentage, 0), 100) / 100
}

/** Columns of a chunk: numbers as they lie in memory, others one by one. */
function columnsOf(chunk: DuckDBDataChunk): ArrayLike<SqlValue>[] {
  return Array.from({ length: chunk.columnCount }, (_, k) => {
    const vector = chunk.getColumnVector(k) as unknown as { items?: unknown }
    if (vector.items instanceof Float64Array) return vector.items
    return chunk.getColumnValues(k) as SqlValue[]
  })
}

/** An error that has nothing to do with a file. */
function failed(error: unknown): RidecastError {
  const text = `duckdb refused a query: ${firstLine(error)}`
  return new RidecastError('engine_failed', text, { cause: error })
}

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0] as string

/** What an error means that came up while a file was read. */
function readingError(error: unknown, path: string): RidecastError {
  const line = firstLine(error)
  if (/^Out of Memory/i.test(line)) {
    const text = `duckdb ran out of memory over ${path} (${line}): close other programs, or take --engine arrow`
    return new RidecastError('engine_failed', text, { cause: error })
  }
  // Nothing but the file differs from one query to the next, save for faults of ours.
  if (/^(Binder|Parser|Catalog|Internal|Syntax|Interrupt|INTERRUPT)/.test(line))
    return failed(error)
  const text = `${path} is a damaged Parquet file (${line}): download it again`
  return new RidecastError('source_truncated', text, { cause: error })
}

/** A path as a table function takes it: none of its characters is a pattern. */
export function literalPath(path: string): string {
  return quoteText(path.replaceAll(/[*?[]/g, (mark) => `[${mark}]`))
}
