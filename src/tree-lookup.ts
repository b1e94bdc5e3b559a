/**
 * Finds the leaves of a block of rows without walking: masks of each tree are looked up, as WebAssembly,
 * tree after tree, so that the tables of one (a few kilobytes) stay in a processor's nearest cache while
 * a block passes it. No step depends on what a row holds: there is nothing to be guessed wrong. Knows
 * nothing about what leaves add up to.
 */

import { binOf, type ValueBins, valueBins } from './tree-bins.ts'
import type { RowBlock, Tree, TreeFeature } from './tree-ensemble.ts'
import { leavesOf, type TreeMasks, treeMasks } from './tree-masks.ts'
import {
  type Code,
  f32,
  get,
  i32,
  i64,
  loopWhile,
  pageBytes,
  select,
  set,
  v128,
  type WasmFunction,
  wasmExports,
  wasmMemory,
  wasmModule,
} from './wasm-assembler.ts'

/** Rows of a block: their bins and a tree's tables fit into 48 kB together. */
const blockRows = 256
/** Beyond, trees are walked. */
const most = {
  leaves: 512,
  /** Features of one tree: each is a step of the code. */
  features: 64,
  /** Bins are doubled, as the bytes that they take in a table, and kept in 16 bits. */
  bins: 32_768,
  /** Bytes of the masks of one tree. */
  masks: 65_536,
}

/** Places of the memory, in bytes. */
interface Layout {
  readonly trees: number
  /** Features that are looked up for each tree. */
  readonly features: number
  /** Words of 64 bits of a mask. */
  readonly words: number
  /** Bytes of a row of bins: one for each feature, and one that is always 0. */
  readonly stride: number
}

/** What the module exports: adds the leaves of trees to sums. */
interface LookupExports {
  sum(tree: number, end: number, rows: number, rowsEnd: number, sums: number): void
}

/** Tables of an ensemble, and room for a block of rows. */
export class TreeLookup implements RowBlock {
  readonly rows = blockRows
  private readonly bins: readonly ValueBins[]
  private readonly doubled: Uint16Array
  private readonly sums: Float32Array
  private readonly layout: Layout
  private readonly begin: number
  private readonly end: number
  private readonly kernel: LookupExports

  /**
   * Tables of trees, undefined where they are too large or the engine has no room for them.
   *
   * @param bytes that tables may take at most
   */
  static of(
    features: readonly TreeFeature[],
    trees: readonly Tree[],
    bytes: number,
  ): TreeLookup | undefined {
    const leaves = Math.max(1, ...trees.map(leavesOf))
    if (leaves > most.leaves || bytes === 0) return undefined
    const bins = valueBins(features, trees)
    if (bins.some(({ size }) => size > most.bins)) return undefined
    const words = leaves <= 64 ? 1 : Math.ceil(leaves / 128) * 2
    const tables = trees.map((tree) => treeMasks(tree, bins, words * 2))
    const widest = Math.max(1, ...tables.map((table) => table.features.length))
    if (widest > most.features) return undefined
    if (tables.some(({ masks }) => masks.length * 4 > most.masks)) return undefined
    const layout = { trees: trees.length, features: widest, words, stride: (bins.length + 1) * 2 }
    const size = bytesOf(layout, tables)
    if (size > bytes) return undefined
    try {
      return new TreeLookup(layout, bins, tables, size)
    } catch (error) {
      // No memory of that kind is left.
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  private constructor(
    layout: Layout,
    bins: readonly ValueBins[],
    tables: readonly TreeMasks[],
    size: number,
  ) {
    const pages = Math.ceil(size / pageBytes)
    const memory = wasmMemory(pages)
    const { buffer } = memory
    const room = allocator()
    this.layout = layout
    this.bins = bins
    this.doubled = new Uint16Array(buffer, room(rowBytes(layout)), rowBytes(layout) / 2)
    this.sums = new Float32Array(buffer, room(blockRows * 4), blockRows)
    // For trees that split by fewer features: whatever the bin is, it is mask 0.
    const nothing = room(16)
    const heads = room(headBytes(layout) * tables.length)
    const stride = headBytes(layout) / 4
    for (const [t, table] of tables.entries()) {
      const masks = room(table.masks.length * 4)
      const values = room(table.values.length * 4)
      new Int32Array(buffer, masks, table.masks.length).set(table.masks)
      new Float32Array(buffer, values, table.values.length).set(table.values)
      const head = new Int32Array(buffer, heads + t * stride * 4, stride)
      head.set([masks, values])
      for (let k = 0; k < layout.features; k++) {
        const own = table.features[k]
        const ranks = own ? room(own.ranks.length * 2) : nothing
        const offsets = own?.ranks.map((number) => number * layout.words * 8)
        if (offsets) new Uint16Array(buffer, ranks, offsets.length).set(offsets)
        head.set([(own?.feature ?? bins.length) * 2, ranks], 2 + 2 * k)
      }
    }
    this.begin = heads
    this.end = heads + stride * 4 * tables.length
    this.kernel = wasmExports(wasmModule([sum(layout)], pages), memory) as LookupExports
  }

  set(row: number, values: Float32Array): void {
    const { bins, doubled } = this
    const at = row * (bins.length + 1)
    for (let f = 0; f < bins.length; f++) doubled[at + f] = 2 * binOf(bins[f]!, values[f]!)
  }

  sum(start: number, rows: number): Float32Array {
    const { sums, doubled, layout, kernel, begin, end } = this
    sums.fill(start, 0, rows)
    const at = doubled.byteOffset
    kernel.sum(begin, end, at, at + rows * layout.stride, sums.byteOffset)
    return sums
  }
}

const headBytes = ({ features }: Layout): number => (2 + 2 * features) * 4
const rowBytes = ({ stride }: Layout): number => blockRows * stride

/** Hands out places of a memory, each at a multiple of 16. */
function allocator(): (bytes: number) => number {
  let next = 0
  return (bytes) => {
    const at = next
    next += Math.ceil(bytes / 16) * 16
    return at
  }
}

function bytesOf(layout: Layout, tables: readonly TreeMasks[]): number {
  const room = allocator()
  room(rowBytes(layout))
  room(blockRows * 4)
  room(16)
  room(headBytes(layout) * layout.trees)
  for (const { masks, values, features } of tables) {
    room(masks.length * 4)
    room(values.length * 4)
    for (const { ranks } of features) room(ranks.length * 2)
  }
  return room(0)
}

/** For each tree, for each row: the masks of its bins, the leaf that they all leave, its value. */
function sum({ features, words, stride }: Layout): WasmFunction {
  const [tree, end, rows, rowsEnd, sums, row, at, masks, values] = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  const wide = words > 1
  const parts = wide ? words / 2 : 1
  const firstPart = 9
  const firstFeature = firstPart + parts
  const column = (k: number): number => firstFeature + 3 * k
  const ranks = (k: number): number => firstFeature + 3 * k + 1
  const mask = (k: number): number => firstFeature + 3 * k + 2
  const each = Array.from({ length: features }, (_, k) => k)
  const heads = each.flatMap((k) => [
    ...set(column(k), i32.load(get(tree), 8 + 8 * k)),
    ...set(ranks(k), i32.load(get(tree), 12 + 8 * k)),
  ])
  const lookUp = each.flatMap((k) => {
    const bin = i32.loadHalf(i32.add(get(row), get(column(k))))
    const offset = i32.loadHalf(i32.add(get(ranks(k)), bin))
    return set(mask(k), i32.add(get(masks), offset))
  })
  const { load, and } = wide ? v128 : i64
  const left = Array.from({ length: parts }, (_, p) => {
    const all = each.map((k) => load(get(mask(k)), p * 16))
    return set(firstPart + p, all.reduce(and))
  })
  const step = [
    ...lookUp,
    ...left.flat(),
    ...f32.store(
      get(at),
      f32.add(
        f32.load(get(at)),
        f32.load(i32.add(get(values), i32.shl(lowest(firstPart, parts, wide), i32.const(2)))),
      ),
    ),
    ...set(row, i32.add(get(row), i32.const(stride))),
    ...set(at, i32.add(get(at), i32.const(4))),
  ]
  return {
    name: 'sum',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    locals: [
      ...(['i32', 'i32', 'i32', 'i32'] as const),
      ...Array.from({ length: parts }, () => (wide ? ('v128' as const) : ('i64' as const))),
      ...each.flatMap(() => ['i32', 'i32', 'i32'] as const),
    ],
    body: loopWhile(i32.lessUnsigned(get(tree), get(end)), [
      ...set(masks, i32.load(get(tree))),
      ...set(values, i32.load(get(tree), 4)),
      ...heads,
      ...set(row, get(rows)),
      ...set(at, get(sums)),
      ...loopWhile(i32.lessUnsigned(get(row), get(rowsEnd)), step),
      ...set(tree, i32.add(get(tree), i32.const(headBytes({ features } as Layout)))),
    ]),
  }
}

/** The place of the lowest bit: that of the last word, unless one before it has a bit. */
function lowest(first: number, parts: number, wide: boolean): Code {
  if (!wide) return i64.low(i64.trailingZeros(get(first)))
  const words = Array.from({ length: parts * 2 }, (_, w) =>
    v128.half(get(first + (w >>> 1)), (w & 1) as 0 | 1),
  )
  return words
    .map((word, w) => ({
      word,
      place: i32.add(i64.low(i64.trailingZeros(word)), i32.const(64 * w)),
    }))
    .reduceRight<Code>(
      (rest, { word, place }) =>
        rest.length === 0 ? place : select(i64.isZero(word), rest, place),
      [],
    )
}
