/** S3 addresses against moto, an independent implementation of S3 that boto3 puts the files into. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readManifest } from '../../src/pipeline/manifest.ts'
import { s3Fetch } from '../../src/pipeline/s3.ts'
import { obtain, planSource, type SourceOptions } from '../../src/pipeline/source.ts'
import { verifyRemote } from '../../src/pipeline/verify.ts'
import { parquet } from '../pipeline/faulty-publisher.ts'
import {
  freePort,
  pythonEnvironment,
  pythonProgram,
  type ServerProcess,
  startServerProcess,
} from './parts.ts'

const whole = parquet(2_000_000)
const key = 'old files/a+b (1)=ü.parquet'

let cwd = ''
let moto: ServerProcess
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-real-s3-'))
  writeFileSync(join(cwd, 'here.parquet'), whole)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  moto = await startServerProcess(
    pythonProgram('moto_server'),
    ['-H', '127.0.0.1', '-p', String(port)],
    { url, health: '/moto-api/' },
  )
  const script = `
import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',
                  aws_access_key_id='test', aws_secret_access_key='test')
s3.create_bucket(Bucket='trips')
s3.upload_file(sys.argv[2], 'trips', sys.argv[3])
`
  const args = ['-c', script, url, join(cwd, 'here.parquet'), key]
  const env = pythonEnvironment() as NodeJS.ProcessEnv
  await promisify(execFile)(pythonProgram('python'), args, { env })
})
afterAll(async () => {
  await moto?.kill()
  rmSync(cwd, { recursive: true, force: true })
})

function options(dataFolder: string): SourceOptions {
  return { taxi: 'green', dataFolder, cwd, today: new Date('2024-05-17T12:00:00Z') }
}

const env = (): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_ENDPOINT_URL: moto.url,
})

describe('a file in a store', () => {
  it('is downloaded whole, whatever its key, and known to be unchanged afterwards', async () => {
    const fetch = s3Fetch(env())
    const { path, sha256 } = await obtain(planSource(`s3://trips/${key}`, options('a')), { fetch })
    expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'))
    const [entry] = Object.values(await readManifest(join(cwd, 'a')))
    // S3's ETag of a file that was put at once is its MD5.
    expect(entry?.etag).toBe(`"${createHash('md5').update(whole).digest('hex')}"`)
    expect(readFileSync(path).equals(whole)).toBe(true)
    expect(await verifyRemote(entry ?? null, { fetch })).toEqual({ state: 'same', detail: '' })
  })

  it('is gone on with by the range that is missing', async () => {
    const ranges: (string | null)[] = []
    const statuses: number[] = []
    const real: typeof globalThis.fetch = async (url, init) => {
      ranges.push(new Headers(init?.headers).get('range'))
      const response = await globalThis.fetch(url, init)
      statuses.push(response.status)
      if (ranges.length > 1) return response
      // The first answer breaks off after 500,000 bytes.
      const bytes = new Uint8Array(await response.arrayBuffer()).subarray(0, 500_000)
      return new Response(bytes, { headers: response.headers })
    }
    const { path } = await obtain(planSource(`s3://trips/${key}`, options('b')), {
      fetch: s3Fetch(env(), real),
      wait: async () => {},
    })
    expect(ranges).toEqual([null, 'bytes=500000-'])
    expect(statuses).toEqual([200, 206])
    expect(readFileSync(path).equals(whole)).toBe(true)
  })

  it('that is not there is told by the code of the store', async () => {
    const running = obtain(planSource('s3://trips/none.parquet', options('c')), {
      fetch: s3Fetch(env()),
    })
    await expect(running).rejects.toMatchObject({
      code: 'source_not_found',
      message: expect.stringContaining('answered 404 "NoSuchKey"'),
    })
  })
})
