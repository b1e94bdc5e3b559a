/**
 * Holds the columns of a file to their contract: present, typed, filled, alive, in range. Knows
 * nothing about the file as a whole.
 */

import type { ColumnContract, Contract, Limits } from '../../contract.ts'
import type { Month } from '../../month.ts'
import { type ColumnName, rideColumns, type Taxi } from '../../ride.ts'
import { domainOf } from '../../ride-domain.ts'
import { columnNamed, spellings } from '../columns.ts'
import { type Anomaly, type AnomalyCode, countText, type Severity, shareText } from './anomaly.ts'
import type { ColumnKind, Footer, FooterColumn } from './footer.ts'
import { binText, type Ladder } from './ladders.ts'
import { type ColumnCounts, enoughRides, type Measurement, sum } from './measure.ts'

/** At most so many values are named. */
const mostExamples = 5

/** A column of the contract and what the file has of it. */
interface Held {
  readonly key: string
  readonly contract: ColumnContract
  readonly found: FooterColumn | undefined
}

/** The key of a file's column in a contract: its canonical name, `pickup`, or its own name. */
export function contractKey(name: string, taxi: Taxi): string {
  return columnNamed(name, taxi) ?? name
}

/** The columns that recipes can use, are in a file, and can be read as what they are. */
export function readableColumns({ columns }: Footer, taxi: Taxi): ColumnName[] {
  const kinds: readonly ColumnKind[] = ['int', 'float', 'null']
  const names = columns.flatMap(({ name, kind }) => {
    const key = contractKey(name, taxi)
    return Object.hasOwn(rideColumns, key) && kinds.includes(kind) ? [key as ColumnName] : []
  })
  return [...new Set(names)]
}

/**
 * Checks every column.
 *
 * @param measurement what was counted; undefined where only the footer is known
 */
export function checkColumns(
  contract: Contract,
  footer: Footer,
  measurement: Measurement | undefined,
  month: Month | undefined,
): Anomaly[] {
  const taxi = contract.fleet
  const keys = new Map(Object.keys(contract.columns).map((key) => [key.toLowerCase(), key]))
  const found = new Map<string, FooterColumn>()
  const anomalies: Anomaly[] = []
  for (const column of footer.columns) {
    const key = keys.get(contractKey(column.name, taxi).toLowerCase())
    if (key === undefined) anomalies.push(newColumn(column))
    else found.set(key, column)
  }
  for (const [key, column] of Object.entries(contract.columns)) {
    const held: Held = { key, contract: column, found: found.get(key) }
    anomalies.push(...checkColumn(held, taxi, footer, measurement, month))
  }
  return anomalies
}

function newColumn({ name, type }: FooterColumn): Anomaly {
  return {
    code: 'SCHEMA_NEW_COLUMN',
    severity: 'warn',
    column: name,
    count: undefined,
    share: undefined,
    expected: 'no such column',
    found: type,
    examples: [],
    message: `column ${name} (${type}) is new: the contract does not know it`,
  }
}

function checkColumn(
  held: Held,
  taxi: Taxi,
  footer: Footer,
  measurement: Measurement | undefined,
  month: Month | undefined,
): Anomaly[] {
  const { key, contract, found } = held
  if (!found) return missingColumn(key, contract, taxi, month)
  const anomalies: Anomaly[] = checkType(held, found)
  const counts = measurement?.columns[key as ColumnName]
  const missing = counts
    ? { rows: counts.missing, of: measurement?.rides ?? 0 }
    : { rows: found.kind === 'null' ? footer.rows : found.nulls, of: footer.rows }
  anomalies.push(...checkMissing(found.name, contract.missing, missing.rows, missing.of))
  if (!counts) return anomalies
  const present = sum(counts.counts.values())
  const rides = { present, all: measurement?.rides ?? 0 }
  anomalies.push(...checkAlive(found.name, contract.most_common, counts, present))
  if (counts.ladder) anomalies.push(...checkRange(held, found.name, counts, counts.ladder, rides))
  else anomalies.push(...checkIds(held, found.name, counts, rides.all))
  return anomalies
}

function missingColumn(
  key: string,
  { required, since, until }: ColumnContract,
  taxi: Taxi,
  month: Month | undefined,
): Anomaly[] {
  if (required === 'no') return []
  const dated = since !== undefined || until !== undefined
  if (dated && month === undefined) return []
  if (month !== undefined && ((since && month < since) || (until && month > until))) return []
  const names = ownSpellings(key, taxi)
  const expected = names.join(' or ')
  return [
    {
      code: 'SCHEMA_MISSING_COLUMN',
      severity: required,
      column: names[0],
      count: undefined,
      share: undefined,
      expected: `a column ${expected}`,
      found: 'none',
      examples: [],
      message: `column ${expected} is missing`,
    },
  ]
}

function ownSpellings(key: string, taxi: Taxi): readonly string[] {
  if (key === 'pickup' || key === 'dropoff') return spellings(taxi, key)
  return Object.hasOwn(rideColumns, key) ? spellings(taxi, key as ColumnName) : [key]
}

const accepted: Readonly<Record<ColumnContract['type'], readonly ColumnKind[]>> = {
  id: ['int', 'float', 'null'],
  number: ['int', 'float', 'null'],
  time: ['time', 'null'],
  text: ['text', 'null'],
}

function checkType({ key, contract }: Held, { name, kind, type }: FooterColumn): Anomaly[] {
  if (accepted[contract.type].includes(kind)) return []
  const isUsed = Object.hasOwn(rideColumns, key) || key === 'pickup' || key === 'dropoff'
  // Times as text are what pandas makes of the old CSV files: they are read, and slowly.
  const isRead = !isUsed || (contract.type === 'time' && kind === 'text')
  const expected = accepted[contract.type].filter((one) => one !== 'null').join(' or ')
  return [
    {
      code: 'UNEXPECTED_DATA_TYPE',
      severity: isRead ? 'warn' : 'error',
      column: name,
      count: undefined,
      share: undefined,
      expected,
      found: `${kind} (${type})`,
      examples: [],
      message: `column ${name} holds ${kind} (${type}) instead of ${expected}${isRead ? '' : ' and cannot be read'}`,
    },
  ]
}

/** What a share of rows is by limits: above them, not at them. */
export function severityOf(share: number, { warn, error }: Limits): Severity | undefined {
  if (error !== undefined && share > error) return 'error'
  return warn !== undefined && share > warn ? 'warn' : undefined
}

/** The limit that a severity stands for, as text. */
function limitText(limits: Limits, severity: Severity): string {
  const limit = (severity === 'error' ? limits.error : limits.warn) ?? 0
  return limit === 0 ? 'none' : `at most ${shareText(limit)}`
}

function checkMissing(
  column: string,
  limits: Limits,
  missing: number | undefined,
  of: number,
): Anomaly[] {
  if (missing === undefined || of === 0) return []
  const share = missing / of
  const severity = severityOf(share, limits)
  if (!severity) return []
  const all = missing === of
  const found = `${shareText(share)} missing`
  return [
    {
      code: all ? 'FEATURE_TYPE_NOT_PRESENT' : 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
      severity,
      column,
      count: missing,
      share,
      expected: `${limitText(limits, severity)} missing`,
      found,
      examples: [],
      message: all
        ? `column ${column} is dead: no row of ${countText(of)} has a value`
        : `column ${column} lacks its value in ${countText(missing)} rows of ${countText(of)} (${shareText(share)})`,
    },
  ]
}

function checkAlive(
  column: string,
  limits: Limits,
  { counts, ladder }: ColumnCounts,
  present: number,
): Anomaly[] {
  if (present < enoughRides) return []
  const [value, count] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0])
  const share = count / present
  const severity = severityOf(share, limits)
  if (!severity) return []
  const text = ladder ? binText(ladder, value) : String(value)
  const range = ladder && text.includes(' ') ? 'one range of values' : 'one value'
  return [
    {
      code: 'FEATURE_TYPE_LOW_UNIQUE',
      severity,
      column,
      count,
      share,
      expected: `${limitText(limits, severity)} of ${range}`,
      found: `${text} in ${shareText(share)}`,
      examples: [text],
      message: `column ${column} is ${share > 0.99 ? 'dead' : 'nearly constant'}: ${text} in ${countText(count)} rows of ${countText(present)} (${shareText(share)})`,
    },
  ]
}

function checkIds(
  { key, contract }: Held,
  column: string,
  { counts }: ColumnCounts,
  rides: number,
): Anomaly[] {
  const domain = domainOf(key as ColumnName)
  if (domain.kind !== 'id') return []
  const allowed = contract.values && new Set(contract.values)
  const isAllowed = (id: number): boolean =>
    allowed ? allowed.has(id) : id >= domain.from && id <= domain.to
  const strange = [...counts].filter(([id]) => !isAllowed(id)).sort((a, b) => b[1] - a[1])
  const count = sum(strange.map(([, n]) => n))
  const expected = contract.values ? contract.values.join(', ') : `${domain.from} to ${domain.to}`
  const examples = strange.slice(0, mostExamples).map(([id, n]) => `${id} (${countText(n)})`)
  return flagged('ENUM_TYPE_UNEXPECTED_VALUES', column, contract.unexpected, count, rides, {
    expected,
    examples,
    what: `${strange.length === 1 ? 'an id' : `${strange.length} ids`} that ${strange.length === 1 ? 'is' : 'are'} not allowed, ${examples.join(', ')}`,
  })
}

function checkRange(
  { key, contract }: Held,
  column: string,
  { counts }: ColumnCounts,
  ladder: Ladder,
  rides: { readonly all: number },
): Anomaly[] {
  const domain = domainOf(key as ColumnName)
  const from = contract.range.from ?? (domain.kind === 'number' ? domain.from : undefined)
  const { below } = contract.range
  const whole = rideColumns[key as ColumnName].scale === 1
  const beyond = (isOut: (low: number, high: number) => boolean): [number, number][] =>
    [...counts].filter(([bin]) => {
      const low = ladder[bin - 1] ?? Number.NEGATIVE_INFINITY
      return isOut(low, ladder[bin] ?? Number.POSITIVE_INFINITY)
    })
  const report = (code: AnomalyCode, out: [number, number][], expected: string): Anomaly[] => {
    const sorted = out.sort((a, b) => b[1] - a[1])
    const examples = sorted
      .slice(0, mostExamples)
      .map(([bin, n]) => `${binText(ladder, bin)} (${countText(n)})`)
    return flagged(code, column, contract.unexpected, sum(out.map(([, n]) => n)), rides.all, {
      expected,
      examples,
      what: `values that are not ${expected}, ${examples.join(', ')}`,
    })
  }
  const anomalies: Anomaly[] = []
  // Whole bins only: what lies in a bin that an edge of the range divides counts as inside.
  if (from !== undefined) {
    const code = whole ? 'INT_TYPE_SMALL_INT' : 'FLOAT_TYPE_SMALL_FLOAT'
    const out = beyond((_, high) => high <= from)
    anomalies.push(...report(code, out, `from ${from}`))
  }
  if (below !== undefined) {
    const code = whole ? 'INT_TYPE_BIG_INT' : 'FLOAT_TYPE_BIG_FLOAT'
    const out = beyond((low) => low >= below)
    anomalies.push(...report(code, out, `below ${countText(below)}`))
  }
  return anomalies
}

function flagged(
  code: AnomalyCode,
  column: string,
  limits: Limits,
  count: number,
  of: number,
  texts: { readonly expected: string; readonly examples: readonly string[]; readonly what: string },
): Anomaly[] {
  const share = count / of
  const severity = of === 0 ? undefined : severityOf(share, limits)
  if (!severity) return []
  const limit = limitText(limits, severity)
  return [
    {
      code,
      severity,
      column,
      count,
      share,
      expected: `${texts.expected}${limit === 'none' ? '' : `, ${limit} others`}`,
      found: `${shareText(share)} others`,
      examples: texts.examples,
      message: `column ${column} has in ${countText(count)} rows (${shareText(share)}) ${texts.what}`,
    },
  ]
}
