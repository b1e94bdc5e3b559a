// `node bench/generate.mjs`: makes yellow-like months for the benchmark: the schema, zone
// frequencies, missing values and outliers of real files, the same bytes for the same seed and
// rows. Files stand in a folder named by what they were made from, and are made only when absent.
// Prints one JSON object. The parts of bench/run.mjs that need months call this as a process.

import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as arrow from 'apache-arrow'
import { makeData, makeVector, Table, TimestampMicrosecond, tableToIPC } from 'apache-arrow'
import {
  Compression,
  EnabledStatistics,
  transformParquetStream,
  Table as WasmTable,
  WriterPropertiesBuilder,
} from 'parquet-wasm'
import { columns, missingColumns, yellowRides } from './yellow-rides.mjs'

/** Raised when the same seed and rows give other bytes: the folder's name tells. */
const version = 1
/** Rows of a row group, as official files from March 2023 on have them. */
const officialRowGroup = 1_048_576
const batchRows = 131_072

const { values: flags } = parseArgs({
  options: {
    months: { type: 'string', default: '2023-01,2023-02' },
    rows: { type: 'string', default: '3000000' },
    scale: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    'row-group': { type: 'string', default: String(officialRowGroup) },
    out: { type: 'string', default: join(import.meta.dirname, '.data') },
  },
})

const arrowTypes = {
  int64: new arrow.Int64(),
  timestamp: new TimestampMicrosecond(),
  double: new arrow.Float64(),
  flag: new arrow.Utf8(),
}

/** Bits that say which rows have a value: the first `full` of `rows`. */
function bitmapOf(rows, full) {
  const bits = new Uint8Array(Math.ceil(rows / 8))
  bits.fill(255, 0, full >> 3)
  if (full < rows) bits[full >> 3] = (1 << (full & 7)) - 1
  return bits
}

function vectorOf(type, values, rows, full) {
  const nulls = full < rows ? { nullCount: rows - full, nullBitmap: bitmapOf(rows, full) } : {}
  const shape = { type: arrowTypes[type], length: rows, nullCount: 0, ...nulls }
  if (type !== 'flag') return makeVector(makeData({ ...shape, data: values }))
  const valueOffsets = Int32Array.from({ length: rows + 1 }, (_, i) => Math.min(i, full))
  const data = Uint8Array.from(values, (flag) => (flag === 1 ? 0x59 : 0x4e))
  return makeVector(makeData({ ...shape, valueOffsets, data }))
}

/** A batch of rides as parquet-wasm takes it. */
function batchOf({ rows, full, data }) {
  const table = new Table(
    Object.fromEntries(
      columns.map(([name, type]) => {
        return [name, vectorOf(type, data[name], rows, missingColumns.includes(name) ? full : rows)]
      }),
    ),
  )
  return WasmTable.fromIPCStream(tableToIPC(table, 'stream')).recordBatches()[0]
}

const properties = () =>
  new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setMaxRowGroupSize(rowGroup)
    // Official files have statistics of row groups, and no index of pages.
    .setStatisticsEnabled(EnabledStatistics.Chunk)
    .build()

/** Writes a month next to its place and then moves it there. */
async function makeMonth(path, options) {
  const rides = yellowRides({ ...options, batchRows })
  const batches = new ReadableStream({
    pull(controller) {
      const { done, value } = rides.next()
      if (done) controller.close()
      else controller.enqueue(batchOf(value))
    },
  })
  const part = `${path}.${process.pid}.part`
  const file = await open(part, 'w')
  try {
    for await (const bytes of await transformParquetStream(batches, properties())) {
      await file.write(bytes)
    }
    await file.close()
    renameSync(part, path)
  } finally {
    rmSync(part, { force: true })
  }
}

const rows = Number(flags.rows) * Number(flags.scale)
const seed = Number(flags.seed)
const rowGroup = Number(flags['row-group'])
const months = flags.months.split(',')
if (![rows, seed, rowGroup].every(Number.isSafeInteger) || rows < 1 || rowGroup < 1) {
  throw new Error(
    `rows times scale, seed and row group are whole numbers, found ${rows}, ${seed}, ${rowGroup}`,
  )
}
const special = rowGroup === officialRowGroup ? '' : `-groups${rowGroup}`
const folder = join(flags.out, `v${version}-seed${seed}-${rows}${special}`)
mkdirSync(folder, { recursive: true })
// Made files are nobody's to commit.
writeFileSync(join(flags.out, '.gitignore'), '*\n')
const files = []
for (const month of months) {
  const path = join(folder, `yellow_tripdata_${month}.parquet`)
  const began = performance.now()
  const made = !existsSync(path)
  if (made) await makeMonth(path, { seed, month, rows })
  const seconds = Math.round(performance.now() - began) / 1000
  files.push({ month, path, rows, bytes: statSync(path).size, made, seconds: made ? seconds : 0 })
}
console.log(JSON.stringify({ version, seed, rows, rowGroup, folder, files }))
