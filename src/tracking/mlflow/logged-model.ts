/**
 * Models that an MLflow 3 server keeps: made, their files uploaded, then said to be ready. Knows
 * nothing about what a model is made of.
 */

import { randomUUID } from 'node:crypto'
import { isRidecastError } from '../../errors.ts'
import type { ModelFile } from '../../model-file.ts'
import { answerOf, apiRoot, loggedModelPage, oneLoggedModel, pairsOf, recordOf } from './answers.ts'
import { artifactPath, uploadArtifact } from './artifacts.ts'
import { type MlflowClient, MlflowError } from './client.ts'

/** A model that is to be kept. */
export interface NewLoggedModel {
  readonly experimentId: string
  /** A name; characters that the server does not take in it become `-`. */
  readonly name: string
  /** The run that has made it. */
  readonly runId?: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly parameters: Readonly<Record<string, string>>
  readonly files: readonly ModelFile[]
}

/** A model that a server keeps. */
export interface StoredModel {
  /** Its id, `m-` and 32 hexadecimal digits. */
  readonly modelId: string
  /** Where its files are, `mlflow-artifacts:/...`. */
  readonly artifactUri: string
  readonly experimentId: string
  readonly name: string
  /** True once all its files are there. */
  readonly isReady: boolean
  readonly tags: Readonly<Record<string, string>>
}

/** The tag that tells the requests of one process from all others. */
export const requestTag = 'ridecast.request'

const longestParameter = 6000
const parametersInOne = 100

/**
 * Keeps a model with its files. One that could not be kept whole is said to have failed, and is
 * never ready.
 *
 * @throws RidecastError the `tracking_*` codes
 */
export async function createLoggedModel(
  client: MlflowClient,
  model: NewLoggedModel,
): Promise<StoredModel> {
  return fillLoggedModel(client, await makeLoggedModel(client, model), model)
}

/**
 * Uploads the files of a model that is there already, also of one whose upload broke off, and says
 * that it is ready.
 */
export async function fillLoggedModel(
  client: MlflowClient,
  made: StoredModel,
  { files, runId }: Pick<NewLoggedModel, 'files' | 'runId'>,
): Promise<StoredModel> {
  try {
    for (const { path, content } of files) {
      const text = path === 'MLmodel' ? withOrigin(content, made, runId) : content
      await uploadArtifact(client, made.artifactUri, path, text)
    }
    return await finalize(client, made.modelId, 'LOGGED_MODEL_READY')
  } catch (error) {
    throw await failed(client, made, error)
  }
}

/** The models that a run has made, as far as they fit the tags. */
export async function findLoggedModels(
  client: MlflowClient,
  experimentId: string,
  tags: Readonly<Record<string, string>>,
  runId?: string | undefined,
): Promise<StoredModel[]> {
  const terms = Object.entries(tags).map(([name, value]) => `tags.\`${name}\` = ${quoted(value)}`)
  if (runId !== undefined) terms.push(`source_run_id = ${quoted(runId)}`)
  const answer = await client.send('POST', `${apiRoot}/logged-models/search`, {
    experiment_ids: [experimentId],
    filter: terms.join(' AND '),
  })
  return answerOf(loggedModelPage, answer, 'logged-models/search').models.map(storedModel)
}

/** A model by its id. */
export async function getLoggedModel(client: MlflowClient, modelId: string): Promise<StoredModel> {
  const answer = await client.get(`${apiRoot}/logged-models/${encodeURIComponent(modelId)}`)
  return storedModel(answerOf(oneLoggedModel, answer, 'logged-models').model)
}

async function makeLoggedModel(
  client: MlflowClient,
  { experimentId, name, runId, tags, parameters }: NewLoggedModel,
): Promise<StoredModel> {
  const request = { [requestTag]: randomUUID() }
  const params = pairsOf(parameters).map(({ key, value }) => ({
    key,
    value: value.slice(0, longestParameter),
  }))
  const body = {
    experiment_id: experimentId,
    name: name.replaceAll(/[/:.%"']/g, '-'),
    ...(runId !== undefined && { source_run_id: runId }),
    tags: pairsOf({ ...tags, ...request }),
    params: params.slice(0, parametersInOne),
  }
  const made = await create(client, body).catch(async (error: unknown) => {
    if (!(error instanceof MlflowError && error.outcomeUnknown)) throw error
    // The answer was lost, perhaps not the request: another would make a second model.
    const [found] = await findLoggedModels(client, experimentId, request)
    return found ?? create(client, body)
  })
  try {
    // Before anything is uploaded: a server without a proxy is found out here.
    artifactPath(made.artifactUri)
    for (let from = parametersInOne; from < params.length; from += parametersInOne) {
      const some = params.slice(from, from + parametersInOne)
      const path = `${apiRoot}/logged-models/${made.modelId}/params`
      const sent = { model_id: made.modelId, params: some }
      await client.send('POST', path, sent, { repeatable: false })
    }
    return made
  } catch (error) {
    throw await failed(client, made, error)
  }
}

async function create(client: MlflowClient, body: unknown): Promise<StoredModel> {
  const answer = await client.send('POST', `${apiRoot}/logged-models`, body, { repeatable: false })
  return storedModel(answerOf(oneLoggedModel, answer, 'logged-models').model)
}

/** Says that a model failed; what went wrong first is what matters. */
async function failed(client: MlflowClient, made: StoredModel, error: unknown): Promise<unknown> {
  // A server that is gone cannot be told.
  const isGone = isRidecastError(error, 'tracking_unreachable')
  if (!isGone) await finalize(client, made.modelId, 'LOGGED_MODEL_UPLOAD_FAILED').catch(() => {})
  return error
}

async function finalize(
  client: MlflowClient,
  modelId: string,
  status: 'LOGGED_MODEL_READY' | 'LOGGED_MODEL_UPLOAD_FAILED',
): Promise<StoredModel> {
  const body = { model_id: modelId, status }
  const answer = await client.send('PATCH', `${apiRoot}/logged-models/${modelId}`, body)
  return storedModel(answerOf(oneLoggedModel, answer, 'logged-models').model)
}

/** An MLmodel file that says which model it is, as MLflow's own client writes it. */
function withOrigin(
  content: Uint8Array,
  { modelId, artifactUri }: StoredModel,
  runId: string | undefined,
): Uint8Array {
  const text = Buffer.from(content).toString('utf8').trimEnd()
  const origin = {
    artifact_path: artifactUri,
    model_id: modelId,
    model_uuid: modelId,
    run_id: runId,
  }
  const lines = Object.entries(origin)
    .filter(([key, value]) => value !== undefined && !new RegExp(`^${key}:`, 'm').test(text))
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  return Buffer.from(`${[text, ...lines].join('\n')}\n`)
}

function storedModel({
  info,
}: {
  info: {
    model_id: string
    artifact_uri: string
    experiment_id: string
    name: string
    status: string
    tags: { key: string; value: string }[]
  }
}): StoredModel {
  return {
    modelId: info.model_id,
    artifactUri: info.artifact_uri,
    experimentId: info.experiment_id,
    name: info.name,
    isReady: info.status === 'LOGGED_MODEL_READY',
    tags: recordOf(info.tags),
  }
}

/** A value as text of MLflow's filter language, which has no way to write both kinds of quotes. */
export function quoted(value: string): string {
  return value.includes("'") ? `"${value}"` : `'${value}'`
}
