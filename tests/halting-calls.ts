/**
 * Lets code run up to its n-th call of the file system and no further: that call is never made and
 * never answered, so that nothing after it happens, no `finally` either. To the disk that is what
 * a process looks like that was killed there.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

interface Run {
  calls: number
  readonly last: number
  readonly halt: () => void
  readonly handles: fs.FileHandle[]
}

const runs = new AsyncLocalStorage<Run>()

const onModule = ['mkdir', 'open', 'rename', 'link', 'rm', 'stat', 'lstat', 'readdir', 'readFile']
const onHandle = ['writeFile', 'sync', 'close']

function patch(owner: object, names: readonly string[]): () => void {
  const methods = owner as Record<string, (...args: unknown[]) => Promise<unknown>>
  const originals = names.map((name) => [name, methods[name] as (typeof methods)[string]] as const)
  for (const [name, original] of originals) {
    methods[name] = function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const run = runs.getStore()
      if (run && ++run.calls >= run.last) {
        run.halt()
        return new Promise(() => {})
      }
      const answer = original.apply(this, args)
      if (run && name === 'open') {
        void answer.then(
          (handle) => run.handles.push(handle as fs.FileHandle),
          () => {},
        )
      }
      return answer
    }
  }
  return () => {
    for (const [name, original] of originals) methods[name] = original
  }
}

/** Makes {@link haltBefore} possible. Returns what ends that again. */
export async function patchCalls(): Promise<() => void> {
  const handle = await fs.open(process.execPath)
  const undo = [patch(Object.getPrototypeOf(handle) as object, onHandle), patch(fs, onModule)]
  await handle.close()
  syncBuiltinESMExports()
  return () => {
    for (const one of undo) one()
    syncBuiltinESMExports()
  }
}

/**
 * Runs something up to its n-th call of the file system.
 *
 * @param n from 1 on
 * @returns true when it was halted there, false when it ended with fewer calls
 */
export async function haltBefore(n: number, work: () => Promise<unknown>): Promise<boolean> {
  const handles: fs.FileHandle[] = []
  const halted = await new Promise<boolean>((done, failed) => {
    const run: Run = { calls: 0, last: n, halt: () => done(true), handles }
    runs.run(run, () => work().then(() => done(false), failed))
  })
  // A process that ends closes its files; here somebody must, as many as are still open.
  for (const handle of handles) await handle.close().catch(() => {})
  return halted
}
