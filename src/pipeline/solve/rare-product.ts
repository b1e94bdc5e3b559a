/**
 * Products with the sparse part of a Gram matrix: loops in WebAssembly, which take half the time of
 * the same ones in JavaScript and round alike on every machine. Most elements count few rides: such a
 * count and its column share 32 bits, since the loops wait for memory. Knows nothing about what
 * columns stand for.
 */

import { RidecastError } from '../../errors.ts'
import {
  type Code,
  f64,
  get,
  i32,
  loopWhile,
  pageBytes,
  set,
  type WasmFunction,
  wasmExports,
  wasmMemory,
  wasmModule,
} from '../../wasm-assembler.ts'
import type { SparseRows } from './gram.ts'

/** Vectors, and what is added to one of them by the matrix and the others. */
export interface RareProduct {
  /** By rare column. */
  readonly x: Float64Array
  /** By rare column. */
  readonly out: Float64Array
  /** By frequent column. */
  readonly along: Float64Array
  /** Memory of the matrix. */
  readonly bytes: number
  /** Adds to `out` what the triangle among rare columns, and its transpose, make of `x`. */
  addOwn(): void
  /** Takes from `along` what frequent columns share with rare ones, times `x`. */
  takeShared(): void
  /** Adds to `out` what rare columns share with frequent ones, times `along`. */
  addShared(): void
}

/** Bits of a word that hold a count; the others hold a column. */
const countBits = 8
const mostColumns = 2 ** (32 - countBits)
/** Words that a loop takes at once; rows are filled up with zeros. */
const together = 4

/** A matrix where the loops can reach it: addresses. */
interface Placed {
  /** By row, behind its last word. */
  readonly wordEnds: number
  readonly words: number
  /** By row, behind its last other column. */
  readonly otherEnds: number
  readonly columns: number
  readonly values: number
}

/** The loops: first row and behind the last, and where a matrix begins. */
type Loop = (
  at: number,
  last: number,
  wordEnds: number,
  word: number,
  otherEnds: number,
  column: number,
  value: number,
) => void

const mostCounted = 2 ** countBits - 1
const fits = (value: number): boolean => (value & mostCounted) === value

/**
 * Puts a matrix where its loops can reach it.
 *
 * @param own what every rare column shares with later ones
 * @param shared what it shares with frequent ones
 * @param frequent how many of those there are
 * @throws solve_too_large beyond 4 GB, the most that WebAssembly addresses, or 16 million columns
 */
export function rareProductOf(own: SparseRows, shared: SparseRows, frequent: number): RareProduct {
  const size = own.start.length - 1
  let bytes = 0
  const room = (count: number, width: 4 | 8): number => {
    const at = bytes
    bytes += count * width
    return at
  }
  // Doubles first: they begin at multiples of 8.
  const [x, out, along] = [room(size, 8), room(size, 8), room(frequent, 8)]
  const sizes = [own, shared].map(sizesOf)
  const values = sizes.map(({ others }) => room(others, 8))
  const places = sizes.map(({ words, others }, k): Placed => {
    return {
      values: values[k] as number,
      columns: room(others, 4),
      words: room(words, 4),
      wordEnds: room(size, 4),
      otherEnds: room(size, 4),
    }
  })
  const pages = Math.ceil((bytes + 1) / pageBytes)
  if (pages > 65_535 || size > mostColumns) {
    throw new RidecastError(
      'solve_too_large',
      `the design has ${own.columns.length + shared.columns.length} pairs of levels that rides share, more than 4 GB hold: drop terms`,
    )
  }
  const memory = wasmMemory(pages)
  const { buffer } = memory
  fill(buffer, own, places[0] as Placed, x)
  fill(buffer, shared, places[1] as Placed, along)
  const loops = wasmExports(wasmModule(loopsFor(x, out, along), pages), memory) as Record<
    'upper' | 'take' | 'add',
    Loop
  >
  const run = (loop: Loop, { wordEnds, words, otherEnds, columns, values: at }: Placed): void =>
    loop(x, x + 8 * size, wordEnds, words, otherEnds, columns, at)
  return {
    x: new Float64Array(buffer, x, size),
    out: new Float64Array(buffer, out, size),
    along: new Float64Array(buffer, along, frequent),
    bytes: bytes - (2 * size + frequent) * 8,
    addOwn: () => run(loops.upper, places[0] as Placed),
    takeShared: () => run(loops.take, places[1] as Placed),
    addShared: () => run(loops.add, places[1] as Placed),
  }
}

/** Words, filled up, and other elements of a matrix. */
function sizesOf({ start, values }: SparseRows): {
  readonly words: number
  readonly others: number
} {
  let words = 0
  let others = 0
  for (let i = 0; i + 1 < start.length; i++) {
    let own = 0
    const end = start[i + 1] as number
    for (let c = start[i] as number; c < end; c++) if (fits(values[c] as number)) own++
    others += end - (start[i] as number) - own
    words += Math.ceil(own / together) * together
  }
  return { words, others }
}

/** Writes a matrix to its place, whose columns stand for doubles from an address on. */
function fill(
  buffer: SharedArrayBuffer,
  { start, columns, values }: SparseRows,
  place: Placed,
  target: number,
): void {
  const size = start.length - 1
  const words = new Int32Array(buffer, place.words)
  const others = new Int32Array(buffer, place.columns)
  const doubles = new Float64Array(buffer, place.values)
  const wordEnds = new Int32Array(buffer, place.wordEnds, size)
  const otherEnds = new Int32Array(buffer, place.otherEnds, size)
  let word = 0
  let other = 0
  for (let i = 0; i < size; i++) {
    for (let c = start[i] as number; c < (start[i + 1] as number); c++) {
      const column = columns[c] as number
      const value = values[c] as number
      if (fits(value)) {
        words[word++] = (column << countBits) | value
      } else {
        others[other] = target + 8 * column
        doubles[other++] = value
      }
    }
    word = Math.ceil(word / together) * together
    wordEnds[i] = place.words + 4 * word
    otherEnds[i] = place.columns + 4 * other
  }
}

// Parameters and locals of every loop.
const at = 0
const last = 1
const wordEnds = 2
const word = 3
const otherEnds = 4
const column = 5
const value = 6
const end = 7
const bits = 8
const other = 9
const factor = 10
const own = 11
/** The first of as many sums as words are taken at once: none waits for another. */
const sums = 12

/** The loops, for vectors at those addresses. */
function loopsFor(x: number, out: number, along: number): WasmFunction[] {
  const plus = (local: number, step: number): Code =>
    set(local, i32.add(get(local), i32.const(step)))
  const each = Array.from({ length: together }, (_, k) => k)
  /** What is done with `factor` and the double at `other`, and a number of bytes behind it. */
  type Cell = (behind: number, sum: number) => Code
  const rows = (
    name: string,
    open: Code,
    cell: Cell,
    vector: number,
    close: Code,
  ): WasmFunction => ({
    name,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'i32', 'f64', 'f64', ...each.map(() => 'f64' as const)],
    body: loopWhile(i32.lessUnsigned(get(at), get(last)), [
      ...set(end, i32.load(get(wordEnds))),
      ...open,
      ...loopWhile(i32.lessUnsigned(get(word), get(end)), [
        ...each.flatMap((k) => [
          ...set(bits, i32.load(get(word), 4 * k)),
          // A column times 8: what stands above the count, and the bits of the count away.
          ...set(
            other,
            i32.and(i32.shiftRight(get(bits), i32.const(countBits - 3)), i32.const(-8)),
          ),
          ...set(factor, f64.fromInteger(i32.and(get(bits), i32.const(mostCounted)))),
          ...cell(vector, sums + k),
        ]),
        ...plus(word, 4 * together),
      ]),
      ...set(end, i32.load(get(otherEnds))),
      ...loopWhile(i32.lessUnsigned(get(column), get(end)), [
        ...set(other, i32.load(get(column))),
        ...set(factor, f64.load(get(value))),
        ...cell(0, sums),
        ...plus(column, 4),
        ...plus(value, 8),
      ]),
      ...close,
      ...plus(at, 8),
      ...plus(wordEnds, 4),
      ...plus(otherEnds, 4),
    ]),
  })
  const openRow = set(own, f64.load(get(at)))
  const openSums = each.flatMap((k) => {
    return set(sums + k, k === 0 ? f64.load(get(at), out - x) : f64.const(0))
  })
  const total = each.slice(1).reduce((sum, k) => f64.add(sum, get(sums + k)), get(sums))
  const closeSums = f64.store(get(at), total, out - x)
  const gather: Cell = (behind, sum) =>
    set(sum, f64.add(get(sum), f64.mul(get(factor), f64.load(get(other), behind))))
  const scatter = (behind: number, combine: typeof f64.add): Code =>
    f64.store(
      get(other),
      combine(f64.load(get(other), behind), f64.mul(get(factor), get(own))),
      behind,
    )
  return [
    rows(
      'upper',
      [...openRow, ...openSums],
      (behind, sum) => [...gather(behind, sum), ...scatter(behind + out - x, f64.add)],
      x,
      closeSums,
    ),
    rows('take', openRow, (behind) => scatter(behind, f64.sub), along, []),
    rows('add', openSums, gather, along, closeSums),
  ]
}
