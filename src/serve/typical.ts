/**
 * `GET /typical` and `GET /reach`: what rides between two zones are like, and how far one gets from
 * a zone, by the champion and the rides it was trained on. Nothing here is an answer to a client's
 * ride, so that nothing of it is logged or counted as a prediction.
 */

import type { IncomingMessage } from 'node:http'
import type { Predictor, RideRequest } from '../predictor.ts'
import type { Profile } from '../profile.ts'
import { sendJson } from './answer.ts'
import { aroundRide, reachOf, typicalDistances } from './around.ts'
import { invalidInput } from './problem.ts'
import { type Field, faultsOf, rideSchema } from './ride-fields.ts'
import type { Route, Service } from './routes.ts'
import type { ServedModel, ServiceState } from './state.ts'

/** Where most of the training rides lie, minutes; whole ones, as the profile counts them. */
export interface UsualDurations {
  readonly mean: number
  /** A tenth of the rides took less than this. */
  readonly p10: number
  readonly p50: number
  /** A tenth of the rides took longer than the minute that begins here. */
  readonly p90: number
}

/** The routes of what is typical. */
export function typicalRoutes({ state }: Pick<Service, 'state'>): Route[] {
  return [
    {
      path: '/typical',
      method: 'GET',
      access: 'clients',
      handler(request, response) {
        const { model, ride } = askedOf(state, request, ['PULocationID', 'DOLocationID'])
        const { predictor, name, version } = model
        const { PULocationID: from, DOLocationID: to } = ride
        const whole = isWhole(ride, model.fields)
        sendJson(response, 200, {
          model: name,
          model_version: version,
          distance: distancesOf(predictor)(from, to),
          durations: usualDurations(predictor.profile) ?? null,
          ...(whole ? aroundRide(predictor, ride) : { hours: null, half: null }),
        })
      },
    },
    {
      path: '/reach',
      method: 'GET',
      access: 'clients',
      handler(request, response) {
        const { model, ride } = askedOf(state, request, ['PULocationID'])
        const { predictor, name, version } = model
        if (!isWhole({ ...ride, DOLocationID: 0, trip_distance: 0 }, model.fields)) {
          sendJson(response, 200, { model: name, model_version: version, minutes: [] })
          return
        }
        const reach = reachOf(predictor, ride)
        sendJson(response, 200, { model: name, model_version: version, ...reach })
      },
    },
  ]
}

/**
 * The part of all rides that most of the training rides lie in; undefined without rides.
 *
 * @param profile its durations are counted by whole minutes
 */
export function usualDurations({ duration }: Profile): UsualDurations | undefined {
  const rides = duration.minutes.reduce((sum, count) => sum + count, 0)
  if (rides === 0) return undefined
  const quantile = (share: number): number => {
    let below = 0
    for (const [minute, count] of duration.minutes.entries()) {
      below += count
      if (below >= share * rides) return minute
    }
    return duration.minutes.length - 1
  }
  return { mean: duration.mean, p10: quantile(0.1), p50: quantile(0.5), p90: quantile(0.9) }
}

type Distances = ReturnType<typeof typicalDistances>

/** Made once a model: a pass over all pairs of zones. */
const known = new WeakMap<Predictor, Distances>()

function distancesOf(predictor: Predictor): Distances {
  const distances = known.get(predictor) ?? typicalDistances(predictor.profile)
  known.set(predictor, distances)
  return distances
}

/** The ride of a query, of which only some fields have to be there. */
function askedOf(
  state: ServiceState,
  request: IncomingMessage,
  needed: readonly string[],
): { model: ServedModel; ride: RideRequest } {
  const model = state.requireModel()
  const fields = model.fields.map((field) => ({ ...field, required: needed.includes(field.name) }))
  const query = new URLSearchParams((request.url ?? '').split('?')[1])
  const body: Record<string, unknown> = {}
  for (const { name, type } of fields) {
    const text = query.get(name)
    if (text === null || text === '') continue
    body[name] = type === 'number' && text.trim() !== '' ? numberOr(text) : text
  }
  const parsed = rideSchema(fields).safeParse(body)
  if (parsed.success) return { model, ride: parsed.data }
  const faults = faultsOf(body, fields).map(({ pointer, ...fault }) => {
    return { ...fault, parameter: pointer?.slice(2) ?? '' }
  })
  throw invalidInput(faults, 'query cannot be answered')
}

/** A number, or the text that is none, for the schema to refuse. */
function numberOr(text: string): number | string {
  const number = Number(text)
  return Number.isNaN(number) ? text : number
}

/** True when a ride has every input that the model cannot do without. */
function isWhole(ride: RideRequest, fields: readonly Field[]): boolean {
  return fields.every(({ name, required }) => !required || ride[name] !== undefined)
}
