/** Small versions to export, made of documents written by hand; the registry is a temporary folder. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Documents } from '../../src/artifact.ts'
import { writeVersion } from '../../src/artifact.ts'
import { type LoadedModel, loadedModel } from '../../src/loaded-model.ts'

/** A version as the registry has it. */
export interface Kept {
  readonly loaded: LoadedModel
  /** The folder of the version. */
  readonly path: string
  remove(): Promise<void>
}

/** Writes documents as a version and takes it as it is read from there. */
export async function keep(documents: Documents, name = 'green-duration'): Promise<Kept> {
  const folder = await mkdtemp(join(tmpdir(), 'ridecast-export-'))
  const { version, path } = await writeVersion(folder, documents)
  return {
    loaded: loadedModel(name, version, documents),
    path,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The same documents with a recipe's and a file's texts replaced, in model and lineage alike. */
export function withTexts(documents: Documents, description: string, file: string): Documents {
  const model = documents.model as { recipe: object }
  const lineage = documents.lineage as { recipe: object; train: readonly object[] }
  const recipe = { ...model.recipe, description }
  return {
    ...documents,
    model: { ...model, recipe },
    lineage: { ...lineage, recipe, train: lineage.train.map((one) => ({ ...one, file })) },
  }
}
