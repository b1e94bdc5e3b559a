/**
 * A model version in a browser: the same code as the server's over the same documents, so that the
 * answers are equal to the bit. The page loads it when it is to score without a server; the server
 * itself does not use it. Nothing below it may need Node.
 */

import { z } from 'zod'
import type { Documents } from '../artifact.ts'
import { RidecastError } from '../errors.ts'
import type { Explanation, RideRequest } from '../predictor.ts'
import type { Around, Reach, TypicalDistance } from './around.ts'

/** The answer of `GET /model/documents`. */
export interface ModelDocuments {
  readonly name: string
  readonly version: string
  readonly documents: Documents
}

/** A ride as a client says it. */
export interface SaidRide {
  readonly PULocationID: number
  readonly DOLocationID: number
  /** Such as `2021-02-03T08:15`. */
  readonly pickup_datetime?: string | undefined
  readonly [input: string]: number | string | undefined
}

/** What a version says about rides. */
export interface BrowserModel {
  readonly name: string
  readonly version: string
  /** False for a model that was trained without intervals. */
  readonly hasIntervals: boolean
  /**
   * The same as `POST /predict?explain=true`, with `&interval=` where a coverage is given.
   *
   * @throws input_invalid with every fault of the ride
   */
  explain(ride: SaidRide, coverage?: number): Explanation
  /** The distance to expect between two zones, miles; null where the model knows of none. */
  typicalDistance(from: number, to: number): TypicalDistance | null
  /** The same as a part of `GET /typical`. */
  around(ride: SaidRide): Around
  /** The same as `GET /reach`. */
  reach(ride: SaidRide): Reach
}

/**
 * A version from its documents.
 *
 * @throws artifact_corrupt when a document does not have its shape
 */
export async function browserModel(of: ModelDocuments): Promise<BrowserModel> {
  // Before any schema is made: the page's policy allows no code from text.
  z.config({ jitless: true })
  const [{ loadedModel }, { aroundRide, reachOf, typicalDistances }, rideFields] =
    await Promise.all([
      import('../loaded-model.ts'),
      import('./around.ts'),
      import('./ride-fields.ts'),
    ])
  const { predictor } = loadedModel(of.name, of.version, of.documents)
  const fields = rideFields.fieldsOf(predictor.inputs, predictor.model.features.required)
  const schema = rideFields.rideSchema(fields)
  const requestOf = (ride: SaidRide): RideRequest => {
    const parsed = schema.safeParse(ride)
    if (parsed.success) return parsed.data
    const faults = rideFields.faultsOf(ride, fields)
    throw new RidecastError('input_invalid', faults.map(({ message }) => message).join('; '))
  }
  const distances = typicalDistances(predictor.profile)
  return {
    name: of.name,
    version: of.version,
    hasIntervals: predictor.model.intervals !== undefined,
    explain: (ride, coverage) => predictor.explain(requestOf(ride), coverage),
    typicalDistance: distances,
    around: (ride) => aroundRide(predictor, requestOf(ride)),
    reach: (ride) => reachOf(predictor, requestOf({ trip_distance: 0, ...ride })),
  }
}
