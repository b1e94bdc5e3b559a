/**
 * Which columns of a trip file hold what is asked for: files of different fleets and years spell
 * them differently. Knows nothing about how a file is read.
 */

import { RidecastError } from '../errors.ts'
import { type ColumnName, columnNames, fleets, type Taxi, taxis } from '../ride.ts'

/** Which columns to read. */
export interface RideColumns {
  /** A file without one of these is refused. */
  readonly required: readonly ColumnName[]
  /** All missing where the file does not have them. */
  readonly optional: readonly ColumnName[]
}

/** The names in a file, by what they hold; a column that it does not have is absent. */
export type FileColumns = { readonly pickup: string; readonly dropoff: string } & Partial<
  Readonly<Record<ColumnName, string>>
>

/** The spellings of a column of a fleet, the newest first. */
export function spellings(taxi: Taxi, key: ColumnName | 'pickup' | 'dropoff'): readonly string[] {
  const fleet = fleets[taxi]
  if (key === 'pickup' || key === 'dropoff') return fleet[key]
  return fleet.columns[key] ?? [key]
}

/** What a column of a file holds; undefined for one that no recipe can name. */
export function columnNamed(
  name: string,
  taxi: Taxi,
): ColumnName | 'pickup' | 'dropoff' | undefined {
  const is = (key: ColumnName | 'pickup' | 'dropoff'): boolean =>
    spellings(taxi, key).some((spelled) => spelled.toLowerCase() === name.toLowerCase())
  return (['pickup', 'dropoff', ...columnNames] as const).find(is)
}

/**
 * Finds columns by name, without regard to case.
 *
 * @param names all columns of the file, as it spells them
 * @param path how errors call the file
 * @throws source_columns when one is missing or there twice
 */
export function resolveColumns(
  names: readonly string[],
  path: string,
  taxi: Taxi,
  columns: RideColumns,
): FileColumns {
  const found: Partial<Record<ColumnName | 'pickup' | 'dropoff', string>> = {}
  const missing: string[] = []
  const find = (key: ColumnName | 'pickup' | 'dropoff', required: boolean): void => {
    const spelled = spellings(taxi, key)
    const hit = spelled.map((name) => matching(names, name)).find((hits) => hits.length > 0)
    if (hit === undefined) {
      if (required) missing.push(spelled[0] as string)
      return
    }
    const [name, ...others] = hit
    if (others.length > 0) {
      throw new RidecastError(
        'source_columns',
        `${path} has column ${spelled[0]} more than once, as ${hit.join(', ')}: expected it once, merge them`,
      )
    }
    found[key] = name as string
  }
  find('pickup', true)
  find('dropoff', true)
  for (const key of columns.required) find(key, true)
  for (const key of columns.optional) find(key, false)
  if (missing.length > 0) throw lacking(names, path, taxi, missing)
  return found as FileColumns
}

function matching(names: readonly string[], wanted: string): string[] {
  return names.filter((name) => name.toLowerCase() === wanted.toLowerCase())
}

function lacking(
  names: readonly string[],
  path: string,
  taxi: Taxi,
  missing: readonly string[],
): RidecastError {
  const has = (one: Taxi, key: 'pickup' | 'dropoff'): boolean =>
    spellings(one, key).some((name) => matching(names, name).length > 0)
  // A fleet whose times are there is the fleet that is meant, unless ours are there too.
  const other = has(taxi, 'pickup')
    ? undefined
    : taxis.find((one) => has(one, 'pickup') && has(one, 'dropoff'))
  const hint = other ? `; it looks like a ${other} file: say --taxi ${other}` : ''
  const noDistance =
    taxi === 'fhv' && missing.includes('trip_distance')
      ? '; fhv files have no distance: take a recipe without it'
      : ''
  return new RidecastError(
    'source_columns',
    `${path} lacks ${missing.join(', ')}, found ${names.join(', ') || 'no column'}${hint}${noDistance}`,
  )
}
