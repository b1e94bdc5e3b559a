/**
 * The documents of a version as files of something that is handed on: the same bytes that stand in
 * the registry, so that ridecast can take the version back and verify it. Knows nothing about the
 * formats that carry them.
 */

import { createHash } from 'node:crypto'
import { artifactFormat, checksumFile, versionTexts } from '../artifact.ts'
import { RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { ModelFile } from '../model-file.ts'

/** The folder of the documents inside an export. */
export const versionFolder = 'ridecast'

/** SHA-256 of bytes or of text in UTF-8, hexadecimal. */
export const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')

/** The four documents and their checksums; paths start with {@link versionFolder}. */
export interface VersionFiles {
  readonly files: readonly ModelFile[]
  /** SHA-256 of `lineage.json`: what the version was made from. */
  readonly lineageSha256: string
}

/**
 * The files of a version, equal to those in the registry to the byte.
 *
 * @throws artifact_corrupt when the documents are not those that the version is named after
 */
export function versionFiles({ name, version, documents }: LoadedModel): VersionFiles {
  const { version: found, texts, sums } = versionTexts(documents)
  if (found !== version) {
    throw new RidecastError(
      'artifact_corrupt',
      `documents of ${name}/${version} are those of version ${found} in format ${artifactFormat}: ` +
        'load the version from its registry again',
    )
  }
  const all = [...texts, [checksumFile, sums] as const]
  return {
    files: all.map(([file, text]) => textFile(`${versionFolder}/${file}`, text)),
    lineageSha256: sha256(texts.find(([file]) => file === 'lineage.json')?.[1] ?? ''),
  }
}

/** A file of text, in UTF-8. */
export function textFile(path: string, text: string): ModelFile {
  return { path, content: Buffer.from(text) }
}
