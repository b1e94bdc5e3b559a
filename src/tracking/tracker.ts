/**
 * The contract of experiment tracking: what a training tells about itself, and how it is read
 * back. Every store keeps it (plain files now), and `tests/tracking/tracker-contract.ts` holds
 * every store to it. Knows nothing about files, servers or what a model is.
 */

import { RidecastError } from '../errors.ts'

/** How a run can end. `killed`: it was stopped from outside, or its process died. */
export const finalStatuses = ['finished', 'failed', 'killed'] as const

/** How a run ended. */
export type FinalStatus = (typeof finalStatuses)[number]

/** The state of a run. */
export type RunStatus = 'running' | FinalStatus

/** The commit of the sources that a run was made with. */
export interface SourceCommit {
  /** Full hash, hexadecimal. */
  hash: string
  /** True when tracked files differed from the commit. */
  modified: boolean
}

/** What a run is started with. */
export interface RunStart {
  /** Name of the group of runs that this one is compared with; 1 to 250 characters. */
  experiment: string
  /** A name for people; the store makes one up when it is not given. */
  name?: string | undefined
  /** Notes by name; see {@link checkName} for the names, values are any text. */
  tags: Readonly<Record<string, string>>
  /** Id of the run that this one is a part of, such as a sweep of its trial. */
  parent?: string | undefined
  /** Commit of the sources, when there is one. */
  commit?: SourceCommit | null | undefined
}

/** Data that a run has read. */
export interface Dataset {
  /** A name for people, such as `green 2021-01`. */
  name: string
  /** Path or address that it was read from. */
  source: string
  /** Hash of the bytes, with its algorithm: `sha256:...`. */
  digest: string
  /** What the run used it for; one file may serve both. */
  context: 'training' | 'validation'
  /** Rows read, refused ones included. */
  rows: number
}

/** The model version that a run has made. */
export interface LoggedModel {
  /** Name in the registry. */
  name: string
  /** Version in the registry. */
  version: string
  /** Folder of the version. */
  path: string
}

/** One value of a metric. */
export interface MetricPoint {
  /** The value; NaN and infinities are values too. */
  value: number
  /** Step of an iteration, a safe integer; 0 where there is only one value. */
  step: number
  /** When it was measured, ISO 8601 in UTC with milliseconds. */
  time: string
}

/** A file that a run has kept. */
export interface Artifact {
  /** Path inside the run, with `/` between folders. */
  path: string
  /** Size in bytes. */
  bytes: number
}

/** All of a run that a list needs. */
export interface RunSummary {
  /** Unique in its store; opaque. */
  id: string
  /** See {@link RunStart.experiment}. */
  experiment: string
  /** See {@link RunStart.name}. */
  name: string
  /** State of the run; a store that can tell a dead process reports `killed`. */
  status: RunStatus
  /** ISO 8601 in UTC with milliseconds. */
  startedAt: string
  /** The same; null while it runs and when its process died. */
  endedAt: string | null
  /** Why it failed, when it was said. */
  error: string | null
  /** See {@link RunStart.parent}. */
  parent: string | null
  /** See {@link RunStart.commit}. */
  commit: SourceCommit | null
  /** Tags by name. */
  tags: Record<string, string>
  /** Parameters by name, as text. */
  parameters: Record<string, string>
  /** Last value of each metric: the one of the highest step, of equal steps the latest. */
  metrics: Record<string, number>
  /** Data that it has read, in order of logging. */
  datasets: Dataset[]
  /** The model that it has made; of several, the last. */
  model: LoggedModel | null
  /** Process that writes or wrote it, for people; null where the store does not know. */
  process: string | null
  /** Folder or address where a person finds the run. */
  location: string
}

/** Everything about a run. */
export interface RunRecord extends RunSummary {
  /** All values of each metric by step, then time; equal points may be kept once. */
  history: Record<string, MetricPoint[]>
  /** Files of the run, by path. */
  artifacts: Artifact[]
}

/** A run that is there and cannot be read. */
export interface UnreadableRun {
  /** Unique in its store. */
  id: string
  /** Tells it from a {@link RunSummary}. */
  status: 'unreadable'
  /** What is wrong with the record. */
  reason: string
}

/** What a list of runs is made of. */
export type RunListing = RunSummary | UnreadableRun

/**
 * A run that is being written. Calls take effect in the order in which they are made, whether
 * or not each is awaited. Every method rejects with `run_write_refused` when the run has ended,
 * a name or path is not allowed, or the store cannot be written; then nothing of that call
 * is kept, and the run goes on.
 */
export interface RunHandle {
  /** Id of the run. */
  readonly id: string
  /** Folder or address where a person finds the run. */
  readonly location: string
  /**
   * Logs parameters, kept as text: `String(value)`. A parameter stands once it is logged: the
   * same value again is accepted, another is refused. No limit to the length of a value: a
   * store with one keeps the whole text elsewhere.
   */
  logParameters(values: Readonly<Record<string, string | number | boolean>>): Promise<void>
  /**
   * Logs one value of each metric. NaN and infinities are kept; a store on SQL may give back
   * an infinity as the largest finite number of its sign.
   *
   * @param at `step` a safe integer (default 0), `at` when it was measured (default now)
   */
  logMetrics(
    values: Readonly<Record<string, number>>,
    at?: { step?: number | undefined; at?: Date | undefined },
  ): Promise<void>
  /** Sets tags; a tag that is there already is replaced. */
  setTags(values: Readonly<Record<string, string>>): Promise<void>
  /** Logs data that the run has read; the same name, digest and context again is kept once. */
  logDataset(dataset: Readonly<Dataset>): Promise<void>
  /**
   * Keeps a file; one of the same path is replaced.
   *
   * @param path inside the run, see {@link checkArtifactPath}
   * @param content bytes, or text that is stored as UTF-8
   */
  logArtifact(path: string, content: Uint8Array | string): Promise<void>
  /** Says which model version the run has made. */
  logModel(model: Readonly<LoggedModel>): Promise<void>
  /** Ends the run; nothing can be logged afterwards. */
  finish(status: FinalStatus, why?: { error?: string | undefined }): Promise<void>
}

/** A store of runs. */
export interface Tracker {
  /** Starts a run, `running` until its handle is finished. */
  startRun(start: RunStart): Promise<RunHandle>
  /**
   * Runs, newest first. A record that cannot be read is listed as such; it may belong to any
   * experiment, so it is listed with every one.
   */
  listRuns(filter?: { experiment?: string | undefined }): Promise<RunListing[]>
  /**
   * One run by its exact id.
   *
   * @throws RidecastError `run_not_found`; `run_corrupt` when its record cannot be read
   */
  getRun(id: string): Promise<RunRecord>
  /**
   * The content of an artifact.
   *
   * @throws RidecastError `run_not_found`; `run_artifact_not_found`; `run_write_refused` when
   * the path is not one that an artifact can have
   */
  readArtifact(id: string, path: string): Promise<Uint8Array>
}

/** Longest name of a parameter, metric, tag or experiment, in characters. */
export const longestName = 250

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.\- /]*$/

/**
 * Checks the name of a parameter, metric or tag: letters, digits and `_ . - /` and space,
 * starting with a letter or digit, at most {@link longestName}; as a path it has no empty,
 * `.` or `..` part. MLflow accepts every such name.
 *
 * @param what the kind of name, for the message
 * @throws RidecastError `run_write_refused`
 */
export function checkName(what: string, name: string): void {
  const parts = name.split('/')
  const asPath = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (asPath && namePattern.test(name) && name.length <= longestName) return
  throw new RidecastError(
    'run_write_refused',
    `${what} ${quoted(name)} is not a name: expected letters, digits, spaces and _ . - / from ` +
      `a letter or digit on, at most ${longestName}`,
  )
}

/**
 * Checks the name of an experiment or run: 1 to {@link longestName} characters, no control
 * characters, no space at either end.
 *
 * @param what the kind of name, for the message
 * @throws RidecastError `run_write_refused`
 */
export function checkTitle(what: string, title: string): void {
  const fits = title !== '' && title.length <= longestName && title.trim() === title
  if (fits && !/\p{Cc}/u.test(title)) return
  throw new RidecastError(
    'run_write_refused',
    `${what} ${quoted(title)} is not a title: expected 1 to ${longestName} characters in one ` +
      'line, without a space at either end',
  )
}

/**
 * Checks the path of an artifact: relative, `/` between folders, no empty, `.` or `..` part,
 * at most 200 characters a part and 1,000 in all, and none of `\ : * ? " < > |` or control
 * characters, so that it is a path on every system.
 *
 * @throws RidecastError `run_write_refused`
 */
export function checkArtifactPath(path: string): void {
  const fits = (part: string): boolean =>
    part !== '.' && part !== '..' && /^[^\\:*?"<>|\p{Cc}]{1,200}$/u.test(part)
  if (path.length <= 1000 && path.split('/').every(fits)) return
  throw new RidecastError(
    'run_write_refused',
    `artifact path ${quoted(path)} is not allowed: expected a relative path that stays inside ` +
      'the run, with / between folders and none of \\ : * ? " < > |',
  )
}

/**
 * A metric as JSON can hold it: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"`, for which
 * JSON has no number.
 */
export function metricToJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** True when a point takes the place of another as the last value of its metric. */
export function isLater(point: MetricPoint, than: MetricPoint): boolean {
  return point.step === than.step ? point.time >= than.time : point.step > than.step
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}
