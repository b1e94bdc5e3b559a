/** An application or a server on a free port of this machine, for as long as a test needs it. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Documents } from '../../src/artifact.ts'
import { type Environment, readConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { servedModel } from '../../src/serve/served-model.ts'
import { type AssembledService, assembleService } from '../../src/serve/service.ts'
import { ServiceState } from '../../src/serve/state.ts'

/** A line of the log, parsed. */
export type LogLine = Record<string, unknown>

/** What was logged, and a way to wait for more. */
export class LogLines {
  readonly lines: LogLine[] = []
  private waiting: (() => void)[] = []

  /** Takes one line, as pino writes it. */
  write(line: string): void {
    this.lines.push(JSON.parse(line) as LogLine)
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** The first line for which `wanted` holds, now or later. */
  async find(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find(wanted)
      if (found) return found
      await new Promise<void>((wake) => this.waiting.push(wake))
    }
  }
}

/** An application that listens. */
export interface Listening {
  readonly url: string
  readonly port: number
  readonly state: ServiceState
  readonly log: LogLines
  readonly service: AssembledService
  /** Folder of what the service keeps. */
  readonly folder: string
  close(): Promise<void>
}

/**
 * The application over a model, or over none, with a body limit of 1,000 bytes.
 *
 * @param settings environment variables of the server
 */
export async function listening(
  documents?: Documents,
  settings: Environment = {},
): Promise<Listening> {
  const log = new LogLines()
  const state = new ServiceState(documents && servedModel('small', '0123456789ab', documents))
  const folder = mkdtempSync(join(tmpdir(), 'ridecast-state-'))
  const config = readConfig({
    RIDECAST_BODY_LIMIT_BYTES: '1000',
    RIDECAST_STATE: folder,
    ...settings,
  })
  const service = assembleService(config, state, createLog('serve', 'debug', log))
  const server = createServer(service.handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    state,
    log,
    service,
    folder,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await service.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A bare connection, to say what no HTTP client would. */
export class Wire {
  readonly socket: Socket
  /** Everything that came back so far. */
  received = ''
  private readonly ended: Promise<void>

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (data) => {
      this.received += data.toString('latin1')
    })
    this.socket.on('error', () => {})
    this.ended = new Promise((done) => this.socket.once('close', () => done()))
  }

  /** Sends text as it is. */
  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Waits until what came back contains `text`, or the connection is closed. */
  async until(text: string): Promise<string> {
    let closed = false
    void this.ended.then(() => {
      closed = true
    })
    while (!this.received.includes(text) && !closed) {
      await Promise.race([once(this.socket, 'data'), this.ended])
    }
    return this.received
  }

  /** Waits for the end of the connection; gives everything that came back. */
  async closed(): Promise<string> {
    await this.ended
    return this.received
  }
}

/** The head of a POST /predict whose body has `length` bytes; `more` are further header lines. */
export function predictHead(length: number, more: readonly string[] = []): string {
  return [
    'POST /predict HTTP/1.1',
    'Host: test',
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    ...more,
    '\r\n',
  ].join('\r\n')
}
