/** `node bin/ridecast.mjs serve` as a process of its own over a small model, and those who ask it. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openRegistry } from '../../src/registry.ts'
import { root } from '../command-line.ts'
import { zonesAndDistance } from '../serve/small-model.ts'

/** A line of the server's log. */
type LogLine = Record<string, unknown>

/** A server that answers. */
export interface BuiltServer {
  readonly url: string
  readonly port: number
  /** The first process: with one worker, the one that answers. */
  readonly pid: number
  readonly log: readonly LogLine[]
  /** Its workers that are alive. */
  workers(): number[]
  /** Sends SIGTERM and gives the exit code; once more gives the same. */
  stop(): Promise<number | null>
  /** Ends it however it is, and removes what it kept. */
  close(): Promise<void>
}

/** Starts the server, ready to answer; `zonesAndDistance` says what. */
export async function startBuilt(settings: Record<string, string> = {}): Promise<BuiltServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ridecast-built-'))
  const registry = openRegistry(join(folder, 'models'))
  const { version } = await registry.save('green-duration', zonesAndDistance)
  await registry.promote('green-duration', version)
  const child: ChildProcess = spawn(process.execPath, [join(root, 'bin/ridecast.mjs'), 'serve'], {
    env: {
      PATH: process.env.PATH,
      RIDECAST_PORT: '0',
      RIDECAST_MODELS: join(folder, 'models'),
      RIDECAST_STATE: join(folder, 'state'),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const log: LogLine[] = []
  let said = ''
  child.stderr?.on('data', (data) => {
    said += data
  })
  const workerCount = Number(settings.RIDECAST_WORKERS ?? 1)
  const url = await new Promise<string>((found, lost) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as LogLine
      log.push(line)
      // Each worker says where it listens; the first process does when all do.
      const all = workerCount === 1 || 'workers' in line
      if (line.event === 'listening' && all) found(String(line.url))
    })
    void ended.then((code) => lost(new Error(`serve ended with ${code}: ${said}`)))
  })
  const pid = child.pid as number
  return {
    url,
    port: Number(new URL(url).port),
    pid,
    log,
    workers() {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      return children.split(' ').filter(Boolean).map(Number)
    },
    stop() {
      child.kill('SIGTERM')
      return ended
    },
    async close() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A ride from 43 to 151; 11.5 minutes and 3 a mile. */
export const rideOf = (miles: number): Record<string, unknown> => ({
  PULocationID: 43,
  DOLocationID: 151,
  trip_distance: miles,
})

/** What a client was told. */
export interface Told {
  readonly status: number
  readonly text: string
}

/** Why a client was told nothing, or not all. */
export class NotTold extends Error {
  /** `refused` where a new connection was not taken, `lost` where a kept one was. */
  readonly how: 'refused' | 'lost' | 'broken'

  constructor(how: NotTold['how'], cause: Error) {
    super(`${how}: ${cause.message}`, { cause })
    this.how = how
  }
}

/**
 * Asks on a kept connection.
 *
 * @throws NotTold when there was no whole answer
 */
export function askOn(
  agent: Agent,
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      agent,
      headers: { 'Content-Type': 'application/json', ...headers },
    }
    const asked = request(`${url}${path}`, options)
    let answered = false
    const fail = (error: Error): void => {
      const how = answered ? 'broken' : asked.reusedSocket ? 'lost' : 'refused'
      reject(new NotTold(how, error))
    }
    asked.setTimeout(30_000, () => asked.destroy(new Error('silent for 30 s')))
    asked.on('error', fail)
    asked.on('response', (response: IncomingMessage) => {
      answered = true
      let text = ''
      response.setEncoding('utf8').on('data', (data) => {
        text += data
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.end(JSON.stringify(body))
  })
}

/** A client that keeps one connection. */
export const oneConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 })

/** Asks until what is wanted has come; fails after two and a half minutes: others may use the machine. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  more: () => string = () => '',
): Promise<T> {
  const deadline = Date.now() + 150_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > deadline)
      throw new Error(`what was waited for did not come within 150 s ${more()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
