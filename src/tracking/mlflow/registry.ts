/**
 * The registry of an MLflow server: a registered model is a model, a tag of each of its versions is
 * the id of the content, and the files are those of a logged model. What is loaded is kept in a
 * folder of models, so that nothing is downloaded twice. MLflow changes aliases without asking what
 * they were: of two that change one at the same instant the later holds.
 */

import { randomUUID } from 'node:crypto'
import { RidecastError } from '../../errors.ts'
import { checkName, isName, isPath, notFound } from '../../model-reference.ts'
import type {
  ListFilter,
  LoadOptions,
  ModelSummary,
  NamedArtifact,
  Notes,
  Origin,
  Registry,
} from '../../registry.ts'
import { aliasHeld, blamingAlias, nameTaken } from '../../registry-changes.ts'
import {
  checkDescription,
  checkTagOwner,
  checkTags,
  filtered,
  isOwnTag,
} from '../../registry-notes.ts'
import { isReason, type MlflowClient } from './client.ts'
import { registryAliases } from './registry-aliases.ts'
import {
  allModels,
  createVersion,
  ensureModel,
  type RemoteModel,
  type RemoteVersion,
  remove,
  removeTag,
  renameModel,
  requestTag,
  searchVersions,
  setDescription,
  setTag,
  versionsWithId,
  versionTag,
} from './registry-calls.ts'
import { factsOf, factTags } from './registry-facts.ts'
import {
  type Content,
  download,
  fromCache,
  keepModel,
  type Pack,
  repair,
} from './registry-files.ts'
import { finder, idOf, type OwnVersion, ownVersion, versionPage } from './registry-find.ts'

/** What a registry on a server needs beside the client. */
export interface MlflowRegistryOptions {
  /** The folder of models that keeps what is loaded. */
  readonly cache: Registry
  /** What a model is made of for MLflow; its `ridecast/` holds the documents of the version. */
  readonly pack: Pack
  /** The clock. */
  readonly now?: () => Date
}

/** The registry of the server that a client asks. */
export function mlflowRegistry(
  client: MlflowClient,
  { cache, pack, now = () => new Date() }: MlflowRegistryOptions,
): Registry {
  const place = client.uri
  const find = finder(client)

  async function own(reference: string): Promise<{ version: OwnVersion; alias?: string }> {
    const { version, ...how } = await find.reference(reference)
    return { version: ownVersion(client, version), ...how }
  }

  async function load(
    reference: string,
    { fresh = false }: LoadOptions = {},
  ): Promise<NamedArtifact> {
    if (isPath(reference)) return cache.load(reference)
    const { version, ...how } = await own(reference)
    try {
      const kept = fresh ? undefined : await fromCache(cache, version)
      return kept ?? (await download(client, cache, version))
    } catch (error) {
      throw blamingAlias(error, { name: version.name, version: version.id, ...how })
    }
  }

  /** A version that the server has whole, whatever the folder here has. */
  async function whole(name: string, wanted: string): Promise<OwnVersion> {
    const version = ownVersion(client, await find.version(name, wanted))
    await download(client, cache, version)
    return version
  }

  async function register(
    content: Content,
    origin: Origin,
  ): Promise<{ path: string; created: boolean }> {
    const { name, version: id } = content
    const [before] = await versionsWithId(client, name, id)
    if (before) {
      const created = await repair(client, pack, before, content)
      return { path: versionPage(client, before), created }
    }
    await ensureModel(client, name)
    const { runId, description = '' } = origin
    const modelId = origin.modelId ?? (await keepModel(client, pack, content, runId))
    const request = randomUUID()
    const tags = { [versionTag]: id, [requestTag]: request, ...factTags(content.documents) }
    await createVersion(client, {
      name,
      modelId,
      runId,
      description,
      tags: { ...origin.tags, ...tags },
    })
    // Another process may have registered the same content at the same time, and an attempt whose
    // answer was lost may have had its effect: the lowest number stays, whoever made it.
    const [first, ...others] = await versionsWithId(client, name, id)
    for (const other of others) {
      if (other.tags[requestTag] === request) await remove(client, other)
    }
    if (!first) throw notFound(place, `${name}/${id}`, `version ${id} of model ${name}`, [])
    return { path: versionPage(client, first), created: first.tags[requestTag] === request }
  }

  async function list(filter: ListFilter): Promise<ModelSummary[]> {
    const [models, versions] = await Promise.all([allModels(client), searchVersions(client, '')])
    const summaries = models
      .filter(({ name }) => isName(name))
      .map((model) => {
        return summaryOf(
          client,
          model,
          versions.filter(({ name }) => name === model.name),
        )
      })
    return filtered(
      summaries.filter((model) => model.versions.length > 0),
      filter,
    )
  }

  /** Refuses what aliases hold. */
  function checkFree({ name, aliases }: RemoteModel, what: string, number?: number): void {
    const holding = [...aliases].filter(([, to]) => number === undefined || to === number)
    if (holding.length === 0) return
    const names = holding.map(([alias]) => alias)
    throw aliasHeld(name, what, names, place)
  }

  return {
    place,
    async save(name, documents, origin = {}) {
      checkName('model', name)
      checkDescription(origin.description ?? '')
      checkTags(origin.tags ?? {})
      const { version } = await cache.save(name, documents)
      return { version, ...(await register({ name, version, documents }, origin)) }
    },
    list: (filter = {}) => list(filter),
    async resolve(reference) {
      if (isPath(reference)) return cache.resolve(reference)
      const { version, ...how } = await own(reference)
      const { name, id } = version
      return { name, version: id, path: versionPage(client, version), ...how }
    },
    load,
    ...registryAliases(client, { find, whole, now }),
    async describe(reference, text) {
      checkDescription(text)
      await setDescription(client, await noted(reference), text)
    },
    async setTags(reference, tags) {
      checkTags(tags)
      const target = await noted(reference)
      for (const [key, value] of Object.entries(tags)) await setTag(client, target, key, value)
    },
    async deleteTag(reference, tag) {
      checkTagOwner(tag)
      await removeTag(client, await noted(reference), tag)
    },
    async rename(name, newName) {
      checkName('model', newName)
      await find.model(name)
      await renameModel(client, name, newName).catch((error: unknown) => {
        throw isReason(error, 'RESOURCE_ALREADY_EXISTS') ? nameTaken(newName, place) : error
      })
    },
    async deleteVersion(name, wanted) {
      const version = await find.version(name, wanted)
      const model = await find.model(name)
      // Content that was registered twice goes as one, unless its number was said.
      const isNumber = wanted === String(version.number)
      const same =
        version.id === undefined || isNumber
          ? [version]
          : await versionsWithId(client, name, version.id)
      for (const { number } of same) checkFree(model, `version ${name}/${wanted}`, number)
      for (const one of same) await remove(client, one)
    },
    async deleteModel(name) {
      checkFree(await find.model(name), `model ${name}`)
      await remove(client, { name, number: undefined })
    },
  }

  function noted(reference: string): ReturnType<typeof find.noted> {
    if (!isPath(reference)) return find.noted(reference)
    throw new RidecastError(
      'usage_invalid',
      `notes of ${reference} have no place: expected name, name@alias or name/version`,
    )
  }
}

function summaryOf(
  client: MlflowClient,
  model: RemoteModel,
  versions: readonly RemoteVersion[],
): ModelSummary {
  const aliases: Record<string, string> = {}
  for (const [alias, number] of [...model.aliases].sort()) {
    const target = versions.find((one) => one.number === number)
    if (target) aliases[alias] = idOf(target)
  }
  const listed = versions.map((version) => ({
    version: idOf(version),
    number: version.number,
    path: versionPage(client, version),
    created: version.created,
    aliases: [...model.aliases.keys()]
      .filter((alias) => model.aliases.get(alias) === version.number)
      .sort(),
    facts: factsOf(version.tags),
    ...notesOf(version),
  }))
  listed.sort((a, b) => b.number - a.number)
  return { name: model.name, versions: listed, aliases, ...notesOf(model) }
}

/** Notes as people made them, without the tags of MLflow and ridecast. */
function notesOf({ description, tags }: RemoteModel | RemoteVersion): Notes {
  const own = Object.entries(tags).filter(([name]) => !isOwnTag(name))
  return { description, tags: Object.fromEntries(own) }
}
