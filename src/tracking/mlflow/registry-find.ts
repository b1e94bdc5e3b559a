/**
 * What references mean in MLflow's registry, and what is said when they mean nothing there. A
 * version is found by the id of its content (a tag) or by MLflow's number. Knows nothing about
 * changes or files.
 */

import { isVersion } from '../../artifact.ts'
import { RidecastError } from '../../errors.ts'
import {
  championAlias,
  checkName,
  isName,
  isVersionStart,
  notFound,
  notOneVersion,
  parseReference,
} from '../../model-reference.ts'
import type { MlflowClient } from './client.ts'
import {
  allModels,
  findByAlias,
  findModel,
  findVersion,
  type Noted,
  type RemoteModel,
  type RemoteVersion,
  searchVersions,
  versionsWithId,
} from './registry-calls.ts'

/** A version on the server whose content ridecast knows. */
export interface OwnVersion extends RemoteVersion {
  readonly id: string
}

/** What finds things in a registry. */
export interface Finder {
  /** The model, else model_not_found. */
  model(name: string): Promise<RemoteModel>
  /** The version of a start of its id, or of its number; else model_not_found, usage_invalid. */
  version(name: string, wanted: string): Promise<RemoteVersion>
  /** What a reference means, with the alias that led there (default: the champion's). */
  reference(reference: string): Promise<{ version: RemoteVersion; alias?: string }>
  /** The model (a bare name) or version that a reference means. */
  noted(reference: string): Promise<Noted>
}

/** The id of a version's content, or its number where it has none. */
export const idOf = ({ id, number }: RemoteVersion): string => id ?? String(number)

/** The page of a version in the server's own interface. */
export const versionPage = (client: MlflowClient, { name, number }: RemoteVersion): string =>
  `${client.uri}/#/models/${name}/versions/${number}`

/**
 * A version that can be loaded.
 *
 * @throws artifact_format for one that ridecast did not make, artifact_missing for one that the
 *   server has not got whole
 */
export function ownVersion(client: MlflowClient, version: RemoteVersion): OwnVersion {
  const { name, number, id, status } = version
  const what = `version ${number} of ${name} in ${client.uri}`
  if (id === undefined || !isVersion(id)) {
    throw new RidecastError(
      'artifact_format',
      `${what} was not made by ridecast, it has no tag ridecast.version: load it with MLflow, or ` +
        'name a version that ridecast models list shows without a fault',
    )
  }
  if (status === 'READY') return { ...version, id }
  throw new RidecastError(
    'artifact_missing',
    `${what} is not ready, its status is ${status}: wait, or name another version`,
  )
}

/** Finds things in the registry of a server. */
export function finder(client: MlflowClient): Finder {
  const place = client.uri

  async function model(name: string): Promise<RemoteModel> {
    checkName('model', name)
    const found = await findModel(client, name)
    if (found) return found
    const names = (await allModels(client)).map((one) => one.name).filter(isName)
    throw notFound(place, name, `model ${name}`, names)
  }

  async function version(name: string, wanted: string): Promise<RemoteVersion> {
    checkName('model', name)
    const isNumber = /^[1-9]\d{0,8}$/.test(wanted)
    const [byNumber, withId] = await Promise.all([
      isNumber ? findVersion(client, name, Number(wanted)) : undefined,
      isVersionStart(wanted) ? versionsWithId(client, name, wanted) : [],
    ])
    // The same content twice is one version: the one that was there first.
    const ids = [...new Set(withId.map(idOf))]
    const hits = [...(byNumber ? [`${wanted} (number)`] : []), ...ids]
    if (hits.length > 1) throw notOneVersion(name, wanted, hits)
    const hit = byNumber ?? withId[0]
    if (hit) return hit
    await model(name)
    const known = await searchVersions(client, `name = '${name}'`)
    const all = known.map((one) => `${name}/${idOf(one)}`)
    throw notFound(place, `${name}/${wanted}`, `version ${wanted} of model ${name}`, all)
  }

  async function byAlias(name: string, alias: string): Promise<RemoteVersion> {
    const found = await findByAlias(client, name, alias)
    if (found) return found
    const { aliases } = await model(name)
    const known = await searchVersions(client, `name = '${name}'`)
    const all = [
      ...[...aliases.keys()].map((other) => `${name}@${other}`),
      ...known.map((one) => `${name}/${idOf(one)}`),
    ]
    throw notFound(place, `${name}@${alias}`, `alias ${alias} of model ${name}`, all)
  }

  async function reference(text: string): Promise<{ version: RemoteVersion; alias?: string }> {
    const { name, version: wanted, alias = championAlias } = parseReference(text)
    if (wanted !== undefined) return { version: await version(name, wanted) }
    return { version: await byAlias(name, alias), alias }
  }

  return {
    model,
    version,
    reference,
    async noted(text) {
      const { name, version: wanted, alias } = parseReference(text)
      if (wanted === undefined && alias === undefined) {
        return { name: (await model(name)).name, number: undefined }
      }
      const { number } = (await reference(text)).version
      return { name, number }
    },
  }
}
