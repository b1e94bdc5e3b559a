/** The table that trees are trained on, and what it has to be. Knows nothing about bins. */

import { RidecastError } from '../../errors.ts'
import type { TreeColumn } from '../../tree-ensemble.ts'

/** Columns of one length and what to predict. */
export interface TreeTable {
  readonly columns: readonly TreeColumn[]
  /** Minutes, one per row, finite. */
  readonly target: Float64Array
}

/** Rows of training and validation together: beyond, gradients would be rounded to under 8 steps. */
export const maxTreeRows = 2 ** 24

/**
 * Refuses what cannot be trained on.
 *
 * @param role how errors call it, such as `training`
 * @throws source_empty without rows; solve_too_large with too many; internal for columns that do
 *   not fit, a target that is not finite, numbers that are no 32-bit floats, codes out of range
 */
export function checkTable(table: TreeTable, role: string): void {
  const { columns, target } = table
  const { length } = target
  if (length === 0 || columns.length === 0) {
    const what = length === 0 ? 'rows' : 'features'
    throw new RidecastError('source_empty', `the ${role} table of the trees has no ${what}`)
  }
  if (length > maxTreeRows) {
    throw new RidecastError(
      'solve_too_large',
      `the ${role} table of the trees has ${length} rows, expected at most ${maxTreeRows}: train on fewer months`,
    )
  }
  checkNumbers(target, false, `target of the ${role} table`)
  const names = new Set<string>()
  for (const column of columns) {
    const where = `column ${column.name} of the ${role} table`
    if (names.has(column.name)) throw new RidecastError('internal', `${where} is there twice`)
    names.add(column.name)
    const rows = column.kind === 'number' ? column.values : column.codes
    if (rows.length !== length) {
      throw new RidecastError('internal', `${where} has ${rows.length} rows, expected ${length}`)
    }
    if (column.kind === 'number') checkNumbers(column.values, true, where)
    else checkCodes(column.codes, column.levels, where)
  }
}

/**
 * Refuses a table that does not have the features of another.
 *
 * @throws internal for other names, kinds or order
 */
export function checkSameColumns(training: TreeTable, other: TreeTable): void {
  const spell = ({ columns }: TreeTable): string =>
    columns.map(({ name, kind }) => `${kind} ${name}`).join(', ')
  if (spell(training) === spell(other)) return
  throw new RidecastError(
    'internal',
    `the validation table of the trees has ${spell(other)}, expected ${spell(training)}`,
  )
}

// The largest 32-bit float is the threshold that parts all numbers from missing values.
const largest = (2 - 2 ** -23) * 2 ** 127

function checkNumbers(values: Float64Array, mayMiss: boolean, where: string): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (Math.abs(Math.fround(value)) < largest || (mayMiss && Number.isNaN(value))) continue
    throw new RidecastError(
      'internal',
      `${where} holds ${value} in row ${i}, expected a number of the range of 32-bit floats`,
    )
  }
}

function checkCodes(codes: Int32Array, levels: number, where: string): void {
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number
    if (code >= -1 && code < levels) continue
    throw new RidecastError(
      'internal',
      `${where} holds code ${code} in row ${i}, expected one from -1 to ${levels - 1}`,
    )
  }
}
