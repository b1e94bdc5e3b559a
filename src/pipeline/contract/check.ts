/**
 * Holds a trip file to its contract: everything that is not as expected, the worst first. Knows
 * nothing about where the file is or who counted it.
 */

import type { Contract } from '../../contract.ts'
import { fleets, taxis } from '../../ride.ts'
import { type Anomaly, worstFirst } from './anomaly.ts'
import { checkColumns } from './check-columns.ts'
import { checkMeasures } from './check-measures.ts'
import type { Footer } from './footer.ts'
import type { Measurement } from './measure.ts'
import { type CheckContext, measuresOf } from './measures.ts'

/**
 * Checks a file.
 *
 * @param measurement what was counted; undefined when the times cannot be read, which the footer
 *   tells then
 * @returns what is not as expected, errors first
 */
export function checkFile(
  contract: Contract,
  footer: Footer,
  measurement: Measurement | undefined,
  context: CheckContext,
): Anomaly[] {
  const measures = measuresOf(footer, measurement, context)
  const columns = checkColumns(contract, footer, measurement, measures.month)
  const others = footer.rows === 0 ? [noRows] : checkMeasures(contract, measures)
  return worstFirst([...otherFleet(contract, footer), ...columns, ...others])
}

const noRows: Anomaly = {
  code: 'DATASET_LOW_NUM_EXAMPLES',
  severity: 'error',
  column: undefined,
  count: 0,
  share: undefined,
  expected: 'rides',
  found: 'no rows',
  examples: [],
  message: 'the file has no rows',
}

/** A file whose times are spelled as another fleet spells them. */
function otherFleet({ fleet }: Contract, { columns }: Footer): Anomaly[] {
  const names = new Set(columns.map(({ name }) => name.toLowerCase()))
  const has = (spelled: readonly string[]): boolean =>
    spelled.some((name) => names.has(name.toLowerCase()))
  if (has(fleets[fleet].pickup)) return []
  const other = taxis.find((taxi) => has(fleets[taxi].pickup) && has(fleets[taxi].dropoff))
  if (!other) return []
  const found = fleets[other].pickup.find((name) => names.has(name.toLowerCase())) as string
  return [
    {
      code: 'SCHEMA_MISSING_COLUMN',
      severity: 'error',
      column: fleets[fleet].pickup[0],
      count: undefined,
      share: undefined,
      expected: `a ${fleet} file`,
      found: `a ${other} file, with ${found}`,
      examples: [found],
      message: `the file looks like a ${other} file under the name of a ${fleet} one: its pickup time is called ${found}`,
    },
  ]
}
