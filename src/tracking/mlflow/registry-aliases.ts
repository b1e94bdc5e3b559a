/**
 * Aliases in MLflow's registry, and their history. MLflow changes an alias without asking where it
 * pointed: of two that change one at the same instant the later holds, and the history of the
 * earlier may be lost. Knows nothing about files.
 */

import type { AliasEntry, Decision } from '../../alias-log.ts'
import { RidecastError } from '../../errors.ts'
import { checkName, notFound } from '../../model-reference.ts'
import { type AliasChange, championAlias, type Registry } from '../../registry.ts'
import { earlierVersion, firstSetting, promotion, removal } from '../../registry-changes.ts'
import type { MlflowClient } from './client.ts'
import {
  findByAlias,
  findVersion,
  type RemoteModel,
  removeAlias,
  setAlias,
  setTag,
} from './registry-calls.ts'
import { type Finder, idOf, type OwnVersion } from './registry-find.ts'
import { extended, historyOf, historyTag, historyText, readHistory } from './registry-history.ts'

/** What aliases need of the rest of a registry. */
export interface AliasOptions {
  readonly find: Finder
  /** A version that the server has whole. */
  whole(name: string, wanted: string): Promise<OwnVersion>
  /** The clock. */
  now(): Date
}

/** The methods of a registry that are about aliases. */
export type AliasMethods = Pick<
  Registry,
  'history' | 'aliasFaults' | 'promote' | 'setAliasIfAbsent' | 'rollback' | 'deleteAlias'
>

/** The aliases of the registry of a server. */
export function registryAliases(
  client: MlflowClient,
  { find, whole, now }: AliasOptions,
): AliasMethods {
  /** The history of an alias up to now, and where it points. */
  async function historyIn(model: RemoteModel, alias: string): Promise<AliasEntry[]> {
    const number = model.aliases.get(alias)
    const version = number && (await findVersion(client, model.name, number))
    return historyOf(model.tags[historyTag(alias)], version ? idOf(version) : null, now())
  }

  /** Enters a change after it was made. */
  async function enter(
    name: string,
    alias: string,
    entries: readonly AliasEntry[],
    decision: Decision,
  ): Promise<AliasEntry> {
    const after = extended(entries, decision, now())
    await setTag(client, { name, number: undefined }, historyTag(alias), historyText(after))
    return after.at(-1) as AliasEntry
  }

  async function point(
    alias: string,
    { name, number, id }: OwnVersion,
    decide: (entries: readonly AliasEntry[]) => Decision | undefined,
  ): Promise<AliasChange> {
    const entries = await historyIn(await find.model(name), alias)
    const decision = decide(entries)
    if (decision) {
      // In this order: when the second is not done, the next look enters what the first did.
      await setAlias(client, name, alias, number)
      return { ...(await enter(name, alias, entries, decision)), version: id, changed: true }
    }
    const last = entries.at(-1) as AliasEntry
    return { ...last, version: last.version ?? id, changed: false }
  }

  /** The history of an alias that points somewhere, else model_not_found. */
  async function historyOfSet(name: string, alias: string): Promise<AliasEntry[]> {
    const model = await find.model(name)
    if (model.aliases.has(alias)) return historyIn(model, alias)
    // Says what is there instead.
    await find.reference(`${name}@${alias}`)
    throw notFound(client.uri, alias, `alias ${alias} of model ${name}`, [...model.aliases.keys()])
  }

  return {
    async history(name, alias = championAlias) {
      const model = await find.model(name)
      // MLflow takes names that ridecast does not.
      if (!model.aliases.has(alias)) checkName('alias', alias)
      return historyIn(model, alias)
    },
    async aliasFaults(name) {
      const { tags } = await find.model(name)
      return Object.entries(tags).flatMap(([tag, text]) => {
        const [, alias] = /^ridecast\.history\.(.+)$/.exec(tag) ?? []
        if (alias === undefined || readHistory(text)) return []
        const message =
          `history of ${name}@${alias} in the tag ${tag} of ${client.uri} is damaged: the alias can ` +
          'be used, its earlier versions are not known; the next promotion begins a new one'
        return [{ alias, message }]
      })
    },
    async promote(name, wanted, { alias = championAlias, reason = '' } = {}) {
      checkAlias(alias)
      const version = await whole(name, wanted)
      return point(alias, version, (entries) => promotion(entries, version.id, reason))
    },
    async setAliasIfAbsent(name, alias, wanted, { reason = '' } = {}) {
      checkAlias(alias)
      const version = await whole(name, wanted)
      const set = await point(alias, version, (entries) => {
        return firstSetting(entries, version.id, reason)
      })
      // Another process may have been later, and is the one that holds.
      const target = set.changed ? await findByAlias(client, name, alias) : undefined
      if (!target || target.id === version.id) return set
      return { ...set, version: idOf(target), changed: false }
    },
    async rollback(name, { alias = championAlias, reason = '' } = {}) {
      checkAlias(alias)
      const earlier = earlierVersion(`${name}@${alias}`, await historyOfSet(name, alias))
      const version = await whole(name, earlier)
      return point(alias, version, () => ({ version: version.id, kind: 'rollback', reason }))
    },
    async deleteAlias(name, alias, { reason = '' } = {}) {
      const entries = await historyOfSet(name, alias)
      const decision = removal(entries, reason)
      await removeAlias(client, name, alias)
      if (decision) return enter(name, alias, entries, decision)
      throw new RidecastError('internal', `alias ${name}@${alias} has no entry after a change`)
    },
  }
}

/** Checks an alias that is to be set: MLflow takes fewer names than a folder does. */
function checkAlias(alias: string): void {
  checkName('alias', alias)
  if (/^[\w-]+$/.test(alias) && !/^(latest|v\d+)$/.test(alias)) return
  throw new RidecastError(
    'model_name_invalid',
    `alias name ${alias} is not allowed by MLflow: expected letters, digits, "_" or "-", and ` +
      'neither latest nor v and a number',
  )
}
