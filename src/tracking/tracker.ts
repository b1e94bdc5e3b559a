/**
 * The contract of experiment tracking: what a training tells about itself, and how it is read
 * back. Every store keeps it (plain files now), and `tests/tracking/tracker-contract.ts` holds
 * every store to it. Knows nothing about files, servers or what a model is.
 */

import type { ModelFile } from '../model-file.ts'

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
  /** Notes by name; see `names.ts` for the names, values are any text. */
  tags: Readonly<Record<string, string>>
  /** Id of the run that this one is a part of, such as a sweep of its trial. */
  parent?: string | undefined
  /** Commit of the sources, when there is one. */
  commit?: SourceCommit | null | undefined
  /** Who started it, such as the login name. */
  user?: string | undefined
  /** What was started, such as `ridecast train 2021-01`. */
  source?: string | undefined
  /** When it started, for a run that is told of afterwards; default now. */
  startedAt?: Date | undefined
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

/** One value of a metric, with its name. */
export interface NamedPoint extends MetricPoint {
  /** Name of the metric. */
  name: string
}

/** Bytes that may be too many for memory, and can be read again when an attempt fails. */
export interface ByteSource {
  /** How many. */
  readonly bytes: number
  /** Begins to read them, from the first on. */
  open(): AsyncIterable<Uint8Array>
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
  /** See {@link RunStart.user}. */
  user: string | null
  /** See {@link RunStart.source}. */
  source: string | null
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
  /** Logs many values of metrics, each with its own step and time. */
  logPoints(points: readonly Readonly<NamedPoint>[]): Promise<void>
  /** Sets tags; a tag that is there already is replaced. */
  setTags(values: Readonly<Record<string, string>>): Promise<void>
  /** Logs data that the run has read; the same name, digest and context again is kept once. */
  logDataset(dataset: Readonly<Dataset>): Promise<void>
  /**
   * Keeps a file; one of the same path is replaced.
   *
   * @param path inside the run, see `checkArtifactPath`
   * @param content bytes, or text that is stored as UTF-8
   */
  logArtifact(path: string, content: Uint8Array | string | ByteSource): Promise<void>
  /**
   * Says which model version the run has made.
   *
   * @param files what it is made of, asked for only by a store that keeps models itself
   * @returns id of the model in the store; null where the store keeps none
   */
  logModel(
    model: Readonly<LoggedModel>,
    files?: () => Promise<readonly ModelFile[]>,
  ): Promise<string | null>
  /**
   * Ends the run; nothing can be logged afterwards.
   *
   * @param why `error` why it failed, `at` when it ended (default now)
   */
  finish(
    status: FinalStatus,
    why?: { error?: string | undefined; at?: Date | undefined },
  ): Promise<void>
}

/** Which runs a list is to hold; everything that is left out means all. */
export interface RunQuery {
  /** Only those of one experiment. */
  experiment?: string | undefined
  /** Only those that fit, in the language of `filter.ts`: `metrics.rmse < 8 and tags.a = 'b'`. */
  filter?: string | undefined
  /** By what, such as `metrics.rmse ASC`; default `attributes.start_time DESC`. */
  orderBy?: readonly string[] | undefined
  /** At most so many, from 1 on. */
  limit?: number | undefined
}

/** A store of runs. */
export interface Tracker {
  /** Starts a run, `running` until its handle is finished. */
  startRun(start: RunStart): Promise<RunHandle>
  /**
   * Runs, newest first unless told otherwise. A record that cannot be read is listed as such; it
   * may belong to any experiment, so it is listed with every one, but with no filter.
   *
   * @throws RidecastError `filter_invalid`
   */
  listRuns(query?: RunQuery): Promise<RunListing[]>
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

/** A store on a server, where any process can go on with a run that another has started. */
export interface RemoteTracker extends Tracker {
  /**
   * The handle of a run that is there, also of one that has ended: what was logged already may be
   * logged again, and finishing again replaces status and end.
   *
   * @throws RidecastError `run_not_found`
   */
  resumeRun(id: string): Promise<RunHandle>
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
