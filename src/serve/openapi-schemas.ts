/**
 * The shapes of what the service answers, for its OpenAPI document. What it takes is not here: the
 * schemas that check requests say that themselves. Knows nothing about routes.
 */

import { z } from 'zod'
import { faultCodes, problemCodes } from './problem.ts'

/** The codes of problems that a route answers with, by name. */
const codes = Object.keys(problemCodes) as [string, ...string[]]

const fault = z
  .object({
    code: z.enum(faultCodes),
    pointer: z.string().optional(),
    parameter: z.string().optional(),
    message: z.string(),
  })
  .meta({ id: 'Fault', description: 'One thing that is wrong with a request.' })

/** RFC 9457, as `problem.ts` writes it. */
export const problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(codes),
    errors: z.array(fault).optional(),
  })
  .meta({ id: 'Problem', description: 'Why there is no answer; `code` tells problems apart.' })

const interval = z
  .object({ low: z.number(), high: z.number(), coverage: z.number() })
  .meta({ id: 'Interval', description: 'Minutes that such rides end between with a probability.' })

const warning = z
  .object({ code: z.string(), field: z.string(), message: z.string() })
  .meta({ id: 'Warning', description: 'Something to know about an answer.' })

const contribution = z.object({
  term: z.string(),
  value: z.union([z.string(), z.number()]).nullable(),
  minutes: z.number(),
  unseen: z.boolean(),
})

const explanation = z
  .object({ intercept: z.number(), contributions: z.array(contribution), total: z.number() })
  .meta({ id: 'Explanation', description: 'Minutes that add up, in this order, to the total.' })

const answer = {
  duration: z.number().meta({ description: 'Minutes.' }),
  model_version: z.string(),
  interval: interval.optional(),
  warnings: z.array(warning).optional(),
  explanation: explanation.optional(),
}

/** `POST /predict`. */
export const prediction = z.object(answer).meta({ id: 'Prediction' })

const row = z.int().min(0).meta({ description: 'Place in the batch, from 0.' })

/** A row of `POST /predict/batch`. */
export const rowAnswer = z
  .union([
    z.object({ row, ...answer, prediction_id: z.string() }),
    z.object({
      row,
      error: z.object({
        code: z.enum(codes),
        detail: z.string(),
        errors: z.array(fault).optional(),
      }),
    }),
  ])
  .meta({ id: 'RowAnswer' })

/** `GET /model`. */
export const model = z
  .object({
    name: z.string(),
    version: z.string(),
    kind: z.string(),
    taxi: z.string(),
    recipe: z.record(z.string(), z.unknown()),
    inputs: z.array(
      z.object({
        name: z.string(),
        type: z.enum(['integer', 'number', 'string']),
        unit: z.string(),
        required: z.boolean(),
        assumable: z.boolean(),
      }),
    ),
    metrics: z.unknown(),
    trained_on: z.array(z.unknown()),
  })
  .meta({ id: 'Model' })

/** `GET /model/documents`. */
export const modelDocuments = z.object({
  name: z.string(),
  version: z.string(),
  documents: z.record(z.string(), z.unknown()),
})

/** `GET /typical`. */
export const typical = z.object({
  model: z.string(),
  model_version: z.string(),
  distance: z.object({ miles: z.number(), of: z.enum(['pair', 'line', 'all']) }).nullable(),
  durations: z
    .object({ mean: z.number(), p10: z.number(), p50: z.number(), p90: z.number() })
    .nullable(),
  hours: z.array(z.number()).nullable(),
  half: z.union([interval, z.null()]),
})

/** `GET /reach`. */
export const reach = z.object({
  model: z.string(),
  model_version: z.string(),
  minutes: z.array(z.array(z.number()).length(2)),
})

/** `POST /feedback`. */
export const feedback = z.object({
  prediction_id: z.string(),
  predicted: z.number(),
  actual: z.number(),
  model_version: z.string(),
})

/** A rollout as people are told of it; docs/rollout.md has its fields. */
export const rollout = z
  .looseObject({
    mode: z.string(),
    status: z.string(),
    champion: z.string(),
    challenger: z.string().nullable(),
    share: z.number(),
    history: z.array(z.looseObject({ at: z.string(), event: z.string() })),
  })
  .meta({ id: 'Rollout' })

const milliseconds = z.number().nullable()

/** `GET /status`. */
export const status = z.object({
  service: z.literal('ridecast'),
  version: z.string(),
  started_at: z.string(),
  requests: z.object({
    total: z.number(),
    per_second: z.number(),
    by_status: z.record(z.string(), z.number()),
  }),
  latency_ms: z.object({ p50: milliseconds, p90: milliseconds, p99: milliseconds }),
  in_flight: z.int(),
  arms: z.array(
    z.looseObject({
      arm: z.string(),
      model: z.string(),
      version: z.string(),
      share: z.number(),
      predictions: z.number(),
      failures: z.number(),
      mean_minutes: z.number().nullable(),
      histogram: z.object({ edges: z.array(z.number()), counts: z.array(z.number()) }),
    }),
  ),
  rollout: z.union([rollout, z.null()]),
})

/** `GET /`. */
export const index = z.object({
  service: z.literal('ridecast'),
  version: z.string(),
  links: z.record(z.string(), z.object({ method: z.string(), href: z.string() })),
})

/** `GET /health/live`. */
export const live = z.object({ status: z.literal('live') })

/** `GET /health/ready`. */
export const ready = z.object({
  status: z.literal('ready'),
  model: z.string(),
  model_version: z.string(),
})

/** Failures of MLflow's scoring protocol. */
export const scoringError = z
  .object({ error_code: z.string(), message: z.string() })
  .meta({ id: 'ScoringError' })

/** Answers of MLflow's scoring protocol. */
export const scores = z.object({ predictions: z.array(z.number()) }).meta({ id: 'Scores' })

/** Failures of the Open Inference Protocol. */
export const inferenceError = z.object({ error: z.string() }).meta({ id: 'InferenceError' })

const tensor = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()),
})

/** `GET /v2/models/:name`. */
export const modelMetadata = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensor),
  outputs: z.array(tensor),
  properties: z.record(z.string(), z.string()),
})
