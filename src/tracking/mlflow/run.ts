/**
 * The handle of a run on an MLflow server. Knows nothing about other runs or about reading them
 * back.
 */

import { RidecastError } from '../../errors.ts'
import type { ModelFile } from '../../model-file.ts'
import { checkArtifactPath, checkName } from '../names.ts'
import { checkedPoint, pointsOf } from '../points.ts'
import {
  type ByteSource,
  type Dataset,
  type FinalStatus,
  type LoggedModel,
  metricToJson,
  type NamedPoint,
  type RunHandle,
} from '../tracker.ts'
import { answerOf, apiRoot, type DatasetInput, oneRun, type RunAnswer } from './answers.ts'
import { artifactPath, uploadArtifact } from './artifacts.ts'
import { batches, batchLimits } from './batches.ts'
import { isReason, type MlflowClient, MlflowError } from './client.ts'
import { datasetInput, measuredOn } from './datasets.ts'
import { createLoggedModel, fillLoggedModel, findLoggedModels } from './logged-model.ts'
import { fieldTags, modelTag, pageOf } from './records.ts'
import { fieldText, longestParameter, longestTag, textFolder, uploadTexts } from './texts.ts'

/** The run of that id as the server tells of it. */
export async function fetchRun(client: MlflowClient, id: string): Promise<RunAnswer> {
  const answer = await client.get(`${apiRoot}/runs/get`, { run_id: id })
  return answerOf(oneRun, answer, 'runs/get').run
}

/** A run on a server, written by this process; another one may write it too. */
export class MlflowRun implements RunHandle {
  readonly id: string
  readonly location: string
  private readonly client: MlflowClient
  private readonly experimentId: string
  private readonly artifactUri: string
  private readonly now: () => Date
  /** Parameters as the server has them. */
  private readonly parameters: Map<string, string>
  private readonly datasets: DatasetInput[]
  private modelId: string | undefined
  private ended: FinalStatus | undefined
  private queue: Promise<unknown> = Promise.resolve()

  /**
   * @param run what the server told of it
   * @param now the clock
   */
  constructor(client: MlflowClient, { info, data, inputs, outputs }: RunAnswer, now: () => Date) {
    this.client = client
    this.id = info.run_id
    this.experimentId = info.experiment_id
    this.artifactUri = info.artifact_uri
    this.location = pageOf(client, info.experiment_id, info.run_id)
    this.parameters = new Map(data.params.map(({ key, value }) => [key, value]))
    this.datasets = inputs.dataset_inputs
    this.modelId = outputs.model_outputs.at(-1)?.model_id
    this.now = now
  }

  async logParameters(values: Readonly<Record<string, string | number | boolean>>): Promise<void> {
    const added = Object.entries(values).map(([name, value]) => {
      checkName('parameter', name)
      return { name, ...fieldText(String(value), longestParameter) }
    })
    await this.enqueue(async () => {
      for (const { name, value } of added) this.checkParameter(name, value)
      const fresh = added.filter(({ name }) => !this.parameters.has(name))
      await uploadTexts(this.client, this.artifactUri, fresh)
      const params = fresh.map(({ name, value }) => ({ key: name, value }))
      for (const part of batches(params, batchLimits.params)) {
        await this.logBatch({ params: part })
        for (const { key, value } of part) this.parameters.set(key, value)
      }
    })
  }

  async logMetrics(
    values: Readonly<Record<string, number>>,
    { step = 0, at = this.now() }: { step?: number | undefined; at?: Date | undefined } = {},
  ): Promise<void> {
    await this.logPoints(pointsOf(values, step, at))
  }

  async logPoints(given: readonly Readonly<NamedPoint>[]): Promise<void> {
    const points = given.map((point) => {
      const { time, ...rest } = checkedPoint(point)
      return { ...rest, timestamp: Date.parse(time) }
    })
    await this.enqueue(() => this.sendPoints(points))
  }

  async setTags(values: Readonly<Record<string, string>>): Promise<void> {
    const tags = { ...values }
    for (const name of Object.keys(tags)) checkName('tag', name)
    await this.enqueue(() => this.sendTags(tags))
  }

  async logDataset(dataset: Readonly<Dataset>): Promise<void> {
    const copy = { ...dataset }
    await this.enqueue(async () => {
      const input = datasetInput(copy, this.datasets)
      if (input === null) return
      const body = { run_id: this.id, datasets: [input] }
      await this.client.send('POST', `${apiRoot}/runs/log-inputs`, body)
      this.datasets.push(input)
    })
  }

  async logArtifact(path: string, content: Uint8Array | string | ByteSource): Promise<void> {
    checkArtifactPath(path)
    if (path.startsWith(`${textFolder}/`)) {
      throw new RidecastError(
        'run_write_refused',
        `artifact path ${path} is not allowed: expected one outside ${textFolder}, where the ` +
          'texts of long parameters are',
      )
    }
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    await this.enqueue(() => uploadArtifact(this.client, this.artifactUri, path, bytes))
  }

  async logModel(
    { name, version, path }: Readonly<LoggedModel>,
    files?: () => Promise<readonly ModelFile[]>,
  ): Promise<string | null> {
    return this.enqueue(async () => {
      const modelId = files ? await this.keepModel({ name, version, path }, files) : null
      await this.sendTags(modelTag({ name, version, path }))
      return modelId
    })
  }

  async finish(
    status: FinalStatus,
    { error, at }: { error?: string | undefined; at?: Date | undefined } = {},
  ): Promise<void> {
    await this.enqueue(async () => {
      if (error !== undefined) await this.sendTags({ [fieldTags.error]: error })
      await this.client.send('POST', `${apiRoot}/runs/update`, {
        run_id: this.id,
        status: status.toUpperCase(),
        end_time: (at ?? this.now()).getTime(),
      })
      this.ended = status
    })
  }

  private checkParameter(name: string, value: string): void {
    const before = this.parameters.get(name) ?? value
    if (before === value) return
    throw new RidecastError(
      'run_write_refused',
      `parameter ${name} of run ${this.id} is logged already: expected ${before} again, ` +
        `found ${value}; start another run, or use a metric with steps`,
    )
  }

  private async sendPoints(
    points: readonly { name: string; value: number; step: number; timestamp: number }[],
  ): Promise<void> {
    const metrics = points.map(({ name, value, step, timestamp }) => ({
      key: name,
      value: metricToJson(value),
      timestamp,
      step,
      ...this.ties(name, value),
    }))
    for (const part of batches(metrics, batchLimits.metrics)) await this.logBatch({ metrics: part })
  }

  /** What ties a metric to the model of the run, and to the data that it was measured on. */
  private ties(name: string, value: number): Record<string, string> {
    // The server has no NaN for models, and would show 0.
    if (this.modelId === undefined || Number.isNaN(value)) return {}
    const data = measuredOn(name, this.datasets)
    return {
      model_id: this.modelId,
      ...(data && { dataset_name: data.name, dataset_digest: data.digest }),
    }
  }

  private async sendTags(values: Readonly<Record<string, string>>): Promise<void> {
    const fields = Object.entries(values).map(([key, text]) => ({
      key,
      ...fieldText(text, longestTag),
    }))
    await uploadTexts(this.client, this.artifactUri, fields)
    const tags = fields.map(({ key, value }) => ({ key, value }))
    for (const part of batches(tags, batchLimits.tags)) await this.logBatch({ tags: part })
  }

  private async logBatch(body: Readonly<Record<string, unknown>>): Promise<void> {
    await this.client.send('POST', `${apiRoot}/runs/log-batch`, { run_id: this.id, ...body })
  }

  /** Keeps the model, once for each version, and ties the run's metrics to it. */
  private async keepModel(
    { name, version }: LoggedModel,
    files: () => Promise<readonly ModelFile[]>,
  ): Promise<string> {
    artifactPath(this.artifactUri)
    const tags = { 'ridecast.name': name, 'ridecast.version': version }
    const [earlier, content] = await Promise.all([
      findLoggedModels(this.client, this.experimentId, tags, this.id),
      files(),
    ])
    const begun = earlier.find((model) => model.isReady) ?? earlier[0]
    const { data, outputs } = await fetchRun(this.client, this.id)
    const origin = { runId: this.id, files: content }
    const parameters = Object.fromEntries(this.parameters)
    const isNew = { ...origin, experimentId: this.experimentId, name, tags, parameters }
    const made =
      begun === undefined
        ? await createLoggedModel(this.client, isNew)
        : begun.isReady
          ? begun
          : await fillLoggedModel(this.client, begun, origin)
    if (!outputs.model_outputs.some((output) => output.model_id === made.modelId)) {
      await this.sendOutput(made.modelId)
    }
    this.modelId = made.modelId
    const last = data.metrics.filter((metric) => !Number.isNaN(metric.value))
    await this.sendPoints(last.map(({ key, ...metric }) => ({ name: key, ...metric })))
    return made.modelId
  }

  private async sendOutput(modelId: string): Promise<void> {
    const body = { run_id: this.id, models: [{ model_id: modelId, step: 0 }] }
    const send = () =>
      this.client.send('POST', `${apiRoot}/runs/outputs`, body, { repeatable: false })
    await send().catch(async (error: unknown) => {
      if (!(error instanceof MlflowError && error.outcomeUnknown)) throw error
      // Sent twice, it would be there twice.
      const { outputs } = await fetchRun(this.client, this.id)
      if (!outputs.model_outputs.some((output) => output.model_id === modelId)) await send()
    })
  }

  private enqueue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.queue.then(async () => {
      if (this.ended !== undefined) {
        throw new RidecastError(
          'run_write_refused',
          `run ${this.id} is ${this.ended} and takes nothing more; start another run`,
        )
      }
      return task().catch((error: unknown) => {
        throw asWriteRefusal(error)
      })
    })
    this.queue = done.catch(() => {})
    return done
  }
}

/** What the server does not take of a run, as the contract has it; any other error as it is. */
export function asWriteRefusal(error: unknown): unknown {
  const refusals = ['INVALID_PARAMETER_VALUE', 'RESOURCE_DOES_NOT_EXIST', 'INVALID_STATE']
  if (!isReason(error, ...refusals)) return error
  return new RidecastError('run_write_refused', error.message, { cause: error })
}
