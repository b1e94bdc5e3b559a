/**
 * The bytes of an ONNX file: the few protobuf messages that are written, and tensors that hold
 * every value to the bit. Knows nothing about models of rides or about what an operator computes.
 */

import protobuf from 'protobufjs/light.js'

/** A number type of ONNX that inputs, outputs and most values have here. */
export type NumberType = 'double' | 'int64'

/** A number type of the tensors that are written. */
export type TensorType = NumberType | 'float' | 'uint8'

/** `TensorProto.DataType` by our names. */
export const dataTypes = { float: 1, uint8: 2, int32: 6, int64: 7, double: 11 } as const

/** `AttributeProto.AttributeType` of the attributes that are written. */
const attributeTypes = { int: 2, tensor: 4, ints: 7 } as const

/** A tensor; its elements lie little-endian in `rawData`. */
export interface Tensor {
  readonly dims: readonly number[]
  readonly dataType: number
  readonly name: string
  readonly rawData: Uint8Array
}

/** An attribute of a node: an integer, several or a tensor. */
export interface Attribute {
  readonly name: string
  readonly type: number
  readonly i?: number
  readonly t?: Tensor
  readonly ints?: readonly number[]
}

/** An operation; inputs and outputs are names of values. */
export interface GraphNode {
  readonly input: readonly string[]
  readonly output: readonly string[]
  readonly name: string
  readonly opType: string
  readonly domain: string
  readonly attribute: readonly Attribute[]
}

/** An input or output of the graph. */
export interface ValueInfo {
  readonly name: string
  readonly type: {
    readonly tensorType: {
      readonly elemType: number
      readonly shape: { readonly dim: readonly { readonly dimParam: string }[] }
    }
  }
  readonly docString: string
}

/** `ModelProto`, the whole file. */
export interface OnnxDocument {
  readonly irVersion: number
  readonly producerName: string
  readonly producerVersion: string
  readonly docString: string
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[]
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[]
  readonly graph: {
    readonly name: string
    readonly docString: string
    readonly node: readonly GraphNode[]
    readonly initializer: readonly Tensor[]
    readonly input: readonly ValueInfo[]
    readonly output: readonly ValueInfo[]
  }
}

const text = (id: number) => ({ type: 'string', id })
const one = (type: string, id: number) => ({ type, id })
const many = (type: string, id: number) => ({ rule: 'repeated', type, id })
/** Lists of numbers are not packed upstream: a proto2 file. */
const unpacked = (type: string, id: number) => ({ ...many(type, id), options: { packed: false } })

/**
 * The messages and fields that are written, with the names and numbers of `onnx/onnx-ml.proto` of
 * the ONNX project (Apache-2.0, https://github.com/onnx/onnx). Numbers never change there.
 */
const messages = {
  ModelProto: {
    irVersion: one('int64', 1),
    producerName: text(2),
    producerVersion: text(3),
    docString: text(6),
    graph: one('GraphProto', 7),
    opsetImport: many('OperatorSetIdProto', 8),
    metadataProps: many('StringStringEntryProto', 14),
  },
  OperatorSetIdProto: { domain: text(1), version: one('int64', 2) },
  StringStringEntryProto: { key: text(1), value: text(2) },
  GraphProto: {
    node: many('NodeProto', 1),
    name: text(2),
    initializer: many('TensorProto', 5),
    docString: text(10),
    input: many('ValueInfoProto', 11),
    output: many('ValueInfoProto', 12),
  },
  NodeProto: {
    input: many('string', 1),
    output: many('string', 2),
    name: text(3),
    opType: text(4),
    attribute: many('AttributeProto', 5),
    domain: text(7),
  },
  AttributeProto: {
    name: text(1),
    i: one('int64', 3),
    t: one('TensorProto', 5),
    ints: unpacked('int64', 8),
    type: one('int32', 20),
  },
  TensorProto: {
    dims: unpacked('int64', 1),
    dataType: one('int32', 2),
    name: text(8),
    rawData: one('bytes', 9),
  },
  ValueInfoProto: { name: text(1), type: one('TypeProto', 2), docString: text(3) },
  TypeProto: { tensorType: one('TensorTypeProto', 1) },
  TensorTypeProto: { elemType: one('int32', 1), shape: one('TensorShapeProto', 2) },
  TensorShapeProto: { dim: many('DimensionProto', 1) },
  DimensionProto: { dimParam: text(2) },
}

/** The message of a whole file, to encode and to decode. */
export const modelProto: protobuf.Type = protobuf.Root.fromJSON({
  nested: Object.fromEntries(Object.entries(messages).map(([name, fields]) => [name, { fields }])),
}).lookupType('ModelProto')

/** The bytes of an ONNX file; the same document gives the same bytes. */
export function encodeOnnx(document: OnnxDocument): Uint8Array {
  return modelProto.encode(document).finish()
}

/** Bytes of an element, and how one is written. */
const elementWriters: Readonly<
  Record<
    TensorType,
    readonly [number, (view: DataView, at: number, value: number | bigint) => void]
  >
> = {
  float: [4, (view, at, value) => view.setFloat32(at, Number(value), true)],
  uint8: [1, (view, at, value) => view.setUint8(at, Number(value))],
  int64: [8, (view, at, value) => view.setBigInt64(at, BigInt(value), true)],
  double: [8, (view, at, value) => view.setFloat64(at, Number(value), true)],
}

/**
 * A tensor of numbers.
 *
 * @param dims lengths of the axes, none for a scalar
 * @param values as many as the axes say; integers in the range of their type, floats are rounded
 */
export function tensor(
  name: string,
  type: TensorType,
  dims: readonly number[],
  values: ArrayLike<number | bigint>,
): Tensor {
  const [size, write] = elementWriters[type]
  const view = new DataView(new ArrayBuffer(size * values.length))
  for (let i = 0; i < values.length; i++) write(view, size * i, values[i] as number | bigint)
  return { name, dims, dataType: dataTypes[type], rawData: new Uint8Array(view.buffer) }
}

/** An attribute that holds an integer. */
export const intAttribute = (name: string, i: number): Attribute => ({
  name,
  type: attributeTypes.int,
  i,
})

/** An attribute that holds a tensor. */
export const tensorAttribute = (name: string, t: Tensor): Attribute => ({
  name,
  type: attributeTypes.tensor,
  t,
})

/** An attribute that holds integers. */
export const intsAttribute = (name: string, ints: readonly number[]): Attribute => ({
  name,
  type: attributeTypes.ints,
  ints,
})
