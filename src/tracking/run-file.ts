/**
 * The files of one run record: `run.json`, `metrics.jsonl` and `artifacts/`, their schema, and
 * how each is read and written whole. docs/runs.md explains every field.
 * Knows nothing about how runs are found, started or shown.
 */

import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, RidecastError } from '../errors.ts'
import { ownerSchema } from './owner.ts'
import {
  type Artifact,
  finalStatuses,
  isLater,
  type MetricPoint,
  metricToJson,
  type NamedPoint,
} from './tracker.ts'

/** Version of the format of run.json. */
export const runFormat = 1

const time = z.iso.datetime({ precision: 3 })
const metric = z.union([
  z.number(),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform((text) => Number(text)),
])
const texts = z.record(z.string(), z.string())

const runSchema = z.object({
  format: z.literal(runFormat),
  id: z.string(),
  experiment: z.string(),
  name: z.string(),
  status: z.enum(['running', ...finalStatuses]),
  started_at: time,
  ended_at: time.nullable(),
  error: z.string().nullable(),
  parent: z.string().nullable(),
  commit: z.object({ hash: z.string(), modified: z.boolean() }).nullable(),
  // Not in the first records.
  user: z.string().nullable().default(null),
  source: z.string().nullable().default(null),
  tags: texts,
  parameters: texts,
  metrics: z.record(z.string(), metric),
  datasets: z.array(
    z.object({
      name: z.string(),
      source: z.string(),
      digest: z.string(),
      context: z.enum(['training', 'validation']),
      rows: z.int().nonnegative(),
    }),
  ),
  model: z.object({ name: z.string(), version: z.string(), path: z.string() }).nullable(),
  process: ownerSchema,
})

/** The content of run.json, with metrics as numbers. */
export type StoredRun = z.infer<typeof runSchema>

const pointSchema = z.object({ name: z.string(), value: metric, step: z.int(), time })

/**
 * Replaces run.json: under a temporary name, then renamed, so that a reader and a kill see the
 * old text or the new one, never a half.
 *
 * @param durable also wait until the disk has the text before renaming, so that a power cut
 * leaves one or the other as well
 */
export async function writeRunFile(
  folder: string,
  run: StoredRun,
  durable: boolean,
): Promise<void> {
  const metrics = Object.entries(run.metrics).map(([name, value]) => [name, metricToJson(value)])
  const text = JSON.stringify({ ...run, metrics: Object.fromEntries(metrics) }, null, 2)
  // One name is enough: a run has one writer, and it writes one thing at a time.
  await writeWhole(join(folder, 'run.json.tmp'), join(folder, 'run.json'), `${text}\n`, durable)
}

/** Writes a file under a temporary name and renames it. */
export async function writeWhole(
  temporary: string,
  path: string,
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
  durable: boolean,
): Promise<void> {
  const file = await open(temporary, 'w')
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) await file.writeFile(content)
    else for await (const piece of content) await file.writeFile(piece)
    if (durable) await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/**
 * Reads run.json.
 *
 * @param id the run's id, which the file must name
 * @throws RidecastError `run_corrupt`
 */
export async function readRunFile(folder: string, id: string): Promise<StoredRun> {
  const corrupt = (found: string, cause?: unknown): RidecastError =>
    new RidecastError(
      'run_corrupt',
      `run ${id} cannot be read: ${found}; look at ${join(folder, 'run.json')} or remove the folder`,
      { cause },
    )
  let content: unknown
  try {
    content = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8'))
  } catch (error) {
    if (isMissing(error)) throw corrupt('it has no run.json', error)
    throw corrupt(`run.json is not JSON, ${messageOf(error)}`, error)
  }
  const format = z.object({ format: z.number() }).safeParse(content)
  if (format.success && format.data.format > runFormat) {
    const { format: found } = format.data
    throw corrupt(`it has format ${found}, and this ridecast reads up to ${runFormat}`)
  }
  const parsed = runSchema.safeParse(content)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const where = issue?.path.join('.') || 'its content'
    throw corrupt(`${where} in run.json is wrong, ${issue?.message.toLowerCase()}`, parsed.error)
  }
  if (parsed.data.id !== id) throw corrupt(`its run.json is that of run ${parsed.data.id}`)
  return parsed.data
}

/** Points as lines of metrics.jsonl. */
export function metricLines(points: readonly NamedPoint[]): string {
  return points
    .map(({ name, value, step, time }) =>
      JSON.stringify({ name, value: metricToJson(value), step, time }),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/**
 * Reads metrics.jsonl: points by metric, each by step, then time. A last line without its
 * end is one that is being written or that a kill has cut off, and is left out.
 *
 * @param id the run's id, for messages
 * @throws RidecastError `run_corrupt` when another line is damaged
 */
export async function readMetrics(
  folder: string,
  id: string,
): Promise<Record<string, MetricPoint[]>> {
  const path = join(folder, 'metrics.jsonl')
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return ''
    throw new RidecastError('run_corrupt', `metrics of run ${id} cannot be read: ${path}`, {
      cause: error,
    })
  })
  const history = new Map<string, MetricPoint[]>()
  for (const [i, line] of text.split('\n').slice(0, -1).entries()) {
    const { name, ...point } = parsePoint(line, `line ${i + 1} of ${path}`, id)
    const points = history.get(name)
    if (points) points.push(point)
    else history.set(name, [point])
  }
  for (const points of history.values()) {
    points.sort((a, b) => a.step - b.step || Number(a.time > b.time) - Number(a.time < b.time))
  }
  return Object.fromEntries(history)
}

function parsePoint(line: string, where: string, id: string): NamedPoint {
  try {
    return pointSchema.parse(JSON.parse(line))
  } catch (error) {
    throw new RidecastError(
      'run_corrupt',
      `metrics of run ${id} cannot be read: ${where} is not a metric; mend or remove that line`,
      { cause: error },
    )
  }
}

/** The last value of each metric of a history. */
export function lastValues(
  history: Readonly<Record<string, readonly MetricPoint[]>>,
): Record<string, number> {
  const last = Object.entries(history).flatMap(([name, points]) => {
    const point = points.reduce((best, next) => (isLater(next, best) ? next : best))
    return [[name, point.value] as const]
  })
  return Object.fromEntries(last)
}

/** The files below a folder by path; links are not followed. None when there is no folder. */
export async function listFiles(folder: string, inside = ''): Promise<Artifact[]> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true }).catch((error) => {
    if (isMissing(error)) return []
    throw error
  })
  const found: Artifact[] = []
  for (const entry of entries) {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`
    if (entry.isDirectory()) found.push(...(await listFiles(folder, path)))
    else if (entry.isFile()) found.push({ path, bytes: (await stat(join(folder, path))).size })
  }
  return inside === '' ? found.sort((a, b) => (a.path < b.path ? -1 : 1)) : found
}

/** True for the error of a file or folder that is not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
