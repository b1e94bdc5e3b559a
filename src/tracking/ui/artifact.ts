/**
 * Answers with the content of an artifact, so that it can be looked at and cannot act: see
 * `guard.ts` for its policy. Knows nothing about stores.
 */

import { extname } from 'node:path'
import type { Request, RequestHandler, Response } from 'express'
import { checkArtifactPath } from '../names.ts'
import type { Tracker } from '../tracker.ts'
import { artifactPolicy } from './guard.ts'
import { Refusal } from './refusal.ts'

/** A store reads an artifact as a whole, so that larger ones stay where they are. */
export const largestArtifactBytes = 256 * 1024 * 1024

const text = 'text/plain; charset=utf-8'

// By ending, in lower case. What is not here is a download when it is opened by itself.
const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.svg': 'image/svg+xml',
  '.json': text,
  '.jsonl': text,
  '.yaml': text,
  '.yml': text,
  '.csv': text,
  '.tsv': text,
  '.md': text,
  '.txt': text,
  '.log': text,
}

/**
 * `GET /artifacts/:id/<path>`: the bytes, or the first of them when a `Range` asks for that;
 * `?download` hands them over as a file.
 *
 * @throws Refusal `artifact_too_large`; what getRun and readArtifact throw
 */
export function artifactHandler(
  tracker: Pick<Tracker, 'getRun' | 'readArtifact'>,
  largest: number = largestArtifactBytes,
): RequestHandler<{ id: string; path: string[] }> {
  return async (request, response) => {
    const { id } = request.params
    const path = request.params.path.join('/')
    checkArtifactPath(path)
    const { artifacts, location } = await tracker.getRun(id)
    const bytes = artifacts.find((artifact) => artifact.path === path)?.bytes ?? 0
    if (bytes > largest) {
      throw new Refusal(
        'artifact_too_large',
        `artifact ${path} has ${bytes} bytes, and this page hands over up to ${largest}: take ` +
          `it from ${location}`,
      )
    }
    const content = await tracker.readArtifact(id, path)
    response.set({
      'Content-Security-Policy': artifactPolicy,
      'Content-Type': mediaTypes[extname(path).toLowerCase()] ?? 'application/octet-stream',
      'Cache-Control': 'no-store',
    })
    if ('download' in request.query) response.attachment(path.split('/').at(-1))
    send(request, response, Buffer.from(content.buffer, content.byteOffset, content.byteLength))
  }
}

function send(request: Pick<Request, 'range'>, response: Response, content: Buffer): void {
  const ranges = request.range(content.length)
  const [range] = Array.isArray(ranges) && ranges.type === 'bytes' ? ranges : []
  if (range === undefined) {
    response.end(content)
    return
  }
  const { start, end } = range
  response.status(206).set('Content-Range', `bytes ${start}-${end}/${content.length}`)
  response.end(content.subarray(start, end + 1))
}
