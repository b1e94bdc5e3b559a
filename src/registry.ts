/**
 * The registry: models by name, their versions, and aliases such as `champion`, in a folder of
 * plain files. Knows nothing about what a model computes.
 */

import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  type AliasEntry,
  changeAlias,
  type Decide,
  type LogEffects,
  latestEntry,
  logEffects,
  readAlias,
} from './alias-log.ts'
import {
  type Artifact,
  type Documents,
  readVersion,
  type WrittenVersion,
  writeVersion,
} from './artifact.ts'
import { isRidecastError, RidecastError } from './errors.ts'
import { checkName } from './model-reference.ts'
import { championAlias, type ResolvedVersion, registryFolders } from './registry-folders.ts'
import { sweep, systemFault } from './staging.ts'

export { championAlias, type ResolvedVersion }

/** A version in a list. */
export interface VersionSummary {
  readonly version: string
  /** Its folder. */
  readonly path: string
  /** When its files were written. */
  readonly created: Date
  /** Aliases that point to it. */
  readonly aliases: readonly string[]
}

/** A model in a list; versions newest first. */
export interface ModelSummary {
  readonly name: string
  readonly versions: readonly VersionSummary[]
  /** The version that each alias points to, by alias; that version need not be there. */
  readonly aliases: Readonly<Record<string, string>>
}

/** A version with the name of its model. */
export interface NamedArtifact extends Artifact {
  readonly name: string
}

/** A change of an alias: the entry that holds now. */
export interface AliasChange extends AliasEntry {
  /** False when the alias already said so, or another was first. */
  readonly changed: boolean
}

/** Options of a change: the alias (default {@link championAlias}), and why (default empty). */
export interface ChangeOptions {
  readonly alias?: string
  readonly reason?: string
}

/** Models, versions and aliases in one folder. Every method may throw `model_io`. */
export interface Registry {
  /**
   * Saves a version; the same documents again give the same version, and `created` false.
   *
   * @throws model_name_invalid, internal
   */
  save(name: string, documents: Documents): Promise<WrittenVersion>
  /** All models by name, without verifying them. */
  list(): Promise<ModelSummary[]>
  /**
   * What a reference means: `name` (its champion), `name@alias`, `name/version` (at least 4 digits
   * of it), the same behind `models:/`, or the path of a version's folder (`./`, `/` or more than
   * one separator). The version is there, but not verified.
   *
   * @throws model_not_found, model_name_invalid, usage_invalid, artifact_missing
   */
  resolve(reference: string): Promise<ResolvedVersion>
  /**
   * Reads and verifies what a reference means.
   *
   * @throws what `resolve` and {@link readVersion} throw
   */
  load(reference: string): Promise<NamedArtifact>
  /** The changes of an alias (default {@link championAlias}), oldest first. */
  history(name: string, alias?: string): Promise<AliasEntry[]>
  /**
   * Points an alias to a version that is there and whole.
   *
   * @param version at least 4 digits of it
   * @throws model_not_found, usage_invalid, artifact_* codes, registry_busy
   */
  promote(name: string, version: string, options?: ChangeOptions): Promise<AliasChange>
  /** Points an alias to a version unless it points somewhere: of several processes one wins. */
  setAliasIfAbsent(
    name: string,
    alias: string,
    version: string,
    options?: Pick<ChangeOptions, 'reason'>,
  ): Promise<AliasChange>
  /**
   * Points an alias back to where it pointed before its last promotion; again goes further back.
   *
   * @throws rollback_impossible, model_not_found, artifact_* codes, registry_busy
   */
  rollback(name: string, options?: ChangeOptions): Promise<AliasChange>
}

/** What a registry asks of the world. */
export interface RegistryEffects extends LogEffects {
  /** The folder that relative paths of versions start from. */
  cwd(): string
}

/** The real clock, file system and working folder. */
export const registryEffects: RegistryEffects = { ...logEffects, cwd: () => process.cwd() }

/**
 * The registry in a folder, which need not be there yet.
 *
 * @param folder path of the registry, such as `models`
 */
export function openRegistry(folder: string, effects: RegistryEffects = registryEffects): Registry {
  const root = resolve(effects.cwd(), folder)
  const found = registryFolders(root, effects.cwd)
  const { modelFolder, aliasFolder } = found

  async function load(reference: string): Promise<NamedArtifact> {
    const { name, path, version, alias } = await found.resolve(reference)
    try {
      return { name, ...(await readVersion(path)) }
    } catch (error) {
      if (alias === undefined || !isRidecastError(error)) throw error
      throw new RidecastError(
        error.code,
        `alias ${name}@${alias} points to ${version}, which cannot be used: ${error.message}`,
        { cause: error },
      )
    }
  }

  async function change(name: string, alias: string, decide: Decide): Promise<AliasChange> {
    const { entry, changed } = await changeAlias(aliasFolder(name, alias), decide, effects)
    if (entry) return { ...entry, changed }
    throw new RidecastError('internal', `alias ${name}@${alias} has no entry after a change`)
  }

  async function promote(
    name: string,
    wanted: string,
    { alias = championAlias, reason = '' }: ChangeOptions = {},
  ): Promise<AliasChange> {
    checkName('model', name)
    checkName('alias', alias)
    const { version } = await load(`models:/${name}/${wanted}`)
    return change(name, alias, async (entries) => {
      if (entries.at(-1)?.version === version) return undefined
      return { version, kind: entries.length > 0 ? 'promote' : 'first', reason }
    })
  }

  async function rollback(
    name: string,
    { alias = championAlias, reason = '' }: ChangeOptions = {},
  ): Promise<AliasChange> {
    const current = await found.pointed(name, alias)
    return change(name, alias, async (entries) => {
      const version = earlier(entries)
      if (version !== undefined) {
        await load(`models:/${name}/${version}`)
        return { version, kind: 'rollback', reason }
      }
      throw new RidecastError(
        'rollback_impossible',
        `${name}@${alias} has no earlier version to go back to than ${current}: ` +
          `ridecast models promote ${name}/<version> sets another`,
      )
    })
  }

  async function summaryOf(name: string): Promise<ModelSummary> {
    const targets: Record<string, string> = {}
    for (const alias of await found.aliases(name)) {
      const entry = await latestEntry(aliasFolder(name, alias))
      if (entry) targets[alias] = entry.version
    }
    const summaries: VersionSummary[] = []
    for (const version of await found.versions(name)) {
      const path = join(modelFolder(name), version)
      const written = await stat(path).catch(() => undefined)
      const own = Object.keys(targets).filter((alias) => targets[alias] === version)
      if (written) summaries.push({ version, path, created: written.mtime, aliases: own })
    }
    summaries.sort((a, b) => b.created.getTime() - a.created.getTime())
    return { name, versions: summaries, aliases: targets }
  }

  return guarded(root, {
    async save(name, documents) {
      checkName('model', name)
      await sweep(modelFolder(name), effects.now().getTime())
      return writeVersion(modelFolder(name), documents)
    },
    async list() {
      const models: ModelSummary[] = []
      for (const name of await found.names()) models.push(await summaryOf(name))
      return models.filter((model) => {
        return model.versions.length > 0 || Object.keys(model.aliases).length > 0
      })
    },
    resolve: found.resolve,
    load,
    async history(name, alias = championAlias) {
      checkName('alias', alias)
      await found.requireModel(name)
      return readAlias(aliasFolder(name, alias))
    },
    promote,
    async setAliasIfAbsent(name, alias, wanted, { reason = '' } = {}) {
      checkName('model', name)
      checkName('alias', alias)
      const { version } = await load(`models:/${name}/${wanted}`)
      return change(name, alias, async (entries) => {
        return entries.length > 0 ? undefined : { version, kind: 'first', reason }
      })
    },
    rollback,
  })
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

/** The same registry, whose methods say `model_io` where the system refuses something. */
function guarded(root: string, registry: Registry): Registry {
  const guard = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      try {
        return await work(...args)
      } catch (error) {
        throw systemFault(error, root)
      }
    }
  }
  return {
    save: guard(registry.save),
    list: guard(registry.list),
    resolve: guard(registry.resolve),
    load: guard(registry.load),
    history: guard(registry.history),
    promote: guard(registry.promote),
    setAliasIfAbsent: guard(registry.setAliasIfAbsent),
    rollback: guard(registry.rollback),
  }
}
