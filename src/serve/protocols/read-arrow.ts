/**
 * Rides out of an Arrow stream, in memory no more than a record batch. Loaded with the first
 * request that brings one. Knows nothing about what fields may hold.
 */

import { DataType, type Timestamp, TimeUnit, tableFromIPC, type Vector } from 'apache-arrow'
import { messageOf } from '../../errors.ts'
import { formatWallClock } from '../../ride.ts'
import { Problem } from '../problem.ts'
import type { Field } from '../ride-fields.ts'
import { arrowBatches } from './arrow-messages.ts'
import { type Row, rowsAtOnce } from './rows.ts'

/**
 * The rows of a body by the names of its columns; columns that are no field are passed over.
 *
 * @param limitBytes the largest record batch
 * @throws Problem: body_too_large, request_malformed
 */
export async function* arrowRows(
  body: AsyncIterable<Buffer>,
  fields: readonly Field[],
  limitBytes: number,
): AsyncGenerator<Row[]> {
  for await (const bytes of arrowBatches(body, limitBytes)) {
    const { numRows, columns } = asProblem(() => batchOf(bytes, fields))
    for (let from = 0; from < numRows; from += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, numRows - from)
      yield asProblem(() =>
        Array.from({ length: count }, (_, i) => {
          return Object.fromEntries(columns.map(({ name, read }) => [name, read(from + i)]))
        }),
      )
    }
  }
}

/** The columns of a batch that are fields. */
function batchOf(
  bytes: Uint8Array,
  fields: readonly Field[],
): { numRows: number; columns: { name: string; read: (i: number) => unknown }[] } {
  const table = tableFromIPC(bytes)
  const columns = fields.flatMap(({ name }) => {
    const vector = table.getChild(name)
    return vector ? [{ name, read: readerOf(vector) }] : []
  })
  return { numRows: table.numRows, columns }
}

/** Whatever the library throws at a stream is the stream's fault. */
function asProblem<T>(ask: () => T): T {
  try {
    return ask()
  } catch (error) {
    throw new Problem('request_malformed', `Arrow stream cannot be read: ${messageOf(error)}`)
  }
}

/** What reads a value as JSON would have it; null where it is missing. */
function readerOf(vector: Vector): (i: number) => unknown {
  const { type } = vector
  if (DataType.isTimestamp(type)) return timeReader(vector, type)
  return (i) => {
    const value: unknown = vector.get(i)
    if (typeof value === 'bigint') return Number(value)
    // pandas has NaN where a value is missing.
    if (value === undefined || Number.isNaN(value)) return null
    return value
  }
}

/** Times as text. A zone stays on it, so that it is refused as in JSON. */
function timeReader(vector: Vector, { unit, timezone }: Timestamp): (i: number) => unknown {
  const zone = timezone ? 'Z' : ''
  const perMicro = {
    [TimeUnit.SECOND]: 1e6,
    [TimeUnit.MILLISECOND]: 1e3,
    [TimeUnit.MICROSECOND]: 1,
  }
  const factor = perMicro[unit as TimeUnit.SECOND] ?? 1e-3
  return (i) => {
    if (!vector.isValid(i)) return null
    const micros = Math.floor(rawValue(vector, i) * factor)
    return Math.abs(micros) < 8.64e18 ? `${formatWallClock(micros)}${zone}` : 'out of range'
  }
}

/** The integer itself: `get` gives milliseconds, whatever the unit. */
function rawValue(vector: Vector, i: number): number {
  const [data] = vector.data
  return Number((data?.values as BigInt64Array | undefined)?.[i] ?? Number.NaN)
}
