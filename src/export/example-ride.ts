/**
 * A ride to show how a model is asked: between the two zones with the most training rides, at the
 * busiest hour, with the distance that is usual there. Made from the version alone, so that it is
 * the same everywhere. Knows nothing about the formats that show it.
 */

import { splitCode } from '../atoms.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { LinearModel, TreeModel } from '../model.ts'
import { hourMicros, type InputName } from '../ride.ts'
import { type OnnxInput, onnxInputs, partsOf } from './onnx-inputs.ts'

/** Values by input of the model; `pickup_datetime` in microseconds on the local clock. */
export type ExampleRide = Readonly<Partial<Record<InputName, number>>>

/** A Monday at midnight, microseconds since 1970 on the local clock: 2021-01-04. */
const monday = Date.UTC(2021, 0, 4) * 1000

/** The example of a version: every input of its model and no other. */
export function exampleRide(loaded: LoadedModel): ExampleRide {
  const { inputs, profile } = loaded.predictor
  const top = profile.pairs.reduce<readonly (number | null)[]>(
    (best, pair) => (pair[2] > (best[2] ?? -1) ? pair : best),
    [],
  )
  const hour = profile.hour_of_week.indexOf(Math.max(...profile.hour_of_week))
  const miles = top[3] ?? profile.trip_distance?.mean ?? 1
  const known: Partial<Record<InputName, number | null | undefined>> = {
    PULocationID: top[0],
    DOLocationID: top[1],
    trip_distance: Math.round(miles * 100) / 100,
    pickup_datetime: monday + (hour + 0.5) * hourMicros,
  }
  return Object.fromEntries(
    inputs.map((name) => [name, known[name] ?? knownLevel(loaded, name) ?? 1]),
  )
}

/** An input of the ONNX graph with its value in the example. */
export interface ExampleInput extends OnnxInput {
  readonly value: number
}

/** The example as the inputs of the ONNX graph, in their order. */
export function exampleInputs(loaded: LoadedModel): ExampleInput[] {
  const ride = exampleRide(loaded)
  return onnxInputs(loaded.predictor.model).map((input) => {
    return { ...input, value: ride[input.name] as number }
  })
}

/** The first id of a column that the model has met. */
function knownLevel({ predictor: { model } }: LoadedModel, input: InputName): number | undefined {
  for (const part of partsOf(model)) {
    for (const term of part.features.categorical) {
      const at = term.atoms.findIndex(({ spec }) => spec.kind === 'id' && spec.column === input)
      if (at < 0) continue
      // Code 0 is a missing id where that is a level.
      const lift = term.atoms[at]?.spec.or_missing ? 1 : 0
      const ids = levelsOf(part, term.name).map((text) => {
        return (splitCode(term.atoms, term.parse(text))[at] as number) - lift
      })
      const known = ids.find((id) => id >= 0)
      if (known !== undefined) return known
    }
  }
  return undefined
}

/** The levels of a term that were in training. */
function levelsOf(model: LinearModel | TreeModel, term: string): readonly string[] {
  if (model.kind !== 'linear') return model.toJSON().levels[term] ?? []
  return model.effects().flatMap((effect) => (effect.term === term ? (effect.level ?? []) : []))
}
