/**
 * A store of plain files whose runs are told to a server as they are written. The files come
 * first: whatever becomes of the server, the run is whole here, and what could not be sent waits
 * for `ridecast runs sync`.
 */

import { isRidecastError, messageOf } from '../errors.ts'
import { type PushTarget, type RunPusher, runPusher } from './push.ts'
import { type RemoteState, readRemoteStates, untold, writeRemoteState } from './remote-state.ts'
import type { RunHandle, Tracker } from './tracker.ts'

/** A run in plain files that a server is told of. */
export interface MirroredRun extends RunHandle {
  /** How far the server was told; after `finish` it is final. */
  remote(): Promise<RemoteState>
}

/** A tracker whose runs are mirrored. */
export interface MirrorTracker extends Tracker {
  startRun(start: Parameters<Tracker['startRun']>[0]): Promise<MirroredRun>
}

/**
 * A tracker over plain files that tells a server of the runs that it starts.
 *
 * @param note told at the end of a run that the server did not take whole
 * @param now the clock, milliseconds
 */
export function mirrorTracker(
  local: Tracker,
  target: PushTarget,
  note: (text: string) => void,
  now: () => number = Date.now,
): MirrorTracker {
  return {
    ...local,
    async startRun(start) {
      const run = await local.startRun(start)
      // Before the first word to the server: a run that dies now is found by a later sync.
      await writeRemoteState(run.location, target.uri, untold)
      return mirrored(run, runPusher(local, run.id, target), target.uri, note, now)
    },
  }
}

/** After a failure the server is left alone for so long, milliseconds. */
const restMs = 30_000

function mirrored(
  run: RunHandle,
  pusher: RunPusher,
  uri: string,
  note: (text: string) => void,
  now: () => number,
): MirroredRun {
  let pushing: Promise<void> | undefined
  let isStale = false
  let failed: { error: unknown; at: number } | undefined

  const isResting = (): boolean => failed !== undefined && now() - failed.at < restMs

  async function pushStale(): Promise<void> {
    while (isStale && !isResting()) {
      isStale = false
      try {
        await pusher.push()
        failed = undefined
      } catch (error) {
        isStale = true
        failed = { error, at: now() }
      }
    }
  }

  /** Sends what is new, in the background, one push at a time. */
  function kick(): void {
    isStale = true
    pushing ??= pushStale().finally(() => {
      pushing = undefined
    })
  }

  const told = <A extends unknown[], R>(write: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const result = await write(...args)
      kick()
      return result
    }
  }

  return {
    id: run.id,
    location: run.location,
    logParameters: told(run.logParameters.bind(run)),
    logMetrics: told(run.logMetrics.bind(run)),
    logPoints: told(run.logPoints.bind(run)),
    setTags: told(run.setTags.bind(run)),
    logDataset: told(run.logDataset.bind(run)),
    logArtifact: told(run.logArtifact.bind(run)),
    logModel: told(run.logModel.bind(run)),
    async finish(status, why) {
      await told(run.finish.bind(run))(status, why)
      while (pushing) await pushing
      if (failed === undefined) return
      // A fault of ours is not the server's, and must not pass in silence.
      if (!isRidecastError(failed.error)) throw failed.error
      note(
        `${messageOf(failed.error)} [${failed.error.code}]; nothing is lost: ` +
          'the run is kept here, send the rest later with: ridecast runs sync',
      )
    },
    async remote() {
      return (await readRemoteStates(run.location))[uri] ?? untold
    },
  }
}
