/**
 * Bins by way of fixed-point units: where a column holds whole hundredths, rides are grouped by
 * those, and which bin they belong to is told from the cells. Knows nothing about plans.
 */

import type { Atom, AtomSpec } from '../../../atoms.ts'
import { isColumn } from '../../../measures.ts'
import { type ColumnName, rideColumns } from '../../../ride.ts'
import { type Code, present } from './codes.ts'
import type { Sheet } from './sheet.ts'

/** Units of a column as codes: those outside share the outermost. */
export interface Units {
  readonly of: ColumnName
  readonly scale: number
  /** The units of code 0, below all edges. */
  readonly low: number
  /** The units of the last code, at or above all edges. */
  readonly high: number
}

/** Bins with fewer edges are compared with them. */
const fewEdges = 8

/** Codes of units are at most so many. */
const mostUnits = 2 ** 20

type BinSpec = AtomSpec & { kind: 'bin' }

/** The codes of units that tell a bin, undefined where they would be no gain. */
export function unitsCode(
  sheet: Sheet,
  { of, edges }: BinSpec,
): { code: Code; units: Units } | undefined {
  if (of === 'duration' || of === 'speed' || !isColumn(of)) return undefined
  if (edges.length <= fewEdges) return undefined
  const { scale } = rideColumns[of]
  const low = Math.floor((edges[0] as number) * scale) - 1
  const high = Math.ceil((edges.at(-1) as number) * scale) + 1
  if (high - low > mostUnits) return undefined
  const value = sheet.double(of)
  const [by, half] = [sheet.literal(scale), sheet.literal(0.5)]
  const product = scale === 1 ? value : sheet.define(`${value.sql} * ${by}`, value)
  const nearest = sheet.define(`floor(${product.sql} + ${half})`, product)
  const [l, h] = [sheet.literal(low), sheet.literal(high)]
  const { sql } = nearest
  const code = sheet.define(
    `CASE WHEN ${sql} < ${l} THEN ${sheet.literal(0)} WHEN ${sql} > ${h} THEN ${sheet.literal(high - low)} ELSE ${sql} - ${l} END`,
    nearest,
  )
  const exists = present(sheet, of)
  const isMissing = `NOT coalesce(${exists.sql}, FALSE)`
  const fits = { sql: `${sql} / ${by} = ${value.sql} OR ${isMissing}`, layer: nearest.layer }
  return {
    code: { value: code, isInteger: false, range: [0, high - low], exists, fits },
    units: { of, scale, low, high },
  }
}

/** True when units tell the bins of an atom. */
export function areFine({ of, low, high, scale }: Units, spec: BinSpec): boolean {
  const [first, last] = [spec.edges[0] as number, spec.edges.at(-1) as number]
  return spec.of === of && low < first * scale && high >= last * scale
}

/** The codes of a bin from those of units. */
export function binsOfUnits(
  atom: Atom,
  { of, scale, low }: Units,
  codes: Float64Array,
): Float64Array {
  const values = codes.map((code) => (code < 0 ? Number.NaN : (code + low) / scale))
  const rides = {
    length: values.length,
    pickup: values,
    dropoff: values,
    columns: { [of]: values },
  }
  return values.map((_, i) => atom.code(rides, i))
}
