/**
 * Tensors of the Open Inference Protocol, in JSON and in the binary extension that Triton's clients
 * speak. A column of n values has the shape [n] or [n, 1]. Knows nothing about rides.
 */

import { z } from 'zod'
import { Problem } from '../problem.ts'

/** Free parameters, as the protocol has them. */
export const parametersSchema = z.record(z.string(), z.unknown())

/** An input as it is sent; its values are in `data`, or in `binary_data_size` bytes after the JSON. */
export const inputSchema = z.object({
  name: z.string().min(1),
  shape: z.array(z.int().min(0)),
  datatype: z.string(),
  parameters: parametersSchema.optional(),
  data: z.array(z.unknown()).optional(),
})

/** An input as it is sent. */
export type TensorInput = z.output<typeof inputSchema>

/** A column to be sent. */
export interface TensorOutput {
  readonly name: string
  readonly datatype: 'FP64' | 'BYTES'
  readonly values: readonly (number | string)[]
}

/** How values of a type lie in bytes, little-endian. */
interface Layout {
  readonly bytes: number
  read(view: DataView, at: number): number
}

const layouts: Readonly<Record<string, Layout>> = {
  INT8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  INT16: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  INT32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  INT64: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  UINT8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  UINT16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  UINT32: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  UINT64: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  FP32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  FP64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
}

/** The types that inputs may have. */
export const inputTypes: readonly string[] = [...Object.keys(layouts), 'BYTES']

/**
 * The columns of a request by name. A NaN and an empty text stand for what is missing: null.
 *
 * @param binary what follows the JSON, in the order of the inputs; undefined without the extension
 * @returns columns, all of one length
 * @throws Problem: request_malformed
 */
export function columnsOf(
  inputs: readonly TensorInput[],
  binary: Buffer | undefined,
): ReadonlyMap<string, readonly unknown[]> {
  const columns = new Map<string, readonly unknown[]>()
  let at = 0
  let rows: number | undefined
  for (const input of inputs) {
    const { name, datatype } = input
    if (columns.has(name)) throw malformed(name, 'is given twice')
    if (!inputTypes.includes(datatype)) {
      throw malformed(name, `must have one of the types ${inputTypes.join(', ')}`)
    }
    const length = lengthOf(input)
    rows ??= length
    if (length !== rows) throw malformed(name, `must have ${rows} values, as the first input`)
    const size = input.parameters?.binary_data_size
    if (size === undefined) {
      columns.set(name, jsonValues(input, length))
      continue
    }
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || !binary) {
      throw malformed(name, 'needs binary_data_size bytes and Inference-Header-Content-Length')
    }
    if (input.data !== undefined) throw malformed(name, 'must have data or binary_data_size')
    if (at + size > binary.length) throw malformed(name, 'has fewer bytes than binary_data_size')
    columns.set(name, binaryValues(input, binary.subarray(at, at + size), length))
    at += size
  }
  if (binary && at !== binary.length) {
    const detail = `body must end after the last input: found ${binary.length - at} more bytes`
    throw new Problem('request_malformed', detail)
  }
  return columns
}

function lengthOf({ name, shape }: TensorInput): number {
  const [length, width = 1] = shape
  if (length === undefined || width !== 1 || shape.length > 2) {
    throw malformed(name, `must have the shape [n] or [n, 1], found [${shape.slice(0, 5)}]`)
  }
  return length
}

function jsonValues(input: TensorInput, length: number): unknown[] {
  const { name, datatype, data } = input
  if (data === undefined) throw malformed(name, 'must have data')
  const values = data.map((value) => {
    return Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value
  })
  if (values.length !== length) {
    throw malformed(name, `must have ${length} values as its shape says, found ${values.length}`)
  }
  const type = datatype === 'BYTES' ? 'string' : 'number'
  if (values.some((value) => typeof value !== type)) {
    throw malformed(name, `must have ${datatype === 'BYTES' ? 'texts' : 'numbers'} only`)
  }
  return values.map(known)
}

function binaryValues({ name, datatype }: TensorInput, bytes: Buffer, length: number): unknown[] {
  const layout = layouts[datatype]
  if (layout === undefined) return texts(name, bytes, length)
  if (bytes.length !== length * layout.bytes) {
    throw malformed(name, `must have ${length * layout.bytes} bytes, found ${bytes.length}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length }, (_, i) => known(layout.read(view, i * layout.bytes)))
}

/** Texts, each after its length in four bytes. */
function texts(name: string, bytes: Buffer, length: number): unknown[] {
  const values: unknown[] = []
  let at = 0
  while (at + 4 <= bytes.length && values.length < length) {
    const end = at + 4 + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    values.push(known(bytes.toString('utf8', at + 4, end)))
    at = end
  }
  if (values.length === length && at === bytes.length) return values
  throw malformed(name, `must have ${length} texts, each after its length in four bytes`)
}

function known(value: unknown): unknown {
  return value === '' || Number.isNaN(value) ? null : value
}

function malformed(name: string, what: string): Problem {
  return new Problem('request_malformed', `input ${JSON.stringify(name.slice(0, 60))} ${what}`)
}

/** The bytes of a column to be sent. */
export function bytesOfTensor({ datatype, values }: TensorOutput): Buffer {
  if (datatype === 'FP64') {
    const bytes = Buffer.alloc(8 * values.length)
    for (const [i, value] of values.entries()) bytes.writeDoubleLE(Number(value), 8 * i)
    return bytes
  }
  return Buffer.concat(
    values.flatMap((value) => {
      const text = Buffer.from(String(value))
      const size = Buffer.alloc(4)
      size.writeUInt32LE(text.length)
      return [size, text]
    }),
  )
}
