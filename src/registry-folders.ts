/**
 * Where things lie in the folder of a registry, and how a reference finds them there. Reads names
 * and aliases only. Knows nothing about what is in a version.
 */

import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { latestEntry } from './alias-log.ts'
import { isVersion } from './artifact.ts'
import { RidecastError } from './errors.ts'
import { checkName, isName, isPath, notFound, parseReference } from './model-reference.ts'
import { codeOf } from './staging.ts'

/** The alias that predict and serve take unless told otherwise. */
export const championAlias = 'champion'

/** What a reference means. */
export interface ResolvedVersion {
  /** Name of the model. */
  readonly name: string
  readonly version: string
  /** Folder of the version. */
  readonly path: string
  /** The alias that led there; undefined when the version was named. */
  readonly alias?: string
}

/** A registry's folder, as far as finding things in it goes. */
export interface RegistryFolders {
  /** Folder of a model. */
  modelFolder(name: string): string
  /** Folder of an alias' log. */
  aliasFolder(name: string, alias: string): string
  /** Names of models, sorted. */
  names(): Promise<string[]>
  /** Versions of a model, sorted; empty when it is not there. */
  versions(name: string): Promise<string[]>
  /** Aliases of a model, sorted; one that never pointed anywhere may be among them. */
  aliases(name: string): Promise<string[]>
  /** Versions of a model that has any, else model_not_found. */
  requireModel(name: string): Promise<string[]>
  /** The version that an alias points to, else model_not_found. */
  pointed(name: string, alias: string): Promise<string>
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
  const aliasFolder = (name: string, alias: string): string => join(root, name, 'aliases', alias)
  const names = async (): Promise<string[]> => (await folders(root)).filter(isName)
  const versions = async (name: string): Promise<string[]> =>
    (await folders(modelFolder(name))).filter(isVersion)
  const aliases = async (name: string): Promise<string[]> =>
    (await folders(join(modelFolder(name), 'aliases'))).filter(isName)

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
    if (entry) return entry.version
    const others = (await aliases(name)).map((other) => `${name}@${other}`)
    const all = [...others, ...known.map((version) => `${name}/${version}`)]
    throw notFound(root, `${name}@${alias}`, `alias ${alias} of model ${name}`, all)
  }

  async function byPrefix(name: string, prefix: string): Promise<string> {
    const known = await requireModel(name)
    const hits = /^[0-9a-f]{4,12}$/.test(prefix) ? known.filter((v) => v.startsWith(prefix)) : []
    const [hit] = hits
    if (hit !== undefined && hits.length === 1) return hit
    if (hits.length > 1) {
      throw new RidecastError(
        'usage_invalid',
        `version ${prefix} of ${name} is not one version: expected the start of one, found ` +
          `${hits.join(', ')}; give more of it`,
      )
    }
    const all = known.map((version) => `${name}/${version}`)
    const what = `version ${prefix} of model ${name}`
    throw notFound(root, `${name}/${prefix}`, what, all)
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
    const { name, version: prefix, alias = championAlias } = parseReference(reference)
    if (prefix !== undefined) {
      const version = await byPrefix(name, prefix)
      return { name, version, path: join(modelFolder(name), version) }
    }
    const version = await pointed(name, alias)
    const path = join(modelFolder(name), version)
    if (await isFolder(path)) return { name, version, path, alias }
    throw new RidecastError(
      'artifact_missing',
      `alias ${name}@${alias} points to ${version}, which is not in ${modelFolder(name)}: restore ` +
        `it from a copy, or see ridecast models list and promote another`,
    )
  }

  return {
    modelFolder,
    aliasFolder,
    names,
    versions,
    aliases,
    requireModel,
    pointed,
    resolve: resolveVersion,
  }
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

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}
