/**
 * `POST /predict/batch`: rides as a JSON array, lines of JSON, CSV or an Arrow stream, answered row
 * by row in the format that `Accept` asks for. Rows stream through: what waits in memory does not
 * grow with the batch. Translates and delegates; `rows.ts` answers.
 */

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as turnOfOthers } from 'node:timers/promises'
import type { ServerConfig } from '../../config.ts'
import { readJson } from '../body.ts'
import { exchangeOf } from '../exchange.ts'
import { checkDeadline } from '../limits.ts'
import type { Loggable } from '../prediction-log.ts'
import { type Fault, invalidInput, Problem } from '../problem.ts'
import type { Route, RouteHandler, Service } from '../routes.ts'
import type { ServedModel } from '../state.ts'
import { keyOf, wishesOf } from '../wishes.ts'
import { bytesOf } from './body-bytes.ts'
import { type Format, formatOfBody, wantedFormat } from './formats.ts'
import { csvRows } from './read-csv.ts'
import { ndjsonRows } from './read-ndjson.ts'
import { answersOf, type Row, type RowAnswer, refused, rowsAtOnce } from './rows.ts'
import { type RowWriter, rowWriter } from './write-rows.ts'

/**
 * Bytes of an answer that may wait for its client to read them. Clients that send everything before
 * they read anything get through with batches whose answer is smaller; from there on the server
 * reads on only as the client does.
 */
const waitingBytes = 4 * 1024 * 1024

/** Lines for the prediction log that wait for the end of a batch, with those of a chunk more. */
const heldLines = 1024

/** The route of batches. */
export function batchRoutes(service: Service): Route[] {
  return [
    { path: '/predict/batch', method: 'POST', access: 'clients', handler: batchHandler(service) },
  ]
}

/**
 * Fails with a Problem as long as no row is answered: not_ready, deadline_exceeded, input_invalid
 * of the query or of JSON that is no array, body_missing, body_not_json, body_too_large,
 * media_type_unsupported, request_malformed. Later faults are rows of the answer.
 */
function batchHandler(service: Service): RouteHandler {
  const { state, config, now } = service
  return async (request, response) => {
    const came = formatOfBody(request)
    const key = keyOf(request)
    const turn = state.turn(key)
    const wishes = wishesOf(request.url ?? '', turn.model)
    // Lines for the log wait for the end where the whole batch is there: they take as long as it does.
    const held: Loggable[] = []
    const letGo = (): void => service.predictions.log(held)
    const asked = { turn, wishes, key, ...(came === 'json' && { held }) }
    const answer = answersOf(service, asked)
    const writer = await rowWriter(wantedFormat(request.headers.accept, came), wishes)
    const chunks = await chunksOf(came, request, turn.model, config)
    try {
      const first = await chunks.next()
      checkDeadline(request, response, now)
      exchangeOf(response).version = turn.model.version
      const headers = {
        'Content-Type': writer.type,
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Ridecast-Arm': turn.arm,
      }
      response.writeHead(200, headers)
      const some = (rows: readonly Row[]): RowAnswer[] => {
        if (held.length >= heldLines) letGo()
        return answer(rows)
      }
      await send(response, first, chunks, { answer: some, writer, beforeWaiting: letGo })
    } finally {
      // Once the client has its answer: until this function ends, the last of it is not even written.
      if (response.destroyed) letGo()
      else response.once('close', letGo)
      // What is left of the body is dropped, so that the client gets to read the answer.
      request.resume()
    }
  }
}

/** Rows as they come, {@link rowsAtOnce} at a time at most. */
async function chunksOf(
  format: Format,
  request: IncomingMessage,
  model: ServedModel,
  { bodyLimitBytes, batchLimitBytes }: ServerConfig,
): Promise<AsyncGenerator<Row[]>> {
  if (format === 'json') return inChunks(jsonRows(request, batchLimitBytes))
  const body = bytesOf(request)
  if (format === 'ndjson') return inChunks(ndjsonRows(body, bodyLimitBytes))
  if (format === 'csv') return csvRows(body, model.fields, bodyLimitBytes)
  // Large, and most servers never see an Arrow stream.
  const { arrowRows } = await import('./read-arrow.ts')
  return arrowRows(body, model.fields, batchLimitBytes)
}

async function* inChunks(rows: AsyncIterable<Row[]>): AsyncGenerator<Row[]> {
  for await (const some of rows) {
    for (let from = 0; from < some.length; from += rowsAtOnce) {
      yield some.slice(from, from + rowsAtOnce)
    }
  }
}

async function* jsonRows(request: IncomingMessage, limitBytes: number): AsyncGenerator<Row[]> {
  const body = await readJson(request, limitBytes)
  if (Array.isArray(body)) {
    yield body
    return
  }
  const found = body === null ? 'null' : typeof body === 'object' ? 'an object' : typeof body
  const message = `body must be a JSON array of rides, found ${found}`
  const fault: Fault = { code: 'wrong_type', pointer: '#', message }
  throw invalidInput([fault])
}

/** How rows become an answer. */
interface Sending {
  readonly answer: (rows: readonly Row[]) => RowAnswer[]
  readonly writer: RowWriter
  /** Called before a client is waited for. */
  readonly beforeWaiting: () => void
}

async function send(
  response: ServerResponse,
  first: IteratorResult<Row[]>,
  chunks: AsyncGenerator<Row[]>,
  { answer, writer, beforeWaiting }: Sending,
): Promise<void> {
  let count = 0
  try {
    for (let next = first; !next.done; next = await chunks.next()) {
      count += next.value.length
      const piece = writer.rows(answer(next.value))
      if (!(await written(response, piece, beforeWaiting))) return
      await turnOfOthers()
    }
  } catch (error) {
    // The client has gone, or the server is at fault: nothing more can be said.
    if (!(error instanceof Problem)) throw error
    const piece = writer.rows([refused(count, error)])
    if (!(await written(response, piece, beforeWaiting))) return
  } finally {
    await chunks.return(undefined)
  }
  response.end(writer.end())
}

/** Writes, and waits where too much waits for the client; false once the client has gone. */
async function written(
  response: ServerResponse,
  piece: string | Uint8Array,
  beforeWaiting: () => void,
): Promise<boolean> {
  if (response.destroyed) return false
  response.write(piece)
  if (response.writableLength <= waitingBytes) return true
  beforeWaiting()
  const done = new AbortController()
  const { signal } = done
  const wait = (event: string): Promise<unknown> =>
    once(response, event, { signal }).catch(() => {})
  await Promise.race([wait('drain'), wait('close')])
  done.abort()
  return !response.destroyed
}
