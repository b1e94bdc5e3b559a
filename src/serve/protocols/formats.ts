/**
 * The formats that a batch of rides may come and go in, by media type. Knows nothing about how they
 * are read or written.
 */

import type { IncomingMessage } from 'node:http'
import { MIMEType } from 'node:util'
import { Problem } from '../problem.ts'

/** Media type of each format, the one that answers carry. */
export const mediaTypes = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv',
  arrow: 'application/vnd.apache.arrow.stream',
} as const

/** A format of a batch. */
export type Format = keyof typeof mediaTypes

const formats = new Map<string, Format>([
  ...(Object.keys(mediaTypes) as Format[]).map((name) => [mediaTypes[name], name] as const),
  // Not registered either, but as common.
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
])

/**
 * The format of a body, by its headers.
 *
 * @param allowed those that the route takes, default all
 * @throws Problem: body_missing, media_type_unsupported
 */
export function formatOfBody(
  { headers }: IncomingMessage,
  allowed: readonly Format[] = Object.keys(mediaTypes) as Format[],
): Format {
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) {
    throw new Problem('body_missing', 'body is missing: expected rides, found nothing')
  }
  refuseEncoding(headers['content-encoding'])
  const type = parsed(headers['content-type'])
  const format = type && formats.get(type.essence)
  const charset = type?.params.get('charset')?.toLowerCase() ?? 'utf-8'
  if (format && allowed.includes(format) && charset === 'utf-8') return format
  const expected = allowed.map((name) => mediaTypes[name])
  const found = headers['content-type']
  throw new Problem(
    'media_type_unsupported',
    `body must be ${expected.join(' or ')} in UTF-8, found ${
      found === undefined ? 'no Content-Type' : JSON.stringify(found.slice(0, 100))
    }`,
    { headers: { Accept: expected.join(', ') } },
  )
}

/**
 * Says no to a compressed body: how large it is would only be known once it is not.
 *
 * @throws Problem: media_type_unsupported
 */
export function refuseEncoding(header: string | undefined): void {
  if (header === undefined || header.toLowerCase() === 'identity') return
  throw new Problem(
    'media_type_unsupported',
    `body must not be compressed, found Content-Encoding ${JSON.stringify(header.slice(0, 100))}`,
    { headers: { 'Accept-Encoding': 'identity' } },
  )
}

/**
 * The format that an answer is wanted in: the first of those with the highest quality in `Accept`.
 * Where it names none of ours, the answer comes as the request came.
 */
export function wantedFormat(accept: string | undefined, came: Format): Format {
  let best = came
  let bestQuality = 0
  for (const part of (accept ?? '').split(',', 20)) {
    const type = parsed(part)
    const quality = Number(type?.params.get('q') ?? 1)
    if (!type || !(quality > bestQuality)) continue
    const format = type.essence === '*/*' ? came : formats.get(type.essence)
    if (format === undefined) continue
    best = format
    bestQuality = quality
  }
  return best
}

function parsed(text: string | undefined): MIMEType | undefined {
  try {
    return new MIMEType(text ?? '')
  } catch {
    return undefined
  }
}
