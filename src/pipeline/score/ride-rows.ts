/**
 * From rows of any format to rides that a model can be asked about, and what is wrong with the
 * others. Columns are found by the names of a fleet; values are held to what the server holds
 * requests to. Knows nothing about models.
 */

import { DataType } from 'apache-arrow'
import { RidecastError } from '../../errors.ts'
import {
  type ColumnName,
  columnNames,
  type InputName,
  parseWallClock,
  type RideBatch,
  type Taxi,
} from '../../ride.ts'
import { type Domain, domainOf } from '../../ride-domain.ts'
import type { ArrowColumn } from '../arrow-columns.ts'
import { spellings } from '../columns.ts'
import { missing, toMicros, toNumbers } from '../ride-values.ts'
import type { Cells, RowBatch } from './row-batch.ts'

/** What is asked of rows. */
export interface Wanted {
  /** What the model is computed from, and both zones. */
  readonly inputs: readonly InputName[]
  /** Those that a row cannot be predicted without. */
  readonly required: readonly InputName[]
  /** Whose names the columns may have; canonical names are known in any case. */
  readonly taxis: readonly Taxi[]
}

/** Rides of rows, as many as those are. */
export interface RideRows {
  /** NaN stands for a missing value; rows with a fault hold anything. */
  readonly rides: RideBatch
  /** What is wrong with a row, by position. */
  readonly faults: ReadonlyMap<number, string>
}

/** Finds the columns of batches; what it found is kept for as long as the names stay the same. */
export class RideReader {
  private readonly wanted: Wanted
  private readonly path: string
  private known: readonly string[] = []
  private columns: ReadonlyMap<InputName, string> = new Map()
  private isFirst = true

  /**
   * @param path how errors call the file
   */
  constructor(wanted: Wanted, path: string) {
    this.wanted = wanted
    this.path = path
  }

  /**
   * The rides of the next rows.
   *
   * @throws source_columns when a column is there twice, or a required one is not in the first rows
   * @throws source_column_type for a column of a type that is neither numbers, times nor text
   */
  read(rows: RowBatch): RideRows {
    this.find(rows)
    const faults = new Map(rows.unread)
    const add = (i: number, text: string): void => {
      if (rows.unread.has(i)) return
      const known = faults.get(i)
      faults.set(i, known === undefined ? text : `${known}; ${text}`)
    }
    const read = (input: InputName): Float64Array => {
      const name = this.columns.get(input)
      const values = name === undefined ? missing(rows.length) : this.values(rows, name, input, add)
      if (this.wanted.required.includes(input)) {
        for (let i = 0; i < values.length; i++) {
          // Where something is that cannot be read, that has been said.
          if (Number.isNaN(values[i])) add(i, `${input} is missing: expected ${ruleOf(input)}`)
        }
      }
      return values
    }
    const columns: RideBatch['columns'] = {}
    let pickup: Float64Array | undefined
    for (const input of this.wanted.inputs) {
      if (input === 'pickup_datetime') pickup = read(input)
      else columns[input] = read(input)
    }
    const { length } = rows
    const rides = { length, pickup: pickup ?? missing(length), dropoff: missing(length), columns }
    return { rides, faults }
  }

  private find(rows: RowBatch): void {
    const { names, length } = rows
    if (names.length === this.known.length && names.every((name, k) => name === this.known[k])) {
      return
    }
    this.known = names
    this.columns = findColumns(names, this.path, this.wanted)
    const lacking = this.wanted.required.filter((input) => !this.columns.has(input))
    const isAsked = this.isFirst && length > 0
    if (length > 0) this.isFirst = false
    if (!isAsked || lacking.length === 0) return
    throw new RidecastError(
      'source_columns',
      `${this.path} lacks ${lacking.join(', ')}, found ${names.join(', ') || 'no column'}: rides cannot be scored without`,
    )
  }

  private values(
    rows: RowBatch,
    name: string,
    input: InputName,
    add: (i: number, text: string) => void,
  ): Float64Array {
    const domain = domainOf(input)
    const cells = rows.cells(name)
    const refuse = (i: number, found: string): void => {
      add(i, `${input} must be ${ruleOf(input)}, found ${found}`)
    }
    const values = typedValues(cells, domain, this.path, name)
    if (values === undefined) {
      const at = cells.arrow ? cells.arrow.text : (i: number) => cells.values[i]
      const parse = domain.kind === 'time' ? timeOf : numberOf
      return Float64Array.from({ length: rows.length }, (_, i) => {
        const cell = at(i)
        const value = parse(cell)
        if (Number.isNaN(value) || isWithin(value, domain)) return value
        refuse(i, shown(cell))
        // Not a missing value: it has its fault.
        return Number.POSITIVE_INFINITY
      })
    }
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number
      if (!Number.isNaN(value) && !isWithin(value, domain)) refuse(i, String(value))
    }
    return values
  }
}

/** Values of a column that holds them as numbers or times; undefined where they are to be parsed. */
function typedValues(
  { arrow }: Cells,
  domain: Domain,
  path: string,
  name: string,
): Float64Array | undefined {
  if (arrow === undefined || isText(arrow)) return undefined
  return domain.kind === 'time' ? toMicros(arrow, path, name) : toNumbers(arrow, path, name)
}

const isText = ({ type }: ArrowColumn): boolean =>
  DataType.isUtf8(type) || DataType.isLargeUtf8(type)

function findColumns(
  names: readonly string[],
  path: string,
  { inputs, taxis }: Wanted,
): ReadonlyMap<InputName, string> {
  const lower = names.map((name) => name.toLowerCase())
  const has = (name: string): boolean => lower.includes(name.toLowerCase())
  // The fleet whose time of the pickup is there is the one that is meant.
  const meant = taxis.find((taxi) => spellings(taxi, 'pickup').some(has)) ?? taxis[0]
  const found = new Map<InputName, string>()
  for (const input of inputs) {
    const own = meant === undefined ? [] : spellings(meant, keyOf(input))
    const spelled = [...own, input].find(has)
    if (spelled === undefined) continue
    const hits = names.filter((name) => name.toLowerCase() === spelled.toLowerCase())
    if (hits.length > 1) {
      throw new RidecastError(
        'source_columns',
        `${path} has column ${input} more than once, as ${hits.join(', ')}: expected it once, merge them`,
      )
    }
    found.set(input, hits[0] as string)
  }
  return found
}

const keyOf = (input: InputName): ColumnName | 'pickup' =>
  columnNames.find((name) => name === input) ?? 'pickup'

/** A cell as a number; NaN where it is empty, Infinity where it is none. */
function numberOf(cell: unknown): number {
  if (typeof cell === 'number') return cell
  if (cell === undefined || cell === null) return Number.NaN
  if (typeof cell !== 'string') return Number.POSITIVE_INFINITY
  const text = cell.trim()
  if (text === '') return Number.NaN
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)
  return isNumber ? Number(text) : Number.POSITIVE_INFINITY
}

/** A cell as microseconds; NaN where it is empty, Infinity where it is no time. */
function timeOf(cell: unknown): number {
  if (cell === undefined || cell === null) return Number.NaN
  if (typeof cell !== 'string') return Number.POSITIVE_INFINITY
  if (cell.trim() === '') return Number.NaN
  const micros = parseWallClock(cell)
  return Number.isNaN(micros) ? Number.POSITIVE_INFINITY : micros
}

function isWithin(value: number, domain: Domain): boolean {
  if (!Number.isFinite(value)) return false
  if (domain.kind === 'time') return true
  if (domain.kind === 'number') return value >= (domain.from ?? Number.NEGATIVE_INFINITY)
  return Number.isInteger(value) && value >= domain.from && value <= domain.to
}

/** Reads on from "must be". */
function ruleOf(input: InputName): string {
  const domain = domainOf(input)
  if (domain.kind === 'time') return 'a wall-clock time such as 2021-02-03T08:15'
  if (domain.kind === 'id') {
    const what = domain.zone ? 'a taxi zone, an integer' : 'an integer'
    return `${what} from ${domain.from} to ${domain.to}`
  }
  if (domain.from === undefined) return 'a finite number'
  return `a finite number of ${domain.unit} from ${domain.from}`
}

function shown(cell: unknown): string {
  if (typeof cell !== 'string') return typeof cell === 'object' ? 'an object' : String(cell)
  return `the text ${JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}...` : cell)}`
}
