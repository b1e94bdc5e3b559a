/**
 * What an MLflow server's registry is asked, and what it answers: models, versions, aliases, tags.
 * Knows nothing about what ridecast keeps there.
 */

import { z } from 'zod'
import { answerOf, apiRoot, int64, pairs, pairsOf, recordOf } from './answers.ts'
import { isReason, type MlflowClient } from './client.ts'

/** The tag of a version that holds the id of its content. */
export const versionTag = 'ridecast.version'
/** The tag of a version that tells which request has made it. */
export const requestTag = 'ridecast.request'

const modelSchema = z.object({
  name: z.string(),
  description: z.string().default(''),
  tags: pairs.default([]),
  aliases: z.array(z.object({ alias: z.string(), version: int64 })).default([]),
})
const versionSchema = z.object({
  name: z.string(),
  version: int64,
  creation_timestamp: int64.default(0),
  description: z.string().default(''),
  tags: pairs.default([]),
  status: z.string().default('READY'),
  status_message: z.string().default(''),
})
const oneModel = z.object({ registered_model: modelSchema })
const oneVersion = z.object({ model_version: versionSchema })
const downloadPlace = z.object({ artifact_uri: z.string() })
const pageToken = z.string().optional()
const modelPage = z.object({
  registered_models: z.array(modelSchema).default([]),
  next_page_token: pageToken,
})
const versionPage = z.object({
  model_versions: z.array(versionSchema).default([]),
  next_page_token: pageToken,
})

/** A registered model of a server. */
export interface RemoteModel {
  readonly name: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  /** The number of the version that each alias points to. */
  readonly aliases: ReadonlyMap<string, number>
}

/** A version of a registered model. */
export interface RemoteVersion {
  readonly name: string
  /** From 1 on, never used twice. */
  readonly number: number
  /** Id of the content; undefined for a version that ridecast did not make. */
  readonly id: string | undefined
  /** `READY`, or what else it is, with the server's reason. */
  readonly status: string
  readonly created: Date
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
}

/** What a version is made with. */
export interface NewVersion {
  readonly name: string
  /** The logged model that it is. */
  readonly modelId: string
  readonly runId: string | undefined
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
}

const call = (part: string): string => `${apiRoot}/${part}`

/** Most items of a page; more are asked for page by page. */
const pageSize = 1000

/** A model; undefined when there is none of that name. */
export async function findModel(
  client: MlflowClient,
  name: string,
): Promise<RemoteModel | undefined> {
  const what = 'registered-models/get'
  const answer = await unlessMissing(client.get(call(what), { name }))
  return answer === undefined
    ? undefined
    : modelOf(answerOf(oneModel, answer, what).registered_model)
}

/** All models, by name. */
export async function allModels(client: MlflowClient, size = pageSize): Promise<RemoteModel[]> {
  const what = 'registered-models/search'
  const found: RemoteModel[] = []
  let token: string | undefined
  do {
    const query = { max_results: size, order_by: ['name ASC'], page_token: token }
    const page = answerOf(modelPage, await client.get(call(what), query), what)
    found.push(...page.registered_models.map(modelOf))
    token = page.next_page_token
  } while (token)
  return found
}

/**
 * Versions by name and number, those that were deleted left out.
 *
 * @param filter in MLflow's language; empty for all of all models
 */
export async function searchVersions(
  client: MlflowClient,
  filter: string,
  size = pageSize,
): Promise<RemoteVersion[]> {
  const what = 'model-versions/search'
  const found: RemoteVersion[] = []
  let token: string | undefined
  do {
    const query = {
      filter,
      max_results: size,
      order_by: ['name ASC', 'version_number ASC'],
      page_token: token,
    }
    const page = answerOf(versionPage, await client.get(call(what), query), what)
    found.push(...page.model_versions.map(versionOf))
    token = page.next_page_token
  } while (token)
  return found
}

/** Versions of a model whose content id begins so, the lowest number first. */
export function versionsWithId(
  client: MlflowClient,
  name: string,
  start: string,
): Promise<RemoteVersion[]> {
  return searchVersions(client, `name = '${name}' AND tags.\`${versionTag}\` LIKE '${start}%'`)
}

/** The version of a number; undefined when there is none. */
export async function findVersion(
  client: MlflowClient,
  name: string,
  number: number,
): Promise<RemoteVersion | undefined> {
  const what = 'model-versions/get'
  const query = { name, version: String(number) }
  const answer = await unlessMissing(client.get(call(what), query))
  return answer === undefined
    ? undefined
    : versionOf(answerOf(oneVersion, answer, what).model_version)
}

/** The version that an alias points to; undefined when there is no such alias or model. */
export async function findByAlias(
  client: MlflowClient,
  name: string,
  alias: string,
): Promise<RemoteVersion | undefined> {
  const what = 'registered-models/alias'
  // An alias that is not there is a wrong value to MLflow, not something that is missing.
  const answer = await unlessMissing(client.get(call(what), { name, alias }), true)
  return answer === undefined
    ? undefined
    : versionOf(answerOf(oneVersion, answer, what).model_version)
}

/** Makes a model; that it is there already is no fault. */
export async function ensureModel(client: MlflowClient, name: string): Promise<void> {
  try {
    await client.send('POST', call('registered-models/create'), { name })
  } catch (error) {
    if (!isReason(error, 'RESOURCE_ALREADY_EXISTS')) throw error
  }
}

/** Makes a version. Made twice, it is there twice. */
export async function createVersion(
  client: MlflowClient,
  { name, modelId, runId, description, tags }: NewVersion,
): Promise<void> {
  await client.send('POST', call('model-versions/create'), {
    name,
    source: `models:/${modelId}`,
    model_id: modelId,
    ...(runId !== undefined && { run_id: runId }),
    ...(description !== '' && { description }),
    tags: pairsOf(tags),
  })
}

/** Where the files of a version are. */
export async function downloadUri(
  client: MlflowClient,
  { name, number }: RemoteVersion,
): Promise<string> {
  const what = 'model-versions/get-download-uri'
  const answer = await client.get(call(what), { name, version: String(number) })
  return answerOf(downloadPlace, answer, what).artifact_uri
}

/** Points an alias to a version. */
export async function setAlias(
  client: MlflowClient,
  name: string,
  alias: string,
  number: number,
): Promise<void> {
  await client.send('POST', call('registered-models/alias'), {
    name,
    alias,
    version: String(number),
  })
}

/** Takes an alias away. */
export async function removeAlias(
  client: MlflowClient,
  name: string,
  alias: string,
): Promise<void> {
  await client.send('DELETE', call('registered-models/alias'), { name, alias })
}

/** A model, or one of its versions. */
export interface Noted {
  readonly name: string
  /** Undefined for the model itself. */
  readonly number: number | undefined
}

/** Says what a model or version is. */
export async function setDescription(
  client: MlflowClient,
  noted: Noted,
  description: string,
): Promise<void> {
  await client.send('PATCH', call(`${partOf(noted)}/update`), { ...keyOf(noted), description })
}

/** Sets a tag of a model or version. */
export async function setTag(
  client: MlflowClient,
  noted: Noted,
  key: string,
  value: string,
): Promise<void> {
  await client.send('POST', call(`${partOf(noted)}/set-tag`), { ...keyOf(noted), key, value })
}

/** Takes a tag from a model or version. */
export async function removeTag(client: MlflowClient, noted: Noted, key: string): Promise<void> {
  await client.send('DELETE', call(`${partOf(noted)}/delete-tag`), { ...keyOf(noted), key })
}

/** Gives a model another name. */
export async function renameModel(
  client: MlflowClient,
  name: string,
  newName: string,
): Promise<void> {
  await client.send('POST', call('registered-models/rename'), { name, new_name: newName })
}

/** Deletes a model with its versions, or one version; that it is gone is no fault. */
export async function remove(client: MlflowClient, noted: Noted): Promise<void> {
  await unlessMissing(client.send('DELETE', call(`${partOf(noted)}/delete`), keyOf(noted)))
}

function partOf({ number }: Noted): string {
  return number === undefined ? 'registered-models' : 'model-versions'
}

function keyOf({ name, number }: Noted): Record<string, string> {
  return { name, ...(number !== undefined && { version: String(number) }) }
}

/** An answer; undefined when the server says that what was asked for is not there. */
async function unlessMissing(answer: Promise<unknown>, orInvalid = false): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (isReason(error, 'RESOURCE_DOES_NOT_EXIST', 'NOT_FOUND')) return undefined
    if (orInvalid && isReason(error, 'INVALID_PARAMETER_VALUE')) return undefined
    throw error
  }
}

function modelOf({ name, description, tags, aliases }: z.infer<typeof modelSchema>): RemoteModel {
  const numbers = new Map(aliases.map(({ alias, version }) => [alias, version]))
  return { name, description, tags: recordOf(tags), aliases: numbers }
}

function versionOf(answer: z.infer<typeof versionSchema>): RemoteVersion {
  const tags = recordOf(answer.tags)
  return {
    name: answer.name,
    number: answer.version,
    id: tags[versionTag],
    status: [answer.status, answer.status_message].filter((text) => text !== '').join(': '),
    created: new Date(answer.creation_timestamp),
    description: answer.description,
    tags,
  }
}
