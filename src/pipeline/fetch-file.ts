/**
 * A file that is not there yet, fetched by one process only and written into the manifest of its
 * folder. Knows nothing about what names a person typed.
 */

import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { messageOf } from '../errors.ts'
import { type DownloadEffects, type Downloaded, download } from './download.ts'
import { withLock } from './download-lock.ts'
import { partBytes } from './download-part.ts'
import { changeManifest } from './manifest.ts'
import type { FileIdentity } from './parquet-file.ts'
import { s3Fetch } from './s3.ts'
import { plainAddress } from './source-address.ts'

/** What to fetch, where to, and what it is called in front of people. */
export interface Wanted {
  readonly url: string
  /** Absolute path of the file to make. */
  readonly path: string
  readonly label: string
}

/**
 * Fetches a file, unless another process does: then its file is waited for.
 *
 * @returns size and hash of what was fetched; undefined when another process made the file
 * @throws source_busy when the other process does not get on; what {@link download} throws
 */
export async function fetchFile(
  { url, path, label }: Wanted,
  effects: DownloadEffects = {},
): Promise<FileIdentity | undefined> {
  const purpose = `download ${label}`
  const options = { purpose, progress: () => partBytes(path) }
  return withLock(`${path}.lock`, options, effects, async (touch) => {
    // Another process has had the lock, and made the file.
    if (existsSync(path)) return undefined
    const fetched = await download(url, path, {
      ...effects,
      // Without keys: public buckets. Who has keys hands in a client that signs.
      fetch: effects.fetch ?? s3Fetch({}),
      progress: (received, total) => {
        touch()
        effects.progress?.(received, total, label)
      },
      note: (text) => {
        touch()
        effects.note?.(text)
      },
    })
    await record(url, path, fetched, effects)
    return { bytes: fetched.bytes, sha256: fetched.sha256 }
  })
}

/** The file counts, not what is written about it: a manifest that cannot be written is a note. */
async function record(
  url: string,
  path: string,
  { bytes, sha256, etag, lastModified }: Downloaded,
  effects: DownloadEffects,
): Promise<void> {
  const entry = {
    url: plainAddress(url),
    bytes,
    sha256,
    etag,
    last_modified: lastModified,
    downloaded_at: (effects.now?.() ?? new Date()).toISOString(),
  }
  const change = changeManifest(
    dirname(path),
    (files) => ({ ...files, [basename(path)]: entry }),
    effects,
  )
  await change.catch((error: unknown) => {
    effects.note?.(`${basename(path)} is not in the manifest: ${messageOf(error)}`)
  })
}
