/**
 * What a request wants beside the number: its query parameters and headers, the same for every
 * route that predicts. Knows nothing about bodies.
 */

import type { IncomingMessage } from 'node:http'
import { coverages } from '../intervals.ts'
import { headerOf } from './exchange.ts'
import { type Fault, invalidInput } from './problem.ts'
import type { ServedModel } from './state.ts'

/** What the query says: `?explain` and `?interval=0.9`. */
export interface QueryWishes {
  readonly explain: boolean
  readonly coverage: number | undefined
}

const none: QueryWishes = { explain: false, coverage: undefined }

/** The client's own key of a request: sticky arms, and feedback by key. */
export function keyOf(request: IncomingMessage): string | undefined {
  return headerOf(request, 'ridecast-key')
}

/**
 * What a query asks for, or everything that is wrong with it.
 *
 * @param url path and query of the request
 */
export function queryWishes(url: string, model: ServedModel): QueryWishes | readonly Fault[] {
  const at = url.indexOf('?')
  if (at < 0) return none
  const query = new URLSearchParams(url.slice(at + 1))
  const explain = explainWanted(query.getAll('explain'))
  const coverage = coverageWanted(query.getAll('interval'), model)
  if (typeof explain === 'boolean' && typeof coverage !== 'object') return { explain, coverage }
  return [explain, coverage].filter((part): part is Fault => typeof part === 'object')
}

/**
 * What a query asks for.
 *
 * @throws Problem: input_invalid with every fault of the query
 */
export function wishesOf(url: string, model: ServedModel): QueryWishes {
  const wishes = queryWishes(url, model)
  if ('explain' in wishes) return wishes
  throw invalidInput(wishes)
}

/** Whether reasons are wanted: `?explain`, `?explain=true`; or what is wrong with the parameter. */
function explainWanted(values: readonly string[]): boolean | Fault {
  const [value] = values
  if (value === undefined) return false
  if (values.length === 1 && (value === 'true' || value === '')) return true
  if (values.length === 1 && value === 'false') return false
  const message = `explain must be true or false, once, found ${found(values)}`
  return { code: 'malformed', parameter: 'explain', message }
}

/** The coverage of `?interval=0.9`, undefined without one; or what is wrong with the parameter. */
function coverageWanted(
  values: readonly string[],
  { predictor }: ServedModel,
): number | undefined | Fault {
  const [value] = values
  if (value === undefined) return undefined
  const { least, most } = coverages
  const refuse = (message: string): Fault => ({
    code: 'malformed',
    parameter: 'interval',
    message,
  })
  if (!predictor.model.intervals) {
    return refuse('interval cannot be given: the model was trained without intervals')
  }
  const coverage = value.trim() === '' ? Number.NaN : Number(value)
  if (values.length === 1 && coverage >= least && coverage <= most) return coverage
  return refuse(
    `interval must be a coverage from ${least} to ${most}, once, found ${found(values)}`,
  )
}

function found(values: readonly string[]): string {
  const shown = values.slice(0, 3).map((text) => JSON.stringify(text.slice(0, 40)))
  return shown.join(' and ')
}
