/**
 * The loops that every ride goes through, as WebAssembly: two to five times as fast as the same
 * loops in JavaScript, and from the first ride on. All take addresses of arrays in one memory, see
 * `row-loops.ts` for what each does. Knows nothing about who owns the arrays.
 */

import { f64, get, i32, set, type WasmFunction, when } from '../wasm-assembler.ts'
import {
  append,
  double,
  each,
  eight,
  four,
  hasSize,
  int,
  kernel,
  putDouble,
  putInt,
} from './kernel.ts'
import { keyKernels } from './key-kernels.ts'
import { type SumKernelName, sumKernels } from './sum-kernels.ts'

/** The name of a loop. */
export type KernelName =
  | ('durations' | 'times' | 'units' | 'speeds' | 'ratios' | 'pairsOfIds' | 'timely')
  | ('lookUp' | 'lookUpPairs' | 'gather' | 'gatherValues' | 'gatherKnown' | 'countKeys')
  | SumKernelName

/** All loops. */
export const rowKernels = (): WasmFunction[] => [
  ...[...keyKernels(), ...sumKernels(), timely()],
  ...[lookUp(), lookUpPairs(), gather(), gatherValues(), gatherKnown(), countKeys()],
]

const timely = (): WasmFunction =>
  kernel(
    'timely',
    {
      ...{ pickup: 'i32', dropoff: 'i32', taken: 'i32', others: 'i32', end: 'i32' },
      ...{ least: 'f64', most: 'f64' },
    } as const,
    { i: 'i32', size: 'i32', left: 'i32', holds: 'i32', micros: 'f64' },
    ({ pickup, dropoff, taken, others, end, least, most, i, size, left, holds, micros }) => [
      each(i, end, [
        set(micros, f64.sub(double(dropoff, i), double(pickup, i))),
        set(
          holds,
          i32.and(
            i32.and(f64.atLeast(get(micros), get(least)), f64.atMost(get(micros), get(most))),
            hasSize(get(micros)),
          ),
        ),
        append(taken, size, get(i), get(holds)),
        append(others, left, get(i), i32.isZero(get(holds))),
      ]),
      get(size),
    ],
    'i32',
  )

const lookUp = (): WasmFunction =>
  kernel(
    'lookUp',
    { into: 'i32', known: 'i32', keys: 'i32', end: 'i32', late: 'i32' },
    { i: 'i32', size: 'i32', number: 'i32' },
    ({ into, known, keys, end, late, i, size, number }) => [
      each(i, end, [
        set(number, i32.load(four(known, int(keys, i)))),
        putInt(into, i, get(number)),
        append(late, size, get(i), i32.less(get(number), i32.const(0))),
      ]),
      get(size),
    ],
    'i32',
  )

const lookUpPairs = (): WasmFunction =>
  kernel(
    'lookUpPairs',
    {
      ...{ into: 'i32', matrix: 'i32', height: 'i32', width: 'i32' },
      ...{ left: 'i32', right: 'i32', end: 'i32', late: 'i32' },
    } as const,
    { i: 'i32', size: 'i32', number: 'i32', row: 'i32', column: 'i32' },
    ({ into, matrix, height, width, left, right, end, late, i, size, number, row, column }) => [
      each(i, end, [
        set(row, int(left, i)),
        set(column, int(right, i)),
        set(number, i32.const(-1)),
        when(
          i32.and(
            i32.lessUnsigned(get(row), get(height)),
            i32.lessUnsigned(get(column), get(width)),
          ),
          set(
            number,
            i32.sub(
              i32.load(four(matrix, i32.add(i32.mul(get(row), get(width)), get(column)))),
              i32.const(1),
            ),
          ),
        ),
        putInt(into, i, get(number)),
        append(late, size, get(i), i32.less(get(number), i32.const(0))),
      ]),
      get(size),
    ],
    'i32',
  )

const gather = (): WasmFunction =>
  kernel(
    'gather',
    { into: 'i32', from: 'i32', at: 'i32', end: 'i32' },
    { i: 'i32' },
    ({ into, from, at, end, i }) => [
      each(i, end, [putInt(into, i, i32.load(four(from, int(at, i))))]),
    ],
  )

const gatherValues = (): WasmFunction =>
  kernel(
    'gatherValues',
    { into: 'i32', from: 'i32', at: 'i32', end: 'i32' },
    { i: 'i32' },
    ({ into, from, at, end, i }) => [
      each(i, end, [putDouble(into, i, f64.load(eight(from, int(at, i))))]),
    ],
  )

const gatherKnown = (): WasmFunction =>
  kernel(
    'gatherKnown',
    { into: 'i32', known: 'i32', keys: 'i32', at: 'i32', end: 'i32', late: 'i32' },
    { i: 'i32', size: 'i32', value: 'f64' },
    ({ into, known, keys, at, end, late, i, size, value }) => [
      each(i, end, [
        set(value, f64.load(eight(known, i32.load(four(keys, int(at, i)))))),
        putDouble(into, i, get(value)),
        append(late, size, get(i), f64.differ(get(value), get(value))),
      ]),
      get(size),
    ],
    'i32',
  )

const countKeys = (): WasmFunction =>
  kernel(
    'countKeys',
    { counts: 'i32', keys: 'i32', at: 'i32', end: 'i32', late: 'i32' },
    { i: 'i32', size: 'i32', ride: 'i32', place: 'i32', count: 'i32' },
    ({ counts, keys, at, end, late, i, size, ride, place, count }) => [
      each(i, end, [
        set(ride, int(at, i)),
        set(place, four(counts, int(keys, ride))),
        set(count, i32.load(get(place))),
        i32.store(get(place), i32.add(get(count), i32.atLeast(get(count), i32.const(0)))),
        append(late, size, get(ride), i32.less(get(count), i32.const(1))),
      ]),
      get(size),
    ],
    'i32',
  )
