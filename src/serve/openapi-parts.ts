/**
 * What operations of the OpenAPI document are put together from. Knows nothing about single routes.
 */

import type { ResponseConfig, RouteConfig, ZodContentObject } from '@asteasolutions/zod-to-openapi'
import { z } from 'zod'
import { coverages } from '../intervals.ts'
import type { ProblemCode } from './problem.ts'

/** What is said of a route beside where it is. */
export interface Operation {
  readonly summary: string
  readonly tag: string
  readonly request?: NonNullable<RouteConfig['request']>
  /** Answers that are no problem, and failures of protocols that have their own. */
  readonly answers: Readonly<Record<number, ResponseConfig>>
  /** Problems beside those that any route may answer with. */
  readonly problems: readonly ProblemCode[]
}

/** JSON content. */
export const json = (schema: z.ZodType): ZodContentObject => ({ 'application/json': { schema } })
/** Content that is text to JSON Schema. */
export const text = { schema: { type: 'string' } } as const
/** Content that is nothing to JSON Schema. */
export const bytes = { schema: {} } as const
/** The answer of a route that has one. */
export const ok = (
  content: ZodContentObject,
  headers?: ResponseConfig['headers'],
): ResponseConfig => ({
  description: 'The answer.',
  content,
  ...(headers && { headers }),
})

/** Header of answers by a model. */
export const armHeader = z.object({
  'Ridecast-Arm': z.enum(['champion', 'challenger']).meta({ description: 'Which model answered.' }),
})
/** Headers of an answer to one ride. */
export const idHeader = armHeader.extend({
  'Ridecast-Prediction-Id': z
    .string()
    .meta({ description: 'Name of the prediction in the log, for feedback and audits.' }),
})

/** Query of routes that predict. */
export const wishes = z.object({
  explain: z.enum(['true', 'false', '']).optional().meta({ description: 'Reasons too.' }),
  interval: z
    .number()
    .min(coverages.least)
    .max(coverages.most)
    .optional()
    .meta({ description: 'Coverage of an interval; of models that were trained with intervals.' }),
})

/** Header of requests that are predicted. */
export const key = z.object({
  'Ridecast-Key': z
    .string()
    .optional()
    .meta({ description: "The client's own key: the same key, the same arm; feedback by key." }),
})
