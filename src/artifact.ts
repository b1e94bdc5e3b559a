/**
 * A model version on disk: a folder of JSON documents with their checksums, written whole or not
 * at all, verified before anything of it is used. Never executes anything. Knows nothing about
 * what the documents mean, or about aliases.
 */

import { createHash } from 'node:crypto'
import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf, RidecastError } from './errors.ts'
import { exactJson } from './exact-json.ts'
import { codeOf, makeFolder, syncFolder, temporaryPath, writeSynced } from './staging.ts'

/** The version of the format that is written and read. */
export const artifactFormat = 1

/** The documents of a version, in the order in which they are summed: that of `sha256sum *.json`. */
export const documentNames = ['lineage', 'metrics', 'model', 'profile'] as const

/** The name of a document: `model` stands in `model.json`. */
export type DocumentName = (typeof documentNames)[number]

/**
 * The documents of a version; their shapes are their owners' matter. Model and lineage say
 * `format_version` {@link artifactFormat}.
 */
export type Documents = Readonly<Record<DocumentName, unknown>>

/** A version that was read and verified. */
export interface Artifact {
  /** 12 hexadecimal digits, derived from the content. */
  readonly version: string
  /** Its folder. */
  readonly path: string
  readonly documents: Documents
}

/** A version that was written. */
export interface WrittenVersion extends Omit<Artifact, 'documents'> {
  /** False when that version was there already, and whole. */
  readonly created: boolean
}

/** The file of checksums, as `sha256sum -c` reads it. */
export const checksumFile = 'SHA256SUMS'

/** No document is larger than this many bytes. */
const largestDocument = 256 * 1024 * 1024
const largestChecksums = 4096

const versioned: readonly DocumentName[] = ['model', 'lineage']
// The documents that say their format first: of another format, nothing else is expected.
const readingOrder: readonly DocumentName[] = [...versioned, 'metrics', 'profile']

const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')

/** The id of a version: 12 hexadecimal digits of the hash of its checksums. */
const versionOf = (sums: string | Uint8Array): string => sha256(sums).slice(0, 12)

/** True for text that has the form of a version id. */
export const isVersion = (text: string): boolean => /^[0-9a-f]{12}$/.test(text)

/** A version as text: its id, its documents by file name, and their checksums. */
export interface VersionTexts {
  readonly version: string
  readonly texts: readonly (readonly [file: string, text: string])[]
  /** The content of {@link checksumFile}. */
  readonly sums: string
}

/**
 * The texts of a version; the same documents give the same anywhere.
 *
 * @throws internal when a document cannot be kept to the bit, or does not say its format
 */
export function versionTexts(documents: Documents): VersionTexts {
  const texts = documentNames.map(
    (name) => [`${name}.json`, textOf(name, documents[name])] as const,
  )
  const sums = texts.map(([file, text]) => `${sha256(text)}  ${file}\n`).join('')
  return { version: versionOf(sums), texts, sums }
}

/**
 * Writes a version into `<folder>/<version>`: files into a temporary folder, flushed, renamed. The
 * same documents give the same bytes and the same version anywhere; a damaged version of the same
 * id is replaced.
 *
 * @param folder of the model; made when it is not there
 * @param before called with the version when it is not there, before it is
 * @throws internal when a document cannot be kept to the bit, or does not say its format
 */
export async function writeVersion(
  folder: string,
  documents: Documents,
  before: (version: string) => Promise<void> = async () => {},
): Promise<WrittenVersion> {
  const { version, texts, sums } = versionTexts(documents)
  const path = join(folder, version)
  const kept = { version, path, created: false }
  const found = await stateOf(path)
  if (found === 'whole') {
    // Who wrote it may not have come to flush its name yet, and an alias may be next.
    await syncFolder(folder)
    return kept
  }
  await makeFolder(folder)
  if (found === 'absent') await before(version)
  const temporary = temporaryPath(folder)
  const aside = temporaryPath(folder)
  await mkdir(temporary)
  try {
    for (const [file, text] of texts) await writeSynced(join(temporary, file), text)
    await writeSynced(join(temporary, checksumFile), sums)
    await syncFolder(temporary)
    // What is damaged gives way: what is written here is what it was meant to be.
    if (found === 'damaged') await rename(path, aside)
    await rename(temporary, path)
  } catch (error) {
    if (found === 'damaged') await rename(aside, path).catch(() => {})
    // Another process may have been first with the same version: a folder that holds something
    // is never replaced by a rename.
    if ((await stateOf(path)) === 'whole') return kept
    throw error
  } finally {
    await rm(temporary, { recursive: true, force: true })
    await rm(aside, { recursive: true, force: true })
  }
  await syncFolder(folder)
  return { ...kept, created: true }
}

function textOf(name: DocumentName, document: unknown): string {
  if (typeof document !== 'object' || document === null) {
    throw new RidecastError('internal', `${name}.json must be an object, found ${typeof document}`)
  }
  const format = 'format_version' in document ? document.format_version : undefined
  if (versioned.includes(name) && format !== artifactFormat) {
    throw new RidecastError(
      'internal',
      `${name}.json must say format_version ${artifactFormat}, found ${String(format)}`,
    )
  }
  const text = exactJson(`${name}.json`, document)
  if (Buffer.byteLength(text) <= largestDocument) return text
  throw new RidecastError(
    'internal',
    `${name}.json has ${Buffer.byteLength(text)} bytes: expected at most ${largestDocument}`,
  )
}

/** Whether a version is there; one that another process gives its name meanwhile is looked at anew. */
async function stateOf(path: string): Promise<'absent' | 'whole' | 'damaged'> {
  const before = await lstat(path).catch(() => undefined)
  if (!before) return 'absent'
  try {
    await readVersion(path)
    return 'whole'
  } catch (error) {
    if (!(error instanceof RidecastError)) throw error
    const after = await lstat(path).catch(() => undefined)
    return after?.ino === before.ino ? 'damaged' : stateOf(path)
  }
}

/**
 * Reads a version and verifies it: every file there, every checksum right, the folder's name that
 * of its content, the format one that is known.
 *
 * @param path the folder of the version
 * @throws artifact_missing, artifact_corrupt, artifact_format
 */
export async function readVersion(path: string): Promise<Artifact> {
  const read: FileReader = (file, largest) => readPlainFile(path, file, largest)
  return { ...(await readVersionFrom(path, basename(path), read)), path }
}

/**
 * Gives the bytes of a file of a version.
 *
 * @param largest no more bytes than that
 * @throws artifact_missing when it is not there, artifact_corrupt when it is larger
 */
export type FileReader = (file: string, largest: number) => Promise<Uint8Array>

/**
 * Reads a version from wherever its files are, and verifies it as {@link readVersion} does.
 *
 * @param path where they are, for messages
 * @param expectedVersion the version that the place says it is
 * @throws artifact_missing, artifact_corrupt, artifact_format, what `read` throws
 */
export async function readVersionFrom(
  path: string,
  expectedVersion: string,
  read: FileReader,
): Promise<Omit<Artifact, 'path'>> {
  const sums = await read(checksumFile, largestChecksums)
  const version = versionOf(sums)
  if (expectedVersion !== version) {
    const said = `which is not ${expectedVersion} as its name says`
    throw corrupt(path, `holds ${version} by its ${checksumFile}, ${said}`)
  }
  const expected = parseSums(path, Buffer.from(sums).toString('utf8'))
  const documents: Partial<Record<DocumentName, unknown>> = {}
  for (const name of readingOrder) {
    const document = await readDocument(path, name, expected.get(`${name}.json`), read)
    if (versioned.includes(name)) checkFormat(path, name, document)
    documents[name] = document
  }
  if (expected.size !== documentNames.length) {
    throw corrupt(join(path, checksumFile), `names ${expected.size} files, expected 4`)
  }
  return { version, documents: documents as Documents }
}

function parseSums(path: string, sums: string): Map<string, string> {
  const expected = new Map<string, string>()
  for (const line of sums.split('\n').slice(0, -1)) {
    const [, sum, file] = /^([0-9a-f]{64}) [ *]([a-z0-9][a-z0-9._-]*)$/.exec(line) ?? []
    if (sum === undefined || file === undefined) {
      const found = JSON.stringify(line.slice(0, 100))
      throw corrupt(join(path, checksumFile), `has a line that is no checksum, ${found}`)
    }
    expected.set(file, sum)
  }
  return expected
}

async function readDocument(
  path: string,
  name: DocumentName,
  expected: string | undefined,
  read: FileReader,
): Promise<unknown> {
  const file = `${name}.json`
  const bytes = await read(file, largestDocument)
  if (sha256(bytes) !== expected) throw corrupt(join(path, file), 'does not match its checksum')
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    throw corrupt(join(path, file), `is not JSON (${messageOf(error)})`, error)
  }
}

function checkFormat(path: string, name: DocumentName, document: unknown): void {
  const found = (document as { format_version?: unknown } | null)?.format_version
  if (found === artifactFormat) return
  throw new RidecastError(
    'artifact_format',
    `${name}.json of ${path} has format_version ${JSON.stringify(found) ?? 'of none'}, ` +
      `this ridecast reads ${artifactFormat}: use the ridecast that wrote it, or train again`,
  )
}

/** The bytes of a file; a link is refused, because what it leads to is no part of the version. */
async function readPlainFile(folder: string, file: string, largest: number): Promise<Buffer> {
  const path = join(folder, file)
  try {
    const found = await lstat(path)
    if (found.isFile() && found.size <= largest) return await readFile(path)
    const what = found.isFile() ? `${found.size} bytes` : 'something else, such as a link'
    throw corrupt(path, `is not a plain file of at most ${largest} bytes, found ${what}`)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error
    throw new RidecastError(
      'artifact_missing',
      `model version ${folder} lacks ${file}: restore the folder from a copy, or train it again`,
      { cause: error },
    )
  }
}

function corrupt(path: string, why: string, cause?: unknown): RidecastError {
  return new RidecastError(
    'artifact_corrupt',
    `${path} ${why}: restore the folder from a copy, or train it again`,
    { cause },
  )
}
