/** Tables for the tests of trees, made from a seed. */

import type { TreeTable } from '../../../src/pipeline/trees/table.ts'
import type { TreeColumn } from '../../../src/tree-ensemble.ts'
import { randomNumbers } from '../../random-rides.ts'

/** A column of numbers. */
export const numberColumn = (name: string, values: readonly number[]): TreeColumn => ({
  name,
  kind: 'number',
  values: Float64Array.from(values),
})

/** A column of codes. */
export const categoryColumn = (
  name: string,
  codes: readonly number[],
  levels: number,
): TreeColumn => ({ name, kind: 'category', codes: Int32Array.from(codes), levels })

/**
 * Rides as they may be: 40 zones with a pace of their own, a distance, an hour, some values
 * missing, noise.
 */
export function rideTable(rows: number, seed = 1, missing = 0.05): TreeTable {
  const random = randomNumbers(seed)
  const [zone, distance, hour, target]: [number[], number[], number[], number[]] = [[], [], [], []]
  for (let i = 0; i < rows; i++) {
    const z = Math.floor(random() ** 2 * 40)
    const d = -Math.log(1 - random()) * 3
    const h = Math.floor(random() * 24)
    const pace = 3 + ((z * 7) % 11) / 4
    target.push(4 + d * pace + (h > 15 && h < 19 ? 6 : 0) + (random() - 0.5) * 4)
    zone.push(random() < missing ? -1 : z)
    distance.push(random() < missing ? Number.NaN : Math.round(d * 100) / 100)
    hour.push(h)
  }
  return {
    columns: [
      categoryColumn('zone', zone, 40),
      numberColumn('distance', distance),
      numberColumn('hour', hour),
    ],
    target: Float64Array.from(target),
  }
}

/** A row of a table, as an ensemble takes it. */
export function rowOf({ columns }: TreeTable, i: number): number[] {
  return columns.map((column) => (column.kind === 'number' ? column.values[i]! : column.codes[i]!))
}

/** Root of the mean squared error. */
export function rmseOf(minutes: ArrayLike<number>, target: Float64Array): number {
  let sum = 0
  for (let i = 0; i < target.length; i++) sum += (minutes[i]! - target[i]!) ** 2
  return Math.sqrt(sum / target.length)
}
