/**
 * The registry in a folder of plain files; models/README.md says what each of them is. Knows
 * nothing about servers, or about what a model computes.
 */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  changeAlias,
  type Decide,
  damagedEntry,
  type LogEffects,
  latestEntry,
  logEffects,
  readAlias,
} from './alias-log.ts'
import { readVersion, writeVersion } from './artifact.ts'
import { RidecastError } from './errors.ts'
import { championAlias, checkName, isPath, notFound, parseReference } from './model-reference.ts'
import type {
  AliasChange,
  AliasFault,
  ChangeOptions,
  ModelSummary,
  NamedArtifact,
  Registry,
  VersionSummary,
} from './registry.ts'
import {
  aliasHeld,
  blamingAlias,
  earlierVersion,
  firstSetting,
  nameTaken,
  promotion,
  removal,
} from './registry-changes.ts'
import { aliasesIn, isFolder, registryFolders, targets } from './registry-folders.ts'
import {
  notesFolder,
  readNotes,
  removeTag,
  sweepNotes,
  writeDescription,
  writeTags,
} from './registry-note-files.ts'
import { checkDescription, checkTagOwner, checkTags, filtered } from './registry-notes.ts'
import { removeFolder, renameFolder } from './registry-removal.ts'
import { sweep, systemFault } from './staging.ts'

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
  const { modelFolder, versionFolder, aliasFolder } = found

  async function load(reference: string): Promise<NamedArtifact> {
    const resolved = await found.resolve(reference)
    try {
      return { name: resolved.name, ...(await readVersion(resolved.path)) }
    } catch (error) {
      throw blamingAlias(error, resolved)
    }
  }

  /** Points an alias to a version, and takes that back when the version was deleted meanwhile. */
  async function point(name: string, alias: string, decide: Decide): Promise<AliasChange> {
    const log = aliasFolder(name, alias)
    const { entry, changed } = await changeAlias(log, decide, effects)
    if (!entry || entry.version === null) {
      throw new RidecastError('internal', `alias ${name}@${alias} points nowhere after a change`)
    }
    const { version, previous, sequence } = entry
    if (!changed || (await isFolder(versionFolder(name, version)))) {
      return { ...entry, version, changed }
    }
    await changeAlias(
      log,
      async (entries) => {
        if (entries.at(-1)?.sequence !== sequence) return undefined
        const kind = previous === null ? 'delete' : 'rollback'
        return { version: previous, kind, reason: `${version} was deleted meanwhile` }
      },
      effects,
    )
    throw notFound(root, `${name}/${version}`, `version ${version} of model ${name}`, [])
  }

  async function promote(
    name: string,
    wanted: string,
    { alias = championAlias, reason = '' }: ChangeOptions = {},
  ): Promise<AliasChange> {
    checkName('model', name)
    checkName('alias', alias)
    const { version } = await load(`models:/${name}/${wanted}`)
    return point(name, alias, async (entries) => promotion(entries, version, reason))
  }

  async function rollback(
    name: string,
    { alias = championAlias, reason = '' }: ChangeOptions = {},
  ): Promise<AliasChange> {
    await found.pointed(name, alias)
    return point(name, alias, async (entries) => {
      const version = earlierVersion(`${name}@${alias}`, entries)
      await load(`models:/${name}/${version}`)
      return { version, kind: 'rollback', reason }
    })
  }

  async function summaryOf(name: string): Promise<ModelSummary> {
    const folder = modelFolder(name)
    const aliases = await targets(folder)
    const versions: VersionSummary[] = []
    for (const version of await found.versions(name)) {
      const path = versionFolder(name, version)
      const created = (await stat(path).catch(() => undefined))?.mtime
      const own = Object.keys(aliases).filter((alias) => aliases[alias] === version)
      const notes = await readNotes(notesFolder(folder, version))
      const place = { number: null, path, facts: {} }
      if (created) versions.push({ version, ...place, created, aliases: own, ...notes })
    }
    versions.sort((a, b) => b.created.getTime() - a.created.getTime())
    return { name, versions, aliases, ...(await readNotes(notesFolder(folder))) }
  }

  /** The folder of the notes of what a reference means: a bare name is the model itself. */
  async function noted(reference: string): Promise<string> {
    if (isPath(reference)) {
      throw new RidecastError(
        'usage_invalid',
        `notes of ${reference} have no place: expected name, name@alias or name/version`,
      )
    }
    const { name, version, alias } = parseReference(reference)
    if (version === undefined && alias === undefined) {
      await found.requireModel(name)
      return notesFolder(modelFolder(name))
    }
    return notesFolder(modelFolder(name), (await found.resolve(reference)).version)
  }

  return guarded(root, {
    place: root,
    async save(name, documents, { description = '', tags = {} } = {}) {
      checkName('model', name)
      checkDescription(description)
      checkTags(tags)
      const [folder, now] = [modelFolder(name), effects.now()]
      await sweep(root, now.getTime())
      await sweep(folder, now.getTime())
      await sweepNotes(folder, now)
      // Before the version, so that nobody sees it without them.
      return writeVersion(folder, documents, async (version) => {
        const notes = notesFolder(folder, version)
        if (description !== '') await writeDescription(notes, description, now)
        await writeTags(notes, tags, now)
      })
    },
    async list(filter = {}) {
      const models: ModelSummary[] = []
      for (const name of await found.names()) models.push(await summaryOf(name))
      const known = models.filter((model) => {
        return model.versions.length > 0 || Object.keys(model.aliases).length > 0
      })
      return filtered(known, filter)
    },
    resolve: found.resolve,
    load,
    async history(name, alias = championAlias) {
      checkName('alias', alias)
      await found.requireModel(name)
      return readAlias(aliasFolder(name, alias))
    },
    async aliasFaults(name) {
      checkName('model', name)
      const faults: AliasFault[] = []
      for (const alias of await aliasesIn(modelFolder(name))) {
        const path = await damagedEntry(aliasFolder(name, alias))
        if (path === undefined) continue
        const target = (await latestEntry(aliasFolder(name, alias)))?.version ?? 'nothing'
        const message =
          `alias ${name}@${alias} points to ${target}, because its newest entry ${path} is damaged: ` +
          'restore that file from a copy, or promote what the alias should point to'
        faults.push({ alias, message })
      }
      return faults
    },
    promote,
    async setAliasIfAbsent(name, alias, wanted, { reason = '' } = {}) {
      checkName('model', name)
      checkName('alias', alias)
      const { version } = await load(`models:/${name}/${wanted}`)
      return point(name, alias, async (entries) => firstSetting(entries, version, reason))
    },
    rollback,
    async deleteAlias(name, alias, { reason = '' } = {}) {
      await found.pointed(name, alias)
      const decide: Decide = async (entries) => removal(entries, reason)
      const { entry } = await changeAlias(aliasFolder(name, alias), decide, effects)
      if (entry) return entry
      throw new RidecastError('internal', `alias ${name}@${alias} has no entry after a change`)
    },
    async describe(reference, text) {
      checkDescription(text)
      await writeDescription(await noted(reference), text, effects.now())
    },
    async setTags(reference, tags) {
      checkTags(tags)
      await writeTags(await noted(reference), tags, effects.now())
    },
    async deleteTag(reference, tag) {
      checkTagOwner(tag)
      await removeTag(await noted(reference), tag)
    },
    async rename(name, newName) {
      checkName('model', newName)
      await found.requireModel(name)
      if (await renameFolder(modelFolder(name), modelFolder(newName))) return
      throw nameTaken(newName, root)
    },
    async deleteVersion(name, wanted) {
      const version = await found.byStart(name, wanted)
      const folder = modelFolder(name)
      await removeFolder(versionFolder(name, version), folder, async () => {
        const holding = Object.entries(await targets(folder)).filter(([, to]) => to === version)
        if (holding.length === 0) return
        throw aliasHeld(
          name,
          `version ${name}/${version}`,
          holding.map(([alias]) => alias),
          root,
        )
      })
      const notes = notesFolder(folder, version)
      if (await isFolder(notes)) await removeFolder(notes, folder, async () => {})
    },
    async deleteModel(name) {
      await found.requireModel(name)
      await removeFolder(modelFolder(name), root, async (folder) => {
        const holding = Object.keys(await targets(folder))
        if (holding.length > 0) throw aliasHeld(name, `model ${name}`, holding, root)
      })
    },
  })
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
    place: registry.place,
    save: guard(registry.save),
    list: guard(registry.list),
    resolve: guard(registry.resolve),
    load: guard(registry.load),
    history: guard(registry.history),
    aliasFaults: guard(registry.aliasFaults),
    promote: guard(registry.promote),
    setAliasIfAbsent: guard(registry.setAliasIfAbsent),
    rollback: guard(registry.rollback),
    deleteAlias: guard(registry.deleteAlias),
    describe: guard(registry.describe),
    setTags: guard(registry.setTags),
    deleteTag: guard(registry.deleteTag),
    rename: guard(registry.rename),
    deleteVersion: guard(registry.deleteVersion),
    deleteModel: guard(registry.deleteModel),
  }
}
