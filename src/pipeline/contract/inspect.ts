/**
 * One trip file looked at for its contract, from its name to what is wrong with it. A file that
 * cannot be read is a finding like any other. Knows nothing about how findings are shown.
 */

import type { Contract } from '../../contract.ts'
import { isRidecastError, messageOf } from '../../errors.ts'
import type { Month } from '../../month.ts'
import type { Taxi } from '../../ride.ts'
import type { ObtainEffects, Source } from '../source.ts'
import { obtain } from '../source.ts'
import type { FleetPlan } from '../sources.ts'
import type { Summing } from '../summing.ts'
import { type Anomaly, type AnomalyCode, worstFirst } from './anomaly.ts'
import { checkFile } from './check.ts'
import { contractKey, readableColumns } from './check-columns.ts'
import type { Footer } from './footer.ts'
import { contractColumns, factsOf } from './gate.ts'
import { checkPlan, keptRides, type Measurement, measurementOf } from './measure.ts'
import { type CheckContext, measuresOf } from './measures.ts'
import { isWholeMonth } from './neighbours.ts'
import { type RowFacts, readRows } from './rows.ts'

/** What was found about a file. */
export interface Inspection {
  readonly label: string
  readonly path: string
  readonly taxi: Taxi
  readonly month: Month | undefined
  /** Undefined when not even its footer can be read. */
  readonly footer: Footer | undefined
  /** Undefined when its times cannot be read. */
  readonly measurement: Measurement | undefined
  /** Rides of 1 to 60 minutes; undefined when that cannot be told. */
  readonly kept: number | undefined
  /** The values of the contract's measures, as far as they could be taken. */
  readonly measures: Readonly<Record<string, number>>
  /** What is not as expected, errors first. */
  readonly anomalies: readonly Anomaly[]
}

/** What an inspection touches of the world. */
export interface InspectEffects {
  readonly obtain?: ObtainEffects
  /** Told what goes on. */
  readonly show?: (text: string) => void
  readonly signal?: AbortSignal
}

/**
 * Looks at a file.
 *
 * @param rows false to leave out what only all columns of all rows can say: duplicates
 */
export async function inspect(
  { plan, taxi }: FleetPlan,
  contract: Contract,
  summing: Summing,
  rows: boolean,
  effects: InspectEffects = {},
): Promise<Inspection> {
  const { label, path, month } = plan
  const base = { label, path, taxi, month }
  try {
    const source = await obtain(plan, effects.obtain)
    return { ...base, ...(await look(source, taxi, contract, summing, rows, effects)) }
  } catch (error) {
    const anomalies = [unreadable(error)]
    return { ...base, ...nothing, anomalies }
  }
}

type Looked = Pick<Inspection, 'footer' | 'measurement' | 'kept' | 'measures' | 'anomalies'>

/** What is known of a file that cannot be read. */
const nothing = { footer: undefined, measurement: undefined, kept: undefined, measures: {} }

async function look(
  source: Source,
  taxi: Taxi,
  contract: Contract,
  summing: Summing,
  rows: boolean,
  effects: InspectEffects,
): Promise<Looked> {
  const { path, month, label } = source
  const { footer, neighbours } = await factsOf({ path, month, taxi })
  const faults: Anomaly[] = []
  const attempt = async <T>(step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step()
    } catch (error) {
      faults.push(unreadable(error))
      return undefined
    }
  }
  const measurement = hasTimes(footer, taxi)
    ? await attempt(() => measured(source, taxi, contract, summing, footer))
    : undefined
  const told = (done: number, total: number): void =>
    effects.show?.(`${label}: all columns, ${percent(done, total)}`)
  const read = rows && faults.length === 0
  const facts = read ? await attempt(() => readRows(path, told, effects.signal)) : undefined
  const context: CheckContext = {
    taxi,
    month,
    whole: isWholeMonth(path, taxi, month),
    neighbours,
    duplicates: facts?.duplicates,
  }
  const known = facts ? withNulls(footer, facts) : footer
  const anomalies = checkFile(contract, known, measurement, context)
  const { values } = measuresOf(known, measurement, context)
  return {
    footer: known,
    measurement,
    kept: measurement && keptRides(measurement),
    measures: values as Record<string, number>,
    anomalies: worstFirst([...faults, ...notNumbers(facts), ...anomalies]),
  }
}

function percent(done: number, total: number): string {
  return `${Math.round((100 * done) / Math.max(1, total))} %`
}

async function measured(
  source: Source,
  taxi: Taxi,
  contract: Contract,
  summing: Summing,
  footer: Footer,
): Promise<Measurement> {
  const readable = new Set(readableColumns(footer, taxi))
  const columns = contractColumns(contract).filter((column) => readable.has(column))
  const [moments] = await summing.ofFile({ source, taxi }, [checkPlan(columns, 'full')])
  return measurementOf(moments as NonNullable<typeof moments>)
}

function hasTimes({ columns }: Footer, taxi: Taxi): boolean {
  const is = (key: string): boolean =>
    columns.some(({ name, kind }) => {
      return contractKey(name, taxi) === key && ['time', 'text', 'null'].includes(kind)
    })
  return is('pickup') && is('dropoff')
}

/** A footer that knows the missing values of every column. */
function withNulls(footer: Footer, { nulls }: RowFacts): Footer {
  const columns = footer.columns.map((column) => {
    return { ...column, nulls: nulls.get(column.name) ?? column.nulls }
  })
  return { ...footer, columns }
}

function notNumbers(facts: RowFacts | undefined): Anomaly[] {
  if (!facts) return []
  return [...facts.nans].flatMap(([column, count]): Anomaly[] => {
    if (count === 0) return []
    const share = count / facts.rows
    return [
      {
        code: 'FLOAT_TYPE_HAS_NAN',
        severity: 'warn',
        column,
        count,
        share,
        expected: 'numbers or missing values',
        found: `${count} NaN`,
        examples: ['NaN'],
        message: `column ${column} has NaN in ${count} rows: they are read as missing`,
      },
    ]
  })
}

/** Errors that are about a file, not about the way to it. */
const ofFile = [
  'source_not_found',
  'source_not_parquet',
  'source_truncated',
  'source_lfs_pointer',
  'source_html',
  'source_columns',
  'source_column_type',
  'source_changed',
  'source_mismatch',
] as const satisfies readonly AnomalyCode[]

/** The finding of such an error; others (no connection, no engine, cancelled) go on. */
function unreadable(error: unknown): Anomaly {
  const code = ofFile.find((one) => isRidecastError(error, one))
  if (code === undefined) throw error
  return {
    code,
    severity: 'error',
    column: undefined,
    count: undefined,
    share: undefined,
    expected: 'a readable trip file',
    found: code.replace(/^source_/, '').replaceAll('_', ' '),
    examples: [],
    message: messageOf(error),
  }
}
