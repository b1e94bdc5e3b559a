/**
 * Keeps track of a server's connections and of the answers due on them, so that it can stop
 * without losing a request. Knows nothing about what is asked or answered.
 *
 * `server.close()` of node:http destroys idle connections at once. A request may be on its way on
 * one of them: its client would see the connection break and could not tell whether to ask again.
 */

import type { RequestListener, Server, ServerResponse } from 'node:http'
import { type Socket, Server as TcpServer } from 'node:net'
import { Server as TlsServer } from 'node:tls'

/** How long a {@link Connections.drain} may take. */
export interface DrainTimes {
  /** How long a connection without a request is kept for one that is on its way, milliseconds. */
  readonly graceMs: number
  /** When everything that is still open is cut off, milliseconds. */
  readonly deadlineMs: number
}

/** The connections of a server. */
export interface Connections {
  /** Hands every request to a handler, once its answer is known to be due. */
  answerBy(handler: RequestListener): void
  /** Answers that are due on a connection, the oldest first. */
  due(socket: Socket): readonly ServerResponse[]
  /**
   * Accepts no more connections, finishes the requests that are there or on their way, tells
   * their clients to close, and resolves once every connection is closed.
   *
   * @returns how many requests were cut off at the deadline
   */
  drain(times: DrainTimes): Promise<number>
}

/** Tracks the connections of a server, which must not have a request handler of its own. */
export function trackConnections(server: Server): Connections {
  const dueOn = new Map<Socket, ServerResponse[]>()
  let draining = false
  /** Whether connections without a request are kept no longer. */
  let graceOver = false
  /** Answers that have not closed; the last of them may do so a moment after its connection. */
  let open = 0
  let onLast = (): void => {}

  // With TLS, requests name the socket inside the encryption.
  const event = server instanceof TlsServer ? 'secureConnection' : 'connection'
  server.on(event, (socket: Socket) => {
    dueOn.set(socket, [])
    socket.once('close', () => dueOn.delete(socket))
  })
  // One listener for all answers: one for each would be made anew with every request.
  function onClose(this: ServerResponse): void {
    const { socket } = this.req
    const due = dueOn.get(socket)
    open--
    if (open === 0) onLast()
    if (due === undefined) return
    // Answers of one connection close in their order.
    if (due[0] === this) due.shift()
    else due.splice(due.indexOf(this), 1)
    // An answer that had begun before the draining did could not say that it was the last: its
    // client may have sent the next request already, and that has the grace of an idle connection.
    if (graceOver && due.length === 0) socket.destroySoon()
  }

  function destroyIdle(): void {
    graceOver = true
    for (const [socket, due] of dueOn) if (due.length === 0) socket.destroy()
  }

  function destroyAll(): number {
    let cut = 0
    for (const [socket, due] of dueOn) {
      cut += due.length
      socket.destroy()
    }
    return cut
  }

  return {
    answerBy(handler) {
      server.on('request', (request, response) => {
        dueOn.get(request.socket)?.push(response)
        open++
        if (draining) response.setHeader('Connection', 'close')
        response.on('close', onClose)
        handler(request, response)
      })
    },
    due: (socket) => dueOn.get(socket) ?? [],
    drain({ graceMs, deadlineMs }) {
      draining = true
      for (const response of [...dueOn.values()].flat()) {
        if (!response.headersSent) response.setHeader('Connection', 'close')
      }
      return new Promise((done) => {
        let cut = 0
        const grace = setTimeout(destroyIdle, Math.min(graceMs, deadlineMs))
        const deadline = setTimeout(() => {
          cut = destroyAll()
        }, deadlineMs)
        // Of the plain TCP server: it closes the listening socket and leaves connections alone.
        TcpServer.prototype.close.call(server, () => {
          clearTimeout(grace)
          clearTimeout(deadline)
          // Later than those who listen to the close of the last answer, such as the log.
          const finish = (): unknown => setImmediate(() => done(cut))
          if (open === 0) finish()
          else onLast = finish
        })
      })
    },
  }
}
