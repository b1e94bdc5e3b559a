/**
 * Moments as bytes that other tools read: an Arrow IPC file (Feather version 2) with one row, in
 * which every column is a list: one array of the sums. Counts, the plan and the source stand as
 * JSON in the schema's metadata under `ridecast`. Knows nothing about where such files are kept.
 */

import {
  Field,
  Float64,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
} from 'apache-arrow'
import type { Sums } from './double-double.ts'
import { type Block, type Cross, hashMoments, type Moments, plannedCrosses } from './moments.ts'
import { type Plan, type PlanSpec, type Refused, specOfPlan } from './plan.ts'

/** The version of the format; files of another version are not read. */
export const momentsFormat = 1

/** What stands beside the arrays. */
export interface MomentsHeader {
  readonly format_version: number
  /** Name and SHA-256 of the trip file behind the sums (null where an engine has it alone), and its fleet. */
  readonly source: { readonly file: string; readonly sha256: string | null; readonly taxi: string }
  /** What was summed. */
  readonly plan: PlanSpec
  readonly rows: number
  readonly refused: Refused
  readonly outside: number
  readonly n: number
  readonly inexact: readonly string[]
  /** {@link hashMoments} of the sums. */
  readonly moments_sha256: string
}

type Column = Float64Array | Int32Array

/** The key of the header in the metadata of the schema. */
const metadataKey = 'ridecast'

/** Bounds without an end are no JSON numbers. */
const finite = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value

/** A plan as canonical JSON: equal text, equal sums of the same file. */
export function planText(plan: Plan): string {
  return JSON.stringify(specOfPlan(plan), finite)
}

/** The bytes of moments that `plan` has summed. */
export function encodeMoments(
  moments: Moments,
  plan: Plan,
  source: MomentsHeader['source'],
): Uint8Array {
  const { rows, refused, outside, n, inexact } = moments
  const header: MomentsHeader = {
    format_version: momentsFormat,
    source,
    plan: specOfPlan(plan),
    rows,
    refused,
    outside,
    n,
    inexact,
    moments_sha256: hashMoments(moments),
  }
  const columns = [...arraysOf(moments)]
  const fields = columns.map(([name, array]) => {
    const item = Field.new('item', array instanceof Int32Array ? new Int32() : new Float64())
    return Field.new(name, new List<Int32 | Float64>(item))
  })
  const schema = new Schema(fields, new Map([[metadataKey, JSON.stringify(header, finite)]]))
  const children = columns.map(([, array], k) => {
    const type = (fields[k] as Field<List<Int32 | Float64>>).type
    const child =
      array instanceof Int32Array
        ? makeData({ type: new Int32(), data: array })
        : makeData({ type: new Float64(), data: array })
    return makeData({
      type,
      length: 1,
      nullCount: 0,
      valueOffsets: Int32Array.of(0, array.length),
      child,
    })
  })
  const struct = makeData({ type: new Struct(fields), length: 1, nullCount: 0, children })
  return tableToIPC(new Table([new RecordBatch(schema, struct)]), 'file')
}

/** The header of such bytes; undefined when they are something else or of another version. */
export function readHeader(bytes: Uint8Array): MomentsHeader | undefined {
  try {
    return headerOf(tableFromIPC(bytes))
  } catch {
    return undefined
  }
}

/**
 * Reads moments back and checks them against their hash.
 *
 * @param plan the plan that summed them: their terms are taken from it
 * @returns undefined when the bytes are damaged, of another version, or of another plan
 */
export function decodeMoments(bytes: Uint8Array, plan: Plan): Moments | undefined {
  try {
    const table = tableFromIPC(bytes)
    const header = headerOf(table)
    if (!header || JSON.stringify(header.plan) !== planText(plan)) return undefined
    const array = (name: string): Column => table.getChild(name)?.get(0).data[0].values as Column
    const moments = momentsFrom(header, plan, array)
    return hashMoments(moments) === header.moments_sha256 ? moments : undefined
  } catch {
    return undefined
  }
}

function headerOf(table: Table): MomentsHeader | undefined {
  const header = JSON.parse(table.schema.metadata.get(metadataKey) ?? '{}') as MomentsHeader
  return header.format_version === momentsFormat ? header : undefined
}

const sumNames = ['target', 'sums', 'products', 'squares'] as const

/** Every array of the moments by the name of its column. */
function* arraysOf(moments: Moments): Generator<[string, Column]> {
  for (const name of sumNames) yield* wordsOf(name, moments[name])
  for (const { term, codes, counts, target, numeric } of moments.blocks) {
    yield [`${term.name}.codes`, codes]
    yield [`${term.name}.rides`, counts]
    yield* wordsOf(`${term.name}.target`, target)
    yield* wordsOf(`${term.name}.numeric`, numeric)
  }
  for (const cross of moments.crosses) {
    const name = crossName(moments.blocks, cross)
    yield [`${name}.rows`, cross.rows]
    yield [`${name}.columns`, cross.columns]
    yield [`${name}.rides`, cross.counts]
  }
}

function* wordsOf(name: string, { hi, lo }: Sums): Generator<[string, Column]> {
  yield [`${name}.hi`, hi]
  yield [`${name}.lo`, lo]
}

function crossName(
  blocks: readonly Pick<Block, 'term'>[],
  { a, b }: Pick<Cross, 'a' | 'b'>,
): string {
  return `${blocks[a]?.term.name} x ${blocks[b]?.term.name}`
}

function momentsFrom(header: MomentsHeader, plan: Plan, array: (name: string) => Column): Moments {
  const { rows, refused, outside, n, inexact } = header
  const doubles = (name: string): Float64Array => array(name) as Float64Array
  const sums = (name: string): Sums => ({ hi: doubles(`${name}.hi`), lo: doubles(`${name}.lo`) })
  const { categorical, numeric } = plan.features
  const blocks = categorical.map((term): Block => {
    return {
      term,
      codes: doubles(`${term.name}.codes`),
      counts: doubles(`${term.name}.rides`),
      target: sums(`${term.name}.target`),
      numeric: sums(`${term.name}.numeric`),
    }
  })
  const pairs = plan.crosses ? plannedCrosses(categorical) : []
  const crosses = pairs.map(([a, b]): Cross => {
    const name = crossName(blocks, { a, b })
    return {
      a,
      b,
      rows: array(`${name}.rows`) as Int32Array,
      columns: array(`${name}.columns`) as Int32Array,
      counts: doubles(`${name}.rides`),
    }
  })
  return {
    rows,
    refused,
    outside,
    n,
    inexact,
    numeric,
    target: sums('target'),
    sums: sums('sums'),
    products: sums('products'),
    squares: sums('squares'),
    blocks,
    crosses,
  }
}
