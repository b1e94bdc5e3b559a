/**
 * What the loops of `row-kernels.ts` are put together from: functions with named locals, and
 * elements of arrays whose addresses locals hold. Knows nothing about rides.
 */

import {
  type Code,
  f64,
  get,
  i32,
  loopWhile,
  set,
  type ValueType,
  type WasmFunction,
} from '../wasm-assembler.ts'

/** Locals of a function by name, parameters first. */
type Locals = Readonly<Record<string, ValueType>>

/** A function by the names of its locals. */
export function kernel<P extends Locals, L extends Locals>(
  name: string,
  parameters: P,
  locals: L,
  body: (at: { readonly [K in keyof P | keyof L]: number }) => readonly Code[],
  result?: ValueType,
): WasmFunction {
  const names = [...Object.keys(parameters), ...Object.keys(locals)]
  const at = Object.fromEntries(names.map((local, k) => [local, k]))
  return {
    name,
    parameters: Object.values(parameters),
    locals: Object.values(locals),
    body: body(at as { readonly [K in keyof P | keyof L]: number }).flat(),
    ...(result && { result }),
  }
}

/** Repeats a body for local `i` from where it is up to local `end`. */
export const each = (i: number, end: number, body: readonly Code[]): Code =>
  loopWhile(i32.less(get(i), get(end)), [...body.flat(), ...add(i, i32.const(1))])

/** Adds to a local. */
export const add = (local: number, value: Code): Code => set(local, i32.add(get(local), value))

/** The address of a number in an array, of four bytes each. */
export const four = (array: number, index: Code): Code =>
  i32.add(get(array), i32.shl(index, i32.const(2)))
/** The same for values, of eight bytes each. */
export const eight = (array: number, index: Code): Code =>
  i32.add(get(array), i32.shl(index, i32.const(3)))

/** The number of an array at the index that a local holds. */
export const int = (array: number, i: number): Code => i32.load(four(array, get(i)))
/** The value of an array at the index that a local holds. */
export const double = (array: number, i: number): Code => f64.load(eight(array, get(i)))
/** Writes a number there. */
export const putInt = (array: number, i: number, value: Code): Code =>
  i32.store(four(array, get(i)), value)
/** Writes a value there. */
export const putDouble = (array: number, i: number, value: Code): Code =>
  f64.store(eight(array, get(i)), value)

/** Writes a number behind a list, and lengthens the list where a condition holds: no branch. */
export const append = (list: number, size: number, value: Code, condition: Code): Code => [
  ...putInt(list, size, value),
  ...add(size, condition),
]

/** True for a number that is neither NaN nor infinite. */
export const hasSize = (value: Code): Code =>
  f64.less(f64.abs(value), f64.const(Number.POSITIVE_INFINITY))
