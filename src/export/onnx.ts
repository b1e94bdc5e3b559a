/**
 * A model of any kind as an ONNX file: the numbers of `model.predict`, raised to the target's lower
 * bound as the predictor does. Inputs and output are of rank 1, one element a ride. Knows nothing
 * about files, registries or MLflow.
 */

import type { Model } from '../model.ts'
import { version as ridecastVersion } from '../package.ts'
import { rideColumns } from '../ride.ts'
import { mlDomain, OnnxGraph } from './onnx-graph.ts'
import { type OnnxInput, onnxInputs, partsOf } from './onnx-inputs.ts'
import { metadataOf, type OnnxFacts } from './onnx-metadata.ts'
import { modelMinutes } from './onnx-model.ts'
import { dataTypes, encodeOnnx, type NumberType, tensor, type ValueInfo } from './onnx-proto.ts'
import { OnnxRide } from './onnx-ride.ts'

/** The name of the only output: minutes, double. */
export const onnxOutput = 'duration'

// The release ONNX 1.15, the first with a LabelEncoder from int64 to double.
const linearRelease = { irVersion: 9, machineLearning: 4 }
// The release ONNX 1.16, the first whose trees split by sets of categories.
const treesRelease = { irVersion: 10, machineLearning: 5 }
const opset = 20

/**
 * The ONNX file of a model. The same model and facts give the same bytes. A graph answers what the
 * model does to the bit; trees do where ONNX Runtime adds them up with one thread, others round sums
 * of 32 bits in another order.
 *
 * @throws export_unsupported when a term cannot be written, naming it
 */
export function onnxModel(model: Model, about: OnnxFacts): Uint8Array {
  const { irVersion, machineLearning } = partsOf(model).every(({ kind }) => kind === 'linear')
    ? linearRelease
    : treesRelease
  const inputs = onnxInputs(model)
  const graph = new OnnxGraph([...inputs.map(({ name }) => name), onnxOutput])
  const ride = new OnnxRide(graph, new Map(inputs.map(({ name, type }) => [name, type])))
  writeRaised(graph, model.recipe.target.min, modelMinutes(ride, model, ''))
  const names = inputs.map(({ name }) => name)
  return encodeOnnx({
    irVersion,
    producerName: 'ridecast',
    producerVersion: ridecastVersion,
    docString: about.description ?? model.recipe.description,
    opsetImport: [
      { domain: '', version: opset },
      { domain: mlDomain, version: machineLearning },
    ],
    metadataProps: metadataOf(model, about, names, onnxOutput),
    graph: {
      name: about.name,
      docString: `Minutes of a taxi ride by the recipe ${model.recipe.name}; ${unknowns[model.kind]}.`,
      node: graph.nodes,
      initializer: graph.constants,
      input: inputs.map(inputInfo),
      output: [valueInfo(onnxOutput, 'double', 'minutes')],
    },
  })
}

const unknowns: Readonly<Record<Model['kind'], string>> = {
  linear: 'unseen categories and missing values add nothing',
  trees: 'unseen categories count as missing, for which trees have a way of their own',
  forest: 'unseen categories count as missing, for which trees have a way of their own',
  ensemble: 'unseen categories and missing values are to each member what they are to its kind',
}

/** A finite sum below the lower bound is raised to it; what is not finite stays as it is. */
function writeRaised(graph: OnnxGraph, minimum: number, sum: string): void {
  const bound = graph.named(tensor('shortest', 'double', [], [minimum]))
  const below = graph.add('Less', `${onnxOutput}/is_below`, [sum, bound])
  const finite = graph.add('GreaterOrEqual', `${onnxOutput}/is_finite`, [
    sum,
    graph.double(-Number.MAX_VALUE),
  ])
  const raise = graph.add('And', `${onnxOutput}/is_raised`, [below, finite])
  graph.finish('Where', onnxOutput, [raise, bound, sum])
}

function inputInfo({ name, type }: OnnxInput): ValueInfo {
  if (name === 'pickup_datetime') {
    const unit = 'microseconds since 1970-01-01T00:00 on the local wall clock'
    return valueInfo(name, type, `${unit}; -2^63 where missing`)
  }
  const missing = type === 'int64' ? 'any negative number' : 'NaN'
  return valueInfo(name, type, `${rideColumns[name].unit}; ${missing} where missing`)
}

function valueInfo(name: string, type: NumberType, docString: string): ValueInfo {
  const shape = { dim: [{ dimParam: 'rides' }] }
  return { name, docString, type: { tensorType: { elemType: dataTypes[type], shape } } }
}
