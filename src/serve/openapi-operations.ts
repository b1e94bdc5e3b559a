/**
 * What each route takes and answers, for the OpenAPI document, by method and path. Knows nothing
 * about how they do it.
 */

import { z } from 'zod'
import { docsFiles } from './docs-files.ts'
import { feedbackSchema } from './feedback.ts'
import {
  armHeader,
  bytes,
  idHeader,
  json,
  key,
  type Operation,
  ok,
  text,
  wishes,
} from './openapi-parts.ts'
import { mlflowOperations, openInferenceOperations } from './openapi-protocols.ts'
import * as shapes from './openapi-schemas.ts'
import type { ProblemCode } from './problem.ts'
import { mediaTypes } from './protocols/formats.ts'
import { rolloutRequestSchema } from './rollout/requests.ts'
import type { ServedModel } from './state.ts'

const bodyProblems: ProblemCode[] = [
  'body_missing',
  'body_not_json',
  'body_too_large',
  'media_type_unsupported',
  'request_timeout',
]
const predictProblems: ProblemCode[] = [
  ...bodyProblems,
  'input_invalid',
  'not_ready',
  'deadline_exceeded',
]

const fileName = z.object({ file: z.string() })

/**
 * What is said of every route, by `METHOD path`.
 *
 * @param ride schema of a ride for the served model
 * @param served the champion, for examples; undefined while there is none
 */
export function operations(
  ride: z.ZodType,
  served: ServedModel | undefined,
): Readonly<Record<string, Operation>> {
  return {
    ...ours(ride),
    ...page,
    ...mlflowOperations(ride),
    ...openInferenceOperations(served),
  }
}

function ours(ride: z.ZodType): Record<string, Operation> {
  const batch = {
    [mediaTypes.json]: { schema: z.array(ride) },
    [mediaTypes.ndjson]: bytes,
    [mediaTypes.csv]: bytes,
    [mediaTypes.arrow]: bytes,
  }
  return {
    'POST /predict': {
      summary: 'How long a ride takes',
      tag: 'predictions',
      request: { query: wishes, headers: key, body: { required: true, content: json(ride) } },
      answers: { 200: ok(json(shapes.prediction), idHeader) },
      problems: predictProblems,
    },
    'POST /predict/batch': {
      summary: 'How long each of many rides takes, row by row',
      tag: 'predictions',
      request: { query: wishes, headers: key, body: { required: true, content: batch } },
      answers: {
        200: ok(
          {
            [mediaTypes.json]: { schema: z.array(shapes.rowAnswer) },
            [mediaTypes.ndjson]: text,
            [mediaTypes.csv]: text,
            [mediaTypes.arrow]: bytes,
          },
          armHeader,
        ),
      },
      problems: predictProblems,
    },
    'POST /feedback': {
      summary: 'How long a ride took in the end',
      tag: 'predictions',
      request: { body: { required: true, content: json(feedbackSchema) } },
      answers: {
        200: { description: 'Was told before.', content: json(shapes.feedback) },
        201: { description: 'Is kept.', content: json(shapes.feedback) },
      },
      problems: [
        ...bodyProblems,
        'input_invalid',
        'prediction_unknown',
        'feedback_conflict',
        'storage_unavailable',
      ],
    },
    'GET /model': {
      summary: 'The model: what it takes, how good it is, what it was made from',
      tag: 'model',
      answers: { 200: ok(json(shapes.model)) },
      problems: ['not_ready'],
    },
    'GET /model/documents': {
      summary: 'The model itself, to compute with elsewhere',
      tag: 'model',
      answers: {
        200: ok(json(shapes.modelDocuments)),
        304: { description: 'The version that the client has is the champion.' },
      },
      problems: ['not_ready'],
    },
    'GET /typical': {
      summary: 'What rides between two zones are like',
      tag: 'model',
      request: { query: zones(['PULocationID', 'DOLocationID']) },
      answers: { 200: ok(json(shapes.typical)) },
      problems: ['not_ready', 'input_invalid'],
    },
    'GET /reach': {
      summary: 'Minutes from a zone to all others',
      tag: 'model',
      request: { query: zones(['PULocationID']) },
      answers: { 200: ok(json(shapes.reach)) },
      problems: ['not_ready', 'input_invalid'],
    },
    'GET /status': {
      summary: 'The service as a page or a person wants to see it',
      tag: 'operation',
      answers: { 200: ok(json(shapes.status)) },
      problems: [],
    },
    'GET /metrics': {
      summary: 'Metrics in the text format of Prometheus',
      tag: 'operation',
      answers: { 200: ok({ 'text/plain': text }) },
      problems: [],
    },
    'GET /health/live': {
      summary: 'The process answers',
      tag: 'operation',
      answers: { 200: ok(json(shapes.live)) },
      problems: [],
    },
    'GET /health/ready': {
      summary: 'A verified model is loaded, and the server is not shutting down',
      tag: 'operation',
      answers: { 200: ok(json(shapes.ready)) },
      problems: ['not_ready'],
    },
    'GET /admin/rollout': {
      summary: 'The rollout that goes on or was last',
      tag: 'administration',
      answers: { 200: ok(json(z.object({ rollout: z.union([shapes.rollout, z.null()]) }))) },
      problems: ['not_ready'],
    },
    'POST /admin/rollout': {
      summary: 'Changes what is served',
      tag: 'administration',
      request: { body: { required: true, content: json(rolloutRequestSchema) } },
      answers: { 200: ok(json(z.object({ rollout: z.union([shapes.rollout, z.null()]) }))) },
      problems: [...bodyProblems, 'input_invalid', 'rollout_impossible', 'version_refused'],
    },
  }
}

/** Zones of a query; further inputs of the model may be there too. */
function zones(names: readonly string[]): z.ZodObject {
  const zone = z.int().min(1).max(265)
  return z.object(Object.fromEntries(names.map((name) => [name, zone])))
}

const page: Record<string, Operation> = {
  'GET /': {
    summary: 'The page, for who prefers HTML; else where things are',
    tag: 'pages',
    answers: { 200: ok({ ...json(shapes.index), 'text/html': text }) },
    problems: [],
  },
  'GET /page/:file': {
    summary: 'A file of the page',
    tag: 'pages',
    request: { params: fileName },
    answers: { 200: ok({ '*/*': bytes }), 304: { description: 'The client has it.' } },
    problems: ['route_unknown'],
  },
  'GET /openapi.json': {
    summary: 'This document',
    tag: 'pages',
    answers: { 200: ok(json(z.looseObject({ openapi: z.string() }))) },
    problems: [],
  },
  'GET /docs': {
    summary: 'This document as a page',
    tag: 'pages',
    answers: { 200: ok({ 'text/html': text }) },
    problems: ['route_unknown'],
  },
  'GET /docs/:file': {
    summary: 'A file of the page of this document',
    tag: 'pages',
    request: { params: z.object({ file: z.enum(docsFiles) }) },
    answers: { 200: ok({ '*/*': bytes }) },
    problems: ['route_unknown'],
  },
}
