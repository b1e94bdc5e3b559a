/** A proxy before a server that does to chosen requests what networks and servers do. */

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What becomes of a request. `pass` it on; `lose` it on its way; `lose-answer`: the server gets it,
 * but its answer is lost; a status is answered in the server's place; a delay, milliseconds, before
 * it is passed on.
 */
export type Fate =
  | 'pass'
  | 'lose'
  | 'lose-answer'
  | { readonly status: number; readonly body?: string }
  | { readonly delayMs: number }

/** A request, as far as its fate depends on it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  /** How many came before it. */
  readonly index: number
}

/** A proxy that listens. */
export interface FaultyProxy {
  readonly url: string
  /** All requests so far. */
  readonly seen: readonly SeenRequest[]
  /** Decides from now on. */
  decide(fate: (seen: SeenRequest) => Fate): void
  close(): Promise<void>
}

/** Starts a proxy before a server; everything passes until told otherwise. */
export async function faultyProxy(target: string): Promise<FaultyProxy> {
  const seen: SeenRequest[] = []
  let fateOf: (seen: SeenRequest) => Fate = () => 'pass'

  const forward = (
    incoming: IncomingMessage,
    answered: (answer: IncomingMessage) => void,
    failed: () => void,
  ): void => {
    const { method, headers, url = '/' } = incoming
    const passed = request(new URL(url, target), { method, headers }, answered)
    passed.on('error', failed)
    incoming.pipe(passed)
  }

  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const fail = (): void => {
      outgoing.destroy()
    }
    forward(
      incoming,
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      },
      fail,
    )
  }

  const server = createServer((incoming, outgoing) => {
    const now: SeenRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      authorization: incoming.headers.authorization,
      index: seen.length,
    }
    seen.push(now)
    const fate = fateOf(now)
    if (fate === 'pass') pass(incoming, outgoing)
    else if (fate === 'lose') incoming.socket.destroy()
    else if (fate === 'lose-answer') {
      const cut = (): void => {
        outgoing.destroy()
      }
      forward(incoming, (answer) => answer.resume().on('end', cut), cut)
    } else if ('status' in fate) {
      incoming.resume()
      outgoing.writeHead(fate.status, { 'content-type': 'application/json' }).end(fate.body ?? '{}')
    } else setTimeout(() => pass(incoming, outgoing), fate.delayMs)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    decide(fate) {
      fateOf = fate
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
