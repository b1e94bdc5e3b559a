/**
 * A DuckDB in this process that holds no data of its own: opened, asked, interrupted and closed.
 * Nothing is downloaded or loaded into it. Knows nothing about rides.
 */

import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type duckdb from '@duckdb/node-bindings'
import pLimit from 'p-limit'
import { messageOf, RidecastError } from '../../../errors.ts'
import { quoteText } from './spelling.ts'

/** The library as C has it; the one around it takes longer to load than a month takes to read. */
type Library = typeof duckdb

/** Bytes of a text in a column. */
const textBytes = 16

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
  private instance: Promise<duckdb.Database>

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
    const loaded = import('@duckdb/node-bindings')
    const { default: library } = await loaded.catch((error: unknown) => {
      const fault = firstLine(error)
      const text = `the engine duckdb cannot be loaded (${fault}): run npm install @duckdb/node-bindings, or take --engine arrow`
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
  ): AsyncGenerator<duckdb.DataChunk> {
    // Held to the end: what has been decoded ahead waits in memory.
    const free = await this.turn()
    try {
      yield* this.chunks(sql, path, signal)
    } finally {
      free()
    }
  }

  /**
   * All rows of a query with few of them, see {@link stream}.
   *
   * @param sql selects columns of VARCHAR without NULL
   */
  async rows(sql: string, path: string, signal?: AbortSignal | undefined): Promise<string[][]> {
    const found: string[][] = []
    for await (const chunk of this.stream(sql, path, signal)) {
      const length = this.library.data_chunk_get_column_count(chunk)
      const columns = Array.from({ length }, (_, k) => this.textsOf(chunk, k))
      found.push(...(columns[0] ?? []).map((_, i) => columns.map((column) => column[i] as string)))
    }
    return found
  }

  /** Rows of a chunk. */
  rowsOf(chunk: duckdb.DataChunk): number {
    return this.library.data_chunk_get_size(chunk)
  }

  /** The values of a column of DOUBLE without NULL. */
  doublesOf(chunk: duckdb.DataChunk, column: number): Float64Array {
    const { buffer, byteOffset, length } = this.bytesOf(chunk, column, 8)
    return new Float64Array(buffer, byteOffset, length / 8)
  }

  /** The values of a column of VARCHAR without NULL. */
  private textsOf(chunk: duckdb.DataChunk, column: number): string[] {
    const { buffer, byteOffset, length } = this.bytesOf(chunk, column, textBytes)
    const view = new DataView(buffer, byteOffset, length)
    return Array.from({ length: length / textBytes }, (_, i) => {
      const at = i * textBytes
      const size = view.getUint32(at, true)
      // A short text follows its length, of a longer one its address does.
      const bytes =
        size <= 12
          ? new Uint8Array(buffer, byteOffset + at + 4, size)
          : this.library.get_data_from_pointer(buffer, byteOffset + at + 8, size)
      return Buffer.from(bytes).toString()
    })
  }

  private bytesOf(chunk: duckdb.DataChunk, column: number, each: number): Uint8Array<ArrayBuffer> {
    const vector = this.library.data_chunk_get_vector(chunk, column)
    const bytes = this.library.vector_get_data(vector, this.rowsOf(chunk) * each)
    return bytes as Uint8Array<ArrayBuffer>
  }

  /** Lets go of everything, once what still runs has come to its end. */
  async close(): Promise<void> {
    await Promise.all(this.running)
    this.library.close_sync(await this.instance)
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

  private async start(): Promise<duckdb.Database> {
    const { library } = this
    const config = library.create_config()
    for (const [name, value] of Object.entries(optionsOf(this.temporary))) {
      library.set_config(config, name, value)
    }
    const instance = await library.open(':memory:', config)
    const connection = await library.connect(instance)
    for (const setting of settings) await library.query(connection, setting)
    library.disconnect_sync(connection)
    return instance
  }

  private async *chunks(
    sql: string,
    path: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<duckdb.DataChunk> {
    signal?.throwIfAborted()
    const { library } = this
    const current = this.instance
    const connection = await library.connect(await current)
    const stop = (): void => library.interrupt(connection)
    signal?.addEventListener('abort', stop)
    try {
      const query = await library.prepare(connection, sql)
      const result = await library.execute_prepared_streaming(query)
      library.destroy_prepare_sync(query)
      for (;;) {
        const chunk = await library.fetch_chunk(result)
        signal?.throwIfAborted()
        if (!chunk || this.rowsOf(chunk) === 0) return
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
      library.disconnect_sync(connection)
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
