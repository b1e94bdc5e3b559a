/**
 * The order of runs: by any field, as MLflow's `order_by` has it, such as `metrics.rmse ASC`.
 * Knows nothing about stores.
 */

import { compareByCodePoint } from '../code-point.ts'
import { type Field, fieldOf, fieldValue } from './filter-field.ts'
import { faultAt, shown, type Token, tokenize } from './filter-tokens.ts'
import type { RunSummary } from './tracker.ts'

/** One field to order by. */
export interface OrderKey {
  /** What decides. */
  readonly field: Field
  /** False puts the greatest first. Runs without a value come last either way. */
  readonly ascending: boolean
}

/** Fields to order by, the first decides most; none means newest first. */
export type Order = readonly OrderKey[]

/** What has to be known of a run to order it; anything else that is missing comes last. */
export type Orderable = Partial<RunSummary> & Pick<RunSummary, 'id' | 'startedAt'>

/**
 * Reads an order: a field, and `asc` (the default) or `desc`.
 *
 * @param texts one field each, such as `metrics.rmse desc`
 * @throws RidecastError `filter_invalid`
 */
export function parseOrder(texts: readonly string[]): Order {
  const order: OrderKey[] = []
  for (const text of texts) {
    const [first, direction, end] = tokenize(text) as [Token, Token | undefined, Token | undefined]
    const field = fieldOf('order', text, first)
    if (field.entity === 'dataset') {
      const message = 'expected a metric, parameter, tag or attribute: a run may have many datasets'
      throw faultAt('order', text, first, message)
    }
    if (order.some(({ field: { entity, key } }) => entity === field.entity && key === field.key)) {
      throw faultAt(
        'order',
        text,
        first,
        'expected every field once, found it before; leave it out',
      )
    }
    const word = direction?.raw.toLowerCase() ?? ''
    if (!['', 'asc', 'desc'].includes(word)) {
      const message = `expected asc or desc, found ${shown(direction as Token)}`
      throw faultAt('order', text, direction as Token, message)
    }
    if (end !== undefined && end.kind !== 'end') {
      const message = `expected nothing behind ${word}, found ${shown(end)}; one field each`
      throw faultAt('order', text, end, message)
    }
    order.push({ field, ascending: word !== 'desc' })
  }
  return order
}

/**
 * Makes a comparison of runs for sorting. Numbers go before NaN, NaN before no value, in either
 * direction; texts go by code point. What is equal goes by start, newest first, then by id.
 */
export function inOrder(order: Order): (a: Orderable, b: Orderable) => number {
  const hasStart = order.some(
    ({ field }) => field.entity === 'attribute' && field.key === 'start_time',
  )
  const newestFirst: OrderKey = {
    field: { entity: 'attribute', key: 'start_time' },
    ascending: false,
  }
  const keys = hasStart ? order : [...order, newestFirst]
  return (a, b) => {
    for (const { field, ascending } of keys) {
      const difference = compareValues(
        fieldValue(a, field),
        fieldValue(b, field),
        ascending ? 1 : -1,
      )
      if (difference !== 0) return difference
    }
    return compareByCodePoint(a.id, b.id)
  }
}

function compareValues(
  a: string | number | undefined,
  b: string | number | undefined,
  sign: 1 | -1,
): number {
  const ranks = rankOf(a) - rankOf(b)
  if (ranks !== 0 || rankOf(a) > 0) return ranks
  if (typeof a === 'string') return sign * compareByCodePoint(a, String(b))
  const [left, right] = [Number(a), Number(b)]
  return left === right ? 0 : left < right ? -sign : sign
}

/** 0 for values, 1 for NaN, 2 for none. */
function rankOf(value: string | number | undefined): number {
  if (value === undefined) return 2
  return Number.isNaN(value) ? 1 : 0
}
