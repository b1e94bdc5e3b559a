/**
 * A linear model as an ONNX file: the same numbers as `model.predict`, added in the same order,
 * raised to the target's lower bound as the predictor does. Inputs and output are of rank 1, one
 * element a ride. Knows nothing about files, registries or MLflow.
 */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { RidecastError } from '../errors.ts'
import { exactJson } from '../exact-json.ts'
import type { Effect, LinearModel, Model } from '../model.ts'
import { version as ridecastVersion } from '../package.ts'
import type { NumericSpec } from '../recipe-schema.ts'
import { type InputName, rideColumns } from '../ride.ts'
import { binsOf, categoryCodes, unwritable } from './onnx-categories.ts'
import { mlDomain, OnnxGraph } from './onnx-graph.ts'
import { numericMinutes } from './onnx-numbers.ts'
import {
  dataTypes,
  encodeOnnx,
  type NumberType,
  tensor,
  tensorAttribute,
  type ValueInfo,
} from './onnx-proto.ts'

/** What a file says of the model beside its numbers. */
export interface OnnxFacts {
  /** Name in the registry. */
  readonly name: string
  /** Version in the registry. */
  readonly version: string
  /** The document `lineage.json`. */
  readonly lineage: unknown
  /** Default the recipe's. */
  readonly description?: string
}

/** An input of the graph; its length is the number of rides. */
export interface OnnxInput {
  readonly name: InputName
  readonly type: NumberType
}

/** The name of the only output: minutes, double. */
export const onnxOutput = 'duration'

// The release ONNX 1.15, the first with a LabelEncoder from int64 to double.
const irVersion = 9
const opsets = [
  { domain: '', version: 20 },
  { domain: mlDomain, version: 4 },
]

/**
 * The inputs of a model's graph, in order. An id is an int64, a quantity a double; so is an id that
 * a numeric term or a bin reads, since only a double can be missing there. The time of the pickup
 * is an int64: microseconds since 1970-01-01T00:00 on the local wall clock.
 */
export function onnxInputs(model: Model): OnnxInput[] {
  const { recipe, features } = model
  const read = new Set<string>([
    ...recipe.numeric.map(columnOf),
    ...binsOf(recipe).map((spec) => spec.bin),
  ])
  return features.inputs.map((name) => {
    const id = name === 'pickup_datetime' || (rideColumns[name].kind === 'id' && !read.has(name))
    return { name, type: id ? 'int64' : 'double' }
  })
}

/**
 * The ONNX file of a model. The same model and facts give the same bytes.
 *
 * @throws export_unsupported when the model is of a kind other than linear
 */
export function onnxModel(model: Model, about: OnnxFacts): Uint8Array {
  if (model.kind !== 'linear') {
    throw new RidecastError(
      'export_unsupported',
      `model ${about.name} is of kind ${model.kind}: expected linear, the only kind that can be written as ONNX`,
    )
  }
  const odd = unwritable(model.features)
  if (odd.length > 0) {
    throw new RidecastError(
      'export_unsupported',
      `model ${about.name} has terms of ${odd.join(', ')}: expected columns, bins of columns and parts of the time, which alone can be written as ONNX`,
    )
  }
  const inputs = onnxInputs(model)
  const graph = new OnnxGraph([...inputs.map(({ name }) => name), onnxOutput])
  writeRaised(graph, model.recipe.target.min, writeSum(graph, model, inputs))
  return encodeOnnx({
    irVersion,
    producerName: 'ridecast',
    producerVersion: ridecastVersion,
    docString: about.description ?? model.recipe.description,
    opsetImport: opsets,
    metadataProps: metadataOf(model, about, inputs),
    graph: {
      name: about.name,
      docString: `Minutes of a taxi ride by the recipe ${model.recipe.name}; unseen categories and missing values add nothing.`,
      node: graph.nodes,
      initializer: graph.constants,
      input: inputs.map(inputInfo),
      output: [valueInfo(onnxOutput, 'double', 'minutes')],
    },
  })
}

// Terms of other measures are refused before.
const columnOf = (spec: NumericSpec): InputName =>
  (typeof spec === 'string' ? spec : spec.of) as InputName

/** The intercept and every contribution, added one by one as `model.predict` adds them. */
function writeSum(graph: OnnxGraph, model: LinearModel, inputs: readonly OnnxInput[]): string {
  const { recipe, features } = model
  const effectsOf = (term: string): Effect[] => model.effects().filter((e) => e.term === term)
  const types = new Map<string, NumberType>(inputs.map(({ name, type }) => [name, type]))
  const codeOf = categoryCodes(graph, types)
  const contributions = [
    ...features.categorical.map((term) => {
      const levels = effectsOf(term.name).map(({ level = '', minutes }) => {
        return { code: term.parse(level), minutes }
      })
      return { term: term.name, minutes: writeLookup(graph, term.name, codeOf(term), levels) }
    }),
    ...features.numeric.map(({ name }, p) => {
      const spec = recipe.numeric[p] as NumericSpec
      const slope = effectsOf(name)[0]?.minutes ?? 0
      return { term: name, minutes: numericMinutes(graph, columnOf(spec), spec, name, slope) }
    }),
  ]
  const intercept = graph.named(tensor('intercept', 'double', [], [model.intercept]))
  return contributions.reduce(
    (sum, { term, minutes }) => graph.add('Add', `${term}/sum`, [sum, minutes]),
    intercept,
  )
}

/** Minutes by code, 0 for a code without a coefficient. */
function writeLookup(
  graph: OnnxGraph,
  term: string,
  code: string,
  levels: readonly { readonly code: number; readonly minutes: number }[],
): string {
  // A table must not be empty; -1 is the code of no level.
  const table = levels.length > 0 ? levels : [{ code: -1, minutes: 0 }]
  const keys = table.map(({ code }) => code)
  const values = table.map(({ minutes }) => minutes)
  return graph.add('LabelEncoder', `${term}/minutes`, [code], {
    domain: mlDomain,
    attributes: [
      tensorAttribute('keys_tensor', tensor('keys', 'int64', [keys.length], keys)),
      tensorAttribute('values_tensor', tensor('values', 'double', [values.length], values)),
      tensorAttribute('default_tensor', tensor('default', 'double', [1], [0])),
    ],
  })
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

/** The parts of a lineage that are worth a line; a lineage of another form has its hash alone. */
const lineageSchema = z.object({
  train: z.array(z.object({ file: z.string(), sha256: z.string() })),
  moments_sha256: z.object({ train: z.string() }),
})

function metadataOf(
  model: Model,
  { name, version, lineage }: OnnxFacts,
  inputs: readonly OnnxInput[],
): { key: string; value: string }[] {
  const known = lineageSchema.safeParse(lineage).data
  const document = exactJson('lineage.json', lineage as object)
  const facts = {
    name,
    version,
    kind: model.kind,
    taxi: model.toJSON().taxi,
    recipe: model.recipe.name,
    inputs: inputs.map((input) => input.name).join(','),
    output: onnxOutput,
    output_unit: 'minutes',
    lineage_sha256: createHash('sha256').update(document).digest('hex'),
    ...(known && {
      moments_sha256: known.moments_sha256.train,
      source_sha256: known.train.map(({ file, sha256 }) => `${sha256}  ${file}`).join('\n'),
    }),
    ridecast_version: ridecastVersion,
  }
  return Object.entries(facts).map(([key, value]) => ({ key, value }))
}
