/**
 * Where things lie in the folder of a registry, and how a reference finds them there. Reads names
 * and aliases only. Knows nothing about what is in a version.
 */

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { latestEntry } from './alias-log.ts'
import { isVersion } from './artifact.ts'
import { RidecastError } from './errors.ts'
import {
  championAlias,
  checkName,
  isName,
  isPath,
  isVersionStart,
  notFound,
  notOneVersion,
  parseReference,
} from './model-reference.ts'
import type { ResolvedVersion } from './registry.ts'
import { codeOf } from './staging.ts'

/** A registry's folder, as far as finding things in it goes. */
export interface RegistryFolders {
  /** Folder of a model. */
  modelFolder(name: string): string
  /** Folder of a version, which need not be there. */
  versionFolder(name: string, version: string): string
  /** Folder of an alias' log. */
  aliasFolder(name: string, alias: string): string
  /** Names of models, sorted. */
  names(): Promise<string[]>
  /** Versions of a model, sorted; empty when it is not there. */
  versions(name: string): Promise<string[]>
  /** Versions of a model that has any, else model_not_found. */
  requireModel(name: string): Promise<string[]>
  /** The version that an alias points to, else model_not_found. */
  pointed(name: string, alias: string): Promise<string>
  /** The one version of a model that begins so, else model_not_found or usage_invalid. */
  byStart(name: string, start: string): Promise<string>
  /** What a reference means, see `Registry.resolve`. */
  resolve(reference: string): Promise<ResolvedVersion>
}

/**
 * The folders of a registry.
 *
 * @param root its path, absolute
 * @param cwd the folder that relative paths of versions start from
 */
export function registryFolders(root: string, cwd: () => string): RegistryFolders {
  const modelFolder = (name: string): string => join(root, name)
  const versionFolder = (name: string, version: string): string => join(root, name, version)
  const aliasFolder = (name: string, alias: string): string => join(root, name, 'aliases', alias)
  const names = async (): Promise<string[]> => (await folders(root)).filter(isName)
  const versions = async (name: string): Promise<string[]> =>
    (await folders(modelFolder(name))).filter(isVersion)

  async function requireModel(name: string): Promise<string[]> {
    checkName('model', name)
    const found = await versions(name)
    if (found.length > 0) return found
    throw notFound(root, name, `model ${name}`, await names())
  }

  async function pointed(name: string, alias: string): Promise<string> {
    checkName('alias', alias)
    const known = await requireModel(name)
    const entry = await latestEntry(aliasFolder(name, alias))
    if (entry?.version) return entry.version
    const others = Object.keys(await targets(modelFolder(name))).map((other) => `${name}@${other}`)
    const all = [...others, ...known.map((version) => `${name}/${version}`)]
    throw notFound(root, `${name}@${alias}`, `alias ${alias} of model ${name}`, all)
  }

  async function byStart(name: string, start: string): Promise<string> {
    const known = await requireModel(name)
    const hits = isVersionStart(start) ? known.filter((v) => v.startsWith(start)) : []
    const [hit] = hits
    if (hit !== undefined && hits.length === 1) return hit
    if (hits.length > 1) throw notOneVersion(name, start, hits)
    const all = known.map((version) => `${name}/${version}`)
    throw notFound(root, `${name}/${start}`, `version ${start} of model ${name}`, all)
  }

  async function resolveVersion(reference: string): Promise<ResolvedVersion> {
    if (isPath(reference)) {
      const path = resolve(cwd(), reference)
      const version = { name: basename(dirname(path)), version: basename(path), path }
      if (isVersion(version.version) && (await isFolder(path))) return version
      throw new RidecastError(
        'model_not_found',
        `path ${path} is not a model version: expected a folder called by 12 hexadecimal digits; ` +
          'ridecast models list shows all',
      )
    }
    const { name, version: start, alias = championAlias } = parseReference(reference)
    if (start !== undefined) {
      const version = await byStart(name, start)
      return { name, version, path: versionFolder(name, version) }
    }
    const version = await pointed(name, alias)
    const path = versionFolder(name, version)
    if (await isFolder(path)) return { name, version, path, alias }
    throw new RidecastError(
      'artifact_missing',
      `alias ${name}@${alias} points to ${version}, which is not in ${modelFolder(name)}: restore ` +
        `it from a copy, or see ridecast models list and promote another`,
    )
  }

  return {
    modelFolder,
    versionFolder,
    aliasFolder,
    names,
    versions,
    requireModel,
    pointed,
    byStart,
    resolve: resolveVersion,
  }
}

/** The aliases that a model has or had, sorted; one that never pointed anywhere may be among them. */
export async function aliasesIn(modelFolder: string): Promise<string[]> {
  return (await folders(join(modelFolder, 'aliases'))).filter(isName)
}

/** The version that each alias of a model points to, by alias. */
export async function targets(modelFolder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const alias of await aliasesIn(modelFolder)) {
    const entry = await latestEntry(join(modelFolder, 'aliases', alias))
    if (entry?.version) found[alias] = entry.version
  }
  return found
}

async function folders(path: string): Promise<string[]> {
  try {
    const found = await readdir(path, { withFileTypes: true })
    return found.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return []
    throw error
  }
}

/** True for a folder that is there. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}
