/**
 * A process of its own that changes a rollout: `rollout-writer.ts <state> <count> [no-links]`. It
 * waits for a line, then starts and stops trials and pauses and resumes them, count times, and
 * prints what of it was granted, as `<revision> <event>`.
 */

import { createInterface } from 'node:readline'
import { isRidecastError } from '../../../src/errors.ts'
import { type Change, transition } from '../../../src/serve/rollout/machine.ts'
import { openRolloutLog, rolloutLogEffects } from '../../../src/serve/rollout/rollout-log.ts'
import { startOf } from './trials.ts'

const [state = '', count = '0', links] = process.argv.slice(2)
const noLinks = async (): Promise<void> => {
  throw Object.assign(new Error('no hard links here'), { code: 'EPERM', syscall: 'link' })
}
const record = openRolloutLog(state, 'm', {
  ...rolloutLogEffects,
  ...(links === 'no-links' ? { link: noLinks } : {}),
})
const changes: readonly Change[] = [
  startOf(),
  { kind: 'pause' },
  { kind: 'resume' },
  { kind: 'stop' },
]

process.stdout.write('ready\n')
for await (const _ of createInterface({ input: process.stdin })) break
for (let i = 0; i < Number(count); i++) {
  const change = changes[i % changes.length] as Change
  try {
    const { entry } = await record.change((recorded, next) => {
      return transition(recorded.trial, change, { by: 'person', reason: '' }, next)
    })
    process.stdout.write(`${entry?.revision} ${entry?.event}\n`)
  } catch (error) {
    // Another was quicker, and the change does not fit what it did.
    if (!isRidecastError(error, 'rollout_impossible')) throw error
  }
}
