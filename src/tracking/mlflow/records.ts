/**
 * Runs as an MLflow server tells of them and as the Tracker contract has them, in both directions.
 * Knows nothing about requests but those for long texts.
 */

import { z } from 'zod'
import type { LoggedModel, RunStart, RunStatus, RunSummary, SourceCommit } from '../tracker.ts'
import { type RunAnswer, recordOf } from './answers.ts'
import type { MlflowClient } from './client.ts'
import { datasetsOf } from './datasets.ts'
import { requestTag } from './logged-model.ts'
import { wholeTexts } from './texts.ts'

/** Tags that stand for a field of a run; the first ones are MLflow's own. */
export const fieldTags = {
  user: 'mlflow.user',
  source: 'mlflow.source.name',
  sourceType: 'mlflow.source.type',
  commit: 'mlflow.source.git.commit',
  modified: 'mlflow.source.git.dirty',
  parent: 'mlflow.parentRunId',
  name: 'mlflow.runName',
  error: 'ridecast.error',
  model: 'ridecast.model',
  request: requestTag,
} as const

const hidden: ReadonlySet<string> = new Set(Object.values(fieldTags))

const statuses: Readonly<Record<string, RunStatus>> = {
  RUNNING: 'running',
  SCHEDULED: 'running',
  FINISHED: 'finished',
  FAILED: 'failed',
  KILLED: 'killed',
}

const modelSchema = z.object({ name: z.string(), version: z.string(), path: z.string() })

/** The tags that a run is started with, beside those that were given. */
export function startTags({ user, source, commit, parent }: RunStart): Record<string, string> {
  return {
    [fieldTags.sourceType]: 'LOCAL',
    ...(user !== undefined && { [fieldTags.user]: user }),
    ...(source !== undefined && { [fieldTags.source]: source }),
    ...(parent !== undefined && { [fieldTags.parent]: parent }),
    ...(commit && {
      [fieldTags.commit]: commit.hash,
      [fieldTags.modified]: String(commit.modified),
    }),
  }
}

/** The tag that says which model a run has made. */
export function modelTag({ name, version, path }: LoggedModel): Record<string, string> {
  return { [fieldTags.model]: JSON.stringify({ name, version, path }) }
}

/** The address of a run's page. */
export function pageOf(client: MlflowClient, experimentId: string, runId: string): string {
  return `${client.uri}/#/experiments/${experimentId}/runs/${runId}`
}

/** A run as a list shows it. */
export async function summaryOf(
  client: MlflowClient,
  { info, data, inputs }: RunAnswer,
  experiment: string,
): Promise<RunSummary> {
  const [tags, parameters] = await Promise.all(
    [data.tags, data.params].map((list) => wholeTexts(client, info.artifact_uri, recordOf(list))),
  )
  const status = statuses[info.status] ?? 'running'
  const own = tags ?? {}
  return {
    id: info.run_id,
    experiment,
    name: info.run_name,
    status,
    startedAt: new Date(info.start_time).toISOString(),
    endedAt: info.end_time ? new Date(info.end_time).toISOString() : null,
    error: own[fieldTags.error] || null,
    parent: own[fieldTags.parent] ?? null,
    commit: commitOf(own),
    user: own[fieldTags.user] ?? (info.user_id || null),
    source: own[fieldTags.source] ?? null,
    tags: Object.fromEntries(Object.entries(own).filter(([name]) => !hidden.has(name))),
    parameters: parameters ?? {},
    metrics: Object.fromEntries(data.metrics.map(({ key, value }) => [key, value])),
    datasets: datasetsOf(inputs.dataset_inputs),
    model: modelOf(own[fieldTags.model]),
    process: null,
    location: pageOf(client, info.experiment_id, info.run_id),
  }
}

function commitOf(tags: Readonly<Record<string, string>>): SourceCommit | null {
  const hash = tags[fieldTags.commit]
  return hash ? { hash, modified: tags[fieldTags.modified]?.toLowerCase() === 'true' } : null
}

function modelOf(text: string | undefined): LoggedModel | null {
  try {
    return modelSchema.parse(JSON.parse(text ?? ''))
  } catch {
    return null
  }
}
