/**
 * Whether files are still those that were downloaded, by the manifest of their folder, and whether
 * their publisher still has the same. Knows nothing about how that is told to a person.
 */

import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { isRidecastError } from '../errors.ts'
import { type DownloadEffects, downloadLimits } from './download.ts'
import { requestFacts } from './http.ts'
import { readable } from './local-file.ts'
import { changeManifest, type ManifestEntry } from './manifest.ts'
import { identify, parquetFault } from './parquet-file.ts'
import { s3Fetch } from './s3.ts'

/**
 * What became of a file: `ok`; not there; not a whole Parquet file; of another size or hash than
 * was downloaded; not in the manifest.
 */
export type FileState = 'ok' | 'missing' | 'damaged' | 'size' | 'hash' | 'unlisted'

/** What was found of a file. */
export interface Verified {
  readonly path: string
  readonly state: FileState
  /** What is wrong with it, for people; empty when it is ok. */
  readonly detail: string
  /** Bytes that lie there; null when it is missing. */
  readonly bytes: number | null
  /** Their SHA-256; null when it is missing or damaged. */
  readonly sha256: string | null
  /** What the manifest says; null when it says nothing. */
  readonly entry: ManifestEntry | null
}

/** What the publisher has now, beside what was downloaded. */
export interface RemoteState {
  /** `unknown` when nothing that it says could tell, or nothing was downloaded. */
  readonly state: 'same' | 'changed' | 'unknown'
  /** What differs, or why it is not known; empty when it is the same. */
  readonly detail: string
}

/**
 * Looks at a file, reading all of it.
 *
 * @param entry what the manifest says of it
 * @throws source_io when it cannot be read
 */
export async function verifyFile(path: string, entry: ManifestEntry | null): Promise<Verified> {
  const nothing = { path, bytes: null, sha256: null, entry }
  if (!existsSync(path)) return { ...nothing, state: 'missing', detail: 'is not there' }
  const { size } = await readable(path, () => stat(path))
  const fault = await readable(path, () => parquetFault(path))
  if (fault) {
    return { ...nothing, bytes: size, state: 'damaged', detail: `is ${fault.found}` }
  }
  const { bytes, sha256 } = await readable(path, () => identify(path))
  const found = { path, bytes, sha256, entry }
  if (!entry) return { ...found, state: 'unlisted', detail: 'is not in the manifest' }
  if (bytes !== entry.bytes) {
    return { ...found, state: 'size', detail: `has ${bytes} bytes, downloaded were ${entry.bytes}` }
  }
  if (sha256 !== entry.sha256) {
    const [now, then] = [sha256.slice(0, 12), entry.sha256.slice(0, 12)]
    return { ...found, state: 'hash', detail: `has SHA-256 ${now}..., downloaded was ${then}...` }
  }
  return { ...found, state: 'ok', detail: '' }
}

/**
 * Asks where a file came from what it has now, without its bytes.
 *
 * @throws source_unreachable, the signal's reason; a refusal is `unknown`
 */
export async function verifyRemote(
  entry: ManifestEntry | null,
  effects: DownloadEffects = {},
): Promise<RemoteState> {
  if (!entry?.url) return { state: 'unknown', detail: 'was not downloaded' }
  const { url } = entry
  const { signal, fetch = s3Fetch({}) } = effects
  const limits = { ...downloadLimits, ...effects.limits }
  const describe = (what: string): string => `${url} ${what}`
  try {
    const facts = await requestFacts({ url, limits, fetch, signal, describe })
    if (facts.total !== undefined && facts.total !== entry.bytes) {
      return { state: 'changed', detail: `has ${facts.total} bytes now` }
    }
    if (facts.etag !== undefined && entry.etag !== null) {
      if (facts.etag === entry.etag) return { state: 'same', detail: '' }
      return { state: 'changed', detail: `has the ETag ${facts.etag} now, it was ${entry.etag}` }
    }
    const detail = 'says no ETag, so that other bytes of this size cannot be told'
    return { state: 'unknown', detail }
  } catch (error) {
    if (!isRidecastError(error) || error.code === 'source_unreachable') throw error
    signal?.throwIfAborted()
    return { state: 'unknown', detail: error.message }
  }
}

/**
 * Writes what lies there into the manifests: the bytes of files that differ or are not listed; a
 * missing file is taken out. Damaged files are left as they are.
 *
 * @returns those that were written or taken out
 */
export async function acceptFiles(
  files: readonly Verified[],
  effects: DownloadEffects = {},
): Promise<Verified[]> {
  const accepted = files.filter(({ state }) => state !== 'ok' && state !== 'damaged')
  for (const folder of new Set(accepted.map(({ path }) => dirname(path)))) {
    const own = accepted.filter(({ path }) => dirname(path) === folder)
    await changeManifest(
      folder,
      (before) => {
        const after = { ...before }
        for (const file of own) {
          const name = basename(file.path)
          const entry = acceptedEntry(file, before[name] ?? null)
          if (entry) after[name] = entry
          else delete after[name]
        }
        return after
      },
      effects,
    )
  }
  return accepted
}

/** What the server said of other bytes does not hold for these. */
function acceptedEntry(
  { bytes, sha256 }: Verified,
  before: ManifestEntry | null,
): ManifestEntry | undefined {
  if (bytes === null || sha256 === null) return undefined
  const url = before?.url ?? null
  return { url, bytes, sha256, etag: null, last_modified: null, downloaded_at: null }
}
