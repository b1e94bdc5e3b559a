/**
 * What an MLflow server answers, checked as it comes in: later fields are passed over, missing ones
 * and numbers that would lose digits are refused. Knows nothing about how it is asked.
 */

import { z } from 'zod'
import { MlflowError } from './client.ts'

/** Where the tracking and registry endpoints begin. */
export const apiRoot = '/api/2.0/mlflow'

/**
 * A whole number that fits a double exactly; protobuf's JSON gives one of 64 bits as text or as a
 * number.
 */
export const int64 = z
  .union([z.number(), z.string().regex(/^-?\d+$/)])
  .transform(Number)
  .refine(Number.isSafeInteger, 'whole number beyond 2^53 would lose digits')

/** A number; those that JSON does not have are texts. */
const double = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)])

/** A key and a value, in a list; an empty value may be left out. */
export const pairs = z.array(z.object({ key: z.string(), value: z.string().default('') }))

const metric = z.object({
  key: z.string(),
  value: double.default(0),
  timestamp: int64.default(0),
  step: int64.default(0),
})

const datasetInput = z.object({
  tags: pairs.default([]),
  dataset: z.object({
    name: z.string(),
    digest: z.string(),
    source: z.string().default(''),
    profile: z.string().default(''),
  }),
})

/** A run. */
export const runSchema = z.object({
  info: z.object({
    run_id: z.string(),
    experiment_id: z.string(),
    run_name: z.string().default(''),
    user_id: z.string().default(''),
    status: z.string(),
    start_time: int64.default(0),
    end_time: int64.optional(),
    artifact_uri: z.string().default(''),
    lifecycle_stage: z.string().default('active'),
  }),
  data: z
    .object({
      metrics: z.array(metric).default([]),
      params: pairs.default([]),
      tags: pairs.default([]),
    })
    .prefault({}),
  inputs: z.object({ dataset_inputs: z.array(datasetInput).default([]) }).prefault({}),
  outputs: z
    .object({ model_outputs: z.array(z.object({ model_id: z.string() })).default([]) })
    .prefault({}),
})

/** A run as the server tells of it. */
export type RunAnswer = z.infer<typeof runSchema>

/** Data that a run has read, as the server tells of it. */
export type DatasetInput = z.infer<typeof datasetInput>

/** The answer that holds one run. */
export const oneRun = z.object({ run: runSchema })

/** A page of runs. */
export const runPage = z.object({
  runs: z.array(runSchema).default([]),
  next_page_token: z.string().optional(),
})

/** A page of the values of a metric. */
export const metricPage = z.object({
  metrics: z.array(metric).default([]),
  next_page_token: z.string().optional(),
})

const experiment = z.object({
  experiment_id: z.string(),
  name: z.string(),
  lifecycle_stage: z.string().default('active'),
})

/** The answer that holds one experiment. */
export const oneExperiment = z.object({ experiment })

/** The answer to the making of an experiment. */
export const madeExperiment = z.object({ experiment_id: z.string() })

/** A page of experiments. */
export const experimentPage = z.object({
  experiments: z.array(experiment).default([]),
  next_page_token: z.string().optional(),
})

/** A folder of artifacts; one that has nothing in it has no files. */
export const artifactFolder = z.object({
  files: z
    .array(
      z.object({
        path: z.string(),
        is_dir: z.boolean().default(false),
        file_size: int64.default(0),
      }),
    )
    .default([]),
})

const loggedModel = z.object({
  info: z.object({
    model_id: z.string(),
    experiment_id: z.string(),
    name: z.string().default(''),
    artifact_uri: z.string(),
    status: z.string(),
    source_run_id: z.string().default(''),
    tags: pairs.default([]),
  }),
})

/** The answer that holds one logged model. */
export const oneLoggedModel = z.object({ model: loggedModel })

/** A page of logged models. */
export const loggedModelPage = z.object({ models: z.array(loggedModel).default([]) })

/**
 * An answer as its schema has it.
 *
 * @param what what was asked for, for the message
 * @throws RidecastError `tracking_answer`
 */
export function answerOf<T extends z.ZodType>(
  schema: T,
  answer: unknown,
  what: string,
): z.infer<T> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new MlflowError(
    'tracking_answer',
    `answer to ${what} is not what MLflow 3 gives, found ${faults.slice(0, 3).join('; ')}`,
    { cause: parsed.error },
  )
}

/** Keys and values as a record; a key that objects inherit is one of its own. */
export function recordOf(list: z.infer<typeof pairs>): Record<string, string> {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]))
}

/** A record as the list of keys and values that requests hold. */
export function pairsOf(record: Readonly<Record<string, string>>): z.infer<typeof pairs> {
  return Object.entries(record).map(([key, value]) => ({ key, value }))
}
