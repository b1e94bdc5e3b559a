/**
 * Trino as an engine: the rides of a file are summed where the files are, and groups come back.
 * A file is named as the others are, by a local path; what is read is the file of that name behind
 * the table of its fleet.
 */

import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { isRidecastError, RidecastError } from '../../errors.ts'
import { Watch } from '../watch.ts'
import type { Engine } from './engine.ts'
import type { SqlRelation, SqlRows, SqlRunner, SqlValue } from './sql/runner.ts'
import { sumBySql } from './sql/sum-by-sql.ts'
import { type QueryPage, type TrinoClient, trinoClient } from './trino/client.ts'
import { trinoDialect } from './trino/dialect.ts'
import { PassingFault } from './trino/faults.ts'
import { type FoundFile, RideTables, rowsOf } from './trino/table.ts'
import type { TrinoSettings } from './trino-settings.ts'

/** Milliseconds before a failed read is tried again, doubled each time. */
const againMs = 500

/**
 * Opens the engine, see {@link Engine}; asks Trino nothing yet.
 *
 * @throws config_invalid without settings
 */
export async function openTrinoEngine(settings: TrinoSettings | undefined): Promise<Engine> {
  if (!settings) {
    throw new RidecastError(
      'config_invalid',
      'trino needs an address: give --trino-address or TRINO_ADDRESS',
    )
  }
  const client = trinoClient(settings)
  const tables = new RideTables(client, settings)
  const reads = new Reads(settings)
  return {
    name: 'trino',
    async sum(path, taxi, plans, progress = () => {}, signal) {
      if (plans.some(({ slice }) => slice.kind === 'rows')) trinoDialect.rowNumber()
      return reads.read(path, signal, async (signal) => {
        const found = await tables.find(basename(path), taxi, signal)
        await requireSame(path, found)
        const { rows } = found.file
        let done = 0
        const told = ({ stats }: QueryPage): void => {
          const read = stats?.processedRows ?? 0
          if (read <= done || read >= rows) return
          done = read
          progress(done, rows, path)
        }
        const relation: SqlRelation = {
          from: rowsOf(found, taxi),
          columns: found.table.columns,
          path,
          rows,
        }
        const queries = new Queries(client, path, signal, told)
        const moments = await queries.use((runner, signal) => {
          return sumBySql(runner, relation, taxi, plans, signal)
        })
        progress(rows, rows, path)
        return moments
      })
    },
    async locate(name, taxi) {
      return reads.read(name, undefined, async (signal) => {
        try {
          const { table, file } = await tables.find(name, taxi, signal)
          const others = table.files.filter((other) => other !== file)
          return {
            ...file,
            columns: table.columns,
            others: new Map(others.map(({ path, rows }) => [basename(path), rows])),
          }
        } catch (error) {
          if (isRidecastError(error, 'source_not_found')) return undefined
          throw error
        }
      })
    },
    close: () => reads.close(),
  }
}

/** Reads with a deadline, tried again where a fault may pass. */
class Reads {
  readonly #settings: TrinoSettings
  readonly #running = new Map<Watch, Promise<unknown>>()

  constructor(settings: TrinoSettings) {
    this.#settings = settings
  }

  /**
   * Reads a file; all of it again when that fails in passing.
   *
   * @param about what is read, for people
   * @throws engine_timeout, the signal's reason, and what the step throws
   */
  async read<T>(
    about: string,
    signal: AbortSignal | undefined,
    step: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { address, deadlineSeconds } = this.#settings
    const watch = new Watch(signal)
    watch.start(deadlineSeconds * 1000, () => {
      return new RidecastError(
        'engine_timeout',
        `trino at ${address} was not done with ${about} within ${deadlineSeconds} s, waiting included: give it more by --trino-deadline`,
      )
    })
    const running = this.#attempts(about, watch.signal, step)
    this.#running.set(watch, running)
    try {
      return await running
    } finally {
      watch.end()
      this.#running.delete(watch)
    }
  }

  /** Cancels what is under way, and waits until Trino knows. */
  async close(): Promise<void> {
    const running = [...this.#running]
    for (const [watch] of running) watch.end()
    await Promise.allSettled(running.map(([, read]) => read))
  }

  async #attempts<T>(
    about: string,
    signal: AbortSignal,
    step: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { retries, note } = this.#settings
    for (let attempt = 1; ; attempt++) {
      try {
        return await step(signal)
      } catch (error) {
        if (!(error instanceof PassingFault) || attempt > retries) throw error
        note?.(`${error.message}; reading ${about} again, attempt ${attempt + 1}`)
      }
      await wait(againMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }
}

/** The file behind the table is the local one, where there is a local one. */
async function requireSame(path: string, { table, file }: FoundFile): Promise<void> {
  const local = await stat(path).catch(() => undefined)
  if (!local || local.size === file.bytes) return
  throw new RidecastError(
    'source_mismatch',
    `${path} has ${local.size} bytes, and ${file.path} behind the table ${table.name} has ${file.bytes}: expected the same file, copy it there or take another --engine`,
  )
}

/** The queries of one file: they end together. */
class Queries {
  readonly #watch: Watch
  readonly #running = new Set<Promise<void>>()
  readonly #runner: SqlRunner

  constructor(
    client: TrinoClient,
    about: string,
    signal: AbortSignal,
    told: (page: QueryPage) => void,
  ) {
    const watch = new Watch(signal)
    const running = this.#running
    this.#watch = watch
    this.#runner = {
      dialect: trinoDialect,
      async *query(sql, signal = watch.signal) {
        let ended = (): void => {}
        running.add(
          new Promise((resolve) => {
            ended = resolve
          }),
        )
        try {
          for await (const page of client.pages(sql, about, signal, told)) yield rowsByColumn(page)
        } finally {
          ended()
        }
      },
    }
  }

  /** Does something with them; where one fails, the others are cancelled before that is thrown. */
  async use<T>(work: (runner: SqlRunner, signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await work(this.#runner, this.#watch.signal)
    } finally {
      this.#watch.end()
      await Promise.all(this.#running)
    }
  }
}

/** A page column by column; Trino sends what JSON numbers cannot hold as text. */
function rowsByColumn({ data = [], columns = [] }: QueryPage): SqlRows {
  const read = (value: SqlValue, type: string): SqlValue =>
    // NaN and the infinities.
    type === 'double' && typeof value === 'string' ? Number(value) : value
  return {
    length: data.length,
    columns: columns.map(({ type }, k) => data.map((row) => read(row[k] ?? null, type))),
  }
}
