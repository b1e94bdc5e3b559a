/**
 * Rides from a Parquet file, batch by batch: only the columns asked for, one row group in memory
 * at a time, as typed arrays. Knows nothing about recipes or sums.
 */

import { type Schema, tableFromIPC } from 'apache-arrow'
import type { ColumnName, RideBatch, Taxi } from '../ride.ts'
import { type ArrowBatch, type ArrowColumn, batchesOf } from './arrow-columns.ts'
import { type FileColumns, type RideColumns, resolveColumns } from './columns.ts'
import { type Decoder, damaged, openDecoder } from './parquet-decoder.ts'
import { checkNumbers, checkTimes, missing, toMicros, toNumbers } from './ride-values.ts'

/** A batch holds at most this many rides: its columns stay in a processor's cache. */
const batchSize = 2 ** 15

/** An open trip file. */
export interface RideFile {
  /** Rides in the file. */
  readonly rows: number
  /** Rides by row group, in file order. */
  readonly groups: readonly number[]
  /** The rides of one row group in order; groups may be read in any order, one after the other. */
  read(group: number): AsyncGenerator<RideBatch>
  /** Lets go of the file. */
  close(): void
}

/**
 * Opens the rides of one file. Times that are text but no time come as Infinity. To be closed.
 *
 * @param path a local Parquet file
 * @throws source_columns, source_column_type, source_truncated, the last one while reading too
 */
export async function openRides(path: string, taxi: Taxi, columns: RideColumns): Promise<RideFile> {
  const decoder = await openDecoder(path)
  try {
    const { schema, groups, rows } = await decoder.run((file) => {
      const meta = file.metadata()
      const groups = meta.rowGroups().map((group) => group.numRows())
      const { schema } = tableFromIPC(file.schema().intoIPCStream())
      return { schema, groups, rows: meta.fileMetadata().numRows() }
    })
    const counted = groups.reduce((sum, count) => sum + count, 0)
    if (counted !== rows) {
      throw damaged(path, `its row groups have ${counted} rides where its footer says ${rows}`)
    }
    const names = resolveColumns(
      schema.fields.map(({ name }) => name),
      path,
      taxi,
      columns,
    )
    checkTypes(schema, names, path)
    const wanted: Wanted = { path, names, columns: [...columns.required, ...columns.optional] }
    return {
      rows,
      groups,
      read: (group) => readGroup(decoder, wanted, group, groups[group] as number),
      close: () => decoder.close(),
    }
  } catch (error) {
    decoder.close()
    throw error
  }
}

/**
 * Reads the rides of one file, in order. Times that are text but no time come as Infinity.
 *
 * @param path a local Parquet file
 * @param progress called with (rides read, rides in the file)
 * @throws source_columns, source_column_type, source_truncated
 */
export async function* readRides(
  path: string,
  taxi: Taxi,
  columns: RideColumns,
  progress: (done: number, total: number) => void = () => {},
): AsyncGenerator<RideBatch> {
  const file = await openRides(path, taxi, columns)
  try {
    let done = 0
    for (const group of file.groups.keys()) {
      for await (const rides of file.read(group)) {
        yield rides
        done += rides.length
        progress(done, file.rows)
      }
    }
  } finally {
    file.close()
  }
}

/** What is read of a file. */
interface Wanted {
  readonly path: string
  readonly names: FileColumns
  readonly columns: readonly ColumnName[]
}

async function* readGroup(
  decoder: Decoder,
  wanted: Wanted,
  group: number,
  rows: number,
): AsyncGenerator<RideBatch> {
  const options = {
    columns: [...new Set(Object.values(wanted.names))],
    rowGroups: [group],
    batchSize,
  }
  const { table, schema } = await decoder.run(async (file) => {
    const table = await file.read(options)
    return { table, schema: tableFromIPC(table.schema.intoIPCStream()).schema }
  })
  let done = 0
  for (const batch of batchesOf(table, schema)) {
    done += batch.length
    yield ridesOf(batch, wanted)
  }
  if (done !== rows) {
    throw damaged(wanted.path, `found ${done} rides where its footer says ${rows}`)
  }
}

function ridesOf(batch: ArrowBatch, { path, names, columns }: Wanted): RideBatch {
  const { length } = batch
  const column = (name: string): ArrowColumn => batch.columns.get(name) as ArrowColumn
  const values: RideBatch['columns'] = {}
  for (const name of columns) {
    const found = names[name]
    values[name] = found ? toNumbers(column(found), path, found) : missing(length)
  }
  return {
    length,
    pickup: toMicros(column(names.pickup), path, names.pickup),
    dropoff: toMicros(column(names.dropoff), path, names.dropoff),
    columns: values,
  }
}

/** Refuses types before anything is decoded: the decoder has no views on some of them. */
function checkTypes(
  schema: Schema,
  { pickup, dropoff, ...columns }: FileColumns,
  path: string,
): void {
  const typeOf = new Map(schema.fields.map(({ name, type }) => [name, type]))
  for (const [names, check] of [
    [Object.values(columns), checkNumbers],
    [[pickup, dropoff], checkTimes],
  ] as const) {
    for (const name of names) {
      const type = typeOf.get(name)
      if (type) check(type, path, name)
    }
  }
}
