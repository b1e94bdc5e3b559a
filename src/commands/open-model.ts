/** Opens the registry that a command was told of, a folder or a server, and models from it. */

import { resolve } from 'node:path'
import { type LoadedModel, loadFrom } from '../loaded-model.ts'
import { openRegistry, type Registry, registryEffects } from '../registry.ts'
import type { Io } from './io.ts'

/** Help of `--registry-uri`, the same for every command. */
export const registryUriHelp =
  'MLflow server, or "files" (default: MLFLOW_REGISTRY_URI, MLFLOW_TRACKING_URI, else files)'

/**
 * Loads a model version; relative paths start from the folder of the command.
 *
 * @throws what {@link registryOf} and {@link loadFrom} throw
 */
export async function openModel(
  io: Io,
  models: string,
  reference: string,
  registryUri?: string | undefined,
): Promise<LoadedModel> {
  return loadFrom(await registryOf(io, models, registryUri), reference)
}

/**
 * The registry of an MLflow server where one is named, else that in a folder. The first of
 * `registryUri`, MLFLOW_REGISTRY_URI and MLFLOW_TRACKING_URI that is given decides; one without
 * `http://` or `https://` before it, such as `files`, is no server.
 *
 * @param models folder of models, and what keeps those that come from a server
 * @throws config_invalid when a setting of the server is wrong
 */
export async function registryOf(
  io: Io,
  models: string,
  registryUri?: string | undefined,
): Promise<Registry> {
  const effects = { ...registryEffects, now: io.now, cwd: () => io.cwd }
  const folder = openRegistry(resolve(io.cwd, models), effects)
  const uri = registryUri || io.env.MLFLOW_REGISTRY_URI || io.env.MLFLOW_TRACKING_URI
  if (uri === undefined) return folder
  const { isServerUri, mlflowSettings } = await import('../tracking/mlflow/settings.ts')
  if (!isServerUri(uri)) return folder
  const { mlflowClient } = await import('../tracking/mlflow/client.ts')
  const { mlflowRegistry } = await import('../tracking/mlflow/registry.ts')
  const { mlflowFolder } = await import('../export/mlflow-folder.ts')
  const client = mlflowClient(mlflowSettings(uri, io.env))
  return mlflowRegistry(client, { cache: folder, pack: mlflowFolder, now: io.now })
}
