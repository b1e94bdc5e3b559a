/**
 * Takes a model out of the registry and makes it ready to answer: verified, compiled and asked
 * once. Knows nothing about HTTP.
 */

import type { Documents } from '../artifact.ts'
import { isRidecastError, messageOf, RidecastError } from '../errors.ts'
import { loadedModel } from '../loaded-model.ts'
import type { Predictor, RideRequest } from '../predictor.ts'
import type { Registry } from '../registry.ts'
import type { ColumnName } from '../ride.ts'
import { fieldsOf, quickCheck, rideSchema } from './ride-fields.ts'
import type { ServedModel } from './state.ts'

/**
 * Loads a model version from the registry.
 *
 * @param reference what to load, as the registry takes it
 * @throws model_not_found, model_name_invalid, artifact_* codes
 */
export async function loadServedModel(
  registry: Pick<Registry, 'load'>,
  reference: string,
): Promise<ServedModel> {
  try {
    const { name, version, documents } = await registry.load(reference)
    return servedModel(name, version, documents)
  } catch (error) {
    if (!isRidecastError(error, 'model_not_found')) throw error
    throw new RidecastError(
      'model_not_found',
      `${messageOf(error)}; to make one here: npm run train -- 2021-01`,
      { cause: error },
    )
  }
}

/**
 * A version ready to answer, from its documents.
 *
 * @throws artifact_corrupt when a document does not have its shape, or the model cannot answer
 */
export function servedModel(name: string, version: string, documents: Documents): ServedModel {
  const { predictor } = loadedModel(name, version, documents)
  warmUp(predictor, `${name}/${version}`)
  const fields = fieldsOf(predictor.inputs, predictor.model.features.required)
  return {
    name,
    version,
    predictor,
    fields,
    schema: rideSchema(fields),
    quick: quickCheck(fields),
    documents,
  }
}

/** A ride that any model with these inputs can be asked about, to try it with. */
export function exampleRide(inputs: Predictor['inputs']): RideRequest {
  const others: Partial<Record<ColumnName, number>> = {}
  for (const input of inputs) if (input !== 'pickup_datetime') others[input] = 1
  return { ...others, PULocationID: 43, DOLocationID: 151, trip_distance: 1.01 }
}

/** The first answer is slow, and a model that cannot give one must not be served. */
function warmUp(predictor: Predictor, label: string): void {
  try {
    predictor.explain(exampleRide(predictor.inputs))
  } catch (error) {
    throw new RidecastError(
      'artifact_corrupt',
      `model ${label} does not answer an ordinary ride: ${messageOf(error)}`,
      { cause: error },
    )
  }
}
