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
  const all = (size: number, read: (at: number) => number | bigint): (number | bigint)[] =>
    Array.from({ length: byteLength / size }, (_, i) => read(size * i))
  if (tensor.dataType === dataTypes.uint8) return all(1, (at) => view.getUint8(at))
  if (tensor.dataType === dataTypes.float) return all(4, (at) => view.getFloat32(at, true))
  if (tensor.dataType === dataTypes.double) return all(8, (at) => view.getFloat64(at, true))
  return all(8, (at) => view.getBigInt64(at, true))
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
}

/** What a Cast makes of a cell, by the type that it is told. */
const casts: Readonly<Record<number, (cell: Cell) => Cell>> = {
  [dataTypes.int64]: (cell) => BigInt(Number(cell)),
  [dataTypes.double]: (cell) => Number(cell),
  [dataTypes.float]: (cell) => Math.fround(Number(cell)),
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
  ) as [bigint[], Cell[], [Cell]]
  const table = new Map(keys.map((key, k) => [key, values[k] as Cell]))
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

/** The elements of a list at some places. */
function gathered(list: Value, { shape, cells }: Value, name: string): Value {
  const found = cells.map((at) => list.cells[Number(at)])
  if (found.includes(undefined)) throw new Error(`${name} reads beyond its table`)
  return { shape, cells: found as Cell[] }
}

/** Columns side by side. */
function beside(columns: readonly Value[]): Value {
  const rows = columns[0]?.shape[0] ?? 0
  const cells = Array.from({ length: rows }, (_, row) =>
    columns.map((column) => column.cells[row] as Cell),
  )
  return { shape: [rows, columns.length], cells: cells.flat() }
}

/** The sums of trees for the rows of a matrix, rounded to 32 bits after each tree. */
function treeSums(node: GraphNode, { shape, cells }: Value): Value {
  const numbers = (name: string): number[] => {
    const { ints, t } = attributeOf(node, name)
    return t ? elements(t).map(Number) : (ints as number[]).map(Number)
  }
  const [modes, splits] = [numbers('nodes_modes'), numbers('nodes_splits')]
  const features = numbers('nodes_featureids')
  const missingTrue = numbers('nodes_missing_value_tracks_true')
  const branches = ['true', 'false'].map((side) => ({
    at: numbers(`nodes_${side}nodeids`),
    isLeaf: numbers(`nodes_${side}leafs`),
  }))
  const weights = numbers('leaf_weights')
  const roots = numbers('tree_roots')
  const listed = node.attribute.some(({ name }) => name === 'membership_values')
  const members = listed ? numbers('membership_values') : []
  let next = 0
  const sets = modes.map((mode) => {
    if (mode !== 6) return new Set<number>()
    const set = new Set<number>()
    for (; !Number.isNaN(members[next]); next++) set.add(members[next] as number)
    next++
    return set
  })
  const goesTrue = (at: number, value: number): boolean => {
    if (Number.isNaN(value)) return missingTrue[at] === 1
    if (modes[at] === 1) return value < (splits[at] as number)
    if (modes[at] === 4) return value === splits[at]
    if (modes[at] === 6) return (sets[at] as Set<number>).has(value)
    throw new Error(`${node.name} has the mode ${modes[at]}, which is not known here`)
  }
  const [rows = 0, width = 0] = shape
  const sums = Array.from({ length: rows }, (_, row) => {
    let sum = 0
    for (const root of roots) {
      let at = root
      for (let isLeaf = 0; isLeaf === 0; ) {
        const value = cells[row * width + (features[at] as number)] as number
        const branch = branches[goesTrue(at, value) ? 0 : 1]
        isLeaf = branch?.isLeaf[at] as number
        at = branch?.at[at] as number
      }
      sum = Math.fround(sum + (weights[at] as number))
    }
    return sum
  })
  return { shape: [rows, 1], cells: sums }
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
    else if (node.opType === 'Squeeze') output = { ...first, shape: first.shape.slice(0, 1) }
    else if (node.opType === 'Gather') output = gathered(first, input[1] as Value, node.name)
    else if (node.opType === 'Concat') output = beside(input)
    else if (node.opType === 'TreeEnsemble') output = treeSums(node, first)
    else if (node.opType === 'Cast') {
      const cast = casts[attributeOf(node, 'to').i as number]
      if (!cast) throw new Error(`${node.name} casts to a type that is not known here`)
      output = elementwise(cast, input)
    } else if (compute) output = elementwise(compute, input)
    else throw new Error(`${node.name} is a ${node.opType}, which is not known here`)
    values.set(node.output[0] as string, output)
  }
  const found = values.get(graph.output[0]?.name ?? '')
  return Float64Array.from((found?.cells ?? []) as number[])
}
