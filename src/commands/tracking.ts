/**
 * Where runs are kept: the plain files of a folder, or an MLflow server when one is named. Hands
 * the commands a Tracker, and what a run in plain files needs to be told to a server.
 */

import { resolve } from 'node:path'
import { readVersion } from '../artifact.ts'
import { type LoadedModel, loadedModel } from '../loaded-model.ts'
import { championAlias } from '../registry.ts'
import type { PushTarget } from '../tracking/push.ts'
import type { LoggedModel, RemoteTracker, Tracker } from '../tracking/tracker.ts'
import type { Io } from './io.ts'
import { registryOf } from './open-model.ts'

/** What says where runs are. */
export interface TrackingFlags {
  /** Folder of run records, relative to the working folder. */
  readonly runs: string
  /** `--tracking-uri`; undefined takes MLFLOW_TRACKING_URI. */
  readonly trackingUri?: string | undefined
}

/** What says where models are. */
export interface RegistryFlags {
  /** Folder of models, relative to the working folder. */
  readonly models: string
  /** `--registry-uri`; undefined takes MLFLOW_REGISTRY_URI, then the tracking server. */
  readonly registryUri?: string | undefined
}

/** Help of `--tracking-uri`, the same for every command. */
export const trackingUriHelp =
  'MLflow server, or "files" (default: MLFLOW_TRACKING_URI, else files)'

/**
 * The address of the MLflow server that flag or environment name; undefined means plain files. A
 * text without `http://` or `https://` before it, such as `files`, is no server.
 */
export async function serverOf(io: Io, flags: TrackingFlags): Promise<string | undefined> {
  const uri = flags.trackingUri ?? io.env.MLFLOW_TRACKING_URI
  const { isServerUri } = await import('../tracking/mlflow/settings.ts')
  return uri !== undefined && isServerUri(uri) ? uri : undefined
}

/** The tracker of an MLflow server, with the credentials of the environment. */
async function mlflowTrackerOf(
  io: Io,
  uri: string,
): Promise<{ uri: string; tracker: RemoteTracker }> {
  const { mlflowClient } = await import('../tracking/mlflow/client.ts')
  const { mlflowSettings } = await import('../tracking/mlflow/settings.ts')
  const { mlflowTracker } = await import('../tracking/mlflow/tracker.ts')
  const client = mlflowClient(mlflowSettings(uri, io.env))
  return { uri: client.uri, tracker: mlflowTracker(client) }
}

/** The store of plain files. */
export async function localTrackerOf(io: Io, flags: TrackingFlags): Promise<Tracker> {
  const { fileTracker } = await import('../tracking/files.ts')
  return fileTracker(resolve(io.cwd, flags.runs))
}

/**
 * The store of runs that flags and environment name.
 *
 * @throws config_invalid when a setting of the server is wrong
 */
export async function trackerOf(io: Io, flags: TrackingFlags): Promise<Tracker> {
  const uri = await serverOf(io, flags)
  return uri === undefined ? localTrackerOf(io, flags) : (await mlflowTrackerOf(io, uri)).tracker
}

/**
 * A server as the place that runs in plain files are told to, their models included.
 *
 * @param promote makes a registered version the champion even where there is one
 */
export async function pushTargetOf(
  io: Io,
  uri: string,
  flags: RegistryFlags,
  promote = false,
): Promise<PushTarget> {
  const { mlflowFolder } = await import('../export/mlflow-folder.ts')
  const load = async ({ name, version, path }: LoggedModel): Promise<LoadedModel> => {
    const { documents } = await readVersion(resolve(io.cwd, path))
    return loadedModel(name, version, documents)
  }
  return {
    ...(await mlflowTrackerOf(io, uri)),
    modelFiles: async (model) => mlflowFolder(await load(model)),
    async register(model, origin) {
      const registry = await registryOf(io, flags.models, flags.registryUri ?? uri)
      const { name, version, documents } = await load(model)
      const { factLine } = await import('../tracking/mlflow/registry-facts.ts')
      const told = { ...origin, description: factLine(documents) }
      const { path } = await registry.save(name, documents, told)
      const alias = await registry.setAliasIfAbsent(name, championAlias, version, {
        reason: 'first version of this name',
      })
      const now =
        promote && alias.version !== version
          ? await registry.promote(name, version, { reason: 'trained with --promote' })
          : alias
      return { registered: path, champion: now.version }
    },
  }
}
