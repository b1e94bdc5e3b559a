/** What the server serves now. Knows nothing about HTTP or about how a model is found. */

import type { z } from 'zod'
import type { Predictor, RideRequest } from '../predictor.ts'
import { Problem } from './problem.ts'
import type { Field } from './ride-fields.ts'

/** A verified model version, ready to answer. */
export interface ServedModel {
  readonly name: string
  readonly version: string
  readonly predictor: Predictor
  /** What a request may say. */
  readonly fields: readonly Field[]
  /** Checks the body of a request. */
  readonly schema: z.ZodType<RideRequest>
  /** `metrics.json` of the version. */
  readonly metrics: unknown
  /** The trip files it was trained on, from `lineage.json`. */
  readonly trainedOn: unknown
}

/** The model, if there is one, and whether the server is shutting down. */
export class ServiceState {
  /** The model that answers; undefined until one is verified. */
  model: ServedModel | undefined
  /** True from the first signal to stop: what is in flight is finished, nothing new is wanted. */
  draining = false

  constructor(model?: ServedModel) {
    this.model = model
  }

  /**
   * The model that answers.
   *
   * @throws Problem: not_ready
   */
  requireModel(): ServedModel {
    if (this.model) return this.model
    throw new Problem('not_ready', 'server has no verified model yet: ask again in a moment')
  }
}
