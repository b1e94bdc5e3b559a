/**
 * The registry: models by name, their versions, and aliases such as `champion`, in a folder of
 * plain files. Knows nothing about what a model computes.
 */

import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { distance } from 'fastest-levenshtein'
import { type AliasEntry, changeAlias, readAlias } from './alias-log.ts'
import {
  type Artifact,
  type Documents,
  isVersion,
  readVersion,
  temporaryPrefix,
  writeVersion,
} from './artifact.ts'
import { RidecastError } from './errors.ts'

/** The alias that predict and serve take unless told otherwise. */
export const championAlias = 'champion'

/** A version in a list. */
export interface VersionSummary {
  readonly version: string
  /** Its folder. */
  readonly path: string
  /** When it was written here. */
  readonly created: Date
  /** Aliases that point to it. */
  readonly aliases: readonly string[]
}

/** A model in a list; versions newest first. */
export interface ModelSummary {
  readonly name: string
  readonly versions: readonly VersionSummary[]
}

/** A version with the name of its model. */
export interface NamedArtifact extends Artifact {
  readonly name: string
}

/** A change of an alias. */
export interface AliasChange extends AliasEntry {
  /** False when the alias already said so, or another was first. */
  readonly changed: boolean
}

/** Models, versions and aliases in one folder. */
export interface Registry {
  /** Saves a version; the same documents again give the same version, and `created` false. */
  save(
    name: string,
    documents: Documents,
  ): Promise<{ version: string; path: string; created: boolean }>
  /** All models by name. */
  list(): Promise<ModelSummary[]>
  /**
   * The folder that a reference means: `name` (its champion), `name@alias`, `name/version` (at least
   * 4 digits of it), the same behind `models:/`, or the path of a version's folder.
   *
   * @throws model_not_found, model_name_invalid
   */
  resolve(reference: string): Promise<{ name: string; version: string; path: string }>
  /**
   * Reads and verifies what a reference means.
   *
   * @throws what `resolve` and {@link readVersion} throw
   */
  load(reference: string): Promise<NamedArtifact>
  /** The changes of an alias, oldest first. */
  history(name: string, alias?: string): Promise<AliasEntry[]>
  /** Points an alias to a version that is there and whole. */
  promote(
    name: string,
    version: string,
    options?: { alias?: string; reason?: string },
  ): Promise<AliasChange>
  /** Points an alias to a version unless it points somewhere: of two processes one wins. */
  setAliasIfAbsent(
    name: string,
    alias: string,
    version: string,
    options?: { reason?: string },
  ): Promise<AliasChange>
  /**
   * Points an alias back to where it pointed before its last promotion; again goes further back.
   *
   * @throws rollback_impossible
   */
  rollback(name: string, options?: { alias?: string; reason?: string }): Promise<AliasChange>
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/
const hour = 60 * 60 * 1000

function checkName(what: 'model' | 'alias', name: string): void {
  if (namePattern.test(name) && name !== 'aliases' && !isVersion(name)) return
  throw new RidecastError(
    'model_name_invalid',
    `${what} name ${JSON.stringify(name)} is not allowed: expected a lower-case letter or digit, then letters, digits, ".", "_" or "-", at most 64, such as green-duration`,
  )
}

/**
 * The registry in a folder, which need not be there yet.
 *
 * @param folder path of the registry, such as `models`
 * @param now the clock that dates changes of aliases
 */
export function openRegistry(folder: string, now: () => Date = () => new Date()): Registry {
  const root = resolve(folder)
  const modelFolder = (name: string): string => join(root, name)
  const aliasFolder = (name: string, alias: string): string => join(root, name, 'aliases', alias)

  async function folders(path: string): Promise<string[]> {
    const found = await readdir(path, { withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
        throw error
      },
    )
    return found.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort()
  }

  const names = async (): Promise<string[]> =>
    (await folders(root)).filter((name) => namePattern.test(name))
  const versions = async (name: string): Promise<string[]> =>
    (await folders(modelFolder(name))).filter(isVersion)

  async function notFound(
    wanted: string,
    what: string,
    known: readonly string[],
  ): Promise<RidecastError> {
    const near = [...known].sort((a, b) => distance(a, wanted) - distance(b, wanted)).slice(0, 5)
    const hint =
      near.length > 0
        ? `found ${near.join(', ')}; ridecast models list shows all`
        : `the registry ${root} has none yet: train one, such as ridecast train 2021-01`
    return new RidecastError('model_not_found', `${what} is not there: ${hint}`)
  }

  async function requireModel(name: string): Promise<string[]> {
    checkName('model', name)
    const found = await versions(name)
    if (found.length > 0) return found
    throw await notFound(name, `model ${name}`, await names())
  }

  async function pointed(name: string, alias: string): Promise<string> {
    checkName('alias', alias)
    await requireModel(name)
    const entry = (await readAlias(aliasFolder(name, alias))).at(-1)
    if (entry) return entry.version
    const known = (await folders(join(modelFolder(name), 'aliases'))).map((a) => `${name}@${a}`)
    throw await notFound(
      `${name}@${alias}`,
      `model ${name} has no alias ${alias}, and so ${name}@${alias}`,
      [...known, ...(await versions(name)).map((version) => `${name}/${version}`)],
    )
  }

  async function byPrefix(name: string, prefix: string): Promise<string> {
    const known = await requireModel(name)
    const hits = /^[0-9a-f]{4,12}$/.test(prefix) ? known.filter((v) => v.startsWith(prefix)) : []
    if (hits.length === 1) return hits[0] as string
    const what =
      hits.length > 1
        ? `version ${prefix} of ${name} is not one version, and so the one you mean`
        : `version ${prefix} of model ${name}`
    throw await notFound(
      `${name}/${prefix}`,
      what,
      known.map((version) => `${name}/${version}`),
    )
  }

  async function resolveReference(reference: string): ReturnType<Registry['resolve']> {
    const text = reference.replace(/^models:\//, '')
    const asPath = resolve(reference)
    if (
      isVersion(basename(asPath)) &&
      text === reference &&
      !/^[^/\\]+\/[^/\\]+$/.test(text) &&
      existsSync(asPath)
    ) {
      return { name: basename(dirname(asPath)), version: basename(asPath), path: asPath }
    }
    const [, name = '', separator, rest = ''] = /^([^@/]*)(?:([@/])(.*))?$/.exec(text) ?? []
    if (name === '' || /[@/\\]/.test(rest)) {
      throw new RidecastError(
        'model_not_found',
        `model reference "${reference}" is not one: expected name, name@alias, name/version or the path of a version's folder`,
      )
    }
    const version =
      separator === '/' ? await byPrefix(name, rest) : await pointed(name, rest || championAlias)
    return { name, version, path: join(modelFolder(name), version) }
  }

  async function load(reference: string): Promise<NamedArtifact> {
    const { name, path } = await resolveReference(reference)
    return { name, ...(await readVersion(path)) }
  }

  async function change(
    name: string,
    alias: string,
    decide: Parameters<typeof changeAlias>[1],
  ): Promise<AliasChange> {
    const { entry, changed } = await changeAlias(aliasFolder(name, alias), decide, now)
    return { ...(entry as AliasEntry), changed }
  }

  /** What a killed writer left behind goes after an hour. */
  async function sweep(name: string): Promise<void> {
    for (const left of await folders(modelFolder(name))) {
      if (!left.startsWith(temporaryPrefix)) continue
      const path = join(modelFolder(name), left)
      const found = await stat(path).catch(() => undefined)
      if (found && now().getTime() - found.mtimeMs > hour) {
        await rm(path, { recursive: true, force: true })
      }
    }
  }

  return {
    async save(name, documents) {
      checkName('model', name)
      await sweep(name)
      return writeVersion(modelFolder(name), documents)
    },
    async list() {
      const models: ModelSummary[] = []
      for (const name of await names()) {
        const aliases = await folders(join(modelFolder(name), 'aliases'))
        const targets = new Map<string, string>()
        for (const alias of aliases) {
          const entry = (await readAlias(aliasFolder(name, alias))).at(-1)
          if (entry) targets.set(alias, entry.version)
        }
        const found: VersionSummary[] = []
        for (const version of await versions(name)) {
          const path = join(modelFolder(name), version)
          const created = (await stat(path)).mtime
          const own = aliases.filter((alias) => targets.get(alias) === version)
          found.push({ version, path, created, aliases: own })
        }
        found.sort((a, b) => b.created.getTime() - a.created.getTime())
        if (found.length > 0) models.push({ name, versions: found })
      }
      return models
    },
    resolve: resolveReference,
    load,
    async history(name, alias = championAlias) {
      await requireModel(name)
      return readAlias(aliasFolder(name, alias))
    },
    async promote(name, wanted, { alias = championAlias, reason = '' } = {}) {
      checkName('alias', alias)
      const { version } = await load(`${name}/${wanted}`)
      return change(name, alias, (entries) => {
        return entries.at(-1)?.version === version
          ? undefined
          : { version, kind: 'promote', reason }
      })
    },
    async setAliasIfAbsent(name, alias, version, { reason = '' } = {}) {
      checkName('alias', alias)
      return change(name, alias, (entries) => {
        return entries.length > 0 ? undefined : { version, kind: 'first', reason }
      })
    },
    async rollback(name, { alias = championAlias, reason = '' } = {}) {
      const current = await pointed(name, alias)
      const before = earlier(await readAlias(aliasFolder(name, alias)))
      if (before === undefined) {
        throw new RidecastError(
          'rollback_impossible',
          `${name}@${alias} has no earlier version to go back to: it has only pointed to ${current}; ridecast models promote ${name}/<version> sets another`,
        )
      }
      await readVersion(join(modelFolder(name), before))
      return change(name, alias, (entries) => {
        const version = earlier(entries)
        return version === undefined ? undefined : { version, kind: 'rollback', reason }
      })
    },
  }
}

/** Where an alias pointed before its last promotion that was not rolled back. */
function earlier(entries: readonly AliasEntry[]): string | undefined {
  const path: string[] = []
  for (const { kind, version } of entries) {
    if (kind === 'rollback') path.pop()
    else path.push(version)
  }
  return path.at(-2)
}
