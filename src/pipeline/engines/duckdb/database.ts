/**
 * A DuckDB in this process that holds no data of its own: opened, asked, interrupted and closed.
 * Nothing is downloaded or loaded into it. Knows nothing about rides.
 */

import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import pLimit from 'p-limit'
import { messageOf, RidecastError } from '../../../errors.ts'
import type { SqlValue } from '../sql/runner.ts'
import { quoteText } from './spelling.ts'

type Library = typeof import('@duckdb/node-api')

/** How many queries run at once: each takes a thread of this process to wait in. */
const queriesAtOnce = 2

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
  }
}

/** Settings that the library takes only once it is open. */
const settings = [
  // Decoding goes on while the rides before are summed.
  `SET streaming_buffer_size = '4MB'`,
  'SET lock_configuration = true',
]

/** An open DuckDB. */
export class Database {
  private readonly limit = pLimit(queriesAtOnce)
  private readonly library: Library
  private readonly temporary: string
  private readonly running = new Set<Promise<void>>()
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
   * Runs a query and streams its chunks, rows in the order of the query. A chunk and all views on
   * it are good until the next one is asked for.
   *
   * @param path how errors call the file that is read
   * @throws source_truncated, engine_failed; {@link DatabaseLost}
   */
  async *stream(
    sql: string,
    path: string,
    signal?: AbortSignal | undefined,
  ): AsyncGenerator<DuckDBDataChunk> {
    // Held to the end: what has been decoded ahead waits in memory.
    const free = await this.turn()
    try {
      yield* this.chunks(sql, path, signal)
    } finally {
      free()
    }
  }

  /** All rows of a query with few of them, see {@link stream}. */
  async rows(sql: string, path: string, signal?: AbortSignal | undefined): Promise<SqlValue[][]> {
    const found: SqlValue[][] = []
    for await (const chunk of this.stream(sql, path, signal)) {
      found.push(...(chunk.getRows() as SqlValue[][]))
    }
    return found
  }

  /** Lets go of everything, once what still runs has come to its end. */
  async close(): Promise<void> {
    await Promise.all(this.running)
    ;(await this.instance).closeSync()
    await rm(this.temporary, { recursive: true, force: true })
  }

  /** Waits for a turn; the caller gives it back. */
  private turn(): Promise<() => void> {
    return new Promise((taken) => {
      const held = this.limit(() => new Promise<void>((free) => taken(free)))
      this.running.add(held)
      void held.then(() => this.running.delete(held))
    })
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
    path: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<DuckDBDataChunk> {
    signal?.throwIfAborted()
    const current = this.instance
    const connection = await (await current).connect()
    const stop = (): void => connection.interrupt()
    signal?.addEventListener('abort', stop)
    try {
      const result = await connection.stream(sql)
      for (;;) {
        const chunk = await result.fetchChunk()
        signal?.throwIfAborted()
        if (!chunk || chunk.rowCount === 0) return
        yield chunk
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof RidecastError) throw error
      const line = firstLine(error)
      if (/^(INTERNAL|FATAL) Error/i.test(line) && this.instance === current) {
        // It refuses everything from now on.
        this.instance = this.start()
      }
      if (/has been invalidated/.test(line)) throw new DatabaseLost(line, { cause: error })
      throw failure(error, path)
    } finally {
      signal?.removeEventListener('abort', stop)
      connection.closeSync()
    }
  }
}

/** Another query has brought the database down: this one may be tried again. */
export class DatabaseLost extends Error {}

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
