/**
 * Who answers the page's rides: the server, or the same model version in this browser. Knows no
 * views.
 */

import type { Interval } from '../../intervals.ts'
import type { Contribution } from '../../model.ts'
import type { Warning } from '../../predictor.ts'
import type { Around, Reach, TypicalDistance } from '../around.ts'
import type { ModelDocuments, SaidRide } from '../browser-model.ts'
import { ApiError, ask } from './api.ts'

export type { SaidRide } from '../browser-model.ts'

/** The answer to a ride. */
export interface Answer {
  /** Minutes. */
  readonly duration: number
  readonly model_version: string
  readonly interval?: Interval
  readonly warnings?: readonly Warning[]
  readonly explanation: {
    readonly intercept: number
    readonly contributions: readonly Contribution[]
    readonly total: number
  }
}

/** Answers rides; every method rejects with an ApiError. */
export interface Scorer {
  /** What it is: the server, or the version that lies in the browser. */
  readonly offline: { readonly name: string; readonly version: string } | null
  distance(from: number, to: number, signal: AbortSignal): Promise<TypicalDistance | null>
  answer(ride: SaidRide, signal: AbortSignal): Promise<Answer>
  around(ride: SaidRide, signal: AbortSignal): Promise<Around>
  reach(ride: SaidRide, signal: AbortSignal): Promise<Reach>
}

/** Coverage of the interval beside every answer. */
export const coverage = 0.9

const queryOf = (ride: SaidRide): string =>
  new URLSearchParams(
    Object.entries(ride).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  ).toString()

/** The server. */
export function onlineScorer(): Scorer {
  /** A version that was trained without intervals: it is asked without. */
  let without: string | undefined
  const predict = async (ride: SaidRide, signal: AbortSignal, more: string): Promise<Answer> =>
    (await ask<Answer>(`/predict?explain=true${more}`, { body: ride, signal })).body
  return {
    offline: null,
    async distance(PULocationID, DOLocationID, signal) {
      const query = queryOf({ PULocationID, DOLocationID })
      const { body } = await ask<{ distance: TypicalDistance | null }>(`/typical?${query}`, {
        signal,
      })
      return body.distance
    },
    async answer(ride, signal) {
      try {
        const interval = without === undefined ? `&interval=${coverage}` : ''
        const answer = await predict(ride, signal, interval)
        // Another version may have them.
        if (answer.model_version !== without) without = undefined
        return answer
      } catch (error) {
        const faults = error instanceof ApiError ? error.faults : []
        if (!faults.some(({ parameter }) => parameter === 'interval')) throw error
        const answer = await predict(ride, signal, '')
        without = answer.model_version
        return answer
      }
    },
    async around(ride, signal) {
      return (await ask<Around>(`/typical?${queryOf(ride)}`, { signal })).body
    },
    async reach(ride, signal) {
      return (await ask<Reach>(`/reach?${queryOf(ride)}`, { signal })).body
    },
  }
}

/** The champion's documents and the code that reads them, brought into this browser. */
export async function offlineScorer(): Promise<Scorer> {
  const [{ browserModel }, { body }] = await Promise.all([
    import('../browser-model.ts'),
    ask<ModelDocuments>('/model/documents'),
  ])
  const model = await browserModel(body)
  // What the model cannot answer is told as the server tells it.
  const told = async <T>(compute: () => T): Promise<T> => {
    try {
      return compute()
    } catch (error) {
      throw new ApiError('input_invalid', error instanceof Error ? error.message : String(error))
    }
  }
  return {
    offline: { name: model.name, version: model.version },
    distance: (from, to) => told(() => model.typicalDistance(from, to)),
    answer: (ride) =>
      told(() => {
        const { intercept, contributions, total, ...rest } = model.explain(
          ride,
          model.hasIntervals ? coverage : undefined,
        )
        const explanation = { intercept, contributions, total }
        return { ...rest, explanation, model_version: model.version }
      }),
    around: (ride) => told(() => model.around(ride)),
    reach: (ride) => told(() => model.reach(ride)),
  }
}
