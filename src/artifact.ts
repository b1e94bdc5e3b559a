/**
 * A model version on disk: a folder of JSON documents with their checksums, written whole or not
 * at all, verified before anything of it is used. Never executes anything. Knows nothing about
 * what the documents mean, or about aliases.
 */

import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf, RidecastError } from './errors.ts'

/** The version of the format that is written and read. */
export const artifactFormat = 1

/** The documents of a version, in the order in which they are summed. */
export const documentNames = ['lineage', 'metrics', 'model', 'profile'] as const

/** The name of a document: `model` stands in `model.json`. */
export type DocumentName = (typeof documentNames)[number]

/** The documents of a version; their shapes are their owners' matter. */
export type Documents = Readonly<Record<DocumentName, unknown>>

/** A version that was read and verified. */
export interface Artifact {
  readonly version: string
  /** Its folder. */
  readonly path: string
  readonly documents: Documents
}

/** The file of checksums, as `sha256sum -c` reads it. */
export const checksumFile = 'SHA256SUMS'

/** No document is larger than this many bytes. */
const largestFile = 256 * 1024 * 1024

const sha256 = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex')

/** One key a line, so that a person and a diff can read it; long arrays stay on their line. */
function serialise(name: DocumentName, document: unknown): string {
  const check = (key: string, value: unknown): unknown => {
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      throw new RidecastError(
        'internal',
        `${name}.json cannot hold ${Object.is(value, -0) ? '-0' : value} at ${key}`,
      )
    }
    return value
  }
  const lines = Object.entries(document as object).map(([key, value]) => {
    return `  ${JSON.stringify(key)}: ${JSON.stringify(value, check)}`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}

/** The id of a version: 12 hexadecimal digits of the hash of its checksums. */
const versionOf = (sums: string): string => sha256(sums).slice(0, 12)

/** True for text that has the form of a version id. */
export const isVersion = (text: string): boolean => /^[0-9a-f]{12}$/.test(text)

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Flushes a folder's entries; a system that cannot open folders flushes them on its own. */
export async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined
  try {
    folder = await open(path, 'r')
    await folder.sync()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (!['EISDIR', 'EPERM', 'EINVAL', 'EACCES', 'ENOTSUP'].includes(code)) throw error
  } finally {
    await folder?.close()
  }
}

/** Prefix of folders that are being written. */
export const temporaryPrefix = '.tmp-'

/**
 * Writes a version into `<folder>/<version>`: files into a temporary folder, flushed, renamed. The
 * same documents give the same bytes and the same version anywhere.
 *
 * @param folder of the model; made when it is not there
 * @returns `created` false when that version is there already, and whole
 */
export async function writeVersion(
  folder: string,
  documents: Documents,
): Promise<{ version: string; path: string; created: boolean }> {
  const texts = documentNames.map(
    (name) => [`${name}.json`, serialise(name, documents[name])] as const,
  )
  const sums = texts.map(([file, text]) => `${sha256(text)}  ${file}\n`).join('')
  const version = versionOf(sums)
  const path = join(folder, version)
  const existing = await verified(path)
  if (existing === 'whole') return { version, path, created: false }
  await mkdir(folder, { recursive: true })
  const temporary = join(
    folder,
    `${temporaryPrefix}${process.pid}-${randomBytes(6).toString('hex')}`,
  )
  await mkdir(temporary)
  try {
    for (const [file, text] of texts) await writeSynced(join(temporary, file), text)
    await writeSynced(join(temporary, checksumFile), sums)
    await syncFolder(temporary)
    // A damaged version of the same name gives way: what is written here is what it was meant to be.
    if (existing === 'damaged') await rename(path, join(temporary, 'damaged'))
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    // Another process may have written the same version meanwhile.
    if ((await verified(path)) === 'whole') return { version, path, created: false }
    throw error
  }
  await rm(join(path, 'damaged'), { recursive: true, force: true })
  await syncFolder(folder)
  return { version, path, created: true }
}

async function verified(path: string): Promise<'absent' | 'whole' | 'damaged'> {
  try {
    await readVersion(path)
    return 'whole'
  } catch (error) {
    const there = await lstat(path).catch(() => undefined)
    if (!there) return 'absent'
    if (error instanceof RidecastError) return 'damaged'
    throw error
  }
}

async function readDocument(folder: string, file: string): Promise<string> {
  const path = join(folder, file)
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => error)
  if (found instanceof Error) {
    throw new RidecastError(
      'artifact_missing',
      `model version ${folder} lacks ${file} (${found.code}): train it again, or restore the folder`,
      { cause: found },
    )
  }
  if (!found.isFile() || found.size > largestFile) {
    const what = found.isFile() ? `${found.size} bytes` : 'something that is no plain file'
    throw new RidecastError(
      'artifact_corrupt',
      `${path} is not a document of a model: expected a file of at most ${largestFile} bytes, found ${what}`,
    )
  }
  return readFile(path, 'utf8')
}

function corrupt(path: string, why: string, cause?: unknown): RidecastError {
  return new RidecastError(
    'artifact_corrupt',
    `${path} ${why}: train it again, or restore the folder`,
    { cause },
  )
}

/**
 * Reads a version and verifies it: every file there, every checksum right, the folder's name that
 * of its content, the format one that is known.
 *
 * @param path the folder of the version
 * @throws artifact_missing, artifact_corrupt, artifact_format
 */
export async function readVersion(path: string): Promise<Artifact> {
  const sums = await readDocument(path, checksumFile)
  const version = versionOf(sums)
  const expected = new Map(
    sums.split('\n').flatMap((line) => {
      const match = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line)
      return match ? [[match[2], match[1]] as const] : []
    }),
  )
  const documents: Partial<Record<DocumentName, unknown>> = {}
  for (const name of documentNames) {
    const file = `${name}.json`
    const text = await readDocument(path, file)
    if (sha256(text) !== expected.get(file)) {
      throw corrupt(join(path, file), 'does not match its checksum')
    }
    try {
      documents[name] = JSON.parse(text)
    } catch (error) {
      throw corrupt(join(path, file), `is not JSON (${messageOf(error)})`, error)
    }
  }
  if (basename(path) !== version) {
    throw corrupt(path, `holds version ${version}, which its name does not say`)
  }
  for (const name of ['model', 'lineage'] as const) {
    const found = (documents[name] as { format_version?: unknown } | null)?.format_version
    if (found !== artifactFormat) {
      throw new RidecastError(
        'artifact_format',
        `${name}.json of ${path} has format version ${String(found)}, this ridecast reads ${artifactFormat}: use the ridecast that wrote it, or train again`,
      )
    }
  }
  return { version, path, documents: documents as Documents }
}
