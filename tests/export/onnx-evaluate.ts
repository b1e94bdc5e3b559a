/**
 * Computes an ONNX graph as the specification of its operators says, for the few that the export
 * writes, so that its numbers can be looked at without ONNX Runtime. An operator that is not here
 * is a failure.
 */

import {
  type Attribute,
  dataTypes,
  type GraphNode,
  modelProto,
  type OnnxDocument,
  type Tensor,
} from '../../src/export/onnx-proto.ts'
import type { Feeds } from './onnx-rides.ts'

type Cell = number | bigint | boolean

/** A tensor as it is computed, row by row. */
interface Value {
  readonly shape: readonly number[]
  readonly cells: readonly Cell[]
}

/** The document of a file. */
export function decodeOnnx(bytes: Uint8Array): OnnxDocument {
  const options = { longs: Number, arrays: true, defaults: true }
  return modelProto.toObject(modelProto.decode(bytes), options) as OnnxDocument
}

/** The elements of a tensor, by its type. */
export function elements(tensor: Tensor): (number | bigint)[] {
  const { buffer, byteOffset, byteLength } = tensor.rawData
  const view = new DataView(buffer, byteOffset, byteLength)
  return Array.from({ length: byteLength / 8 }, (_, i) =>
    tensor.dataType === dataTypes.double
      ? view.getFloat64(8 * i, true)
      : view.getBigInt64(8 * i, true),
  )
}

/** The tensor of an attribute of a node. */
export function attributeOf(node: GraphNode, name: string): Attribute {
  const found = node.attribute.find((attribute) => attribute.name === name)
  if (found) return found
  throw new Error(`${node.name} has no attribute ${name}`)
}

const floorMod = (a: bigint, b: bigint): bigint => ((a % b) + b) % b

/** By operator: one cell from the cells of the inputs. */
const operators: Readonly<Record<string, (...cells: Cell[]) => Cell>> = {
  Abs: (a) => Math.abs(a as number),
  Add: (a, b) =>
    typeof a === 'bigint' ? BigInt.asIntN(64, a + (b as bigint)) : (a as number) + (b as number),
  And: (a, b) => (a as boolean) && (b as boolean),
  Div: (a, b) => (typeof a === 'bigint' ? a / (b as bigint) : (a as number) / (b as number)),
  Equal: (a, b) => a === b,
  Floor: (a) => Math.floor(a as number),
  GreaterOrEqual: (a, b) => (a as number) >= (b as number),
  Greater: (a, b) => (a as number) > (b as number),
  IsNaN: (a) => Number.isNaN(a),
  Less: (a, b) => (a as number) < (b as number),
  LessOrEqual: (a, b) => (a as number) <= (b as number),
  Log: (a) => Math.log(a as number),
  Min: (...cells) =>
    cells.reduce((least, cell) => ((cell as bigint) < (least as bigint) ? cell : least)),
  Mod: (a, b) => floorMod(a as bigint, b as bigint),
  Mul: (a, b) =>
    typeof a === 'bigint' ? BigInt.asIntN(64, a * (b as bigint)) : (a as number) * (b as number),
  Sqrt: (a) => Math.sqrt(a as number),
  Sub: (a, b) => (a as number) - (b as number),
  Where: (test, a, b) => (test ? a : b) as Cell,
  Cast: (a) => BigInt(Number(a)),
}

/** Applies an operator cell by cell; a length of 1, or none, stretches to that of the others. */
function elementwise(compute: (...cells: Cell[]) => Cell, values: readonly Value[]): Value {
  const rank = Math.max(...values.map(({ shape }) => shape.length))
  const shapes = values.map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape])
  const shape = Array.from({ length: rank }, (_, axis) => {
    const lengths = shapes.map((each) => each[axis] as number)
    return lengths.find((length) => length !== 1) ?? 1
  })
  const length = shape.reduce((product, each) => product * each, 1)
  const cells = Array.from({ length }, (_, position) => {
    return compute(
      ...values.map((value, v) => {
        let [rest, index, stride] = [position, 0, 1]
        for (let axis = rank - 1; axis >= 0; axis--) {
          const own = shapes[v]?.[axis] as number
          index += own === 1 ? 0 : (rest % (shape[axis] as number)) * stride
          rest = Math.floor(rest / (shape[axis] as number))
          stride *= own
        }
        return value.cells[index] as Cell
      }),
    )
  })
  return { shape, cells }
}

/** A table from keys to values, as the three tensors of a LabelEncoder. */
function labelled(node: GraphNode, codes: Value): Value {
  const [keys, values, otherwise] = ['keys', 'values', 'default'].map((name) =>
    elements(attributeOf(node, `${name}_tensor`).t as Tensor),
  ) as [bigint[], number[], [number]]
  const table = new Map(keys.map((key, k) => [key, values[k] as number]))
  const cells = codes.cells.map((code) => table.get(code as bigint) ?? otherwise[0])
  return { shape: codes.shape, cells }
}

/** The sums of the rows of a matrix of integers. */
function rowSums({ shape, cells }: Value): Value {
  const [rows = 0, width = 0] = shape
  const sums = Array.from({ length: rows }, (_, row) => {
    const own = cells.slice(row * width, (row + 1) * width) as bigint[]
    return own.reduce((sum, cell) => sum + cell, 0n)
  })
  return { shape: [rows], cells: sums }
}

/** The output of a graph with one output of doubles. */
export function evaluateOnnx({ graph }: OnnxDocument, feeds: Feeds): Float64Array {
  const values = new Map<string, Value>()
  for (const each of graph.initializer) {
    values.set(each.name, { shape: each.dims, cells: elements(each) })
  }
  for (const [name, column] of Object.entries(feeds)) {
    values.set(name, { shape: [column.length], cells: [...column] })
  }
  for (const node of graph.node) {
    const input = node.input.map((name) => {
      const found = values.get(name)
      if (found) return found
      throw new Error(`${node.name} reads ${name}, which is nothing earlier`)
    })
    const [first] = input as [Value]
    const compute = operators[node.opType]
    let output: Value
    if (node.opType === 'LabelEncoder') output = labelled(node, first)
    else if (node.opType === 'ReduceSum') output = rowSums(first)
    else if (node.opType === 'Unsqueeze') output = { ...first, shape: [...first.shape, 1] }
    else if (compute) output = elementwise(compute, input)
    else throw new Error(`${node.name} is a ${node.opType}, which is not known here`)
    values.set(node.output[0] as string, output)
  }
  const found = values.get(graph.output[0]?.name ?? '')
  return Float64Array.from((found?.cells ?? []) as number[])
}
