/** Refuses columns whose values cannot be read as what they should be. */

import { RidecastError } from '../../../errors.ts'
import type { FileColumns } from '../../columns.ts'
import type { SqlColumn, SqlRelation } from './runner.ts'

/**
 * Checks the types of all columns that are used.
 *
 * @throws source_column_type
 */
export function requireTypes({ columns, path }: SqlRelation, names: FileColumns): void {
  for (const [key, name] of Object.entries(names)) {
    const column = columns.find((one) => one.name === name) as SqlColumn
    const isTime = key === 'pickup' || key === 'dropoff'
    const kinds = isTime ? ['timestamp', 'text', 'null'] : ['integer', 'double', 'null']
    if (kinds.includes(column.kind)) continue
    const zoned = /with time zone/i.test(column.type)
    const time = zoned ? 'wall-clock time without a zone' : 'a timestamp or text column'
    const expected = isTime ? time : 'an integer or floating-point column'
    throw new RidecastError(
      'source_column_type',
      `column ${name} of ${path} cannot be read: expected ${expected}, found ${column.type}`,
    )
  }
}
