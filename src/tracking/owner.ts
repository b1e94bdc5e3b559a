/**
 * Which process writes a run, and whether it is gone. Knows nothing about run records.
 *
 * A process id alone does not tell: ids are used again. So the start of the process is kept
 * beside it, and the boot and the process namespace in which both mean anything. What cannot
 * be seen from here (another machine, another container) counts as not gone.
 */

import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'

/** A process, told from every other one as well as the system allows. */
export const ownerSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  boot: z.string().nullable(),
  namespace: z.string().nullable(),
  started: z.string().nullable(),
})

/**
 * A process: id, host name, id of the boot, process namespace, and start of the process in
 * clock ticks since boot; the last three are null where the system has no `/proc`.
 */
export type Owner = z.infer<typeof ownerSchema>

/** This process. */
export function currentOwner(): Owner {
  return { pid: process.pid, ...here(), started: stateOf(process.pid)?.started ?? null }
}

/**
 * True when the process surely runs no more: its machine has booted since, no process has its
 * id, or the one that has it started at another time. False also when that cannot be known
 * from here. Two machines that share a folder therefore need different host names.
 */
export function isGone(owner: Owner): boolean {
  const { host, boot, namespace } = here()
  if (owner.host !== host) return false
  if (owner.boot !== null && boot !== null && owner.boot !== boot) return true
  if (owner.namespace !== namespace) return false
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // Anything else, such as EPERM, means that there is such a process.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true
  }
  const state = stateOf(owner.pid)
  if (state === null) return false
  return state.ended || (owner.started !== null && owner.started !== state.started)
}

function here(): { host: string; boot: string | null; namespace: string | null } {
  return {
    host: hostname(),
    boot: readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: readOrNull(() => readlinkSync('/proc/self/ns/pid')),
  }
}

/** Start of a process, and whether it is only waiting to be collected by its parent. */
function stateOf(pid: number): { started: string; ended: boolean } | null {
  const text = readOrNull(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (text === null) return null
  // The second field is the name in brackets, which may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const started = fields[19]
  return started === undefined ? null : { started, ended: /^[ZXx]$/.test(fields[0] ?? '') }
}

function readOrNull(read: () => string): string | null {
  try {
    return read()
  } catch {
    return null
  }
}
