/**
 * The contract as training sees it: the plan to hand to an engine beside the others, the verdict
 * on its sums, and the error that refuses a file. Knows nothing about caches or recipes.
 */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Contract } from '../../contract.ts'
import { RidecastError } from '../../errors.ts'
import type { Month } from '../../month.ts'
import { type ColumnName, rideColumns, type Taxi } from '../../ride.ts'
import type { RemoteFile } from '../engines/engine.ts'
import type { SqlColumn } from '../engines/sql/runner.ts'
import type { Moments } from '../moments.ts'
import type { Plan } from '../plan.ts'
import { type Anomaly, type AnomalyCode, allowing, anomalyCodes, worstFirst } from './anomaly.ts'
import { checkFile } from './check.ts'
import { contractKey } from './check-columns.ts'
import { type ColumnKind, type Footer, footerOf, type ReadFooter } from './footer.ts'
import { checkPlan, measurementOf } from './measure.ts'
import { isWholeMonth, type Neighbour, neighboursOf } from './neighbours.ts'

/** A trip file as a gate knows it. */
export interface GatedFile {
  readonly path: string
  /** The month that its name states. */
  readonly month: Month | undefined
  readonly taxi: Taxi
}

/** What is known of a file without a page being read. */
export interface FileFacts {
  readonly footer: Footer
  /** The whole months around it, in the same folder; none for a file of part of one. */
  readonly neighbours: readonly Neighbour[]
}

/**
 * Reads the footer of a file, and of the months around it.
 *
 * @throws source_truncated, source_io
 */
export async function factsOf(
  { path, month, taxi }: GatedFile,
  read: ReadFooter = footerOf,
): Promise<FileFacts> {
  const footer = await read(path)
  if (month === undefined || !isWholeMonth(path, taxi, month)) return { footer, neighbours: [] }
  const neighbours = await neighboursOf(taxi, month, async (name) => {
    const beside = join(dirname(path), name)
    if (!existsSync(beside)) return undefined
    return (await read(beside).catch(() => undefined))?.rows
  })
  return { footer, neighbours }
}

/**
 * The same of a file that only an engine has: what it declares and counts in place of a footer.
 * Missing values by column are not known before the rows are read.
 */
export async function remoteFactsOf(
  { path, month, taxi }: GatedFile,
  { rows, columns, others }: RemoteFile,
): Promise<FileFacts> {
  const footer: Footer = {
    rows,
    rowGroups: 0,
    writer: '',
    columns: columns.map(({ name, kind, type }) => {
      return { name, type, kind: columnKinds[kind], nulls: undefined }
    }),
  }
  if (month === undefined || !isWholeMonth(path, taxi, month)) return { footer, neighbours: [] }
  const neighbours = await neighboursOf(taxi, month, async (name) => others.get(name))
  return { footer, neighbours }
}

/** What a SQL engine calls columns, as a footer would. */
const columnKinds: Readonly<Record<SqlColumn['kind'], ColumnKind>> = {
  integer: 'int',
  double: 'float',
  timestamp: 'time',
  text: 'text',
  null: 'null',
  other: 'other',
}

/**
 * What is summed of a file for its contract in training: days, durations, and the columns that
 * the recipe uses. The same columns give the same plan whatever the bounds are.
 *
 * @param columns what the recipe uses
 */
export function trainingCheckPlan(columns: readonly ColumnName[]): Plan {
  return checkPlan(columns, 'training')
}

/**
 * What is wrong with a file for a training.
 *
 * @param columns what the recipe uses: errors of other columns are warnings
 * @param moments the sums of {@link trainingCheckPlan}
 */
export function judge(
  contract: Contract,
  file: GatedFile,
  facts: FileFacts,
  columns: readonly ColumnName[],
  moments: Moments,
): Anomaly[] {
  const { path, month, taxi } = file
  const context = {
    taxi,
    month,
    whole: isWholeMonth(path, taxi, month),
    neighbours: facts.neighbours,
  }
  const anomalies = checkFile(contract, facts.footer, measurementOf(moments), context)
  const used = new Set<string>([...columns, 'pickup', 'dropoff'])
  return worstFirst(
    anomalies.map((anomaly) => {
      const { column, severity } = anomaly
      if (severity === 'warn' || column === undefined) return anomaly
      return used.has(contractKey(column, taxi)) ? anomaly : { ...anomaly, severity: 'warn' }
    }),
  )
}

/**
 * Anomalies with the errors of the given codes turned into warnings.
 *
 * @param codes what `--allow` says
 * @throws usage_invalid for text that is no code
 */
export function allowed(anomalies: readonly Anomaly[], codes: readonly string[]): Anomaly[] {
  return allowing(anomalies, new Set(checkCodes(codes)))
}

/**
 * Codes as a person gave them.
 *
 * @throws usage_invalid for text that is no code
 */
export function checkCodes(codes: readonly string[]): AnomalyCode[] {
  return codes.map((text) => {
    const code = text.toUpperCase()
    if (Object.hasOwn(anomalyCodes, code)) return code as AnomalyCode
    throw new RidecastError(
      'usage_invalid',
      `code ${JSON.stringify(text)} is no anomaly: expected one of ${Object.keys(anomalyCodes).join(', ')}`,
    )
  })
}

/** At most so many anomalies are told in one message. */
const mostTold = 3

/**
 * The error for files that have errors; undefined when none has.
 *
 * @param files what each is called, and what is wrong with it
 */
export function refusal(
  files: readonly { readonly label: string; readonly anomalies: readonly Anomaly[] }[],
): RidecastError | undefined {
  const bad = files.flatMap(({ label, anomalies }) => {
    const errors = anomalies.filter(({ severity }) => severity === 'error')
    return errors.length > 0 ? [{ label, errors }] : []
  })
  const [first] = bad
  if (!first) return undefined
  const told = first.errors.slice(0, mostTold).map(({ message }) => message)
  const rest = first.errors.length - told.length
  const more = rest > 0 ? `; and ${rest} more` : ''
  const others = bad.slice(1).map(({ label }) => label)
  const also = others.length > 0 ? ` (so do ${others.join(', ')})` : ''
  const codes = [...new Set(bad.flatMap(({ errors }) => errors.map(({ code }) => code)))]
  const passable = codes.filter((code) => Object.hasOwn(anomalyCodes, code))
  const pass =
    passable.length > 0
      ? `, or let it pass with ${passable.map((code) => `--allow ${code}`).join(' ')}`
      : ''
  return new RidecastError(
    'contract_refused',
    `${first.label} breaks its data contract${also}: ${told.join('; ')}${more}; see ridecast data check${pass}`,
  )
}

/** The columns of a contract that recipes can use. */
export function contractColumns(contract: Contract): ColumnName[] {
  return Object.keys(contract.columns).filter((key): key is ColumnName =>
    Object.hasOwn(rideColumns, key),
  )
}
