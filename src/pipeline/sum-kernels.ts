/**
 * The loops that sum, as WebAssembly: all values, products of two, and values by group. See
 * `row-loops.ts` for what each does. Knows nothing about rides.
 */

import {
  type Code,
  f64,
  f64x2,
  get,
  i32,
  i64,
  i64x2,
  loopWhile,
  set,
  v128,
  type WasmFunction,
} from '../wasm-assembler.ts'
import { add, double, each, eight, four, int, kernel, putInt } from './kernel.ts'

/** Pairs of columns that a loop adds at once, at most. */
export const mostPairs = 8

/** The name of a loop. */
export type SumKernelName =
  | ('countGroups' | 'topOf' | 'sumOf' | 'integers' | 'sumOfProducts' | 'putColumn')
  | `addRecords${number}`

/** All of them. */
export const sumKernels = (): WasmFunction[] => [
  ...[countGroups(), topOf(), sumOf(), integers(), sumOfProducts(), putColumn()],
  ...Array.from({ length: mostPairs }, (_, k) => addRecords(k + 1)),
]

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

const sumOf = (): WasmFunction =>
  kernel(
    'sumOf',
    { values: 'i32', i: 'i32', end: 'i32' },
    { last: 'i32', rest: 'f64', a: 'v128', b: 'v128', c: 'v128', d: 'v128' },
    ({ values, i, end, last, rest, a, b, c, d }) => [
      set(last, i32.sub(get(end), i32.const(7))),
      // Four additions at once: none waits for the one before.
      loopWhile(i32.less(get(i), get(last)), [
        ...[a, b, c, d].flatMap((sum, k) =>
          set(sum, f64x2.add(get(sum), v128.load(eight(values, get(i)), 16 * k))),
        ),
        ...add(i, i32.const(8)),
      ]),
      each(i, end, [set(rest, f64.add(get(rest), double(values, i)))]),
      set(a, f64x2.add(f64x2.add(get(a), get(b)), f64x2.add(get(c), get(d)))),
      f64.add(get(rest), f64.add(f64x2.lane(get(a), 0), f64x2.lane(get(a), 1))),
    ],
    'f64',
  )

const integers = (): WasmFunction =>
  kernel(
    'integers',
    { into: 'i32', values: 'i32', end: 'i32' },
    { i: 'i32' },
    ({ into, values, end, i }) => [
      each(i, end, [putInt(into, i, i32.fromDouble(double(values, i)))]),
    ],
  )

const sumOfProducts = (): WasmFunction =>
  kernel(
    'sumOfProducts',
    { left: 'i32', right: 'i32', i: 'i32', end: 'i32', into: 'i32' },
    { last: 'i32', sum: 'i64', a: 'v128', b: 'v128', c: 'v128', d: 'v128' },
    ({ left, right, i, end, into, last, sum, a, b, c, d }) => {
      const at = (array: number, k: number): Code => v128.load(four(array, get(i)), 16 * k)
      const addTo = (sums: number, product: Code): Code => set(sums, i64x2.add(get(sums), product))
      const long = (array: number): Code => i64.fromInteger(int(array, i))
      return [
        set(last, i32.sub(get(end), i32.const(7))),
        loopWhile(i32.less(get(i), get(last)), [
          ...addTo(a, i64x2.mulLow(at(left, 0), at(right, 0))),
          ...addTo(b, i64x2.mulHigh(at(left, 0), at(right, 0))),
          ...addTo(c, i64x2.mulLow(at(left, 1), at(right, 1))),
          ...addTo(d, i64x2.mulHigh(at(left, 1), at(right, 1))),
          ...add(i, i32.const(8)),
        ]),
        each(i, end, [set(sum, i64.add(get(sum), i64.mul(long(left), long(right))))]),
        set(a, i64x2.add(i64x2.add(get(a), get(b)), i64x2.add(get(c), get(d)))),
        set(sum, i64.add(get(sum), i64.add(v128.half(get(a), 0), v128.half(get(a), 1)))),
        // As two doubles, neither of which rounds.
        f64.store(
          get(into),
          f64.mul(f64.fromLong(i64.shr(get(sum), i64.const(32))), f64.const(2 ** 32)),
        ),
        f64.store(get(into), f64.fromUnsigned(i64.low(get(sum))), 8),
      ]
    },
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
