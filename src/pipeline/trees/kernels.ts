/**
 * The loops over rows, as WebAssembly: it takes a half to a fifth of the time of the same loops in
 * JavaScript, whose bounds of arrays are checked at each of five accesses a row and feature.
 * Addresses are known when the loops are put together. Knows nothing about trees.
 */

import {
  type Code,
  f32,
  f64,
  get,
  i32,
  loopWhile,
  set,
  type WasmFunction,
  wasmExports,
  wasmModule,
} from '../../wasm-assembler.ts'
import { countBits } from './histogram.ts'
import type { TreeMemory } from './memory.ts'

/** Loops over rows. Lists of rows are given by the addresses where they begin and end. */
export interface Kernels {
  /** Adds rows to the histogram at an address, which has the place of each bin. */
  sum(begin: number, end: number, sums: number): void
  /**
   * Parts rows by a feature: those that go left stay, in order, the others go to an address.
   * Where the left ones end.
   *
   * @param places address of the feature's places, the first row's
   */
  part(begin: number, end: number, places: number, right: number): number
  /** Adds a value to the scores of rows. */
  add(begin: number, end: number, value: number): void
  /** Gradients of rows `from` up to `to`, times a factor, rounded to whole numbers. */
  quantise(from: number, to: number, factor: number): void
  /** The sum of absolute gradients of rows; their largest is written to an address. */
  measure(begin: number, end: number, largest: number): number
  /** The sum of squared gradients of rows `from` up to `to`. */
  loss(from: number, to: number): number
}

/** Loops for a memory, to be run in the thread that has put them together. */
export function kernelsFor(memory: TreeMemory): Kernels {
  const bytes = wasmModule(
    [sum(memory), part(memory), add(memory), quantise(memory), measure(memory), loss(memory)],
    memory.pages,
  )
  return wasmExports(bytes, memory.wasm) as Kernels
}

const four = i32.const(4)

/** The address of a row's element in an array. */
const element = (array: ArrayBufferView, row: Code, shift: number): Code =>
  i32.add(i32.const(array.byteOffset | 0), i32.shl(row, i32.const(shift)))

/** Score minus target of a row, as a double. */
const gradient = ({ scores, targets }: TreeMemory, row: Code): Code =>
  f64.sub(f64.fromFloat(f32.load(element(scores, row, 2))), f64.load(element(targets, row, 3)))

/** For each row of a list from local 0 up to local 1. */
const forRows = (row: number, body: readonly Code[]): Code =>
  loopWhile(i32.lessUnsigned(get(0), get(1)), [
    ...set(row, i32.load(get(0))),
    ...body.flat(),
    ...set(0, i32.add(get(0), four)),
  ])

/** For each row from local 0 up to local 1. */
const forRange = (body: readonly Code[]): Code =>
  loopWhile(i32.lessUnsigned(get(0), get(1)), [
    ...body.flat(),
    ...set(0, i32.add(get(0), i32.const(1))),
  ])

function sum(memory: TreeMemory): WasmFunction {
  const { features, places, quanta, rows } = memory
  const [sums, row, at, packed, place] = [2, 3, 4, 5, 6]
  const quantum = f64.fromInteger(i32.load(element(quanta, get(row), 2)))
  const scale = f64.const(2 ** countBits(rows))
  const each = Array.from({ length: features }, (_, feature): Code => {
    const index = i32.shl(i32.loadHalf(get(at), feature * 2), i32.const(3))
    return [
      ...set(place, i32.add(get(sums), index)),
      ...f64.store(get(place), f64.add(f64.load(get(place)), get(packed))),
    ]
  })
  const start = i32.const(places.byteOffset | 0)
  return {
    name: 'sum',
    parameters: ['i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'f64', 'i32'],
    body: forRows(row, [
      set(packed, f64.add(f64.mul(quantum, scale), f64.const(1))),
      set(at, i32.add(start, i32.mul(get(row), i32.const(features * 2)))),
      ...each,
    ]),
  }
}

function part({ features, goesRight }: TreeMemory): WasmFunction {
  const [begin, places, right, row, left, goes] = [0, 2, 3, 4, 5, 6]
  const place = i32.loadHalf(i32.add(get(places), i32.mul(get(row), i32.const(features * 2))))
  const step = [
    // Four bytes or none, without a branch that could be guessed wrong.
    set(goes, i32.loadByte(place, goesRight.byteOffset)),
    i32.store(get(left), get(row)),
    i32.store(get(right), get(row)),
    set(left, i32.add(get(left), i32.sub(four, get(goes)))),
    set(right, i32.add(get(right), get(goes))),
  ]
  return {
    name: 'part',
    parameters: ['i32', 'i32', 'i32', 'i32'],
    result: 'i32',
    locals: ['i32', 'i32', 'i32'],
    body: [...set(left, get(begin)), ...forRows(row, step), ...get(left)],
  }
}

function add({ scores }: TreeMemory): WasmFunction {
  const [value, row, at] = [2, 3, 4]
  return {
    name: 'add',
    parameters: ['i32', 'i32', 'f32'],
    locals: ['i32', 'i32'],
    body: forRows(row, [
      set(at, element(scores, get(row), 2)),
      f32.store(get(at), f32.add(f32.load(get(at)), get(value))),
    ]),
  }
}

function quantise(memory: TreeMemory): WasmFunction {
  const [row, factor] = [0, 2]
  const whole = i32.fromDouble(f64.nearest(f64.mul(gradient(memory, get(row)), get(factor))))
  return {
    name: 'quantise',
    parameters: ['i32', 'i32', 'f64'],
    locals: [],
    body: forRange([i32.store(element(memory.quanta, get(row), 2), whole)]),
  }
}

function measure(memory: TreeMemory): WasmFunction {
  const [largest, row, total, most, size] = [2, 3, 4, 5, 6]
  const step = [
    set(size, f64.abs(gradient(memory, get(row)))),
    set(total, f64.add(get(total), get(size))),
    set(most, f64.max(get(most), get(size))),
  ]
  return {
    name: 'measure',
    parameters: ['i32', 'i32', 'i32'],
    result: 'f64',
    locals: ['i32', 'f64', 'f64', 'f64'],
    body: [...forRows(row, step), ...f64.store(get(largest), get(most)), ...get(total)],
  }
}

function loss(memory: TreeMemory): WasmFunction {
  const [row, total, error] = [0, 2, 3]
  const step = [
    set(error, gradient(memory, get(row))),
    set(total, f64.add(get(total), f64.mul(get(error), get(error)))),
  ]
  return {
    name: 'loss',
    parameters: ['i32', 'i32'],
    result: 'f64',
    locals: ['f64', 'f64'],
    body: [...forRange(step), ...get(total)],
  }
}
