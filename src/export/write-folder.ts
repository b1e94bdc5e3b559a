/**
 * Puts an export in its place, whole or not at all: written under a temporary name beside it,
 * flushed, renamed. Nothing that is there is replaced unasked, and never what no export has
 * written. Knows nothing about what the files mean.
 */

import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RidecastError } from '../errors.ts'
import type { ModelFile } from '../model-file.ts'
import {
  codeOf,
  makeFolder,
  syncFolder,
  systemFault,
  temporaryPath,
  writeSynced,
} from '../staging.ts'

/** How an export is put in its place. */
export interface PlaceOptions {
  /** Replace an earlier export of the same kind; default false. */
  readonly force?: boolean | undefined
}

/**
 * Writes a folder of files.
 *
 * @param path absolute; the folders above it are made
 * @param files paths inside the folder with `/` between folders
 * @throws usage_invalid when something is there and may not be replaced, model_io
 */
export async function writeFolder(
  path: string,
  files: readonly ModelFile[],
  { force = false }: PlaceOptions = {},
): Promise<void> {
  const own = new Set(files.map((file) => file.path.split('/')[0]))
  await place(path, force, {
    async refusal(found) {
      if (!found.isDirectory()) return 'is no folder'
      const foreign = (await readdir(path)).filter((name) => !own.has(name))
      return foreign.length > 0
        ? `holds ${JSON.stringify(foreign[0])}, which no such export wrote`
        : undefined
    },
    async write(temporary) {
      const folders = new Set(files.map((file) => dirname(join(temporary, file.path))))
      for (const folder of [...folders].sort()) await mkdir(folder, { recursive: true })
      for (const { path: inside, content } of files)
        await writeSynced(join(temporary, inside), content)
      for (const folder of [...folders].sort().reverse()) await syncFolder(folder)
    },
  })
}

/**
 * Writes one file.
 *
 * @param path absolute; the folders above it are made
 * @throws usage_invalid when something is there and may not be replaced, model_io
 */
export async function writeFileWhole(
  path: string,
  content: Uint8Array,
  { force = false }: PlaceOptions = {},
): Promise<void> {
  await place(path, force, {
    refusal: async (found) => (found.isFile() ? undefined : 'is no file'),
    write: (temporary) => writeSynced(temporary, content),
  })
}

type Found = Awaited<ReturnType<typeof lstat>>

interface Placing {
  /** Why what is there is not replaced even when asked to. */
  refusal(found: Found): Promise<string | undefined>
  write(temporary: string): Promise<void>
}

async function place(path: string, force: boolean, { refusal, write }: Placing): Promise<void> {
  const folder = dirname(path)
  try {
    const found = await lstat(path).catch((error) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (found) await checkReplaceable(path, force, () => refusal(found))
    await makeFolder(folder)
    const temporary = temporaryPath(folder)
    const aside = temporaryPath(folder)
    try {
      await write(temporary)
      // A folder that holds something is never replaced by a rename; a file is, at once.
      if (found?.isDirectory()) await rename(path, aside)
      try {
        await rename(temporary, path)
      } catch (error) {
        if (found?.isDirectory()) await rename(aside, path)
        throw error
      }
    } finally {
      await rm(temporary, { recursive: true, force: true })
      await rm(aside, { recursive: true, force: true })
    }
    await syncFolder(folder)
  } catch (error) {
    throw systemFault(error, folder)
  }
}

async function checkReplaceable(
  path: string,
  force: boolean,
  refusal: () => Promise<string | undefined>,
): Promise<void> {
  if (!force) {
    throw new RidecastError(
      'usage_invalid',
      `${path} is there already: give another --out, or --force to replace it`,
    )
  }
  const why = await refusal()
  if (why === undefined) return
  throw new RidecastError(
    'usage_invalid',
    `${path} ${why}: it is not replaced, give another --out or remove it first`,
  )
}
