/**
 * Inner loops of dense factors, two doubles at a time in WebAssembly: two to four times as fast as
 * JavaScript, and rounded alike on every machine. Knows nothing about matrices.
 */

import {
  type Code,
  f64,
  f64x2,
  get,
  i32,
  loopWhile,
  pageBytes,
  set,
  v128,
  type WasmFunction,
  wasmExports,
  wasmMemory,
  wasmModule,
} from '../../wasm-assembler.ts'

/** Doubles that loops take at once: what they are given is filled up with zeros to a multiple. */
export const loopStep = 8

/** Loops over a memory of doubles; where things are is told in doubles. */
export interface DenseLoops {
  readonly memory: Float64Array
  /** The product of two vectors of so many doubles. */
  dot(a: number, b: number, length: number): number
  /** Takes from a vector so many times another. */
  less(to: number, a: number, length: number, times: number): void
  /** Takes from four doubles at `to` the products of a vector with four rows, `stride` apart. */
  lessFour(to: number, a: number, rows: number, stride: number, length: number): void
}

type Exports = Record<'dot', (a: number, b: number, end: number) => number> &
  Record<'less', (to: number, a: number, end: number, times: number) => void> &
  Record<'lessFour', (to: number, a: number, rows: number, stride: number, end: number) => void>

/** Makes the loops, with a memory of so many doubles, all 0. */
export function denseLoops(doubles: number): DenseLoops {
  const pages = Math.max(1, Math.ceil((8 * doubles) / pageBytes))
  const memory = wasmMemory(pages)
  const loops = wasmExports(wasmModule(functions, pages), memory) as Exports
  return {
    memory: new Float64Array(memory.buffer, 0, doubles),
    dot: (a, b, length) => loops.dot(8 * a, 8 * b, 8 * (a + length)),
    less: (to, a, length, times) => loops.less(8 * to, 8 * a, 8 * (a + length), times),
    lessFour: (to, a, rows, stride, length) =>
      loops.lessFour(8 * to, 8 * a, 8 * rows, 8 * stride, 8 * (a + length)),
  }
}

const plus = (local: number, step: Code): Code => set(local, i32.add(get(local), step))
const bytes = 8 * loopStep
const pairs = [0, 1, 2, 3]
const zero = f64x2.splat(f64.const(0))
const lanes = (a: Code): Code => f64.add(f64x2.lane(a, 0), f64x2.lane(a, 1))

const dot: WasmFunction = {
  name: 'dot',
  parameters: ['i32', 'i32', 'i32'],
  result: 'f64',
  locals: ['v128', 'v128', 'v128', 'v128'],
  body: [
    ...loopWhile(i32.lessUnsigned(get(0), get(2)), [
      ...pairs.flatMap((k) => {
        const product = f64x2.mul(v128.load(get(0), 16 * k), v128.load(get(1), 16 * k))
        return set(3 + k, f64x2.add(get(3 + k), product))
      }),
      ...plus(0, i32.const(bytes)),
      ...plus(1, i32.const(bytes)),
    ]),
    ...lanes(f64x2.add(f64x2.add(get(3), get(4)), f64x2.add(get(5), get(6)))),
  ],
}

const less: WasmFunction = {
  name: 'less',
  parameters: ['i32', 'i32', 'i32', 'f64'],
  locals: ['v128'],
  body: [
    ...set(4, f64x2.splat(get(3))),
    ...loopWhile(i32.lessUnsigned(get(1), get(2)), [
      ...pairs.flatMap((k) => {
        const product = f64x2.mul(get(4), v128.load(get(1), 16 * k))
        return v128.store(get(0), f64x2.sub(v128.load(get(0), 16 * k), product), 16 * k)
      }),
      ...plus(0, i32.const(bytes)),
      ...plus(1, i32.const(bytes)),
    ]),
  ],
}

// Locals: to, a, first row, stride, end; the other rows; four sums; what is read of a.
const lessFour: WasmFunction = {
  name: 'lessFour',
  parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
  locals: ['i32', 'i32', 'i32', 'v128', 'v128', 'v128', 'v128', 'v128'],
  body: [
    ...set(5, i32.add(get(2), get(3))),
    ...set(6, i32.add(get(5), get(3))),
    ...set(7, i32.add(get(6), get(3))),
    ...pairs.flatMap((k) => set(8 + k, zero)),
    ...loopWhile(i32.lessUnsigned(get(1), get(4)), [
      ...pairs.flatMap((step) => [
        ...set(12, v128.load(get(1), 16 * step)),
        ...[2, 5, 6, 7].flatMap((row, k) => {
          return set(
            8 + k,
            f64x2.add(get(8 + k), f64x2.mul(get(12), v128.load(get(row), 16 * step))),
          )
        }),
      ]),
      ...[1, 2, 5, 6, 7].flatMap((local) => plus(local, i32.const(bytes))),
    ]),
    ...pairs.flatMap((k) => {
      return f64.store(get(0), f64.sub(f64.load(get(0), 8 * k), lanes(get(8 + k))), 8 * k)
    }),
  ],
}

const functions = [dot, less, lessFour]
