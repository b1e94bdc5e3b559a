/** The memory of `ridecast score`: that of a batch, however many rows come through its pipe. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRegistry } from '../../src/registry.ts'
import { root } from '../command-line.ts'
import { zonesAndDistance } from '../serve/small-model.ts'

let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-score-memory-'))
  const registry = openRegistry(join(folder, 'models'))
  const { version } = await registry.save('green-duration', zonesAndDistance)
  await registry.setAliasIfAbsent('green-duration', 'champion', version, { reason: 'the first' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A thousand rides. */
const rows = Array.from({ length: 1000 }, (_, k) => {
  return `${1 + (k % 263)},${1 + ((7 * k) % 263)},${(k % 300) / 10}\n`
}).join('')

/** Scores so many thousands of rides from a pipe: bytes of memory at the peak, and rides written. */
async function peakOf(thousands: number, to: string): Promise<{ peak: number; lines: number }> {
  const argv = ['score', '-', '-', '--from', 'csv', '--to', to]
  const child = spawn(process.execPath, [join(root, 'bin/ridecast.mjs'), ...argv], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let lines = 0
  child.stdout.on('data', (data: Buffer) => {
    for (const byte of data) if (byte === 10) lines++
  })
  const ended = once(child, 'exit')
  child.stdin.write('PULocationID,DOLocationID,trip_distance\n')
  for (let k = 0; k < thousands; k++) {
    if (!child.stdin.write(rows)) await once(child.stdin, 'drain')
  }
  // Before it is told that there is no more: a process that has ended has no memory to look at.
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  child.stdin.end()
  expect(await ended).toEqual([0, null])
  return { peak: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024, lines }
}

test.skipIf(process.platform !== 'linux')(
  'ten times the rows take a fifth more memory at most',
  async () => {
    const few = await peakOf(400, 'ndjson')
    const many = await peakOf(4000, 'ndjson')
    expect(few.lines).toBe(400_000)
    expect(many.lines).toBe(4_000_000)
    expect(many.peak).toBeLessThan(1.2 * few.peak)
  },
  600_000,
)
