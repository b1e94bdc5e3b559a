/** A registered model, verified and ready to answer: what predict, explain and evaluate start from. */

import { resolve } from 'node:path'
import { RidecastError } from '../errors.ts'
import { loadModel, type Model } from '../model.ts'
import { createPredictor, type Predictor } from '../predictor.ts'
import { type Profile, profileSchema } from '../profile.ts'
import { openRegistry } from '../registry.ts'
import type { Io } from './io.ts'

/** A loaded model version. */
export interface LoadedModel {
  readonly name: string
  readonly version: string
  readonly model: Model
  readonly profile: Profile
  readonly predictor: Predictor
}

/**
 * Loads a model version from the registry.
 *
 * @param reference `name`, `name@alias`, `name/version` or a path
 * @throws model_not_found, artifact_* codes
 */
export async function openModel(io: Io, models: string, reference: string): Promise<LoadedModel> {
  const { name, version, documents } = await openRegistry(resolve(io.cwd, models)).load(reference)
  const model = loadModel(documents.model)
  const profile = profileSchema.safeParse(documents.profile)
  if (!profile.success) {
    throw new RidecastError(
      'artifact_corrupt',
      `profile.json of ${name}/${version} does not have the expected shape: ${profile.error.issues[0]?.message}`,
      { cause: profile.error },
    )
  }
  return {
    name,
    version,
    model,
    profile: profile.data,
    predictor: createPredictor(model, profile.data),
  }
}
