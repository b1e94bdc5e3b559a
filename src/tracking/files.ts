/**
 * Runs as plain files, one folder a run below a common one: starts, lists and reads them.
 * Any number of processes may do so at once, without a lock: a run is written only by the
 * process that started it. Knows nothing about what is shown of them.
 */

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isRidecastError, messageOf, RidecastError } from '../errors.ts'
import { checkInside, FileRun, writeFault } from './file-run.ts'
import { parseFilter } from './filter.ts'
import { matches } from './filter-match.ts'
import { checkArtifactPath, checkName, checkTitle } from './names.ts'
import { inOrder, type Orderable, parseOrder } from './order-by.ts'
import { currentOwner, isGone, type Owner } from './owner.ts'
import {
  isMissing,
  lastValues,
  listFiles,
  readMetrics,
  readRunFile,
  runFormat,
  type StoredRun,
  writeRunFile,
} from './run-file.ts'
import type {
  RunHandle,
  RunListing,
  RunQuery,
  RunRecord,
  RunStart,
  RunSummary,
  Tracker,
} from './tracker.ts'

/** What a store of files asks of the world. */
export interface FileEffects {
  /** The clock. */
  now(): Date
  /** Six hexadecimal digits that tell runs of one second apart. */
  suffix(): string
  /** The process that writes. */
  owner(): Owner
  /** True when a process surely runs no more. */
  isGone(owner: Owner): boolean | Promise<boolean>
}

/** The real clock, chance and processes. */
export const fileEffects: FileEffects = {
  now: () => new Date(),
  suffix: () => randomBytes(3).toString('hex'),
  owner: currentOwner,
  isGone,
}

const idPattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)-[0-9a-f]{6}$/
// So many that only a broken source of chance uses them up.
const attempts = 100
// Files open at once while listing, far below the limits of any system.
const openFiles = 64

/**
 * A store of runs in a folder, which is made with the first run. Run ids are the second of the
 * start in UTC and six random digits, `20210301T081500-3fa2c1`.
 *
 * @param root the folder, such as `runs`
 */
export function fileTracker(root: string, effects: FileEffects = fileEffects): Tracker {
  return {
    startRun: (start) => startRun(root, start, effects),
    listRuns: (query = {}) => listRuns(root, query, effects),
    getRun: (id) => getRun(root, id, effects),
    readArtifact: (id, path) => readArtifact(root, id, path),
  }
}

async function startRun(root: string, start: RunStart, effects: FileEffects): Promise<RunHandle> {
  checkTitle('experiment', start.experiment)
  if (start.name !== undefined) checkTitle('run name', start.name)
  for (const name of Object.keys(start.tags)) checkName('tag', name)
  const startedAt = (start.startedAt ?? effects.now()).toISOString()
  for (let attempt = 0; attempt < attempts; attempt++) {
    const id = `${startedAt.slice(0, 19).replaceAll(/[-:]/g, '')}-${effects.suffix()}`
    const stored: StoredRun = {
      format: runFormat,
      id,
      experiment: start.experiment,
      name: start.name ?? id,
      status: 'running',
      started_at: startedAt,
      ended_at: null,
      error: null,
      parent: start.parent ?? null,
      commit: start.commit ?? null,
      user: start.user ?? null,
      source: start.source ?? null,
      tags: { ...start.tags },
      parameters: {},
      metrics: {},
      datasets: [],
      model: null,
      process: effects.owner(),
    }
    const folder = join(root, id)
    if (await createRun(root, folder, stored)) return new FileRun(folder, stored, effects.now)
  }
  throw new RidecastError('internal', `run ids in ${root} were all taken, ${attempts} in a row`)
}

/**
 * Makes the folder of a run with its run.json in it, under another name that is then changed,
 * so that no reader ever meets a run without a record. Only one of several processes with
 * the same id succeeds: the other name can be made by one of them, and a folder that holds
 * something is not replaced by a rename.
 *
 * @returns false when the id is taken
 */
async function createRun(root: string, folder: string, stored: StoredRun): Promise<boolean> {
  const starting = join(root, `.starting-${stored.id}`)
  try {
    await mkdir(root, { recursive: true })
    await mkdir(starting)
  } catch (error) {
    if (isTaken(error) && starting === (error as NodeJS.ErrnoException).path) return false
    throw writeFault(error, root)
  }
  try {
    await writeRunFile(starting, stored, false)
    await rename(starting, folder)
    return true
  } catch (error) {
    await rm(starting, { recursive: true, force: true })
    if (isTaken(error)) return false
    throw writeFault(error, root)
  }
}

function isTaken(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return ['EEXIST', 'ENOTEMPTY'].includes(code)
}

async function listRuns(
  root: string,
  { experiment, filter = '', orderBy = [], limit }: RunQuery,
  effects: FileEffects,
): Promise<RunListing[]> {
  const wanted = parseFilter(filter)
  const order = inOrder(parseOrder(orderBy))
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw new RidecastError(
      'usage_invalid',
      `runs in ${root} cannot be listed: expected a folder, found "${messageOf(error)}"`,
      { cause: error },
    )
  })
  const ids = entries
    .filter((entry) => idPattern.test(entry.name) && entry.isDirectory())
    .map((entry) => entry.name)
  const runs: RunListing[] = []
  for (let from = 0; from < ids.length; from += openFiles) {
    const some = ids.slice(from, from + openFiles).map((id) => listedRun(root, id, effects))
    runs.push(...(await Promise.all(some)))
  }
  return runs
    .filter((run) =>
      run.status === 'unreadable'
        ? wanted.length === 0
        : run.experiment === (experiment ?? run.experiment) && matches(wanted, run),
    )
    .map((run) => [known(run), run] as const)
    .sort(([a], [b]) => order(a, b))
    .slice(0, limit)
    .map(([, run]) => run)
}

async function listedRun(root: string, id: string, effects: FileEffects): Promise<RunListing> {
  const folder = join(root, id)
  try {
    const stored = await readRun(folder, id, effects)
    // A run that has ended has its last values in run.json, so that a list reads one file.
    const open = stored.ended_at === null
    const metrics = open ? lastValues(await readMetrics(folder, id)) : stored.metrics
    return { ...summary(folder, stored), metrics }
  } catch (error) {
    if (!isRidecastError(error, 'run_corrupt')) throw error
    return { id, status: 'unreadable', reason: error.message }
  }
}

async function getRun(root: string, id: string, effects: FileEffects): Promise<RunRecord> {
  const folder = await existingFolder(root, id)
  const stored = await readRun(folder, id, effects)
  const history = await readMetrics(folder, id)
  const metrics = { ...stored.metrics, ...lastValues(history) }
  const artifacts = await listFiles(join(folder, 'artifacts'))
  return { ...summary(folder, stored), metrics, history, artifacts }
}

async function readArtifact(root: string, id: string, path: string): Promise<Uint8Array> {
  checkArtifactPath(path)
  const artifacts = join(await existingFolder(root, id), 'artifacts')
  try {
    await checkInside(artifacts, join(artifacts, path))
    return await readFile(join(artifacts, path))
  } catch (error) {
    if (isRidecastError(error)) throw error
    const known = (await listFiles(artifacts)).map((artifact) => artifact.path).join(', ')
    throw new RidecastError(
      'run_artifact_not_found',
      `artifact ${path} of run ${id} is not there: expected one of ${known || 'none'}`,
      { cause: error },
    )
  }
}

/** The folder of a run; an id that is not of our form is never made a path. */
async function existingFolder(root: string, id: string): Promise<string> {
  const folder = join(root, id)
  const real = idPattern.test(id) ? await realpath(folder).catch(() => null) : null
  if (real !== null) return folder
  throw new RidecastError(
    'run_not_found',
    `run ${id} is not there: expected the name of a folder in ${root}; ` +
      'see them with: ridecast runs list',
  )
}

/**
 * Reads run.json, with status `killed` when it says `running` and its process is gone. It is
 * read again after the process was found gone: that process may have finished the run in
 * between, and can write no more.
 */
async function readRun(folder: string, id: string, effects: FileEffects): Promise<StoredRun> {
  const stored = await readRunFile(folder, id)
  if (stored.status !== 'running' || !(await effects.isGone(stored.process))) return stored
  const final = await readRunFile(folder, id)
  return final.status === 'running' ? { ...final, status: 'killed' } : final
}

function summary(folder: string, stored: StoredRun): RunSummary {
  return {
    id: stored.id,
    experiment: stored.experiment,
    name: stored.name,
    status: stored.status,
    startedAt: stored.started_at,
    endedAt: stored.ended_at,
    error: stored.error,
    parent: stored.parent,
    commit: stored.commit,
    user: stored.user,
    source: stored.source,
    tags: stored.tags,
    parameters: stored.parameters,
    metrics: stored.metrics,
    datasets: stored.datasets,
    model: stored.model,
    process: `pid ${stored.process.pid} on ${stored.process.host}`,
    location: folder,
  }
}

/** What is known of a run; the id knows when it started when its record does not. */
function known(run: RunListing): Orderable {
  if (run.status !== 'unreadable') return run
  return { id: run.id, startedAt: run.id.replace(idPattern, '$1-$2-$3T$4:$5:$6.000Z') }
}
