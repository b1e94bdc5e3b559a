/**
 * A registered model version, verified and ready to answer: what the commands and the server start
 * from. Knows nothing about HTTP or about what is printed.
 */

import type { Artifact } from './artifact.ts'
import { RidecastError } from './errors.ts'
import { loadModel, type Model } from './model.ts'
import { createPredictor, type Predictor } from './predictor.ts'
import { type Profile, profileSchema } from './profile.ts'
import type { Registry } from './registry.ts'

/** A version that can answer. */
export interface LoadedModel {
  readonly name: string
  readonly version: string
  readonly predictor: Predictor
  /** All documents of the version, as they are. */
  readonly documents: Artifact['documents']
}

/**
 * Loads a version from a registry.
 *
 * @param reference `name`, `name@alias`, `name/version` or the path of a version
 * @throws model_not_found, model_name_invalid, artifact_* codes
 */
export async function loadFrom(registry: Registry, reference: string): Promise<LoadedModel> {
  const { name, version, documents } = await registry.load(reference)
  return loadedModel(name, version, documents)
}

/**
 * A version from its documents.
 *
 * @throws artifact_corrupt when a document does not have its shape
 */
export function loadedModel(
  name: string,
  version: string,
  documents: Artifact['documents'],
): LoadedModel {
  const model = loadModel(documents.model)
  const profile = profileSchema.safeParse(documents.profile)
  if (!profile.success) {
    const fault = profile.error.issues[0]
    throw new RidecastError(
      'artifact_corrupt',
      `profile.json of ${name}/${version} does not have the expected shape: ${fault?.path.join('.')}: ${fault?.message}`,
      { cause: profile.error },
    )
  }
  return readyModel({ name, version, documents }, model, profile.data)
}

/** A version whose model and profile are at hand: nothing of it has to be read. */
export function readyModel(
  version: Omit<LoadedModel, 'predictor'>,
  model: Model,
  profile: Profile,
): LoadedModel {
  return { ...version, predictor: createPredictor(model, profile) }
}
