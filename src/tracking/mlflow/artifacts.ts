/**
 * Files below an `mlflow-artifacts:` address, through the proxy of the server, so that nobody but
 * the server needs a way to the store behind it. Knows nothing about runs or models.
 */

import { RidecastError } from '../../errors.ts'
import { checkArtifactPath } from '../names.ts'
import type { Artifact, ByteSource } from '../tracker.ts'
import { answerOf, artifactFolder } from './answers.ts'
import type { MlflowClient } from './client.ts'

const proxyRoot = '/api/2.0/mlflow-artifacts/artifacts'

/**
 * The path that an artifact address has behind the proxy, without a `/` at either end.
 *
 * @param uri `mlflow-artifacts:/0/...`, or an http address of the proxy
 * @throws RidecastError `tracking_refused` for an address that is not the proxy's
 */
export function artifactPath(uri: string): string {
  const [, path] =
    /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.*)$/.exec(uri) ??
    /^https?:\/\/[^/]+(?:\/.*)?\/api\/2\.0\/mlflow-artifacts\/artifacts\/(.*)$/.exec(uri) ??
    []
  if (path !== undefined) return path.replace(/\/+$/, '')
  throw new RidecastError(
    'tracking_refused',
    `artifacts at ${uri} cannot be reached through the server: expected an address such as ` +
      'mlflow-artifacts:/0; start it with --serve-artifacts and --artifacts-destination, ' +
      'without --default-artifact-root, and use a new experiment',
  )
}

/**
 * All files below an address, by path.
 *
 * @param path a folder below the address, default all of it
 * @returns paths below the address, the folder included
 */
export function listArtifacts(client: MlflowClient, uri: string, path = ''): Promise<Artifact[]> {
  const root = artifactPath(uri)
  return walkArtifacts(path, async (folder) => {
    const answer = await client.get(proxyRoot, { path: joined(root, folder) })
    // The proxy gives the last part of each path alone.
    return answerOf(artifactFolder, answer, 'mlflow-artifacts').files.map((file) => ({
      ...file,
      path: joined(folder, file.path),
    }))
  })
}

/** What a folder of artifacts holds, by its path. */
export type FolderReader = (
  folder: string,
) => Promise<readonly { path: string; is_dir: boolean; file_size: number }[]>

/** All files in a folder and those in it, by path. */
export async function walkArtifacts(folder: string, read: FolderReader): Promise<Artifact[]> {
  const files: Artifact[] = []
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const { path, is_dir: isFolder, file_size: bytes } of await read(next)) {
      if (isFolder) folders.push(path)
      else files.push({ path, bytes })
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/**
 * The bytes of a file.
 *
 * @param largest refused with tracking_answer beyond this, bytes
 */
export async function readArtifactAt(
  client: MlflowClient,
  uri: string,
  path: string,
  largest: number,
): Promise<Uint8Array> {
  return client.download(addressOf(uri, path), largest)
}

/**
 * Stores a file; one of the same path is replaced.
 *
 * @throws RidecastError `run_write_refused` for a path that the server would change
 */
export async function uploadArtifact(
  client: MlflowClient,
  uri: string,
  path: string,
  content: Uint8Array | ByteSource,
): Promise<void> {
  checkArtifactPath(path)
  await client.upload(addressOf(uri, path), content)
}

function addressOf(uri: string, path: string): string {
  return `${proxyRoot}/${joined(artifactPath(uri), path).split('/').map(encodeURIComponent).join('/')}`
}

function joined(folder: string, path: string): string {
  return [folder, path].filter((part) => part !== '').join('/')
}
