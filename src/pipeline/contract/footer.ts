/**
 * What the footer of a Parquet file says without a page being read: rows, columns, their types
 * and, where the writer has counted them, missing values. Knows nothing about rides.
 */

import { open } from 'node:fs/promises'
import { messageOf, RidecastError } from '../../errors.ts'
import { readStruct, type Struct, type ThriftValue } from './thrift.ts'

/** What a column can be read as. `null`: of the type that holds nothing but nulls. */
export type ColumnKind =
  | 'int'
  | 'float'
  | 'text'
  | 'time'
  | 'zoned time'
  | 'date'
  | 'bool'
  | 'decimal'
  | 'null'
  | 'other'

/** A column of a file. */
export interface FooterColumn {
  /** As the file spells it. */
  readonly name: string
  readonly kind: ColumnKind
  /** The type in Parquet's words, such as `INT64 TIMESTAMP(MICROS)`. */
  readonly type: string
  /** Missing values; undefined where the writer did not count them. */
  readonly nulls: number | undefined
}

/** The facts of a footer. */
export interface Footer {
  readonly rows: number
  readonly rowGroups: number
  /** The program that wrote the file; empty when it does not say. */
  readonly writer: string
  readonly columns: readonly FooterColumn[]
}

/** Reads the footer of a file, see {@link footerOf}. */
export type ReadFooter = (path: string) => Promise<Footer>

/** A footer larger than this is no trip file's. */
const largestFooter = 2 ** 27

/**
 * Reads the footer of a file.
 *
 * @param path a local file that begins and ends as Parquet does
 * @throws source_truncated when it cannot be understood, source_io
 */
export async function footerOf(path: string): Promise<Footer> {
  const bytes = await footerBytes(path)
  try {
    return factsOf(readStruct(bytes))
  } catch (cause) {
    const text = `${path} is a damaged Parquet file (its footer cannot be read: ${messageOf(cause)}): download it again`
    throw new RidecastError('source_truncated', text, { cause })
  }
}

/** {@link footerOf}, each file once: months that lie side by side are each other's neighbours. */
export function footersOnce(): ReadFooter {
  const known = new Map<string, Promise<Footer>>()
  return (path) => {
    const footer = known.get(path) ?? footerOf(path)
    known.set(path, footer)
    return footer
  }
}

async function footerBytes(path: string): Promise<Uint8Array> {
  let file: Awaited<ReturnType<typeof open>> | undefined
  try {
    file = await open(path)
    const { size } = await file.stat()
    const tail = Buffer.alloc(8)
    await file.read(tail, 0, 8, Math.max(0, size - 8))
    const length = tail.readUInt32LE(0)
    const whole = tail.toString('latin1', 4) === 'PAR1' && length <= size - 12
    if (!whole || length > largestFooter) {
      const text = `${path} is a damaged Parquet file (it has no footer): download it again`
      throw new RidecastError('source_truncated', text)
    }
    const bytes = Buffer.alloc(length)
    await file.read(bytes, 0, length, size - 8 - length)
    return bytes
  } catch (cause) {
    if (cause instanceof RidecastError) throw cause
    const text = `${path} cannot be read: ${messageOf(cause)}; check its permissions`
    throw new RidecastError('source_io', text, { cause })
  } finally {
    await file?.close()
  }
}

// Numbers of the fields: parquet.thrift of the Parquet format.
function factsOf(footer: Struct): Footer {
  const [root, ...elements] = listOf(footer.get(2)).map(structOf)
  if (root === undefined) throw new RangeError('it names no columns')
  const groups = listOf(footer.get(4)).map(structOf)
  const writer = footer.get(6)
  return {
    rows: numberOf(footer.get(3)) ?? 0,
    rowGroups: groups.length,
    writer: writer === undefined ? '' : textOf(writer),
    columns: columnsOf(elements, groups),
  }
}

function columnsOf(elements: readonly Struct[], groups: readonly Struct[]): FooterColumn[] {
  const nulls = nullsByName(groups)
  const columns: FooterColumn[] = []
  for (let k = 0; k < elements.length; ) {
    const element = elements[k] as Struct
    const size = sizeOf(elements, k)
    const name = textOf(element.get(4) as ThriftValue)
    const typed = size > 1 ? ({ kind: 'other', type: 'nested' } as const) : typeOf(element)
    columns.push({ name, ...typed, nulls: nulls.get(name) })
    k += size
  }
  return columns
}

/** How many elements a column takes with everything inside it. */
function sizeOf(elements: readonly Struct[], at: number): number {
  const children = numberOf(elements[at]?.get(5)) ?? 0
  let size = 1
  for (let k = 0; k < children && at + size < elements.length; k++) {
    size += sizeOf(elements, at + size)
  }
  return size
}

/** Missing values by column; a column that some row group does not count is absent. */
function nullsByName(groups: readonly Struct[]): Map<string, number> {
  const totals = new Map<string, number>()
  const unknown = new Set<string>()
  for (const group of groups) {
    for (const chunk of listOf(group.get(1)).map(structOf)) {
      const meta = chunk.get(3)
      if (!(meta instanceof Map)) continue
      const name = textOf(listOf(meta.get(3))[0] as ThriftValue)
      const statistics = meta.get(12)
      const nulls = statistics instanceof Map ? numberOf(statistics.get(3)) : undefined
      if (nulls === undefined) unknown.add(name)
      else totals.set(name, (totals.get(name) ?? 0) + nulls)
    }
  }
  for (const name of unknown) totals.delete(name)
  return totals
}

const physical = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
]
const units = ['', 'MILLIS', 'MICROS', 'NANOS']

type Typed = Pick<FooterColumn, 'kind' | 'type'>

function typeOf(element: Struct): Typed {
  const base = physical[numberOf(element.get(1)) ?? -1] ?? 'UNKNOWN'
  const logical = element.get(10)
  if (logical instanceof Map && logical.size > 0) return logicalType(base, logical)
  return convertedType(base, numberOf(element.get(6)))
}

function logicalType(base: string, logical: Struct): Typed {
  const [number, value] = [...logical][0] as [number, ThriftValue]
  if (number === 1) return { kind: 'text', type: `${base} STRING` }
  if (number === 5) return { kind: 'decimal', type: `${base} DECIMAL` }
  if (number === 6) return { kind: 'date', type: `${base} DATE` }
  if (number === 8) {
    const zoned = structOf(value).get(1) === true
    const unit = units[[...structOf(structOf(value).get(2) ?? new Map()).keys()][0] ?? 0] ?? ''
    const type = `${base} TIMESTAMP(${unit}${zoned ? ', UTC' : ''})`
    return { kind: zoned ? 'zoned time' : 'time', type }
  }
  if (number === 10) return { kind: 'int', type: base }
  if (number === 11) return { kind: 'null', type: 'NULL' }
  return { kind: 'other', type: `${base} LOGICAL(${number})` }
}

/** Types of writers from before logical types. */
function convertedType(base: string, converted: number | undefined): Typed {
  if (base === 'BOOLEAN') return { kind: 'bool', type: base }
  if (base === 'INT96') return { kind: 'time', type: base }
  if (base === 'FLOAT' || base === 'DOUBLE') return { kind: 'float', type: base }
  if (converted === 0) return { kind: 'text', type: `${base} UTF8` }
  if (converted === 5) return { kind: 'decimal', type: `${base} DECIMAL` }
  if (converted === 6) return { kind: 'date', type: `${base} DATE` }
  if (converted === 9) return { kind: 'time', type: `${base} TIMESTAMP(MILLIS)` }
  if (converted === 10) return { kind: 'time', type: `${base} TIMESTAMP(MICROS)` }
  const plain = converted === undefined || (converted >= 11 && converted <= 18)
  if (base.startsWith('INT') && plain) return { kind: 'int', type: base }
  return { kind: 'other', type: base }
}

function listOf(value: ThriftValue | undefined): readonly ThriftValue[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new RangeError('a field that should be a list is none')
  return value
}

function structOf(value: ThriftValue): Struct {
  if (!(value instanceof Map)) throw new RangeError('a field that should be a structure is none')
  return value
}

function numberOf(value: ThriftValue | undefined): number | undefined {
  return typeof value === 'bigint' ? Number(value) : undefined
}

function textOf(value: ThriftValue | undefined): string {
  if (!(value instanceof Uint8Array)) throw new RangeError('a field that should be text is none')
  return new TextDecoder().decode(value)
}
