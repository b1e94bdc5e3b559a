/**
 * Runs on an MLflow server: started, found and read. Any number of processes may do so at once.
 * Knows nothing about what is shown of them.
 */

import { randomUUID } from 'node:crypto'
import { isRidecastError, RidecastError } from '../../errors.ts'
import { serverFilter } from '../filter.ts'
import { checkArtifactPath, checkName, checkTitle } from '../names.ts'
import { parseOrder } from '../order-by.ts'
import type {
  Artifact,
  MetricPoint,
  RemoteTracker,
  RunQuery,
  RunRecord,
  RunStart,
  RunSummary,
} from '../tracker.ts'
import {
  answerOf,
  apiRoot,
  artifactFolder,
  metricPage,
  oneRun,
  type RunAnswer,
  runPage,
} from './answers.ts'
import { listArtifacts, readArtifactAt, walkArtifacts } from './artifacts.ts'
import { isReason, type MlflowClient, MlflowError } from './client.ts'
import { activeExperiments, experimentId, experimentName, findExperiment } from './experiments.ts'
import { quoted } from './logged-model.ts'
import { fieldTags, startTags, summaryOf } from './records.ts'
import { asWriteRefusal, fetchRun, MlflowRun } from './run.ts'
import { fieldText, longestTag, textFolder, uploadTexts } from './texts.ts'

/** What a store on a server asks of the world. */
export interface MlflowEffects {
  /** The clock. */
  now(): Date
  /** A text that no other request has. */
  request(): string
}

/** The real clock and chance. */
export const mlflowEffects: MlflowEffects = { now: () => new Date(), request: randomUUID }

/** The tag that tells a run apart from all others, where it is given: it is started once. */
const identityTag = 'ridecast.run_id'
const runsInPage = 1000
const pointsInPage = 10_000
const requestsAtOnce = 8
const largestArtifact = 1024 * 1024 * 1024

/** A store of runs on a server. Run ids are the server's. */
export function mlflowTracker(
  client: MlflowClient,
  effects: MlflowEffects = mlflowEffects,
): RemoteTracker {
  return {
    startRun: (start) => startRun(client, start, effects),
    resumeRun: async (id) => new MlflowRun(client, await activeRun(client, id), effects.now),
    listRuns: (query = {}) => listRuns(client, query),
    getRun: (id) => getRun(client, id),
    readArtifact: (id, path) => readArtifact(client, id, path),
  }
}

async function startRun(
  client: MlflowClient,
  start: RunStart,
  effects: MlflowEffects,
): Promise<MlflowRun> {
  checkTitle('experiment', start.experiment)
  if (start.name !== undefined) checkTitle('run name', start.name)
  for (const name of Object.keys(start.tags)) checkName('tag', name)
  const experiment = await experimentId(client, start.experiment)
  const given = start.tags[identityTag]
  const identity = [given ? identityTag : fieldTags.request, given || effects.request()] as const
  const known = given ? await findByTag(client, experiment, identity) : undefined
  if (known) return new MlflowRun(client, known, effects.now)

  const tags = { ...start.tags, ...startTags(start), [identity[0]]: identity[1] }
  const fields = Object.entries(tags).map(([key, text]) => ({
    key,
    ...fieldText(text, longestTag),
  }))
  const body = {
    experiment_id: experiment,
    start_time: (start.startedAt ?? effects.now()).getTime(),
    ...(start.name !== undefined && { run_name: start.name }),
    ...(start.user !== undefined && { user_id: start.user }),
    tags: fields.map(({ key, value }) => ({ key, value })),
  }
  const made = await createRun(client, body).catch(async (error: unknown) => {
    if (!(error instanceof MlflowError && error.outcomeUnknown)) throw asWriteRefusal(error)
    // The answer was lost, perhaps not the request: another would make a second run.
    return (await findByTag(client, experiment, identity)) ?? createRun(client, body)
  })
  await uploadTexts(client, made.info.artifact_uri, fields)
  return new MlflowRun(client, made, effects.now)
}

async function createRun(client: MlflowClient, body: unknown): Promise<RunAnswer> {
  const options = { repeatable: false }
  const answer = await client.send('POST', `${apiRoot}/runs/create`, body, options)
  return answerOf(oneRun, answer, 'runs/create').run
}

async function findByTag(
  client: MlflowClient,
  experiment: string,
  [name, value]: readonly [string, string],
): Promise<RunAnswer | undefined> {
  const filter = `tags.\`${name}\` = ${quoted(value)}`
  const [found] = await searchRuns(client, [experiment], { filter, limit: 1 })
  return found
}

async function listRuns(
  client: MlflowClient,
  { experiment, filter = '', orderBy, limit }: RunQuery,
): Promise<RunSummary[]> {
  // Checked here in any case: what the server does with a wrong one differs.
  const query = { filter: serverFilter(filter), orderBy, limit }
  parseOrder(orderBy ?? [])
  const experiments =
    experiment === undefined
      ? await activeExperiments(client)
      : [await findExperiment(client, experiment)].filter((one) => one && !one.isDeleted)
  const names = new Map(experiments.map((one) => [one?.id ?? '', one?.name ?? '']))
  if (names.size === 0) return []
  const runs = await searchRuns(client, [...names.keys()], query)
  return inTurn(runs, (run) => summaryOf(client, run, names.get(run.info.experiment_id) ?? ''))
}

async function searchRuns(
  client: MlflowClient,
  experiments: readonly string[],
  { filter, orderBy, limit = Number.POSITIVE_INFINITY }: Omit<RunQuery, 'experiment'>,
): Promise<RunAnswer[]> {
  const runs: RunAnswer[] = []
  let token: string | undefined
  do {
    const body = {
      experiment_ids: experiments,
      ...(filter && { filter }),
      order_by: orderBy?.length ? orderBy : ['attributes.start_time DESC'],
      max_results: Math.min(limit - runs.length, runsInPage),
      run_view_type: 'ACTIVE_ONLY',
      ...(token && { page_token: token }),
    }
    const answer = await client.send('POST', `${apiRoot}/runs/search`, body).catch((error) => {
      if (!isReason(error, 'INVALID_PARAMETER_VALUE')) throw error
      throw new RidecastError('filter_invalid', error.message, { cause: error })
    })
    const page = answerOf(runPage, answer, 'runs/search')
    runs.push(...page.runs)
    token = page.next_page_token
  } while (token && runs.length < limit)
  return runs
}

async function getRun(client: MlflowClient, id: string): Promise<RunRecord> {
  const run = await activeRun(client, id)
  const { info, data } = run
  const summary = await summaryOf(client, run, await experimentName(client, info.experiment_id))
  const history = await inTurn(data.metrics, async ({ key }) => {
    return [key, await pointsOf(client, id, key)] as const
  })
  const artifacts = await artifactsOf(client, run)
  return { ...summary, history: Object.fromEntries(history), artifacts }
}

async function readArtifact(client: MlflowClient, id: string, path: string): Promise<Uint8Array> {
  checkArtifactPath(path)
  const run = await activeRun(client, id)
  const uri = run.info.artifact_uri
  // Asked first: what a store says of a file that is not there differs from one to another.
  const known = await listArtifacts(client, uri)
  if (known.some((artifact) => artifact.path === path)) {
    return readArtifactAt(client, uri, path, largestArtifact)
  }
  const names = known.map((artifact) => artifact.path).filter(isOwn)
  throw new RidecastError(
    'run_artifact_not_found',
    `artifact ${path} of run ${id} is not there: expected one of ${names.join(', ') || 'none'}`,
  )
}

/** A run that is there and not deleted. */
async function activeRun(client: MlflowClient, id: string): Promise<RunAnswer> {
  const missing = (cause?: unknown): RidecastError =>
    new RidecastError(
      'run_not_found',
      `run ${id} is not there: expected the id of a run on ${client.uri}; ` +
        'see them with: ridecast runs list',
      { cause },
    )
  // Anything else is no id of MLflow, and an empty one is refused as a fault of the request.
  if (!/^\w[\w-]*$/.test(id)) throw missing()
  const run = await fetchRun(client, id).catch((error: unknown) => {
    throw isReason(error, 'RESOURCE_DOES_NOT_EXIST') ? missing(error) : error
  })
  if (run.info.lifecycle_stage !== 'active') throw missing()
  return run
}

async function pointsOf(client: MlflowClient, id: string, name: string): Promise<MetricPoint[]> {
  const points: { value: number; step: number; at: number }[] = []
  let token: string | undefined
  do {
    const answer = await client.get(`${apiRoot}/metrics/get-history`, {
      run_id: id,
      metric_key: name,
      max_results: pointsInPage,
      page_token: token,
    })
    const page = answerOf(metricPage, answer, 'metrics/get-history')
    points.push(...page.metrics.map(({ value, step, timestamp: at }) => ({ value, step, at })))
    token = page.next_page_token
  } while (token)
  return points
    .sort((a, b) => a.step - b.step || a.at - b.at)
    .map(({ value, step, at }) => ({ value, step, time: new Date(at).toISOString() }))
}

/** Files of a run, which the server lists also where only it can reach them. */
async function artifactsOf(client: MlflowClient, { info }: RunAnswer): Promise<Artifact[]> {
  const files = await walkArtifacts('', async (folder) => {
    const query = { run_id: info.run_id, path: folder || undefined }
    const answer = await client.get(`${apiRoot}/artifacts/list`, query)
    return answerOf(artifactFolder, answer, 'artifacts/list').files
  }).catch((error: unknown) => {
    const isProxied = info.artifact_uri.startsWith('mlflow-artifacts:')
    // Not even the server reaches every place; the rest of the run is there all the same.
    if (!isProxied && isRidecastError(error, 'tracking_failed')) return []
    throw error
  })
  return files.filter(({ path }) => isOwn(path))
}

/** False for what this store has put beside the artifacts that were logged. */
function isOwn(path: string): boolean {
  return !path.startsWith(`${textFolder}/`)
}

/** A task for each item, some at a time, results in the order of the items. */
async function inTurn<T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += requestsAtOnce) {
    results.push(...(await Promise.all(items.slice(from, from + requestsAtOnce).map(task))))
  }
  return results
}
