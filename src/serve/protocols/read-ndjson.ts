/**
 * Lines of JSON out of a stream of bytes, in memory no more than a piece of it and a line. A line
 * that is no JSON, or too long, is a row with a fault. Knows nothing about rides.
 */

import { isUtf8 } from 'node:buffer'
import { messageOf } from '../../errors.ts'
import { Problem } from '../problem.ts'
import type { Row } from './rows.ts'

/**
 * The rows of a body, one for each line that is not blank.
 *
 * @param lineLimit the longest line, bytes
 */
export async function* ndjsonRows(
  body: AsyncIterable<Buffer>,
  lineLimit: number,
): AsyncGenerator<Row[]> {
  const lines = new Lines(lineLimit)
  for await (const piece of body) {
    const rows = lines.take(piece)
    if (rows.length > 0) yield rows
  }
  const rows = lines.end()
  if (rows.length > 0) yield rows
}

const lineFeed = 10

class Lines {
  private readonly limit: number
  /** The beginning of the line whose end has not come. */
  private begun: Buffer[] = []
  private begunSize = 0

  constructor(limit: number) {
    this.limit = limit
  }

  take(piece: Buffer): Row[] {
    const rows: Row[] = []
    let from = 0
    for (let at = piece.indexOf(lineFeed); at >= 0; at = piece.indexOf(lineFeed, from)) {
      this.add(piece.subarray(from, at))
      this.close(rows)
      from = at + 1
    }
    this.add(piece.subarray(from))
    return rows
  }

  end(): Row[] {
    const rows: Row[] = []
    this.close(rows)
    return rows
  }

  /** Of a line that is too long only its size is kept. */
  private add(part: Buffer): void {
    if (part.length === 0) return
    this.begunSize += part.length
    if (this.begunSize > this.limit) this.begun = []
    else this.begun.push(part)
  }

  private close(rows: Row[]): void {
    const { begun, begunSize } = this
    if (begunSize === 0) return
    this.begun = []
    this.begunSize = 0
    if (begunSize > this.limit) {
      const detail = `line is too long: expected at most ${this.limit} bytes, found ${begunSize}`
      rows.push(new Problem('body_too_large', detail))
      return
    }
    const line = begun.length === 1 ? (begun[0] as Buffer) : Buffer.concat(begun, begunSize)
    if (!isUtf8(line)) {
      rows.push(new Problem('body_not_json', 'line is not JSON: its bytes are not UTF-8'))
      return
    }
    // A byte order mark is white space to trim().
    const text = line.toString('utf8').trim()
    if (text !== '') rows.push(parsed(text))
  }
}

function parsed(text: string): Row {
  try {
    return JSON.parse(text)
  } catch (error) {
    return new Problem('body_not_json', `line is not JSON: ${messageOf(error)}`)
  }
}
