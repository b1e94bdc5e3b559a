/**
 * The fields of a run that filters, orders and columns name, such as `metrics.rmse` or
 * `attributes.start_time`, and their values. Names and meaning are MLflow's; knows nothing about
 * comparisons.
 */

import { distance } from 'fastest-levenshtein'
import { faultAt, type Language, shown, shownText, type Token, tokenize } from './filter-tokens.ts'
import type { RunSummary } from './tracker.ts'

/** What a field is part of. */
export type Entity = 'metric' | 'parameter' | 'tag' | 'attribute' | 'dataset'

/** A field of a run. */
export interface Field {
  /** What it is part of. */
  readonly entity: Entity
  /** Its name, without quotes; of an attribute one of {@link attributes}, aliases resolved. */
  readonly key: string
}

/** Names before the dot, by what they stand for. */
const entities: Readonly<Record<string, Entity>> = {
  metrics: 'metric',
  metric: 'metric',
  params: 'parameter',
  param: 'parameter',
  parameters: 'parameter',
  parameter: 'parameter',
  tags: 'tag',
  tag: 'tag',
  attributes: 'attribute',
  attribute: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  datasets: 'dataset',
  dataset: 'dataset',
}

/** The attributes of a run: texts, and times in milliseconds since 1970 in UTC. */
export const attributes = [
  'run_id',
  'run_name',
  'status',
  'user_id',
  'artifact_uri',
  'start_time',
  'end_time',
] as const

/** The attributes that are numbers. */
const times: ReadonlySet<string> = new Set(['start_time', 'end_time'])

const attributeAliases: Readonly<Record<string, string>> = {
  created: 'start_time',
  Created: 'start_time',
  'run name': 'run_name',
  'Run name': 'run_name',
  'Run Name': 'run_name',
}

const datasetKeys = ['name', 'digest', 'context'] as const

/** Words that MLflow's reader takes for SQL even after a dot. */
const sqlWords: ReadonlySet<string> = new Set(['as', 'case', 'from', 'in', 'using', 'values'])

// MLflow takes one digit before a letter for a part of a name, where it does not make a number.
const plainPart = /^(?:[\p{L}_]|\d(?!e\d|x[\da-f])[a-z_])/iu

/** True for a field that is compared as a number. */
export function isNumeric({ entity, key }: Field): boolean {
  return entity === 'metric' || (entity === 'attribute' && times.has(key))
}

/**
 * The field that the name of a column is, and nothing behind it.
 *
 * @throws RidecastError `filter_invalid`
 */
export function parseField(text: string): Field {
  const [token, next] = tokenize(text) as [Token, Token]
  const field = fieldOf('column', text, token)
  if (next.kind === 'end') return field
  throw faultAt('column', text, next, `expected nothing behind the name, found ${shown(next)}`)
}

/**
 * The field that a token names.
 *
 * @param what what the text is, for the message
 * @param text the whole of it
 * @throws RidecastError `filter_invalid`
 */
export function fieldOf(what: Language, text: string, token: Token): Field {
  const fault = (message: string) => faultAt(what, text, token, message)
  const { kind, raw } = token
  if (kind !== 'word' && !(kind === 'text' && raw.startsWith('"'))) {
    throw fault(`expected a name such as metrics.rmse or params.taxi, found ${shown(token)}`)
  }
  const [first = raw, ...rest] = token.parts ?? []
  if (rest.length === 0) {
    const key = unquoted(first)
    if (Object.hasOwn(entities, key))
      throw fault(`expected a name behind ${key}, as in ${key}.name`)
    return { entity: 'attribute', key: attributeOf(key, fault) }
  }
  const named = unquoted(first, '`')
  const entity = Object.hasOwn(entities, named) ? entities[named] : undefined
  if (entity === undefined)
    throw fault(
      unknown(named, ['metrics', 'params', 'tags', 'attributes', 'dataset'], 'before the dot'),
    )
  const key = keyOf(rest, fault)
  if (entity === 'attribute') return { entity, key: attributeOf(key, fault) }
  if (entity === 'dataset' && !(datasetKeys as readonly string[]).includes(key)) {
    throw fault(unknown(key, datasetKeys, 'of a dataset'))
  }
  return { entity, key }
}

/** The name behind the first dot: one part in quotes, or any number without. */
function keyOf(parts: readonly string[], fault: (message: string) => Error): string {
  const [only = ''] = parts
  if (parts.length === 1 && /^[`"']/.test(only) && only.length > 2) return only.slice(1, -1)
  const key = parts.join('.')
  if (!/[`"']/.test(key) && parts.every((part) => plainPart.test(part) && !isSqlWord(part))) {
    return key
  }
  const found = key === '' ? 'nothing' : shownText(key)
  throw fault(
    'expected a name behind the dot of letters, digits, _ and dots, each part from a letter on and ' +
      `no SQL word such as in, found ${found}; put other names in backticks: metrics.\`a-b/c d\``,
  )
}

function isSqlWord(part: string): boolean {
  return sqlWords.has(part.toLowerCase())
}

function attributeOf(name: string, fault: (message: string) => Error): string {
  const key = Object.hasOwn(attributeAliases, name) ? attributeAliases[name] : name
  const found = attributes.find((attribute) => attribute === key)
  if (found !== undefined) return found
  throw fault(unknown(name, attributes, '(any other name begins with its kind, as in params.taxi)'))
}

function unknown(name: string, known: readonly string[], where: string): string {
  const far = (other: string): number => distance(name.toLowerCase(), other)
  const [nearest = ''] = [...known].sort((a, b) => far(a) - far(b))
  const hint = far(nearest) <= 3 ? `; the nearest is ${nearest}` : ''
  return `expected one of ${known.join(', ')} ${where}, found ${shownText(name)}${hint}`
}

function unquoted(part: string, quotes = '`"'): string {
  const quoted = part.length > 2 && quotes.includes(part[0] as string)
  return quoted ? part.slice(1, -1) : part
}

/** Fields of a run that stand in tags of MLflow's, so that a filter on them works everywhere. */
const ownTags: Readonly<Record<string, (run: Partial<RunSummary>) => string | null | undefined>> = {
  'mlflow.runName': (run) => run.name,
  'mlflow.user': (run) => run.user,
  'mlflow.source.name': (run) => run.source,
  'mlflow.source.git.commit': (run) => run.commit?.hash,
  'mlflow.source.git.dirty': (run) => run.commit && String(run.commit.modified),
  'mlflow.parentRunId': (run) => run.parent,
}

const attributeValues: Readonly<
  Record<(typeof attributes)[number], (run: Partial<RunSummary>) => string | number | null>
> = {
  run_id: (run) => run.id ?? null,
  run_name: (run) => run.name ?? null,
  status: (run) => run.status?.toUpperCase() ?? null,
  // A server keeps no user as an empty text, and so it fits != and comes first in an order.
  user_id: (run) => run.user ?? '',
  artifact_uri: (run) => (run.location === undefined ? null : `${run.location}/artifacts`),
  start_time: (run) => milliseconds(run.startedAt),
  end_time: (run) => milliseconds(run.endedAt),
}

/**
 * The value of a field that a run has once, undefined where it has none. Times are milliseconds,
 * a status is in capitals, as MLflow has them.
 *
 * @param run what is known of a run
 * @param field any but of a dataset, see {@link datasetValues}
 */
export function fieldValue(
  run: Partial<RunSummary>,
  { entity, key }: Field,
): string | number | undefined {
  if (entity === 'metric') return own(run.metrics, key)
  if (entity === 'parameter') return own(run.parameters, key)
  if (entity === 'tag') return own(ownTags, key)?.(run) ?? own(run.tags, key)
  return attributeValues[key as (typeof attributes)[number]](run) ?? undefined
}

/** The values of a field of datasets, one a dataset. */
export function datasetValues(run: RunSummary, { key }: Field): string[] {
  return run.datasets.map((dataset) => dataset[key as (typeof datasetKeys)[number]])
}

function milliseconds(time: string | null | undefined): number | null {
  return time ? Date.parse(time) : null
}

/** A value by name, and not what every object inherits, such as `constructor`. */
function own<T>(values: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined
}
