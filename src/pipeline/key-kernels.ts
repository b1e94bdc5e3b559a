/** The loops that make keys of the inputs of terms: what a key is, and the loops, see `input-keys.ts`. */

import { hourMicros } from '../ride.ts'
import {
  type Code,
  f64,
  get,
  i32,
  select,
  set,
  type WasmFunction,
  when,
} from '../wasm-assembler.ts'
import { double, each, hasSize, int, kernel, putDouble, putInt } from './kernel.ts'

/** The key of a missing value. */
export const missingKey = 2 ** 14

/** The key of inputs that have none of their own: what is said of one of them holds for no other. */
export const noKey = missingKey + 1

/** Keys of speeds in one mile per hour. */
export const speedKeys = 16

/** Keys of ratios of two distances in 1. */
export const ratioKeys = 1024

/** Ids below this have keys by pair: those of zones. */
const pairedIds = 300

/** Keys of pairs of ids begin behind all others, and end here. */
export const pairKeyCount = noKey + 1 + pairedIds * pairedIds

/** All of them. */
export const keyKernels = (): WasmFunction[] => [
  ...[durations(), times(), units(), speeds(), ratios(), pairsOfIds()],
]

const isNumber = (local: number): Code => f64.equal(get(local), get(local))
/** The key of a value by whole steps: what is below 0 or beyond all keys has none. */
const keyOf = (value: number): Code =>
  select(
    i32.and(f64.atLeast(get(value), f64.const(0)), f64.less(get(value), f64.const(missingKey))),
    i32.fromDouble(get(value)),
    oddKey(value),
  )

/** The key of a value that has none of its own. */
const oddKey = (value: number): Code =>
  select(isNumber(value), i32.const(noKey), i32.const(missingKey))

const inKeys = (units: number): Code => i32.lessUnsigned(get(units), i32.const(missingKey))

/** The nearest whole number, for positive ones. */
const rounded = (value: Code): Code => i32.fromDouble(f64.add(value, f64.const(0.5)))

const durations = (): WasmFunction =>
  kernel(
    'durations',
    { pickup: 'i32', dropoff: 'i32', seconds: 'i32', keys: 'i32', end: 'i32' },
    { i: 'i32', units: 'i32', odd: 'i32', micros: 'f64', value: 'f64' },
    ({ pickup, dropoff, seconds, keys, end, i, units, odd, micros, value }) => [
      each(i, end, [
        set(micros, f64.sub(double(dropoff, i), double(pickup, i))),
        // Whole seconds, nearly always, come cheaper than by a division.
        set(units, rounded(f64.mul(get(micros), f64.const(1e-6)))),
        when(
          f64.equal(f64.mul(f64.fromInteger(get(units)), f64.const(1e6)), get(micros)),
          [
            ...putDouble(seconds, i, f64.fromInteger(get(units))),
            ...putInt(keys, i, select(inKeys(units), get(units), i32.const(noKey))),
          ],
          [
            ...set(value, f64.div(get(micros), f64.const(1e6))),
            ...putDouble(seconds, i, get(value)),
            ...putInt(keys, i, oddKey(value)),
            ...set(
              odd,
              i32.or(
                get(odd),
                i32.and(f64.differ(get(value), f64.nearest(get(value))), hasSize(get(value))),
              ),
            ),
          ],
        ),
      ]),
      get(odd),
    ],
    'i32',
  )

const times = (): WasmFunction =>
  kernel(
    'times',
    { pickup: 'i32', keys: 'i32', end: 'i32', micros: 'f64', first: 'f64' },
    { i: 'i32', value: 'f64' },
    ({ pickup, keys, end, micros, first, i, value }) => [
      each(i, end, [
        set(value, f64.sub(f64.floor(f64.div(double(pickup, i), get(micros))), get(first))),
        putInt(keys, i, keyOf(value)),
      ]),
    ],
  )

const units = (): WasmFunction =>
  kernel(
    'units',
    { values: 'i32', keys: 'i32', end: 'i32', scale: 'f64' },
    { i: 'i32', whole: 'i32', flags: 'i32', value: 'f64' },
    ({ values, keys, end, scale, i, whole, flags, value }) => [
      each(i, end, [
        set(value, double(values, i)),
        set(whole, rounded(f64.mul(get(value), get(scale)))),
        when(
          i32.and(
            inKeys(whole),
            f64.equal(f64.div(f64.fromInteger(get(whole)), get(scale)), get(value)),
          ),
          putInt(keys, i, get(whole)),
          [
            ...putInt(keys, i, oddKey(value)),
            ...set(flags, i32.or(get(flags), select(isNumber(value), i32.const(2), i32.const(3)))),
          ],
        ),
      ]),
      get(flags),
    ],
    'i32',
  )

const speeds = (): WasmFunction =>
  kernel(
    'speeds',
    { pickup: 'i32', dropoff: 'i32', miles: 'i32', keys: 'i32', end: 'i32' },
    { i: 'i32', micros: 'f64', value: 'f64' },
    ({ pickup, dropoff, miles, keys, end, i, micros, value }) => [
      each(i, end, [
        set(micros, f64.sub(double(dropoff, i), double(pickup, i))),
        // As the atom computes it: a speed next to an edge must not fall on its other side.
        set(
          value,
          select(
            f64.less(f64.const(0), get(micros)),
            f64.div(f64.mul(double(miles, i), f64.const(hourMicros)), get(micros)),
            f64.const(Number.NaN),
          ),
        ),
        set(value, f64.mul(get(value), f64.const(speedKeys))),
        putInt(keys, i, keyOf(value)),
      ]),
    ],
  )

const ratios = (): WasmFunction =>
  kernel(
    'ratios',
    { miles: 'i32', straight: 'i32', keys: 'i32', end: 'i32' },
    { i: 'i32', line: 'f64', value: 'f64' },
    ({ miles, straight, keys, end, i, line, value }) => [
      each(i, end, [
        set(line, double(straight, i)),
        // As the measure computes it: a ratio next to an edge must not fall on its other side.
        set(
          value,
          select(
            f64.less(f64.const(0), get(line)),
            f64.div(double(miles, i), get(line)),
            f64.const(Number.NaN),
          ),
        ),
        set(value, f64.mul(get(value), f64.const(ratioKeys))),
        putInt(keys, i, keyOf(value)),
      ]),
    ],
  )

const pairsOfIds = (): WasmFunction =>
  kernel(
    'pairsOfIds',
    { left: 'i32', right: 'i32', keys: 'i32', end: 'i32' },
    { i: 'i32', from: 'i32', to: 'i32' },
    ({ left, right, keys, end, i, from, to }) => [
      each(i, end, [
        set(from, int(left, i)),
        set(to, int(right, i)),
        putInt(
          keys,
          i,
          select(
            i32.and(isPaired(from), isPaired(to)),
            i32.add(
              i32.add(i32.mul(get(from), i32.const(pairedIds)), get(to)),
              i32.const(noKey + 1),
            ),
            i32.const(noKey),
          ),
        ),
      ]),
    ],
  )

const isPaired = (key: number): Code => i32.lessUnsigned(get(key), i32.const(pairedIds))
