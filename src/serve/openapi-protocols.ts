/**
 * What the routes of foreign protocols take and answer, for the OpenAPI document. Knows nothing about
 * how they do it.
 */

import type { ResponseConfig } from '@asteasolutions/zod-to-openapi'
import { z } from 'zod'
import { armHeader, bytes, json, key, type Operation, ok, text, wishes } from './openapi-parts.ts'
import * as shapes from './openapi-schemas.ts'
import { inferRequestSchema, inferResponseSchema } from './protocols/infer.ts'
import type { ServedModel } from './state.ts'

/** Operations of MLflow's scoring protocol, by `METHOD path`. */
export function mlflowOperations(ride: z.ZodType): Record<string, Operation> {
  const columns = z.record(z.string(), z.array(z.unknown()))
  const scoring = z.union([
    z.object({
      dataframe_split: z.object({
        columns: z.array(z.string()),
        data: z.array(z.array(z.unknown())),
        index: z.array(z.unknown()).optional(),
      }),
    }),
    z.object({ dataframe_records: z.array(ride) }),
    z.object({ instances: z.union([z.array(ride), columns]) }),
    z.object({ inputs: z.union([z.array(ride), columns]) }),
  ])
  const told = (description: string): ResponseConfig => ({
    description,
    content: json(shapes.scoringError),
  })
  const probe = (summary: string): Operation => ({
    summary,
    tag: 'MLflow',
    answers: {
      200: ok({ 'text/plain': text }),
      404: { description: 'There is no model.', content: { 'text/plain': text } },
    },
    problems: [],
  })
  return {
    'POST /invocations': {
      summary: "Predictions by MLflow's scoring protocol",
      tag: 'MLflow',
      request: {
        query: wishes,
        headers: key,
        body: { required: true, content: { ...json(scoring), 'text/csv': bytes } },
      },
      answers: {
        200: ok(json(shapes.scores), armHeader),
        400: told('The request is wrong.'),
        413: told('The body is too large.'),
        415: { description: 'Neither JSON nor CSV.', content: { 'text/plain': text } },
        500: told('A fault in ridecast itself.'),
        503: told('There is no model yet.'),
        504: told('The client has stopped waiting.'),
      },
      problems: ['request_timeout'],
    },
    'GET /ping': probe('There is a model'),
    'GET /health': probe('There is a model'),
    'GET /version': {
      summary: 'The version of ridecast',
      tag: 'MLflow',
      answers: { 200: ok({ 'text/plain': text }) },
      problems: [],
    },
  }
}

/**
 * Operations of the Open Inference Protocol, by `METHOD path`.
 *
 * @param served the champion, for an example
 */
export function openInferenceOperations(
  served: ServedModel | undefined,
): Record<string, Operation> {
  const tag = 'Open Inference Protocol'
  const modelName = z.object({ name: z.string().meta(like(served?.name)) })
  const modelVersion = modelName.extend({ version: z.string().meta(like(served?.version)) })
  const told = (description: string): ResponseConfig => ({
    description,
    content: json(shapes.inferenceError),
  })
  const notReady = { 503: told('There is no model, or the server is shutting down.') }
  const wrong = { 400: told('The request is wrong, or the model is not served here.') }
  const isReady = z.object({ name: z.string(), ready: z.boolean() })
  const metadata = (params: z.ZodObject): Operation => ({
    summary: 'Inputs and outputs of a model',
    tag,
    request: { params },
    answers: { 200: ok(json(shapes.modelMetadata)), ...wrong, ...notReady },
    problems: ['route_unknown'],
  })
  const readiness = (params: z.ZodObject): Operation => ({
    summary: 'A model is ready',
    tag,
    request: { params },
    answers: { 200: ok(json(isReady)), 404: told('The model is not served here.'), ...notReady },
    problems: ['route_unknown'],
  })
  const infer = (params: z.ZodObject): Operation => ({
    summary: 'Predictions by columns',
    tag,
    request: {
      params,
      query: wishes,
      headers: key,
      body: {
        required: true,
        content: {
          'application/json': { schema: inferRequestSchema, example: inferExample(served) },
          'application/octet-stream': bytes,
        },
      },
    },
    answers: {
      200: ok({ ...json(inferResponseSchema), 'application/octet-stream': bytes }, armHeader),
      ...wrong,
      413: told('The body is too large.'),
      500: told('A fault in ridecast itself.'),
      ...notReady,
      504: told('The client has stopped waiting.'),
    },
    problems: ['request_timeout', 'route_unknown'],
  })
  const server = z.object({
    name: z.string(),
    version: z.string(),
    extensions: z.array(z.string()),
  })
  const name = '/v2/models/:name'
  const version = `${name}/versions/:version`
  return {
    'GET /v2': { summary: 'The server', tag, answers: { 200: ok(json(server)) }, problems: [] },
    'GET /v2/health/live': {
      summary: 'The process answers',
      tag,
      answers: { 200: ok(json(z.object({ live: z.boolean() }))) },
      problems: [],
    },
    'GET /v2/health/ready': {
      summary: 'A model is loaded, and the server is not shutting down',
      tag,
      answers: {
        200: ok(json(z.object({ live: z.boolean(), ready: z.boolean() }))),
        ...notReady,
      },
      problems: [],
    },
    [`GET ${name}`]: metadata(modelName),
    [`GET ${version}`]: metadata(modelVersion),
    [`GET ${name}/ready`]: readiness(modelName),
    [`GET ${version}/ready`]: readiness(modelVersion),
    [`POST ${name}/infer`]: infer(modelName),
    [`POST ${version}/infer`]: infer(modelVersion),
  }
}

function like(example: string | undefined): { examples?: string[] } {
  return example === undefined ? {} : { examples: [example] }
}

/** One ride for the served model, as columns. */
function inferExample(served: ServedModel | undefined): object {
  const values = { integer: 43, number: 1.01, string: '2021-02-03T08:15' } as const
  const datatypes = { integer: 'INT64', number: 'FP64', string: 'BYTES' } as const
  const inputs = (served?.fields ?? []).map(({ name, type }) => {
    return { name, shape: [1], datatype: datatypes[type], data: [values[type]] }
  })
  return { inputs }
}
