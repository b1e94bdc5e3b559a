/**
 * The handle of a run that is written to plain files, by the one process that started it.
 * Knows nothing about other runs or about reading them back.
 */

import { appendFile, mkdir, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { messageOf, RidecastError } from '../errors.ts'
import { checkArtifactPath, checkName } from './names.ts'
import { checkedPoint, pointsOf } from './points.ts'
import { isMissing, metricLines, type StoredRun, writeRunFile, writeWhole } from './run-file.ts'
import {
  type ByteSource,
  type Dataset,
  type FinalStatus,
  isLater,
  type LoggedModel,
  type MetricPoint,
  type NamedPoint,
  type RunHandle,
} from './tracker.ts'

/** A run in a folder of its own that holds its run.json already. */
export class FileRun implements RunHandle {
  readonly id: string
  readonly location: string
  private stored: StoredRun
  private readonly now: () => Date
  private readonly last = new Map<string, MetricPoint>()
  private queue: Promise<unknown> = Promise.resolve()

  /**
   * @param folder folder of the run
   * @param stored what its run.json holds
   * @param now the clock
   */
  constructor(folder: string, stored: StoredRun, now: () => Date) {
    this.id = stored.id
    this.location = folder
    this.stored = stored
    this.now = now
  }

  async logParameters(values: Readonly<Record<string, string | number | boolean>>): Promise<void> {
    const added = Object.entries(values).map(([name, value]) => [name, String(value)] as const)
    for (const [name] of added) checkName('parameter', name)
    await this.update((run) => {
      for (const [name, value] of added) {
        const before = Object.hasOwn(run.parameters, name) ? run.parameters[name] : value
        if (before === value) continue
        throw new RidecastError(
          'run_write_refused',
          `parameter ${name} of run ${this.id} is logged already: expected ${before} again, ` +
            `found ${value}; start another run, or use a metric with steps`,
        )
      }
      return { ...run, parameters: { ...run.parameters, ...Object.fromEntries(added) } }
    })
  }

  async logMetrics(
    values: Readonly<Record<string, number>>,
    { step = 0, at = this.now() }: { step?: number | undefined; at?: Date | undefined } = {},
  ): Promise<void> {
    await this.logPoints(pointsOf(values, step, at))
  }

  async logPoints(given: readonly Readonly<NamedPoint>[]): Promise<void> {
    const points = given.map(checkedPoint)
    await this.enqueue(async () => {
      if (points.length === 0) return
      // One write for all lines: a kill cuts off the last of them at worst.
      await appendFile(join(this.location, 'metrics.jsonl'), metricLines(points))
      for (const { name, ...point } of points) {
        const last = this.last.get(name)
        if (last === undefined || isLater(point, last)) this.last.set(name, point)
      }
    })
  }

  async setTags(values: Readonly<Record<string, string>>): Promise<void> {
    const tags = { ...values }
    for (const name of Object.keys(tags)) checkName('tag', name)
    await this.update((run) => ({ ...run, tags: { ...run.tags, ...tags } }))
  }

  async logDataset(dataset: Readonly<Dataset>): Promise<void> {
    const { name, source, digest, context, rows } = dataset
    const same = (other: Dataset): boolean =>
      other.name === name && other.digest === digest && other.context === context
    await this.update((run) =>
      run.datasets.some(same)
        ? run
        : { ...run, datasets: [...run.datasets, { name, source, digest, context, rows }] },
    )
  }

  async logArtifact(path: string, content: Uint8Array | string | ByteSource): Promise<void> {
    checkArtifactPath(path)
    await this.enqueue(async () => {
      const root = join(this.location, 'artifacts')
      const target = join(root, path)
      await mkdir(root, { recursive: true })
      await checkInside(root, dirname(target))
      await mkdir(dirname(target), { recursive: true })
      // Outside artifacts/, so that a file that is half there is not listed among them.
      const data = typeof content === 'object' && 'open' in content ? content.open() : content
      await writeWhole(join(this.location, 'artifact.tmp'), target, data, false)
    })
  }

  async logModel({ name, version, path }: Readonly<LoggedModel>): Promise<null> {
    await this.update((run) => ({ ...run, model: { name, version, path } }))
    return null
  }

  async finish(
    status: FinalStatus,
    { error, at }: { error?: string | undefined; at?: Date | undefined } = {},
  ): Promise<void> {
    await this.update((run) => {
      const metrics = [...this.last].map(([name, point]) => [name, point.value] as const)
      return {
        ...run,
        status,
        ended_at: (at ?? this.now()).toISOString(),
        error: error ?? null,
        metrics: Object.fromEntries(metrics),
      }
    })
  }

  private update(change: (run: StoredRun) => StoredRun): Promise<void> {
    return this.enqueue(async () => {
      const next = change(this.stored)
      await writeRunFile(this.location, next, next.status !== 'running')
      this.stored = next
    })
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.queue.then(async () => {
      if (this.stored.status !== 'running') {
        throw new RidecastError(
          'run_write_refused',
          `run ${this.id} is ${this.stored.status} and takes nothing more; start another run`,
        )
      }
      await task().catch((error: unknown) => {
        throw writeFault(error, this.location)
      })
    })
    this.queue = done.catch(() => {})
    return done
  }
}

/** A fault of the file system while writing, as an error of ours; any other as it is. */
export function writeFault(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  return new RidecastError(
    'run_write_refused',
    `${folder} does not take a run record: expected a folder that can be written, found ` +
      `"${messageOf(error)}"; free it or choose another folder for runs`,
    { cause: error },
  )
}

/**
 * Holds a path to lie inside a folder once links are followed, as far as it exists.
 *
 * @throws RidecastError `run_write_refused`
 */
export async function checkInside(root: string, path: string): Promise<void> {
  const [inside, real] = await Promise.all([realpath(root), nearestReal(path)])
  if (real === inside || real.startsWith(inside + sep)) return
  throw new RidecastError(
    'run_write_refused',
    `artifact path ${path} leads out of the run: expected it inside ${inside}, found a ` +
      `link to ${real}; remove the link`,
  )
}

/** The path with links followed; of one that is not there, that of the folder it would be in. */
async function nearestReal(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isMissing(error) && dirname(path) !== path) return nearestReal(dirname(path))
    throw error
  }
}
