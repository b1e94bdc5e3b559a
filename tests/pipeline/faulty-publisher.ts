/**
 * A publisher of trip files on this machine that can do everything wrong: cut, stall, lie about
 * lengths, answer pages, change a file, forget ranges. It counts what it was asked.
 */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the store behind the publisher's CDN says of a file that it does not have. */
export const accessDenied =
  '<?xml version="1.0" encoding="UTF-8"?>\n' +
  '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'

/** A file framed as Parquet around `size` bytes that say where they stand. */
export function parquet(size: number, word = 'ride'): Buffer {
  const middle = Buffer.alloc(size)
  for (let at = 0; at < size; at += 16) middle.write(`${word} ${at}`.padEnd(16), at, 'latin1')
  const tail = Buffer.from('footer\x06\0\0\0PAR1', 'latin1')
  return Buffer.concat([Buffer.from('PAR1'), middle, tail])
}

/** One answer. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  publisher: Publisher,
) => void

/** What a publisher does with a file. */
export interface Faults {
  /** Default `"one"`; null sends none. */
  etag?: string | null
  /**
   * Sends so many bytes of each answer's body, and breaks the connection once the client has
   * {@link Publisher.received} them: a client may drop what it had not read by then.
   */
  cutAfter?: number
  /** Sends so many bytes of each answer's body and then nothing more. */
  stallAfter?: number
  /** Announces so many bytes more (or fewer) than there are. */
  lie?: number
  /** Sends everything whatever range is asked for. */
  ignoresRange?: boolean
  /** What it answers as Content-Range, in place of the truth. */
  range?: string
  /** Sends no Content-Length, in chunks. */
  chunked?: boolean
}

/** Answers with a file, ranges included, as the faults have it. */
export function file(bytes: Buffer, faults: Faults = {}): Answer {
  const { etag = '"one"', cutAfter, stallAfter, lie = 0 } = faults
  return (request, response, publisher) => {
    const tags = etag === null ? {} : { etag }
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
    const isSame = request.headers['if-range'] === etag
    const from = asked !== undefined && isSame && !faults.ignoresRange ? Number(asked) : 0
    if (from > 0 && from >= bytes.length) {
      response.writeHead(416, { ...tags, 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    const body = bytes.subarray(from)
    const range = faults.range ?? `bytes ${from}-${bytes.length - 1}/${bytes.length}`
    response.writeHead(from > 0 ? 206 : 200, {
      ...tags,
      ...(from > 0 ? { 'content-range': range } : {}),
      ...(faults.chunked ? {} : { 'content-length': body.length + lie }),
    })
    const limit = cutAfter ?? stallAfter
    // More than it announces is more than the server's own library lets it send.
    if (lie < 0) response.end(body.subarray(0, body.length + lie))
    else if (limit !== undefined && limit < body.length) {
      response.write(body.subarray(0, limit))
      if (cutAfter !== undefined) publisher.cutAt(from + limit, response)
    } else if (lie > 0) {
      response.write(body)
      publisher.cutAt(bytes.length, response)
    } else response.end(body)
  }
}

/** Answers with a status and a body. */
export function page(status: number, body: string | Uint8Array, headers = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers })
    response.end(body)
  }
}

/** A publisher that listens. */
export interface Publisher {
  /** Its address, without a slash at the end. */
  readonly url: string
  /** Every request so far: its path and what range it asked for. */
  readonly asked: { readonly path: string; readonly range: string | undefined }[]
  /** Answers to come, in turn; the last one stays. */
  answers: Answer[]
  /** Breaks the connection of an answer once the client has so many bytes of the file. */
  cutAt(bytes: number, response: ServerResponse): void
  /** To be told how many bytes the client has: the progress of a download. */
  received(bytes: number): void
  close(): void
}

/** Starts a publisher on a free port. */
export async function publish(...answers: Answer[]): Promise<Publisher> {
  const asked: Publisher['asked'] = []
  const cuts: { bytes: number; response: ServerResponse }[] = []
  const server: Server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', range: request.headers.range })
    const answer = publisher.answers.length > 1 ? publisher.answers.shift() : publisher.answers[0]
    answer?.(request, response, publisher)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const publisher: Publisher = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answers,
    cutAt: (bytes, response) => void cuts.push({ bytes, response }),
    received(bytes) {
      for (const cut of cuts) if (bytes >= cut.bytes) cut.response.destroy()
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return publisher
}
