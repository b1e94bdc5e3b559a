/**
 * Products with the sparse part of a Gram matrix: loops in WebAssembly, which take half the time of
 * the same ones in JavaScript and round alike on every machine. Knows nothing about what columns
 * stand for.
 */

import { RidecastError } from '../../errors.ts'
import {
  type Code,
  f64,
  get,
  i32,
  loopWhile,
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

const pageBytes = 65_536

/** The loops by name; arguments: first and last row, where the ends of rows, columns and values are. */
type Loop = (at: number, last: number, ends: number, columns: number, values: number) => void

/**
 * Puts a matrix where its loops can reach it.
 *
 * @param own what every rare column shares with later ones
 * @param shared what it shares with frequent ones
 * @param frequent how many of those there are
 * @throws solve_too_large beyond 4 GB, the most that WebAssembly addresses
 */
export function rareProductOf(own: SparseRows, shared: SparseRows, frequent: number): RareProduct {
  const size = own.start.length - 1
  const parts = [own, shared]
  let bytes = 0
  const room = (count: number, width: 4 | 8): number => {
    const at = bytes
    bytes += count * width
    return at
  }
  // Doubles first: they begin at multiples of 8.
  const x = room(size, 8)
  const out = room(size, 8)
  const along = room(frequent, 8)
  const values = parts.map((part) => room(part.values.length, 8))
  const columns = parts.map((part) => room(part.columns.length, 4))
  const ends = parts.map(() => room(size, 4))
  const pages = Math.ceil((bytes + 1) / pageBytes)
  if (pages > 65_535) {
    throw new RidecastError(
      'solve_too_large',
      `the design has ${own.columns.length + shared.columns.length} pairs of levels that rides share, more than 4 GB hold: drop terms`,
    )
  }
  const memory = wasmMemory(pages)
  const { buffer } = memory
  // Columns are kept as addresses of what they are multiplied by.
  const targets = [x, along]
  parts.forEach((part, k) => {
    new Float64Array(buffer, values[k] as number, part.values.length).set(part.values)
    const into = new Int32Array(buffer, columns[k] as number, part.columns.length)
    const target = targets[k] as number
    for (let c = 0; c < into.length; c++) into[c] = target + 8 * (part.columns[c] as number)
    const until = new Int32Array(buffer, ends[k] as number, size)
    for (let i = 0; i < size; i++) {
      until[i] = (columns[k] as number) + 4 * (part.start[i + 1] as number)
    }
  })
  const module = wasmModule(loopsFor(out - x), pages)
  const loops = wasmExports(module, memory) as Record<'upper' | 'take' | 'add', Loop>
  const run = (loop: Loop, k: 0 | 1): void =>
    loop(x, x + 8 * size, ends[k] as number, columns[k] as number, values[k] as number)
  return {
    x: new Float64Array(buffer, x, size),
    out: new Float64Array(buffer, out, size),
    along: new Float64Array(buffer, along, frequent),
    bytes: bytes - (2 * size + frequent) * 8,
    addOwn: () => run(loops.upper, 0),
    takeShared: () => run(loops.take, 1),
    addShared: () => run(loops.add, 1),
  }
}

// Parameters and locals of every loop.
const at = 0
const last = 1
const ends = 2
const column = 3
const value = 4
const end = 5
const other = 6
const factor = 7
const own = 8
const sum = 9

/** The loops, for an `out` that many bytes behind `x`. */
function loopsFor(toOut: number): WasmFunction[] {
  const load = (address: number, offset = 0): Code => f64.load(get(address), offset)
  const add = (address: number, offset: number, more: Code): Code =>
    f64.store(i32.add(get(address), i32.const(offset)), f64.add(load(address, offset), more))
  const plus = (local: number, step: number): Code =>
    set(local, i32.add(get(local), i32.const(step)))
  const product = f64.mul(get(factor), load(other))
  const rows = (name: string, open: Code, cell: Code, close: Code): WasmFunction => ({
    name,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'f64', 'f64', 'f64'],
    body: loopWhile(i32.lessUnsigned(get(at), get(last)), [
      ...set(end, i32.load(get(ends))),
      ...open,
      ...loopWhile(i32.lessUnsigned(get(column), get(end)), [
        ...set(other, i32.load(get(column))),
        ...set(factor, load(value)),
        ...cell,
        ...plus(column, 4),
        ...plus(value, 8),
      ]),
      ...close,
      ...plus(at, 8),
      ...plus(ends, 4),
    ]),
  })
  const openRow = set(own, load(at))
  const closeRow = f64.store(i32.add(get(at), i32.const(toOut)), get(sum))
  const openSum = set(sum, load(at, toOut))
  const gather = set(sum, f64.add(get(sum), product))
  return [
    rows(
      'upper',
      [...openRow, ...openSum],
      [...gather, ...add(other, toOut, f64.mul(get(factor), get(own)))],
      closeRow,
    ),
    rows(
      'take',
      openRow,
      f64.store(get(other), f64.sub(load(other), f64.mul(get(factor), get(own)))),
      [],
    ),
    rows('add', openSum, gather, closeRow),
  ]
}
