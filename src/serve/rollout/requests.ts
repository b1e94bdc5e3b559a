/** What people ask of a rollout, over the admin API and the command line alike. */

import { z } from 'zod'
import { rulesSchema } from './rules.ts'

const reason = z
  .string()
  .regex(/^\P{Cc}{0,1000}$/u, 'one line of at most 1000 characters')
  .default('')
const version = z.string().min(1).max(100)
const share = z.number().gt(0).max(1)

/** The shape of a request to a rollout. */
export const rolloutRequestSchema = z.discriminatedUnion('action', [
  z.strictObject({
    /** Tries a version beside the champion. */
    action: z.literal('start'),
    /** Default canary. */
    mode: z.enum(['canary', 'ab', 'shadow']).default('canary'),
    /** At least 4 digits of the version that is tried. */
    version,
    /** Canary only: shares of the requests by step, growing, default 1, 5, 25, 50 and 100 %. */
    steps: z.array(share).min(1).max(100).optional(),
    /** Of an A/B trial the share of keys, default 0.5; of a shadow that of rides, default 1. */
    share: share.optional(),
    /** Thresholds that differ from the defaults. */
    rules: rulesSchema.partial().optional(),
    reason,
  }),
  z.strictObject({
    /** On to the next step, the promotion, the end; or a pause of what would happen by itself. */
    action: z.enum(['advance', 'promote', 'rollback', 'stop', 'pause', 'resume']),
    reason,
  }),
  z.strictObject({
    /** Makes another version the champion at once. */
    action: z.literal('switch'),
    version,
    reason,
  }),
  z.strictObject({
    /** Makes the champion before the last switch or promotion the champion again. */
    action: z.literal('back'),
    reason,
  }),
])

/** A checked request to a rollout. */
export type RolloutRequest = z.output<typeof rolloutRequestSchema>
/** A request whose defaults need not be said. */
export type RolloutRequestInput = z.input<typeof rolloutRequestSchema>
