/**
 * The files of a version on an MLflow server: uploaded inside a logged model, taken back from there
 * and verified. Knows nothing about aliases.
 */

import { type Documents, type FileReader, readVersionFrom } from '../../artifact.ts'
import { isRidecastError, RidecastError } from '../../errors.ts'
import { type LoadedModel, loadedModel } from '../../loaded-model.ts'
import type { ModelFile } from '../../model-file.ts'
import type { NamedArtifact, Registry } from '../../registry.ts'
import { listArtifacts, readArtifactAt, uploadArtifact } from './artifacts.ts'
import type { MlflowClient } from './client.ts'
import { experimentId } from './experiments.ts'
import { createLoggedModel, findLoggedModels } from './logged-model.ts'
import { downloadUri, type RemoteVersion } from './registry-calls.ts'
import type { OwnVersion } from './registry-find.ts'
import { fetchRun } from './run.ts'

/** The folder inside a logged model that holds the documents of a version. */
const versionFolder = 'ridecast'

/** Makes the files of a model for MLflow; its `ridecast/` holds the documents of the version. */
export type Pack = (loaded: LoadedModel) => readonly ModelFile[]

/** A version with its documents, wherever it is kept. */
export type Content = Pick<NamedArtifact, 'name' | 'version' | 'documents'>

/**
 * Reads a version from the server, verifies it, and keeps it in a registry of files.
 *
 * @throws artifact_missing, artifact_corrupt, artifact_format, the `tracking_*` codes
 */
export async function download(
  client: MlflowClient,
  cache: Registry,
  version: OwnVersion,
): Promise<NamedArtifact> {
  const { name, id } = version
  const uri = await downloadUri(client, version)
  const documents = await readDocuments(client, uri, id)
  const { version: kept, path } = await cache.save(name, documents)
  if (kept === id) return { name, version: id, path, documents }
  throw new RidecastError(
    'artifact_corrupt',
    `${uri} holds documents that ridecast writes as ${kept}, not as ${id}: train it again`,
  )
}

async function readDocuments(client: MlflowClient, uri: string, id: string): Promise<Documents> {
  const there = new Set((await listArtifacts(client, uri, versionFolder)).map(({ path }) => path))
  const read: FileReader = (file, largest) => {
    const path = `${versionFolder}/${file}`
    if (there.has(path)) return readArtifactAt(client, uri, path, largest)
    throw new RidecastError(
      'artifact_missing',
      `model version ${uri} on ${client.uri} lacks ${path}: restore it there from a copy, or ` +
        'train it again',
    )
  }
  return (await readVersionFrom(`${uri}/${versionFolder}`, id, read)).documents
}

/** Whether what the server keeps at an address is a version, whole. */
async function isWhole(client: MlflowClient, uri: string, id: string): Promise<boolean> {
  try {
    await readDocuments(client, uri, id)
    return true
  } catch (error) {
    if (isRidecastError(error) && error.code.startsWith('artifact_')) return false
    throw error
  }
}

/**
 * Uploads the files of a version again when the server has them damaged, as a folder replaces a
 * damaged version with what is saved.
 *
 * @returns false when they were whole
 */
export async function repair(
  client: MlflowClient,
  pack: Pack,
  version: RemoteVersion,
  content: Content,
): Promise<boolean> {
  const uri = await downloadUri(client, version)
  if (await isWhole(client, uri, content.version)) return false
  const files = pack(loadedModel(content.name, content.version, content.documents))
  // The one file that says where the model comes from is the server's own.
  for (const { path, content: bytes } of files.filter((file) => file.path !== 'MLmodel')) {
    await uploadArtifact(client, uri, path, bytes)
  }
  return true
}

/** A version that is kept already, and whole; undefined when it is not. */
export async function fromCache(
  cache: Registry,
  { name, id }: OwnVersion,
): Promise<NamedArtifact | undefined> {
  try {
    return await cache.load(`models:/${name}/${id}`)
  } catch (error) {
    // What is damaged or cannot be read is downloaded again.
    if (isRidecastError(error)) return undefined
    throw error
  }
}

/**
 * The logged model of a version, made unless it is there.
 *
 * @returns its id
 */
export async function keepModel(
  client: MlflowClient,
  pack: Pack,
  { name, version, documents }: Content,
  runId: string | undefined,
): Promise<string> {
  const experiment =
    runId === undefined
      ? await experimentId(client, name)
      : (await fetchRun(client, runId)).info.experiment_id
  const tags = { 'ridecast.name': name, 'ridecast.version': version }
  // One that was kept before its version could be registered.
  for (const { modelId, artifactUri, isReady } of await findLoggedModels(
    client,
    experiment,
    tags,
    runId,
  )) {
    if (isReady && (await isWhole(client, artifactUri, version))) return modelId
  }
  const files = pack(loadedModel(name, version, documents))
  const model = { experimentId: experiment, name, runId, tags, parameters: {}, files }
  return (await createLoggedModel(client, model)).modelId
}
