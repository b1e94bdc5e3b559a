/**
 * The filter language and the order of runs against MLflow's own: the same made runs in plain
 * files and in MLflow's SQL store, the same filters and orders asked of both.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRidecastError } from '../../src/errors.ts'
import { fileEffects, fileTracker } from '../../src/tracking/files.ts'
import { parseFilter, serverFilter } from '../../src/tracking/filter.ts'
import type { FinalStatus, RunQuery } from '../../src/tracking/tracker.ts'
import { python } from './parts.ts'

/** Makes the runs in an SQL store and answers every query with ids, or null when it refuses. */
const script = `
import json, sys
from mlflow.entities import (Dataset, DatasetInput, InputTag, Metric, Param, RunStatus, RunTag)
from mlflow.exceptions import MlflowException
from mlflow.store.tracking import sqlalchemy_store
from mlflow.utils.search_utils import SearchUtils

given = json.load(open(sys.argv[1]))
store = sqlalchemy_store.SqlAlchemyStore("sqlite:///" + sys.argv[2] + "/mlflow.db", sys.argv[2])
experiment = store.create_experiment("differential")

class Ids:
    hex = None
    def uuid4(self):
        return self
ids = Ids()
real = sqlalchemy_store.uuid
for run in given["runs"]:
    ids.hex = run["id"]
    sqlalchemy_store.uuid = ids
    own = {"mlflow.user": run["user"], "mlflow.parentRunId": run["parent"]}
    own = {key: value for key, value in own.items() if value}
    tags = [RunTag(key, value) for key, value in {**run["tags"], **own}.items()]
    store.create_run(experiment, run["user"], run["start"], tags, run["name"])
    sqlalchemy_store.uuid = real
    metrics = [Metric(key, float(value), run["start"], 0) for key, value in run["metrics"].items()]
    params = [Param(key, value) for key, value in run["params"].items()]
    store.log_batch(run["id"], metrics, params, [])
    store.log_inputs(run["id"], [
        DatasetInput(Dataset(d["name"], d["digest"], "local", "{}"),
                     [InputTag("mlflow.data.context", d["context"])])
        for d in run["datasets"]])
    if run["status"] != "RUNNING":
        store.update_run_info(run["id"], RunStatus.from_string(run["status"]), run["end"], None)

def found(query):
    try:
        runs = store.search_runs([experiment], query["filter"], 1, 1000, query["orderBy"])
        return [run.info.run_id for run in runs]
    except MlflowException:
        return None

def parsed(text):
    # The store refuses comparators that the parser lets pass.
    if found({"filter": text, "orderBy": []}) is None:
        return None
    return [[s["type"], SearchUtils.translate_key_alias(s["key"]), s["comparator"].upper(),
             float(s["value"]) if s["type"] == "metric" else s["value"]]
            for s in SearchUtils.parse_search_filter(text)]

print(json.dumps({"found": [found(query) for query in given["queries"]],
                  "parsed": [parsed(text) for text in given["texts"]]}))
`

/** A run as both stores are told of it. */
interface Made {
  id: string
  name: string
  user: string
  parent: string
  start: number
  end: number
  status: 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED'
  params: Record<string, string>
  metrics: Record<string, number>
  tags: Record<string, string>
  datasets: { name: string; digest: string; context: 'training' | 'validation' }[]
}

const texts = [
  '',
  'a',
  'A',
  'ab',
  'aB',
  'a%b',
  'a_b',
  "it's",
  'z"z',
  'é',
  '\u{1f600}',
  '\uffee',
  '5',
]
const text = fc.constantFrom(...texts)
const numbers = [-1, 0, 0.5, 2, 2.5, 1e-9, 1e20, Number.NaN, Infinity]
const number = fc.constantFrom(...numbers)
const names = ['a', 'b.c', 'd e', 'f/g-h']
const some = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(fc.constantFrom(...names), values)
const firstStart = Date.UTC(2021, 2, 1, 9)

const madeRun = fc.record({
  name: fc.constantFrom('plain', 'pairs', 'Pairs', 'a run'),
  user: fc.constantFrom('', 'me', 'You'),
  parent: fc.constantFrom('', '20210301T090000-000000'),
  // Few seconds for many runs, so that ids decide too.
  start: fc.integer({ min: 0, max: 5 }).map((second) => firstStart + second * 1000),
  end: fc.integer({ min: 10, max: 14 }).map((second) => firstStart + second * 1000),
  status: fc.constantFrom('RUNNING', 'FINISHED', 'FAILED', 'KILLED'),
  params: some(text),
  metrics: some(number),
  tags: some(text),
  datasets: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('green', 'Green 2', 'yellow'),
      digest: fc.constantFrom('d1', 'd2'),
      context: fc.constantFrom('training', 'validation'),
    }),
    { maxLength: 3, selector: ({ name, digest }) => `${name} ${digest}` },
  ),
})
const runs: Made[] = fc.sample(madeRun, { seed: 1, numRuns: 40 }).map((run, i) => {
  const second = new Date(run.start).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
  // 11 has no common factor with 41: an order that is not that of making.
  // One at least has a letter beyond ASCII.
  const params = i === 0 ? { ...run.params, a: 'é' } : run.params
  return {
    ...run,
    params,
    id: `${second}-${((i * 11) % 41).toString(16).padStart(6, '0')}`,
  } as Made
})

const inQuotes = fc
  .constantFrom(...texts, '%', 'a%', '%b', '_b', 'a__', '%e', 'gr%', 'p_ir%', 'me', 'plain', 'd1')
  .map((value) => (value.includes("'") ? `"${value}"` : `'${value}'`))
const list = fc.array(inQuotes, { minLength: 1, maxLength: 3 }).map((all) => `(${all.join(', ')})`)
const named = fc.constantFrom('a', '`a`', 'b.c', '"b.c"', '`d e`', "'d e'", '`f/g-h`', 'gone')
const numeric = fc.constantFrom(
  '-1',
  '0',
  '.5',
  '2.',
  '2.50',
  '1e-9',
  '1E20',
  '1e300',
  '-3e-2',
  '3',
)
const time = fc.constantFrom(
  ...[0, 1000, 2500, 5000, 11000, 12000.5].map((ms) => `${firstStart + ms}`),
)
const ofNumbers = fc.constantFrom('<', '<=', '=', '!=', '>=', '>')
// SQLite knows the capitals of ASCII only: see the differences below.
const ofTexts = fc.constantFrom('=', '!=', 'LIKE', 'like', 'ILIKE', 'iLike')
const presence = fc.constantFrom('IS NULL', 'is null', 'IS NOT NULL', 'is not null')
const ofLists = fc.constantFrom('IN', 'NOT IN', 'in', 'not in')
const ids = fc
  .array(fc.constantFrom(...runs.map((run) => `'${run.id}'`)), { minLength: 1, maxLength: 20 })
  .map((all) => `(${all.join(',')})`)
const metricPrefix = fc.constantFrom('metrics', 'metric')
const textPrefix = fc.constantFrom('params', 'param', 'parameter', 'parameters', 'tags', 'tag')
const attributePrefix = fc.constantFrom('', 'attributes.', 'attribute.', 'attr.', 'run.')
const words = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((all) => all.join(' '))
const field = (prefix: fc.Arbitrary<string>, name: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(prefix, name).map(([before, key]) => `${before}.${key}`.replace('..', '.'))
const attribute = (...keys: string[]): fc.Arbitrary<string> =>
  fc.tuple(attributePrefix, fc.constantFrom(...keys)).map((all) => all.join(''))

const metricField = field(metricPrefix, named)
const textField = field(textPrefix, named)
const ownTag = fc.constantFrom(
  'tags.mlflow.user',
  'tags.`mlflow.runName`',
  'tag.mlflow.parentRunId',
)
const datasetField = field(
  fc.constantFrom('dataset', 'datasets'),
  fc.constantFrom('name', 'digest', 'context'),
)
const comparison = fc.oneof(
  words(metricField, ofNumbers, numeric),
  words(textField, ofTexts, inQuotes),
  words(fc.oneof(textField, ownTag), presence),
  words(ownTag, ofTexts, inQuotes),
  words(attribute('start_time', 'end_time', 'created', 'Created'), ofNumbers, time),
  words(
    attribute('status'),
    ofTexts,
    fc.constantFrom("'FINISHED'", "'RUNNING'", "'F%'", "'%ED'", '"KILLED"'),
  ),
  words(attribute('run_name', '`run name`', 'user_id'), ofTexts, inQuotes),
  words(attribute('run_id'), ofLists, ids),
  words(attribute('run_id'), ofTexts, fc.constantFrom(`'${runs[0]?.id}'`, "'2021%000001'")),
  words(datasetField, ofTexts, inQuotes),
  words(datasetField, ofLists, list),
)
const and = fc.constantFrom(' and ', ' AND ', '\nAnd\t')
const filter = fc
  .tuple(fc.array(comparison, { minLength: 1, maxLength: 3 }), and)
  .map(([all, joined]) => all.join(joined))

const direction = fc.constantFrom('', ' ASC', ' desc', ' DESC', ' asc')
const orderKey = fc.oneof(
  metricField,
  textField,
  attribute('start_time', 'end_time', 'run_id', 'run_name', 'status', 'user_id', 'created'),
)
const order = fc.array(
  fc.tuple(orderKey, direction).map((all) => all.join('')),
  { maxLength: 3 },
)

// A filter that is whole but for one thing.
const anyValue = fc.oneof(numeric, inQuotes, list, fc.constantFrom('x', 'NULL', '`x`', 'nan', ''))
const anyComparator = fc.oneof(
  ofNumbers,
  ofTexts,
  ofLists,
  fc.constantFrom('==', '<>', '=<', 'NOT LIKE', 'RLIKE', 'IS', 'between', '~', ''),
)
const anyField = fc.oneof(
  metricField,
  textField,
  datasetField,
  attribute('start_time', 'status', 'run_id', 'run_name', 'name', 'colour', 'Status'),
  fc.constantFrom('Metrics.a', 'model.a', 'dataset.source', 'a', '5', "'status'", 'metrics', '.a'),
)
const broken = fc.oneof(
  words(anyField, anyComparator, anyValue),
  words(anyField, presence),
  fc
    .tuple(
      comparison,
      fc.constantFrom(' or ', ' OR ', ', ', ' && ', '; ', ' | ', ' xor '),
      comparison,
    )
    .map((all) => all.join('')),
  comparison.map((one) => `(${one})`),
  comparison.map((one) => `not ${one}`),
  comparison.map((one) => `${one};`),
  comparison.map((one) => `${one} -- so`),
  comparison.map((one) => `${one} /* so */`),
  comparison.map((one) => one.replace(/['"]/, '')),
)

const queries: { filter: string; orderBy: string[] }[] = [
  ...fc
    .sample(fc.tuple(filter, order), { seed: 2, numRuns: 500 })
    .map(([text, by]) => ({ filter: text, orderBy: by })),
  ...fc.sample(order, { seed: 3, numRuns: 150 }).map((by) => ({ filter: '', orderBy: by })),
  ...fc.sample(broken, { seed: 4, numRuns: 500 }).map((text) => ({ filter: text, orderBy: [] })),
]

/** How a filter is read: what it compares, or that it is refused. */
const readings: readonly string[] = [
  ...['metrics.a<8', 'metrics.a <-8', 'metrics.a < - 8', 'metrics.a < +8', 'metrics.a < 1e+5'],
  ...['metrics.a < 1.e5', 'metrics.a < .5e5', 'metrics.a < 0x10', 'metrics.a < 1_000'],
  ...['metrics.95 < 8', 'metrics.p95 < 8', 'metrics.95p < 8', 'metrics.a.95 < 8', 'metrics.5p < 8'],
  ...['metrics.a.5p < 8', 'metrics.1e5 < 8', 'metrics._x < 8', 'metrics.é < 8', 'metrics.a-b < 8'],
  ...[
    'metrics.a/b < 8',
    'metrics.a:b < 8',
    'metrics.a@b < 8',
    'metrics.a$b < 8',
    'metrics . a < 8',
  ],
  ...['`metrics`.a < 8', '"metrics".a < 8', '"metrics.a" < 8', '`metrics.a` < 8', 'metrics.a < 8e'],
  ...['params.in = "x"', 'params.case = "x"', 'params.not = "x"', 'params.and = "x"'],
  ...['params.end.x = "x"', 'params.null = "x"', 'params.order = "x"', 'params.x.from = "x"'],
  ...["params.a = ''", 'params.a = ""', "params.a = 'it''s'", String.raw`params.a = 'it\'s'`],
  ...[String.raw`params.a = 'a\'`, String.raw`params.a = 'a\' and params.b = 'y'`],
  ...["params.a = 'x", "params.a = 'x' 'y'", "params.a = E'x'", "params.a = 'x'::text"],
  ...["params.a = '$$ -- /* ; #'", "params.a='x'and metrics.b<3", 'metrics.a<3and metrics.b<3'],
  ...["`status` = 'x'", '"status" = \'x\'', "'status' = 'x'", "STATUS = 'x'", "run name = 'x'"],
  ...["`Run Name` = 'x'", 'Created > 5', 'attributes."run name" = "x"', "tags.'a b' IS  NULL"],
  ...[
    "run_id IN('a')",
    "run_id = ('a')",
    "run_id IN ('a',)",
    'run_id IN ()',
    'run_id IN (1)',
    "run_id IN ('a'",
  ],
  ...["status IN ('FINISHED')", "tags.a IN ('a')", 'dataset.name not\tin (\'a\', "b")'],
  ...['dataset.name IS NULL', 'metrics.a IS NOT NULL', 'params.a IS', 'params.a NULL'],
  ...['8 > metrics.a', 'metrics.a < metrics.b', 'metrics.a < (8)', 'metrics.a < 8 asc', ' '],
  ...['metrics.a < 8 # so', '/* so */ metrics.a < 8', 'metrics.a between 3 and 5', '< 8'],
]

/** What MLflow reads and we refuse, and the one thing the other way round: docs/runs.md says why. */
const refusedByUs: readonly string[] = [
  // A condition may have been lost.
  ...['metrics.a < 8 and', 'and metrics.a < 8', 'metrics.a < 8 metrics.b < 3', 'and'],
  // Names that no run can have, or that mean another name than one reads.
  ...['metrics."a".b < 8', 'metrics.a."b c" < 8', 'metrics.`a`.`b` < 8', 'metrics. < 8'],
  ...[
    'metrics. a < 8',
    'metrics.`` < 8',
    'metrics.a[0] < 8',
    "params.a..b = 'x'",
    "params.a. = 'x'",
  ],
  // Values that mean another text than one reads.
  ...[
    'params.a = "x"."y"',
    "run_id IN ('a' 'b')",
    "run_id IN ('it''s')",
    "run_id IN (('a'),('b'))",
  ],
  ...[String.raw`run_id IN ('a\x41')`],
]
// Accepted by us, and refused by MLflow unless we write it anew.
const refusedThere = ['params.a is not  null', 'tags.a IS\tNOT\nNULL']

// Not among the generated ones.
const accents = { filter: "params.a ILIKE 'É'", orderBy: [] }

interface Answers {
  found: (string[] | null)[]
  parsed: ([string, string, string, unknown][] | null)[]
}

let folder: string
let answers: Answers
const all = [...readings, ...refusedByUs, ...refusedThere, ...refusedThere.map(serverFilter)]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-filter-'))
  for (const run of runs) await keep(run)
  const given = join(folder, 'given.json')
  const asked = queries.flatMap((query) => [
    query,
    { ...query, filter: ours(() => serverFilter(query.filter)) ?? query.filter },
  ])
  // JSON has no number for these, and Python's float() reads them.
  const plain = runs.map((run) => ({
    ...run,
    metrics: Object.fromEntries(Object.entries(run.metrics).map(([key, v]) => [key, String(v)])),
  }))
  writeFileSync(given, JSON.stringify({ runs: plain, queries: [...asked, accents], texts: all }))
  answers = python(script, [given, folder]) as Answers
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Keeps a run in plain files, under the same id. */
async function keep(run: Made): Promise<void> {
  const effects = { ...fileEffects, suffix: () => run.id.slice(-6) }
  const handle = await fileTracker(join(folder, 'runs'), effects).startRun({
    experiment: 'differential',
    name: run.name,
    user: run.user || undefined,
    tags: run.tags,
    parent: run.parent || undefined,
    startedAt: new Date(run.start),
  })
  expect(handle.id).toBe(run.id)
  await handle.logParameters(run.params)
  await handle.logMetrics(run.metrics)
  for (const dataset of run.datasets) await handle.logDataset({ ...dataset, source: '-', rows: 1 })
  const status = run.status.toLowerCase()
  if (status !== 'running') await handle.finish(status as FinalStatus, { at: new Date(run.end) })
}

/** What we answer; null when we refuse. */
function ours<T>(answer: () => T): T | null {
  try {
    return answer()
  } catch (error) {
    if (isRidecastError(error, 'filter_invalid')) return null
    throw error
  }
}

async function idsFound(query: RunQuery): Promise<string[] | null> {
  try {
    return (await fileTracker(join(folder, 'runs')).listRuns(query)).map((run) => run.id)
  } catch (error) {
    if (isRidecastError(error, 'filter_invalid')) return null
    throw error
  }
}

describe('plain files and MLflow', () => {
  it('find the same runs in the same order for generated filters, and refuse the same', async () => {
    const differences: unknown[] = []
    let [refused, some] = [0, 0]
    for (const [i, query] of queries.entries()) {
      const [raw, written] = answers.found.slice(2 * i, 2 * i + 2)
      const own = await idsFound(query)
      if (own === null) refused++
      else if (own.length > 0 && own.length < runs.length) some++
      const same = [raw, written].every((theirs) => JSON.stringify(theirs) === JSON.stringify(own))
      if (!same) differences.push({ ...query, own, raw, written })
    }
    expect(differences).toEqual([])
    // The cases are of every sort: refused ones, and filters that part the runs.
    expect(refused).toBeGreaterThan(200)
    expect(some).toBeGreaterThan(200)
  })

  const reading = (filter: string) =>
    ours(() =>
      parseFilter(filter).map(({ field: { entity, key }, comparator, value }) => [
        entity,
        key,
        comparator,
        entity === 'attribute' && key === 'status' ? String(value) : value,
      ]),
    )

  it.each(readings)('read the same into %j', (filter) => {
    const theirs = answers.parsed[all.indexOf(filter)]
    // Statuses are in capitals with us.
    const capitals = JSON.stringify(theirs).replace('"status","=","x"', '"status","=","X"')
    expect(JSON.stringify(reading(filter))).toBe(capitals)
  })

  it.each(refusedByUs)('differ on %j: only MLflow reads it', (filter) => {
    expect(reading(filter)).toBeNull()
    expect(answers.parsed[all.indexOf(filter)]).not.toBeNull()
  })

  it('differ on capitals beyond ASCII: SQLite does not know them', async () => {
    const [theirs] = answers.found.slice(-1)
    expect(theirs).toEqual([])
    const own = await idsFound(accents)
    const holders = runs.filter(({ params }) => params.a === 'é').map((run) => run.id)
    expect(own?.toSorted()).toEqual(holders.sort())
    expect(own).not.toEqual([])
  })

  it.each(refusedThere)('differ on %j: only we read it, and write it as MLflow does', (filter) => {
    expect(reading(filter)).not.toBeNull()
    expect(answers.parsed[all.indexOf(filter)]).toBeNull()
    const written = answers.parsed[all.indexOf(serverFilter(filter))]
    expect(JSON.stringify(written)).toBe(JSON.stringify(reading(filter)))
  })
})
