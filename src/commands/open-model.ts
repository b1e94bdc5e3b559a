/** Opens a model for a command, from the folder that the command was told. */

import { resolve } from 'node:path'
import { type LoadedModel, loadFrom } from '../loaded-model.ts'
import { openRegistry, type Registry, registryEffects } from '../registry.ts'
import type { Io } from './io.ts'

/**
 * Loads a model version; relative paths start from the folder of the command.
 *
 * @throws what {@link loadFrom} throws
 */
export function openModel(io: Io, models: string, reference: string): Promise<LoadedModel> {
  return loadFrom(registryOf(io, models), reference)
}

/** The registry in a folder; relative paths start from the folder of the command. */
export function registryOf(io: Io, models: string): Registry {
  const effects = { ...registryEffects, now: io.now, cwd: () => io.cwd }
  return openRegistry(resolve(io.cwd, models), effects)
}
