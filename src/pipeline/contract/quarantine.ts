/**
 * Rows that are set aside, with all their columns and the reason, as a Parquet file. Rows stream:
 * in memory are a batch of the file that is read and a row group of the one that is written,
 * never all rows.
 */

import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  type Data,
  Field,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import {
  type RecordBatch as EncodedBatch,
  Table as EncodedTable,
  transformParquetStream,
  WriterPropertiesBuilder,
  writeParquet,
} from 'parquet-wasm'
import type { Contract } from '../../contract.ts'
import { messageOf, RidecastError } from '../../errors.ts'
import type { Month } from '../../month.ts'
import { type ColumnName, type RideBatch, rideColumns, type Taxi } from '../../ride.ts'
import { type ArrowColumn, columnOfVector } from '../arrow-columns.ts'
import { type FileColumns, resolveColumns } from '../columns.ts'
import { type ColumnFile, openColumns } from '../data-profile/read-columns.ts'
import { missing, toMicros, toNumbers } from '../ride-values.ts'
import { plainReason, type RowRule, rowRules } from './reasons.ts'
import { takeRows } from './take.ts'

/** Rows of a row group of the file that is written. */
const groupRows = 2 ** 17

/** What was set aside. Every row is counted once: kept and clean, flagged, or refused. */
export interface Quarantined {
  readonly rows: number
  /** Rows that the plain recipe keeps and no rule flags. */
  readonly clean: number
  /** Rows that the plain recipe keeps and a rule of the contract flags. */
  readonly flagged: number
  /** Rows that the plain recipe leaves out. */
  readonly refused: number
  /** Rows by reason; a row may have several, `below_min` and `dropoff_before_pickup`. */
  readonly reasons: ReadonlyMap<string, number>
}

/** A file to look through. */
export interface QuarantineSource {
  readonly path: string
  readonly taxi: Taxi
  readonly month: Month | undefined
}

/**
 * Writes the rows of a file that the plain recipe leaves out or the contract flags, in file order,
 * with all their columns and a column `reason`: reasons joined by `;`, that of the plain recipe
 * first. The target appears when it is whole.
 *
 * @param target the file to write
 * @throws source_columns, source_column_type, source_truncated, usage_invalid (the target)
 */
export async function quarantine(
  source: QuarantineSource,
  contract: Contract,
  target: string,
  progress: (done: number, total: number) => void = () => {},
): Promise<Quarantined> {
  const file = await openColumns(source.path)
  const part = `${target}.${process.pid}.part`
  try {
    const sorter = new Sorter(source, contract, file)
    await write(part, sorter, progress).catch((error: NodeJS.ErrnoException) => {
      if (sorter.fault !== undefined) throw sorter.fault
      const why = `cannot be written (${error.code ?? messageOf(error)})`
      const text = `${target} ${why}: expected a file in a folder that is there`
      throw new RidecastError('usage_invalid', text, { cause: error })
    })
    await rename(part, target)
    return sorter.result()
  } catch (error) {
    await rm(part, { force: true })
    throw error
  } finally {
    file.close()
  }
}

/** Writes what a sorter sets aside; one file with no rows when that is nothing. */
async function write(
  path: string,
  sorter: Sorter,
  progress: (done: number, total: number) => void,
): Promise<void> {
  const batches = encoded(sorter, progress)
  const first = await batches.next()
  const properties = new WriterPropertiesBuilder().setMaxRowGroupSize(groupRows).build()
  if (first.done) {
    const empty = EncodedTable.fromIPCStream(tableToIPC(new Table(sorter.schema), 'stream'))
    const bytes = writeParquet(empty, properties)
    return pipeline(Readable.from([bytes]), createWriteStream(path, { flags: 'wx' }))
  }
  const stream = new ReadableStream<EncodedBatch>(
    {
      start: (controller) => controller.enqueue(first.value),
      async pull(controller) {
        const { done, value } = await batches.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 1 },
  )
  const bytes = (await transformParquetStream(stream, properties)) as AsyncIterable<Uint8Array>
  return pipeline(bytes, createWriteStream(path, { flags: 'wx' }))
}

async function* encoded(
  sorter: Sorter,
  progress: (done: number, total: number) => void,
): AsyncGenerator<EncodedBatch> {
  for await (const batch of sorter.setAside(progress)) {
    const table = EncodedTable.fromIPCStream(tableToIPC(new Table([batch]), 'stream'))
    yield* table.recordBatches()
    table.free()
  }
}

/** Goes through the rows of a file, counts, and hands on those that are set aside. */
class Sorter {
  /** The columns of the file and `reason`. */
  readonly schema: Schema
  /** What ended the reading early. */
  fault: unknown
  private readonly source: QuarantineSource
  private readonly file: ColumnFile
  private readonly names: FileColumns
  private readonly needed: readonly ColumnName[]
  private readonly columns: readonly ColumnName[]
  private readonly rules: readonly RowRule[]
  private readonly reasons = new Map<string, number>()
  private rows = 0
  private flagged = 0
  private refused = 0

  constructor(source: QuarantineSource, contract: Contract, file: ColumnFile) {
    this.source = source
    this.file = file
    const zones: ColumnName[] = ['PULocationID', 'DOLocationID']
    // Files for hire have no distance: there the plain rule is about zones and durations.
    this.needed = source.taxi === 'fhv' ? zones : [...zones, 'trip_distance']
    const optional = Object.keys(contract.columns).filter((key): key is ColumnName => {
      return Object.hasOwn(rideColumns, key) && !this.needed.includes(key as ColumnName)
    })
    const fields = file.fields.map(({ name, type }) => new Field(name, type, true))
    const names = fields.map(({ name }) => name)
    const wanted = { required: this.needed, optional }
    this.names = resolveColumns(names, source.path, source.taxi, wanted)
    this.columns = [...this.needed, ...optional].filter((name) => this.names[name] !== undefined)
    this.rules = rowRules(contract, this.columns, source.month)
    this.schema = new Schema([...fields, new Field('reason', new Utf8(), false)])
  }

  async *setAside(progress: (done: number, total: number) => void): AsyncGenerator<RecordBatch> {
    try {
      for await (const batch of this.file.batches()) {
        const rides = this.ridesOf(batch)
        const found = this.sort(rides)
        this.rows += rides.length
        progress(this.rows, this.file.rows)
        if (found.rows.length > 0) yield this.batchOf(batch, found)
      }
    } catch (error) {
      this.fault = error
      throw error
    }
  }

  result(): Quarantined {
    const { rows, flagged, refused } = this
    const reasons = new Map([...this.reasons].sort((a, b) => b[1] - a[1]))
    return { rows, clean: rows - flagged - refused, flagged, refused, reasons }
  }

  private sort(rides: RideBatch): Found {
    const found: Found = { rows: [], reasons: [] }
    for (let i = 0; i < rides.length; i++) {
      const plain = plainReason(rides, i, this.needed)
      const broken = this.rules.filter((rule) => rule.breaks(rides, i)).map(({ name }) => name)
      const all = plain === undefined ? broken : [plain, ...broken]
      if (all.length === 0) continue
      if (plain === undefined) this.flagged++
      else this.refused++
      for (const reason of all) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
      found.rows.push(i)
      found.reasons.push(all.join(';'))
    }
    return found
  }

  private ridesOf(batch: RecordBatch): RideBatch {
    const { path } = this.source
    const { pickup, dropoff } = this.names
    const column = (name: string): ArrowColumn => columnOfVector(batch.getChild(name) as Vector)
    const numbers = this.columns.map((name) => {
      const spelled = this.names[name]
      const values = spelled ? toNumbers(column(spelled), path, spelled) : missing(batch.numRows)
      return [name, values] as const
    })
    return {
      length: batch.numRows,
      pickup: toMicros(column(pickup), path, pickup),
      dropoff: toMicros(column(dropoff), path, dropoff),
      columns: Object.fromEntries(numbers),
    }
  }

  private batchOf(batch: RecordBatch, { rows, reasons }: Found): RecordBatch {
    const reason = vectorFromArray(reasons, new Utf8()).data[0] as Data
    const children = [...takeRows(batch, rows, this.source.path), reason]
    const type = new Struct(this.schema.fields)
    const data = makeData({ type, length: rows.length, nullCount: 0, children })
    return new RecordBatch(this.schema, data)
  }
}

/** Rows that are set aside, and why, each as long as the other. */
interface Found {
  readonly rows: number[]
  readonly reasons: string[]
}
