/** A store that behaves like one on a server, over plain files, and fails when it is told to. */

import { join } from 'node:path'
import { RidecastError } from '../../src/errors.ts'
import { FileRun } from '../../src/tracking/file-run.ts'
import { fileTracker } from '../../src/tracking/files.ts'
import { readRunFile } from '../../src/tracking/run-file.ts'
import type { RemoteTracker, RunHandle } from '../../src/tracking/tracker.ts'

/** The store, and the switch that takes it off the net. */
export interface RemoteDouble {
  readonly tracker: RemoteTracker
  /** Calls that arrived, by method. */
  readonly calls: string[]
  /** Calls from now on succeed so many times, then the store is unreachable. */
  failAfter(calls: number): void
}

/** A store in a folder. */
export function remoteDouble(root: string): RemoteDouble {
  const files = fileTracker(root)
  const calls: string[] = []
  let left = Number.POSITIVE_INFINITY
  const arrive = (method: string): void => {
    if (left-- <= 0) throw new RidecastError('tracking_unreachable', 'server did not answer')
    calls.push(method)
  }
  const reached = (run: RunHandle): RunHandle =>
    new Proxy(run, {
      get(target, name: keyof RunHandle) {
        const value = target[name]
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          arrive(name)
          const done: unknown = await (value as (...a: unknown[]) => unknown).apply(target, args)
          if (name !== 'logModel') return done
          // A server asks for the files, and gives the model an id.
          const [model, modelFiles] = args as Parameters<RunHandle['logModel']>
          const kept = (await modelFiles?.()) ?? []
          return `m-${model.version}-${kept.length}`
        }
      },
    })
  return {
    calls,
    failAfter(count) {
      left = count
    },
    tracker: {
      ...files,
      async startRun(start) {
        arrive('startRun')
        return reached(await files.startRun(start))
      },
      async resumeRun(id) {
        arrive('resumeRun')
        const folder = join(root, id)
        const stored = await readRunFile(folder, id)
        return reached(new FileRun(folder, { ...stored, status: 'running' }, () => new Date()))
      },
    },
  }
}
