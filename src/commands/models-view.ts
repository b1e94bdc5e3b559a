/**
 * How a model version looks: as a row of a table, as a page of text, and as JSON. What its
 * documents do not say is left blank. Knows nothing about where versions come from.
 */

import type { AliasEntry } from '../alias-log.ts'
import type { Documents } from '../artifact.ts'
import type { ErrorCode } from '../errors.ts'
import type { VersionSummary } from '../registry.ts'
import { type Io, table } from './io.ts'

/** A version of a list. */
export interface ListedVersion extends VersionSummary {
  /** Name of the model. */
  readonly name: string
  /** Name of the recipe; undefined when it is not known. */
  readonly recipe: string | undefined
  /** RMSE of the validation rides, minutes; undefined when it is not known. */
  readonly validationRmse: number | undefined
  /** What is wrong with it; null when it is whole. */
  readonly fault: { readonly code: ErrorCode; readonly message: string } | null
}

/** A version of which everything is shown. */
export interface ShownVersion extends Omit<VersionSummary, 'created' | 'facts'> {
  /** Name of the model. */
  readonly name: string
  /** When its files were written; null for one outside the registry. */
  readonly created: Date | null
  readonly documents: Documents
  /** The changes of each alias that points to it, oldest first. */
  readonly history: Readonly<Record<string, readonly AliasEntry[]>>
}

/** What a list says of a version, from its documents. */
export function listedFacts({
  lineage,
  metrics,
}: Documents): Pick<ListedVersion, 'recipe' | 'validationRmse'> {
  const [recipe, rmse] = [at(lineage, 'recipe', 'name'), at(metrics, 'validation', 'rmse')]
  return {
    recipe: typeof recipe === 'string' ? recipe : undefined,
    validationRmse: typeof rmse === 'number' ? rmse : undefined,
  }
}

/** Versions as a table; RMSE in minutes. Numbers are shown where a server gave some. */
export function listText(io: Io, versions: readonly ListedVersion[]): string {
  const hasNumbers = versions.some(({ number }) => number !== null)
  const rows = versions.map((listed) => [
    `${listed.name}/${listed.version}`,
    ...(hasNumbers ? [String(listed.number ?? '')] : []),
    io.colors.green(printable(listed.aliases.join(', '))),
    timeText(listed.created.toISOString()),
    listed.fault ? io.colors.red(listed.fault.code) : printable(listed.recipe ?? '-'),
    listed.validationRmse?.toFixed(4) ?? '-',
  ])
  const number = hasNumbers ? ['number'] : []
  const header = ['version', ...number, 'aliases', 'created (UTC)', 'recipe', 'validation rmse']
  const left = header.slice(1).map(() => 'left' as const)
  return table(io, header, rows, [...left, 'right'])
}

/** A version of a list for machines. */
export function listJson(listed: ListedVersion): Record<string, unknown> {
  const { name, version, number, path, created, aliases, description, tags, fault } = listed
  return {
    name,
    version,
    number,
    path,
    created: created.toISOString(),
    aliases,
    description,
    tags,
    recipe: listed.recipe ?? null,
    validation_rmse: listed.validationRmse ?? null,
    fault,
  }
}

/** Everything about a version as a page of text. */
export function showText(io: Io, shown: ShownVersion): string {
  const { name, version, number, path, aliases, created, documents, history } = shown
  const { metrics, lineage } = documents
  const label = (text: string): string => io.colors.dim(text.padEnd(11))
  const facts: [string, string][] = [
    ['path', path],
    ['created', created ? `${timeText(created.toISOString())} UTC` : '-'],
    ['number', number === null ? '-' : String(number)],
    ['aliases', printable(aliases.join(', ')) || '-'],
    ['about', printable(shown.description) || '-'],
    ...Object.entries(shown.tags).map(
      ([name, value]) => ['tag', printable(`${name}=${value}`)] satisfies [string, string],
    ),
    ['taxi', textAt(lineage, 'taxi')],
    ['recipe', textAt(lineage, 'recipe', 'name')],
    ['', textAt(lineage, 'recipe', 'description')],
    ['columns', textAt(metrics, 'columns')],
    ['rank', textAt(metrics, 'rank')],
    ...filesOf(lineage, 'train'),
    ...filesOf(lineage, 'validation'),
  ]
  const lines = facts.filter(([, value]) => value !== '-').map(([k, v]) => `${label(k)}  ${v}\n`)
  return [
    `${io.colors.bold(`${name}/${version}`)}\n`,
    ...lines,
    measuresText(io, metrics),
    ...Object.entries(history).map(([alias, entries]) => {
      return `\n${io.colors.bold(`${name}@${alias}`)}\n${historyText(io, entries)}`
    }),
  ].join('')
}

function filesOf(lineage: unknown, part: 'train' | 'validation'): [string, string][] {
  const files = at(lineage, part)
  return (Array.isArray(files) ? files : []).map((file: unknown) => {
    const rides = `${textAt(file, 'kept')} of ${textAt(file, 'rows')} rides`
    const where = `${textAt(file, 'month')}  ${textAt(file, 'file')}`
    return [part, `${where}  ${rides}  sha256 ${textAt(file, 'sha256')}`]
  })
}

/** Measures in minutes (R2 without unit), a row each for training, validation and baseline. */
function measuresText(io: Io, metrics: unknown): string {
  const keys = ['n', 'rmse', 'mse', 'r2', 'bias']
  const rows = ['train', 'validation', 'baseline']
    .filter((part) => at(metrics, part) !== undefined && at(metrics, part) !== null)
    .map((part) => [part, ...keys.map((key) => numberAt(metrics, part, key))])
  if (rows.length === 0) return ''
  return `\n${table(io, ['', ...keys], rows, ['left', ...keys.map(() => 'right' as const)])}`
}

function historyText(io: Io, entries: readonly AliasEntry[]): string {
  const rows = entries.map(({ sequence, at: time, kind, version, reason }) => [
    String(sequence),
    timeText(time),
    kind,
    version ?? '-',
    printable(reason),
  ])
  return table(io, ['', 'at (UTC)', 'change', 'version', 'reason'], rows, ['right'])
}

/** The value at a path of keys, undefined where there is none. */
function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined
    return (inner as Record<string, unknown>)[key]
  }, value)
}

function textAt(value: unknown, ...keys: readonly string[]): string {
  const found = at(value, ...keys)
  return typeof found === 'string' || typeof found === 'number' ? printable(String(found)) : '-'
}

/** To four decimals, 6 ms where the unit is minutes; whole numbers as they are. */
function numberAt(value: unknown, ...keys: readonly string[]): string {
  const found = at(value, ...keys)
  if (typeof found !== 'number') return '-'
  return keys.at(-1) === 'n' ? String(found) : found.toFixed(4)
}

/** Text without what a terminal would act on. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ')
}

function timeText(time: string): string {
  return printable(time.slice(0, 19).replace('T', ' '))
}
