/**
 * The loops that every ride goes through, as WebAssembly: two to five times as fast as the same
 * loops in JavaScript, and from the first ride on. All take addresses of arrays in one memory, see
 * `row-loops.ts` for what each does. Knows nothing about who owns the arrays.
 */

import {
  type Code,
  f64,
  f64x2,
  get,
  i32,
  loopWhile,
  set,
  v128,
  type WasmFunction,
  when,
} from '../wasm-assembler.ts'
import {
  add,
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

/** Pairs of columns that a loop adds at once, at most. */
export const mostPairs = 8

/** The name of a loop. */
export type KernelName =
  | ('durations' | 'times' | 'units' | 'speeds' | 'ratios' | 'pairsOfIds' | 'timely')
  | ('lookUp' | 'lookUpPairs' | 'gather' | 'gatherValues' | 'gatherKnown')
  | ('countKeys' | 'countGroups' | 'topOf' | 'sumOf' | 'sumOfProducts')
  | 'putColumn'
  | `addRecords${number}`

/** All loops. */
export function rowKernels(): WasmFunction[] {
  return [
    ...keyKernels(),
    ...[timely()],
    ...[lookUp(), lookUpPairs(), gather(), gatherValues(), gatherKnown()],
    ...[countKeys(), countGroups(), topOf(), sumOf(), sumOfProducts(), putColumn()],
    ...Array.from({ length: mostPairs }, (_, k) => addRecords(k + 1)),
  ]
}

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

const countGroups = (): WasmFunction =>
  kernel(
    'countGroups',
    { counts: 'i32', groups: 'i32', at: 'i32', end: 'i32' },
    { i: 'i32', place: 'i32' },
    ({ counts, groups, at, end, i, place }) => [
      each(i, end, [
        set(place, eight(counts, i32.load(four(groups, int(at, i))))),
        f64.store(get(place), f64.add(f64.load(get(place)), f64.const(1))),
      ]),
    ],
  )

const topOf = (): WasmFunction =>
  kernel(
    'topOf',
    { values: 'i32', end: 'i32' },
    { i: 'i32', top: 'f64' },
    ({ values, end, i, top }) => [
      each(i, end, [set(top, f64.max(get(top), f64.abs(double(values, i))))]),
      get(top),
    ],
    'f64',
  )

/** Adds up what is computed of each, eight at once: one addition does not wait for the one before. */
const total = (
  at: Readonly<Record<'i' | 'end' | 'last' | keyof typeof accumulators, number>>,
  two: (at: Code, offset: number) => Code,
  one: (at: Code) => Code,
): readonly Code[] => {
  const { i, end, last, rest } = at
  const pairs = [at.a, at.b, at.c, at.d]
  return [
    set(last, i32.sub(get(end), i32.const(7))),
    loopWhile(i32.less(get(i), get(last)), [
      ...pairs.flatMap((sum, k) => set(sum, f64x2.add(get(sum), two(get(i), 16 * k)))),
      ...add(i, i32.const(8)),
    ]),
    each(i, end, [set(rest, f64.add(get(rest), one(get(i))))]),
    set(at.a, f64x2.add(f64x2.add(get(at.a), get(at.b)), f64x2.add(get(at.c), get(at.d)))),
    f64.add(get(rest), f64.add(f64x2.lane(get(at.a), 0), f64x2.lane(get(at.a), 1))),
  ]
}

const accumulators = { a: 'v128', b: 'v128', c: 'v128', d: 'v128', rest: 'f64' } as const

const sumOf = (): WasmFunction =>
  kernel(
    'sumOf',
    { values: 'i32', i: 'i32', end: 'i32' },
    { last: 'i32', ...accumulators },
    (at) =>
      total(
        at,
        (i, offset) => v128.load(eight(at.values, i), offset),
        (i) => f64.load(eight(at.values, i)),
      ),
    'f64',
  )

const sumOfProducts = (): WasmFunction =>
  kernel(
    'sumOfProducts',
    { left: 'i32', right: 'i32', i: 'i32', end: 'i32' },
    { last: 'i32', ...accumulators },
    (at) =>
      total(
        at,
        (i, offset) =>
          f64x2.mul(v128.load(eight(at.left, i), offset), v128.load(eight(at.right, i), offset)),
        (i) => f64.mul(f64.load(eight(at.left, i)), f64.load(eight(at.right, i))),
      ),
    'f64',
  )

const putColumn = (): WasmFunction =>
  kernel(
    'putColumn',
    { records: 'i32', stride: 'i32', values: 'i32', end: 'i32' },
    { i: 'i32' },
    ({ records, stride, values, end, i }) => [
      each(i, end, [f64.store(get(records), double(values, i)), add(records, get(stride))]),
    ],
  )

/** Adds so many pairs of columns of records to the sums of groups. */
function addRecords(pairs: number): WasmFunction {
  return kernel(
    `addRecords${pairs}`,
    { into: 'i32', stride: 'i32', groups: 'i32', end: 'i32', records: 'i32' },
    { i: 'i32', place: 'i32' },
    ({ into, stride, groups, end, records, i, place }) => [
      each(i, end, [
        set(place, i32.add(get(into), i32.mul(int(groups, i), get(stride)))),
        ...Array.from({ length: pairs }, (_, k) => {
          const sum = f64x2.add(v128.load(get(place), 16 * k), v128.load(get(records), 16 * k))
          return v128.store(get(place), sum, 16 * k)
        }),
        add(records, get(stride)),
      ]),
    ],
  )
}
