/**
 * Puts together WebAssembly modules of a few loops over shared memory: expressions are lists of
 * bytes, and what the engine refuses to compile does not run. Knows nothing about trees.
 */

/** Bytes of an expression or a statement. */
export type Code = readonly number[]

/** Types of values. */
export const valueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const

/** A type of values. */
export type ValueType = keyof typeof valueType

/** One exported function. */
export interface WasmFunction {
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly result?: ValueType
  /** Further locals; they are numbered after the parameters. */
  readonly locals: readonly ValueType[]
  readonly body: Code
}

/** An unsigned number, seven bits a byte. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const byte = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? byte | 128 : byte)
  } while (rest > 0)
  return bytes
}

/** A signed number, seven bits a byte. */
function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const byte = rest & 127
    rest >>= 7
    const done = (rest === 0 && byte < 64) || (rest === -1 && byte >= 64)
    bytes.push(done ? byte : byte | 128)
    if (done) return bytes
  }
}

/** An operation on two values. */
export type Binary = (a: Code, b: Code) => Code

/** An operation on one value. */
export type Unary = (a: Code) => Code

/** The value at an address, and a number of bytes behind it. */
export type Load = (address: Code, offset?: number) => Code

/** Writes a value to an address, and a number of bytes behind it. */
export type Store = (address: Code, value: Code, offset?: number) => Code

/** A value that is known. */
export type Constant = (value: number) => Code

const binary =
  (...code: readonly number[]): Binary =>
  (a, b) => [...a, ...b, ...code]

const unary =
  (...code: readonly number[]): Unary =>
  (a) => [...a, ...code]

const load =
  (...code: readonly number[]): Load =>
  (address, offset = 0) => [...address, ...code, 0, ...unsigned(offset)]

const store =
  (...code: readonly number[]): Store =>
  (address, value, offset = 0) => [...address, ...value, ...code, 0, ...unsigned(offset)]

const i32Constant: Constant = (value) => [0x41, ...signed(value)]

const f64Constant: Constant = (value) => {
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setFloat64(0, value, true)
  return [0x44, ...new Uint8Array(bytes.buffer)]
}

/** The value of a local. */
export const get = (local: number): Code => [0x20, ...unsigned(local)]

/** Sets a local. */
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)]

/** 32-bit integers; addresses are such. Constants of all integers below 2^31 in size. */
export const i32 = {
  const: i32Constant,
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  shl: binary(0x74),
  /** Towards the low bits, zeros behind. */
  shiftRight: binary(0x76),
  and: binary(0x71),
  or: binary(0x72),
  less: binary(0x48),
  lessUnsigned: binary(0x49),
  atLeast: binary(0x4e),
  isZero: unary(0x45),
  differ: binary(0x47),
  load: load(0x28),
  loadByte: load(0x2d),
  loadHalf: load(0x2f),
  store: store(0x36),
  storeHalf: store(0x3b),
  /** A double, rounded towards 0, to the range. */
  fromDouble: unary(0xfc, 2),
}

/** 64-bit integers. */
export const i64 = {
  const: ((value) => [0x42, ...signed(value)]) as Constant,
  add: binary(0x7c),
  mul: binary(0x7e),
  and: binary(0x83),
  /** Shifted to the right, keeping the sign. */
  shr: binary(0x87),
  fromInteger: unary(0xac),
  /** The number of zeros below the lowest bit that is set, 64 for none; a 64-bit integer too. */
  trailingZeros: unary(0x7a),
  isZero: unary(0x50),
  /** The lower 32 bits. */
  low: unary(0xa7),
  load: load(0x29),
}

/** 128 bits. */
export const v128 = {
  and: binary(0xfd, 0x4e),
  load: load(0xfd, 0x00),
  store: store(0xfd, 0x0b),
  /** The lower (0) or upper (1) 64 bits. */
  half: (a: Code, half: 0 | 1): Code => [...a, 0xfd, 0x1d, half],
}

/** 128 bits as two integers of 64 bits. */
export const i64x2 = {
  add: binary(0xfd, 0xce, 0x01),
  /** Products of the lower two, or the upper two, of four signed integers of 32 bits. */
  mulLow: binary(0xfd, 0xdc, 0x01),
  mulHigh: binary(0xfd, 0xdd, 0x01),
}

/** 128 bits as two doubles. */
export const f64x2 = {
  add: binary(0xfd, 0xf0, 0x01),
  sub: binary(0xfd, 0xf1, 0x01),
  mul: binary(0xfd, 0xf2, 0x01),
  /** The same double twice. */
  splat: unary(0xfd, 0x14),
  /** The lower (0) or upper (1) of them. */
  lane: (a: Code, lane: 0 | 1): Code => [...a, 0xfd, 0x21, lane],
}

/** 32-bit floats. */
export const f32 = { add: binary(0x92), load: load(0x2a), store: store(0x38) }

/** Doubles. */
export const f64 = {
  const: f64Constant,
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  max: binary(0xa5),
  abs: unary(0x99),
  floor: unary(0x9c),
  equal: binary(0x61),
  differ: binary(0x62),
  less: binary(0x63),
  atMost: binary(0x65),
  atLeast: binary(0x66),
  /** To the nearest whole number, halves to the even one. */
  nearest: unary(0x9e),
  fromInteger: unary(0xb7),
  /** An integer of 32 bits without a sign, and one of 64 bits. */
  fromUnsigned: unary(0xb8),
  fromLong: unary(0xb9),
  fromFloat: unary(0xbb),
  load: load(0x2b),
  store: store(0x39),
}

/** One of two values, both computed: the first where a condition holds. */
export const select = (condition: Code, yes: Code, no: Code): Code => [
  ...[...yes, ...no, ...condition],
  0x1b,
]

/** Does something where a condition holds, and else something other. */
export const when = (condition: Code, yes: Code, no: Code = []): Code => [
  ...[...condition, 0x04, 0x40, ...yes],
  ...(no.length > 0 ? [0x05, ...no] : []),
  0x0b,
]

/** Repeats a body while a condition holds. */
export const loopWhile = (condition: Code, body: Code): Code => [
  // block, branch out unless the condition holds, loop, body, branch back if it still does.
  ...[0x02, 0x40, ...condition, 0x45, 0x0d, 0],
  ...[0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b],
  0x0b,
]

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
const section = (id: number, content: readonly number[]): number[] => [
  ...[id, ...unsigned(content.length)],
  ...content,
]
const text = (value: string): number[] => vector([...Buffer.from(value)].map((byte) => [byte]))

/**
 * The bytes of a module that exports functions and imports a shared memory as `shared.memory`.
 *
 * @param pages the most that the memory may have
 */
export function wasmModule(
  functions: readonly WasmFunction[],
  pages: number,
): Uint8Array<ArrayBuffer> {
  const types = (names: readonly ValueType[]): number[] =>
    vector(names.map((name) => [valueType[name]]))
  const signatures = functions.map(({ parameters, result }) => [
    ...[0x60, ...types(parameters)],
    ...types(result ? [result] : []),
  ])
  const bodies = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((name) => [1, valueType[name]])), ...body, 0x0b]
    return [...unsigned(code.length), ...code]
  })
  const memory = [...text('shared'), ...text('memory'), 2, 3, 0, ...unsigned(pages)]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(signatures)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(7, vector(functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]))),
    ...section(10, vector(bodies)),
  ])
}

/** A memory that threads share. */
export interface WasmMemory {
  /** All of it as it is now; views of it as it was before it grew go on. */
  readonly buffer: SharedArrayBuffer
  /** Makes it longer by so many pages, all zero. */
  grow(pages: number): number
}

// What is used of it; the types of Node leave it to those of browsers.
interface WasmEngine {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => WasmMemory
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
}

const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: WasmEngine }

/** Bytes of a page of memory. */
export const pageBytes = 65_536

/**
 * A shared memory of so many pages of 64 KiB, all zero.
 *
 * @param most as far as it may grow
 */
export function wasmMemory(pages: number, most = pages): WasmMemory {
  return new engine.Memory({ initial: pages, maximum: most, shared: true })
}

/** What a module of {@link wasmModule} exports. */
export function wasmExports(bytes: Uint8Array<ArrayBuffer>, memory: WasmMemory): object {
  return new engine.Instance(new engine.Module(bytes), { shared: { memory } }).exports
}
