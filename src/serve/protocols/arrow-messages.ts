/**
 * Cuts an Arrow stream into its messages and makes of every record batch a stream of its own. (Layout:
 * https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format) Knows nothing about columns
 * or rides.
 */

import { Problem } from '../problem.ts'
import { type Claim, claimOf, kinds, malformed } from './arrow-metadata.ts'

const mostMetadataBytes = 256 * 1024
/** They go with every batch. */
const mostDictionaryBytes = 1024 * 1024

/**
 * The record batches of a stream, each as a stream of its own: with the schema and the dictionaries
 * that it needs. The library's own reader of streams would hand out a batch when the next one comes.
 *
 * @param limitBytes the largest batch
 * @throws Problem: body_too_large, request_malformed
 */
export async function* arrowBatches(
  body: AsyncIterable<Buffer>,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  let schema: Uint8Array | undefined
  const dictionaries = new Dictionaries()
  for await (const { kind, bytes, id, adds } of messages(body, limitBytes)) {
    if (kind === kinds.schema) {
      if (schema) throw malformed('there is a second schema')
      schema = bytes
    }
    if (kind === kinds.dictionary) dictionaries.add(id, bytes, adds)
    if (kind !== kinds.batch) continue
    if (!schema) throw malformed('there is a batch before the schema')
    yield Buffer.concat([schema, ...dictionaries.messages(), bytes])
  }
}

/** The messages of dictionaries that are valid now: one that does not add takes the place of others. */
class Dictionaries {
  private readonly byId = new Map<number, Uint8Array[]>()
  private size = 0

  add(id: number, bytes: Uint8Array, adds: boolean): void {
    const before = this.byId.get(id) ?? []
    if (adds) this.byId.set(id, before)
    if (adds) before.push(bytes)
    else {
      for (const message of before) this.size -= message.length
      this.byId.set(id, [bytes])
    }
    this.size += bytes.length
    if (this.size <= mostDictionaryBytes) return
    throw new Problem(
      'body_too_large',
      `dictionaries of an Arrow stream are too large: expected at most ${mostDictionaryBytes} bytes, write plain columns`,
    )
  }

  messages(): Uint8Array[] {
    return [...this.byId.values()].flat()
  }
}

interface Message extends Claim {
  /** The whole message. */
  readonly bytes: Uint8Array
}

async function* messages(body: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<Message> {
  const bytes = new Bytes(body)
  for (;;) {
    let head = await bytes.take(4)
    if (head === undefined) return
    if (head.readInt32LE(0) === -1) head = await needed(bytes, 4)
    const size = head.readInt32LE(0)
    if (size === 0) return
    if (size < 0 || size > mostMetadataBytes) {
      throw malformed(`metadata of a message has ${size} bytes`)
    }
    const metadata = await needed(bytes, size)
    const message = claimOf(metadata)
    if (message.bodyLength > limitBytes) throw tooLarge(limitBytes)
    if (message.rows > message.bodyLength) {
      throw malformed(`batch claims ${message.rows} rows in ${message.bodyLength} bytes`)
    }
    const content = await needed(bytes, message.bodyLength)
    const frame = Buffer.alloc(8)
    frame.writeInt32LE(-1, 0)
    frame.writeInt32LE(size, 4)
    yield { ...message, bytes: Buffer.concat([frame, metadata, content]) }
  }
}

/** Bytes of a body, as many at a time as are wanted. */
class Bytes {
  private readonly pieces: AsyncIterator<Buffer>
  private waiting: Buffer[] = []
  private size = 0

  constructor(body: AsyncIterable<Buffer>) {
    this.pieces = body[Symbol.asyncIterator]()
  }

  /** The next bytes; undefined at the end, and where fewer are left. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.size < count) {
      const next = await this.pieces.next()
      if (next.done) return undefined
      this.waiting.push(next.value)
      this.size += next.value.length
    }
    const all =
      this.waiting.length === 1 ? (this.waiting[0] as Buffer) : Buffer.concat(this.waiting)
    this.waiting = [all.subarray(count)]
    this.size -= count
    return all.subarray(0, count)
  }
}

async function needed(bytes: Bytes, count: number): Promise<Buffer> {
  const taken = await bytes.take(count)
  if (taken !== undefined) return taken
  throw malformed('stream ends within a message')
}

function tooLarge(limitBytes: number): Problem {
  return new Problem(
    'body_too_large',
    `batch of an Arrow stream is too large: expected at most ${limitBytes} bytes, send smaller batches`,
  )
}
