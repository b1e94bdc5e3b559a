/**
 * Tells a server what the plain files of a run say: everything that it does not know yet, in an
 * order that can break off anywhere and be taken up again. Used while a run is written and long
 * afterwards alike. Knows nothing about the server but the Tracker contract.
 */

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'
import type { ModelFile } from '../model-file.ts'
import { type RemoteState, readRemoteStates, untold, writeRemoteState } from './remote-state.ts'
import type {
  Artifact,
  LoggedModel,
  NamedPoint,
  RemoteTracker,
  RunHandle,
  RunRecord,
  Tracker,
} from './tracker.ts'

/** The tag of a run on a server that names the run in plain files. */
export const localRunTag = 'ridecast.run_id'

/** A server, and what it is to be told beside runs. */
export interface PushTarget {
  /** Its address, without secrets. */
  readonly uri: string
  readonly tracker: RemoteTracker
  /** A run that was started there for this one; undefined starts another. */
  readonly runId?: string | undefined
  /** What a model is made of, for the server to keep. */
  modelFiles(model: LoggedModel): Promise<readonly ModelFile[]>
  /**
   * Registers a model that the server keeps.
   *
   * @returns where a person finds the version, and which one is champion of its name now
   */
  register(
    model: LoggedModel,
    origin: { runId: string; modelId: string },
  ): Promise<Pick<RemoteState, 'registered' | 'champion'>>
}

/** Tells one server about one run, as often as there is something new. */
export interface RunPusher {
  /**
   * Sends what is new; returns how far it came.
   *
   * @throws what the server's tracker throws; what was sent by then is remembered
   */
  push(): Promise<RemoteState>
}

/**
 * A pusher of a run.
 *
 * @param local the store of plain files
 * @param id the run
 */
export function runPusher(local: Tracker, id: string, target: PushTarget): RunPusher {
  let handle: RunHandle | undefined
  const sent = new Set<string>()

  /** What of a list was not sent yet; it counts as sent once `send` is done. */
  async function sendNew<T>(
    items: readonly T[],
    keyOf: (item: T) => unknown,
    send: (fresh: readonly T[]) => Promise<unknown>,
  ): Promise<void> {
    const fresh = items.filter((item) => !sent.has(JSON.stringify(keyOf(item))))
    if (fresh.length === 0) return
    await send(fresh)
    for (const item of fresh) sent.add(JSON.stringify(keyOf(item)))
  }

  async function begin(record: RunRecord, state: RemoteState): Promise<RunHandle> {
    const known = state.run ?? target.runId
    if (known !== undefined) return target.tracker.resumeRun(known)
    return target.tracker.startRun({
      experiment: record.experiment,
      name: record.name,
      tags: { ...record.tags, [localRunTag]: record.id },
      parent: await parentOf(local, record, target),
      commit: record.commit,
      user: record.user ?? undefined,
      source: record.source ?? undefined,
      startedAt: new Date(record.startedAt),
    })
  }

  async function sendRecord(run: RunHandle, record: RunRecord): Promise<void> {
    const tags = Object.entries({ ...record.tags, [localRunTag]: record.id })
    await sendNew(
      Object.entries(record.parameters),
      ([name]) => ['parameter', name],
      (fresh) => run.logParameters(Object.fromEntries(fresh)),
    )
    await sendNew(
      tags,
      ([name, value]) => ['tag', name, value],
      (fresh) => run.setTags(Object.fromEntries(fresh)),
    )
    await sendNew(
      record.datasets,
      ({ name, digest, context }) => ['dataset', name, digest, context],
      async (fresh) => {
        for (const dataset of fresh) await run.logDataset(dataset)
      },
    )
    // After the datasets: a server may tie a metric to what it was measured on.
    await sendNew(
      Object.entries(record.history).flatMap(([name, points]) =>
        points.map((point): NamedPoint => ({ name, ...point })),
      ),
      ({ name, step, time, value }) => ['metric', name, step, time, String(value)],
      (fresh) => run.logPoints(fresh),
    )
    for (const artifact of record.artifacts) {
      const { path, bytes } = artifact
      const place = join(record.location, 'artifacts', path)
      const { mtimeMs } = await stat(place)
      await sendNew(
        [artifact],
        () => ['artifact', path, bytes, mtimeMs],
        () => sendArtifact(run, artifact, place),
      )
    }
  }

  async function pushFrom(state: RemoteState): Promise<RemoteState> {
    // Read before anything is sent: what is logged meanwhile is sent by the next push.
    const record = await local.getRun(id)
    const remember = async (change: Partial<RemoteState>): Promise<RemoteState> => {
      state = { ...state, error: null, ...change }
      await writeRemoteState(record.location, target.uri, state)
      return state
    }
    try {
      handle ??= await begin(record, state)
      const run = handle
      if (state.run !== run.id) await remember({ run: run.id, location: run.location })
      await sendRecord(run, record)
      const { model, status } = record
      if (model && state.model === null) {
        const modelId = await run.logModel(model, () => target.modelFiles(model))
        await remember({ model: modelId })
      }
      if (status === 'running') return state
      const at = record.endedAt === null ? undefined : new Date(record.endedAt)
      await run.finish(status, { error: record.error ?? undefined, at })
      if (model && state.model !== null && state.registered === null) {
        const origin = { runId: run.id, modelId: state.model }
        await remember(await target.register(model, origin))
      }
      return await remember({ complete: true })
    } catch (error) {
      // What was begun may be there in part: the next push asks anew.
      handle = undefined
      await remember({ error: messageOf(error) })
      throw error
    }
  }

  return {
    async push() {
      const { location } = await local.getRun(id)
      const state = (await readRemoteStates(location))[target.uri] ?? untold
      // An ended run says nothing new.
      return state.complete ? state : pushFrom(state)
    },
  }
}

function sendArtifact(run: RunHandle, { path, bytes }: Artifact, place: string): Promise<void> {
  return run.logArtifact(path, { bytes, open: () => createReadStream(place) })
}

/** The id that the parent of a run has on the server; it is told first when it has none. */
async function parentOf(
  local: Tracker,
  record: RunRecord,
  target: PushTarget,
): Promise<string | undefined> {
  if (record.parent === null) return undefined
  const parent = await local.getRun(record.parent).catch(() => undefined)
  // A parent that is gone from here is still worth naming as it is.
  if (!parent) return record.parent
  const state = (await readRemoteStates(parent.location))[target.uri]
  if (state?.run) return state.run
  const pushed = await runPusher(local, parent.id, { ...target, runId: undefined }).push()
  return pushed.run ?? undefined
}
