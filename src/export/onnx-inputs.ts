/**
 * What the graph of a model takes. Apart from what writes graphs, which takes long to load: a model
 * card names inputs, too.
 */

import { isColumn } from '../measures.ts'
import type { LinearModel, Model, TreeModel } from '../model.ts'
import { type ColumnName, type InputName, rideColumns } from '../ride.ts'
import type { NumberType } from './onnx-proto.ts'

/** An input of the graph; its length is the number of rides. */
export interface OnnxInput {
  readonly name: InputName
  readonly type: NumberType
}

/** What a model is made of: its members and theirs, or itself. */
export function partsOf(model: Model): readonly (LinearModel | TreeModel)[] {
  if (model.kind !== 'ensemble') return [model]
  return model.members.flatMap((member) => partsOf(member.model))
}

/**
 * The inputs of a model's graph, in order. An id is an int64, a quantity a double; so is an id that
 * a numeric term or a bin reads, or that the model does not require, since only a double can be
 * missing in most of what calls a graph. The time of the pickup is an int64: microseconds since
 * 1970-01-01T00:00 on the local wall clock.
 */
export function onnxInputs(model: Model): OnnxInput[] {
  const read = new Set(partsOf(model).flatMap(numbersOf))
  const { inputs, required } = model.features
  return inputs.map((name) => {
    const isInteger =
      name === 'pickup_datetime' ||
      (rideColumns[name].kind === 'id' && !read.has(name) && required.includes(name))
    return { name, type: isInteger ? 'int64' : 'double' }
  })
}

/** Columns that are read as numbers. */
function numbersOf({ features: { categorical, numeric } }: Model): ColumnName[] {
  const binned = categorical.flatMap(({ atoms }) =>
    atoms.flatMap(({ spec }) => (spec.kind === 'bin' ? spec.of : [])),
  )
  return [...numeric.map(({ of }) => of), ...binned].filter(isColumn)
}
