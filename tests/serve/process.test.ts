/** The server as a process of its own: what it says, answers and ends with. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openRegistry } from '../../src/registry.ts'
import { LogLines, predictHead, Wire } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const root = resolve(import.meta.dirname, '../..')
const ride = JSON.stringify({ PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 })
const running: ChildProcess[] = []
let models: string

beforeAll(async () => {
  models = mkdtempSync(join(tmpdir(), 'ridecast-process-'))
  const registry = openRegistry(models)
  const { version } = await registry.save('green-duration', zonesAndDistance)
  await registry.promote('green-duration', version)
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rmSync(models, { recursive: true, force: true }))

interface Served {
  child: ChildProcess
  log: LogLines
  /** What it wrote to standard error. */
  said(): string
  exitCode: Promise<number | null>
}

function serve(settings: Record<string, string> = {}): Served {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/serve-main.ts'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      RIDECAST_PORT: '0',
      RIDECAST_MODELS: models,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  const log = new LogLines()
  createInterface({ input: child.stdout }).on('line', (line) => log.write(line))
  let said = ''
  child.stderr.on('data', (data) => {
    said += data
  })
  const exitCode = once(child, 'close').then(([code]) => code as number | null)
  return { child, log, said: () => said, exitCode }
}

async function portOf(log: LogLines): Promise<number> {
  const { url } = await log.find(({ event }) => event === 'listening')
  return Number(new URL(String(url)).port)
}

async function inFlight(port: number): Promise<Wire> {
  const wire = new Wire(port)
  wire.send(predictHead(ride.length, ['Expect: 100-continue']))
  await wire.until('100 Continue\r\n\r\n')
  wire.received = ''
  return wire
}

describe('node src/serve-main.ts', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s finishes the request in flight and exits with 0',
    async (signal) => {
      const { child, log, said, exitCode } = serve()
      const wire = await inFlight(await portOf(log))
      child.kill(signal)
      await log.find(({ event }) => event === 'stopping')
      wire.send(ride)
      expect(await wire.closed()).toContain('"duration":16')
      expect(await exitCode).toBe(0)
      expect(log.lines.map(({ event }) => event)).toEqual(['listening', 'stopping', 'stopped'])
      expect(said()).toBe('')
    },
  )

  test('exits with 1 when a request is not finished at the deadline', async () => {
    const { child, log, exitCode } = serve({ RIDECAST_SHUTDOWN_SECONDS: '0' })
    const wire = await inFlight(await portOf(log))
    child.kill('SIGTERM')
    expect(await exitCode).toBe(1)
    expect(await wire.closed()).toBe('')
    const line = await log.find((one) => 'requests_cut_off' in one)
    expect(line).toMatchObject({ level: 'warn', requests_cut_off: 1 })
  })

  test('exits with 1 at once on a second signal', async () => {
    const { child, log, exitCode } = serve({ RIDECAST_SHUTDOWN_SECONDS: '3600' })
    const wire = await inFlight(await portOf(log))
    child.kill('SIGTERM')
    await log.find(({ event }) => event === 'stopping')
    child.kill('SIGTERM')
    expect(await exitCode).toBe(1)
    await wire.closed()
  })

  test('without a model exits with 1 and one line that says what to run', async () => {
    const { log, exitCode } = serve({ RIDECAST_MODELS: join(models, 'none') })
    expect(await exitCode).toBe(1)
    expect(log.lines.length).toBe(1)
    expect(log.lines[0]).toMatchObject({ level: 'fatal', code: 'model_not_found' })
    expect(log.lines[0]?.message).toContain('npm run train -- 2021-01')
  })

  test('with wrong settings exits with 2 and names all of them, however quiet it should be', async () => {
    const { log, exitCode } = serve({
      RIDECAST_PORT: 'http',
      RIDECAST_LOG_LEVEL: 'silent',
      RIDECAST_SHUTDOWN_SECONDS: 'soon',
    })
    expect(await exitCode).toBe(2)
    expect(log.lines).toMatchObject([{ code: 'config_invalid', event: 'not started' }])
    expect(log.lines[0]?.message).toMatch(/RIDECAST_PORT.*RIDECAST_SHUTDOWN_SECONDS/)
  })
})
