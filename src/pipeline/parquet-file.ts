/**
 * Whether a file is a whole Parquet file, and if not, what it is instead: told from its first
 * and last bytes. Also its size and hash. Knows nothing about columns, rides or where the file
 * comes from; damage in the middle shows only when it is read.
 */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ErrorCode } from '../errors.ts'

/** Why a file is not what it should be; the parts of an error message. */
export interface ParquetFault {
  readonly code: Extract<
    ErrorCode,
    'source_html' | 'source_lfs_pointer' | 'source_truncated' | 'source_not_parquet'
  >
  /** What was found in place of a Parquet file, as a noun: `an HTML page that says ...`. */
  readonly found: string
  /** What a person can do about it when the file lies on disk. */
  readonly remedy: string
}

/** Size and hash of a file. */
export interface FileIdentity {
  /** Size in bytes. */
  readonly bytes: number
  /** SHA-256 of all bytes, 64 hexadecimal digits. */
  readonly sha256: string
}

/** Bytes of the beginning that are looked at: a page says what it is in fewer. */
const headBytes = 4096

/** The smallest Parquet file: magic, an empty footer, its length, magic. */
const smallest = 12

const again = 'get it again'

/** Formats by their first bytes, in Latin-1, and what to do with one. */
const formats: readonly (readonly [magic: string, found: string, remedy: string])[] = [
  ['\x1f\x8b', 'gzip data', 'unpack it'],
  ['PK\x03\x04', 'a zip archive', 'unpack it'],
  ['PK\x05\x06', 'an empty zip archive', again],
  ['\x28\xb5\x2f\xfd', 'Zstandard data', 'unpack it'],
  ['BZh', 'bzip2 data', 'unpack it'],
  ['\xfd7zXZ\0', 'xz data', 'unpack it'],
  ['7z\xbc\xaf\x27\x1c', 'a 7-Zip archive', 'unpack it'],
  ['ARROW1', 'an Arrow file', 'convert it to Parquet'],
  ['ORC', 'an ORC file', 'convert it to Parquet'],
  ['Obj\x01', 'an Avro file', 'convert it to Parquet'],
  ['SQLite format 3\0', 'a SQLite database', 'export the rides to Parquet'],
  ['%PDF', 'a PDF document', again],
]

/**
 * Looks at the beginning and end of a file.
 *
 * @param path an existing regular file
 * @returns undefined when it is framed as Parquet is, else what is wrong with it
 */
export async function parquetFault(path: string): Promise<ParquetFault | undefined> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const head = await bytesAt(file, 0, Math.min(size, headBytes))
    const tail = await bytesAt(file, Math.max(0, size - 8), Math.min(size, 8))
    return faultOf(size, head, tail)
  } finally {
    await file.close()
  }
}

/** Hashes a file piece by piece; memory does not grow with its size. */
export async function identify(path: string): Promise<FileIdentity> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/**
 * What a page says, for an error message: its text without tags, the title first.
 *
 * @param page the beginning of an HTML or XML document
 * @returns at most 80 characters, empty when it has no text
 */
export function pageText(page: string): string {
  const text = page
    .replace(/<!--[\s\S]*?(-->|$)|<(script|style)\b[\s\S]*?(<\/\2\s*>|$)/gi, ' ')
    .replace(/<[^>]*(>|$)/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#0?39;|&apos;/g, "'")
    .replace(/&nbsp;|&#160;/g, ' ')
    .replace(/&amp;/g, '&')
  return shortened(text, 80)
}

function faultOf(size: number, head: Buffer, tail: Buffer): ParquetFault | undefined {
  if (size === 0) return truncated('an empty file of 0 bytes')
  const start = head.toString('latin1', 0, 4)
  const end = tail.toString('latin1', tail.length - 4)
  if (start === 'PARE' || (start === 'PAR1' && end === 'PARE')) {
    return fault('source_not_parquet', 'an encrypted Parquet file', 'decrypt it, keys are not read')
  }
  if (start === 'PAR1') {
    if (size < smallest || end !== 'PAR1') {
      return truncated(`a Parquet file cut off after ${size} bytes, its footer is missing`)
    }
    const footer = tail.readUInt32LE(0)
    if (footer > 0 && footer <= size - smallest) return undefined
    return truncated(`a damaged Parquet file: a footer of ${footer} bytes in a file of ${size}`)
  }
  if ('PAR1'.startsWith(start)) return truncated(`a Parquet file cut off after ${size} bytes`)
  const other = otherFormat(head)
  if (other) return other
  if (end === 'PAR1') return truncated('a Parquet file whose beginning is missing')
  return fault('source_not_parquet', `unknown data ${beginning(head)}`, again)
}

function otherFormat(head: Buffer): ParquetFault | undefined {
  const text = decoded(head)
  const trimmed = text?.trimStart() ?? ''
  if (/^<[!?a-z]/i.test(trimmed)) {
    const kind = /^<(\?xml|error)/i.test(trimmed) ? 'an XML document' : 'an HTML page'
    const says = pageText(trimmed)
    const found = says === '' ? `${kind} without text` : `${kind} that says ${quoted(says)}`
    return fault('source_html', found, 'get it again, a server answered this in its place')
  }
  if (trimmed.startsWith('version https://git-lfs.github.com/spec/')) {
    const real = /^size (\d+)$/m.exec(trimmed)?.[1]
    const found = `a Git LFS pointer${real ? ` to a file of ${real} bytes` : ''}`
    return fault('source_lfs_pointer', found, 'run `git lfs pull` in the repository it belongs to')
  }
  const raw = head.toString('latin1')
  for (const [magic, found, remedy] of formats) {
    if (raw.startsWith(magic)) return fault('source_not_parquet', found, remedy)
  }
  if (text === undefined || trimmed === '') return undefined
  const line = trimmed.split(/[\r\n]/, 1)[0] ?? ''
  const isJson = /^[[{]/.test(line)
  const isTable = !isJson && [',', ';', '\t', '|'].some((mark) => line.split(mark).length > 2)
  const kind = isJson ? 'JSON text' : isTable ? 'CSV-like text' : 'text'
  const remedy = isJson || isTable ? 'convert it to Parquet' : again
  return fault('source_not_parquet', `${kind} ${beginning(head)}`, remedy)
}

function fault(code: ParquetFault['code'], found: string, remedy: string): ParquetFault {
  return { code, found, remedy }
}

function truncated(found: string): ParquetFault {
  return fault('source_truncated', found, again)
}

/** The bytes as text, or undefined when they are binary. A character cut by the end is let go. */
function decoded(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they tell binary data from text
    return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** How the bytes begin, safe to print. */
function beginning(bytes: Buffer): string {
  const text = decoded(bytes)
  if (text !== undefined) return `that begins ${quoted(shortened(text, 60))}`
  return `that begins with the bytes ${bytes.toString('hex', 0, 8)}`
}

/** On one line, cut at a word where there is one, without control characters. */
function shortened(text: string, length: number): string {
  const line = text.replace(/[\s\p{C}]+/gu, ' ').trim()
  if (line.length <= length) return line
  const cut = line.slice(0, length)
  return `${cut.slice(0, cut.lastIndexOf(' ') + 1 || length).trimEnd()} ...`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}
