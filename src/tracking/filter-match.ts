/**
 * Whether a run fits a filter, as a store on SQL decides it. Knows nothing about how a filter is
 * written.
 */

import type { Clause, Filter } from './filter.ts'
import { datasetValues, fieldValue } from './filter-field.ts'
import { isLike } from './filter-like.ts'
import type { RunSummary } from './tracker.ts'

/**
 * True when every comparison of a filter holds. One with a value that a run does not have holds
 * for IS NULL only, `!=` included; one with datasets holds when it does for any of them.
 */
export function matches(filter: Filter, run: RunSummary): boolean {
  return filter.every((clause) => {
    if (clause.field.entity === 'dataset') {
      return datasetValues(run, clause.field).some((value) => holds(clause, value))
    }
    const value = fieldValue(run, clause.field)
    if (clause.comparator === 'IS NULL') return value === undefined
    return value !== undefined && holds(clause, value)
  })
}

/** Whether a comparison holds for a value that is there. NaN is unequal to everything. */
function holds({ comparator, value: other }: Clause, value: string | number): boolean {
  switch (comparator) {
    case 'IS NULL':
      return false
    case 'IS NOT NULL':
      return true
    case '=':
      return value === other
    case '!=':
      return value !== other
    case 'LIKE':
    case 'ILIKE':
      return isLike(String(value), String(other), comparator === 'ILIKE')
    case 'IN':
    case 'NOT IN':
      return (other as readonly unknown[]).includes(value) === (comparator === 'IN')
    default:
      return isNumberThat(comparator, Number(value), Number(other))
  }
}

function isNumberThat(comparator: '<' | '<=' | '>=' | '>', a: number, b: number): boolean {
  if (a === b) return comparator.endsWith('=')
  return comparator.startsWith('<') ? a < b : a > b
}
