/**
 * What was downloaded into a folder, in its `manifest.json`: by file name where it came from, its
 * size, hash and what the server knew it by. Files put there by hand are not in it until somebody
 * accepts them. Knows nothing about how files are fetched.
 */

import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../errors.ts'
import { codeOf, temporaryPath, writeSynced } from '../staging.ts'
import { type LockEffects, withLock } from './download-lock.ts'

const entrySchema = z.object({
  url: z.string().nullable(),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  etag: z.string().nullable(),
  last_modified: z.string().nullable(),
  downloaded_at: z.string().nullable(),
})

const manifestSchema = z.object({
  format: z.literal(1),
  files: z.record(z.string(), entrySchema),
})

/**
 * What is known of a file: the address it came from, without credentials and query; its bytes and
 * their SHA-256; ETag and Last-Modified as the server sent them; when it was downloaded (ISO 8601,
 * UTC). Address, server's words and time are null where there are none: the file was accepted as
 * it lay there.
 */
export type ManifestEntry = z.output<typeof entrySchema>

/** Entries by file name. */
export type Manifest = Readonly<Record<string, ManifestEntry>>

/** What reading and changing a manifest touches of the world. */
export interface ManifestEffects extends LockEffects {
  /** Told in a line when the manifest cannot be read. */
  readonly note?: (text: string) => void
}

/** The name of the manifest in its folder. */
export const manifestName = 'manifest.json'

/**
 * The manifest of a folder; empty where there is none, or where it cannot be read: then the note
 * says so.
 */
export async function readManifest(
  folder: string,
  effects: Pick<ManifestEffects, 'note'> = {},
): Promise<Manifest> {
  const { files, fault } = await parsed(join(folder, manifestName))
  if (fault) effects.note?.(`${join(folder, manifestName)} cannot be read: ${fault}`)
  return files
}

/**
 * Changes the manifest of a folder while no other process does. One that is damaged is set aside
 * first, under a name with the time.
 *
 * @param change from the entries that are there to those that are to be there
 * @throws source_busy, source_io when it cannot be locked; system errors when it cannot be written
 */
export async function changeManifest(
  folder: string,
  change: (files: Manifest) => Manifest,
  effects: ManifestEffects = {},
): Promise<void> {
  const path = join(folder, manifestName)
  const options = { purpose: `write ${path}`, staleMs: 10_000, busyMs: 30_000 }
  await withLock(`${path}.lock`, options, effects, async () => {
    const { files, fault } = await parsed(path)
    if (fault) {
      const time = (effects.now?.() ?? new Date()).toISOString().replace(/\W/g, '')
      const aside = `${path}.damaged-${time}`
      await rename(path, aside)
      effects.note?.(`${path} cannot be read: ${fault}; it is set aside as ${aside}`)
    }
    const changed = Object.entries(change(files)).sort(([a], [b]) => (a < b ? -1 : 1))
    const text = JSON.stringify({ format: 1, files: Object.fromEntries(changed) }, null, 2)
    await mkdir(folder, { recursive: true })
    const staged = temporaryPath(folder)
    await writeSynced(staged, `${text}\n`)
    await rename(staged, path)
  })
}

async function parsed(path: string): Promise<{ files: Manifest; fault?: string }> {
  try {
    const { files } = manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    return { files }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { files: {} }
    const fault = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
    return { files: {}, fault: fault.split('\n')[0] ?? '' }
  }
}
