/** The model behind the server: loaded from the registry, verified, warmed. */

import { RidecastError } from '../errors.ts'
import { loadModel } from '../model.ts'
import { createPredictor, type Predictor } from '../predictor.ts'
import { profileSchema } from '../profile.ts'
import { openRegistry } from '../registry.ts'
import { type RideFields, rideFields } from './ride-fields.ts'

/** A model that is ready to answer. */
export interface ServedModel {
  readonly name: string
  readonly version: string
  readonly predictor: Predictor
  readonly fields: RideFields
  /** `metrics.json` and `lineage.json`, as they are. */
  readonly metrics: unknown
  readonly lineage: unknown
}

/**
 * Loads and verifies a model version, and asks it for one prediction.
 *
 * @param models folder of the registry
 * @param reference `name`, `name@alias`, `name/version` or the path of a version
 * @throws model_not_found, artifact_* codes
 */
export async function loadServedModel(models: string, reference: string): Promise<ServedModel> {
  const { name, version, documents } = await openRegistry(models).load(reference)
  const profile = profileSchema.safeParse(documents.profile)
  if (!profile.success) {
    throw new RidecastError(
      'artifact_corrupt',
      `profile.json of ${name}/${version} does not have the expected shape: ${profile.error.issues[0]?.message}`,
      { cause: profile.error },
    )
  }
  const predictor = createPredictor(loadModel(documents.model), profile.data)
  const { duration } = predictor.predict({ PULocationID: 43, DOLocationID: 151, trip_distance: 1 })
  if (!Number.isFinite(duration)) {
    throw new RidecastError(
      'artifact_corrupt',
      `model ${name}/${version} predicts ${duration}: expected minutes`,
    )
  }
  return {
    name,
    version,
    predictor,
    fields: rideFields(predictor.inputs),
    metrics: documents.metrics,
    lineage: documents.lineage,
  }
}
