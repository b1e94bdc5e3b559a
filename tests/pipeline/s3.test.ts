/** S3 addresses against a store on this machine that recomputes every signature itself. */

import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRidecastError } from '../../src/errors.ts'
import { s3Address, s3Fetch, s3SettingsOf } from '../../src/pipeline/s3.ts'
import { obtain, planSource, type SourceOptions } from '../../src/pipeline/source.ts'
import { type Answer, file, type Publisher, page, parquet, publish } from './faulty-publisher.ts'

const whole = parquet(50_000)
const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const keys = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: secret }

let cwd = ''
let store: Publisher
let requests: IncomingMessage[] = []
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-s3-'))
  requests = []
})
afterEach(() => {
  store?.close()
  rmSync(cwd, { recursive: true, force: true })
})

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/**
 * The signature that a request should have, by AWS's description of Signature Version 4: from what
 * came over the wire and the secret, sharing no code with who signed it.
 */
function expectedSignature({ method = '', url = '', headers }: IncomingMessage): string {
  const auth = headers.authorization ?? ''
  const [, scope = '', names = ''] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=/.exec(auth) ??
    []
  const signed = names.split(';')
  // The path as it came: what must be escaped in it is, and nothing else.
  const canonical = [
    method,
    url,
    '',
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    names,
    String(headers['x-amz-content-sha256']),
  ].join('\n')
  const digest = createHash('sha256').update(canonical).digest('hex')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, digest].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>((one, part) => hmac(one, part), `AWS4${secret}`)
  return hmac(key, text).toString('hex')
}

/** A store that refuses what is not signed as it should be. */
function guarded(answer: Answer): Answer {
  return (request, response, of) => {
    requests.push(request)
    const signature = /Signature=([0-9a-f]{64})$/.exec(request.headers.authorization ?? '')?.[1]
    if (signature === expectedSignature(request)) return answer(request, response, of)
    // As S3 does: the answer quotes the key's id and what was signed.
    const quoted = `<AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId><StringToSign>${secret}</StringToSign>`
    page(403, `<Error><Code>SignatureDoesNotMatch</Code>${quoted}</Error>`)(request, response, of)
  }
}

function options(changes: Partial<SourceOptions> = {}): SourceOptions {
  const today = new Date('2024-05-17T12:00:00Z')
  return { taxi: 'green', dataFolder: 'data', cwd, today, ...changes }
}

const faultOf = async (running: Promise<unknown>): Promise<string> => {
  const error = await running.catch((reason: unknown) => reason)
  if (isRidecastError(error)) return `${error.code}: ${error.message}`
  throw error
}

describe('a signed download', () => {
  test('asks the endpoint by bucket and key, signed as AWS describes it', async () => {
    store = await publish(guarded(file(whole)))
    const env = {
      ...keys,
      AWS_SESSION_TOKEN: 'a-session',
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: `${store.url}/`,
    }
    const plan = planSource('s3://trips/old files/a+b (1)=ü.parquet', options())
    const { path, sha256 } = await obtain(plan, { fetch: s3Fetch(env) })
    expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'))
    expect(readFileSync(path).equals(whole)).toBe(true)
    const [request] = requests
    expect(request?.headers.authorization).toMatch(
      /Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/s3\/aws4_request/,
    )
    expect(request?.headers['x-amz-security-token']).toBe('a-session')
    expect(request?.headers.authorization).toContain('x-amz-security-token')
  })

  test('is gone on with when it was cut, signed anew', async () => {
    const faults = [file(whole, { cutAfter: 20_000 }), file(whole)]
    store = await publish(...faults.map(guarded))
    const fetch = s3Fetch({ ...keys, AWS_ENDPOINT_URL: store.url })
    const { path } = await obtain(planSource('s3://trips/rides.parquet', options()), {
      fetch,
      wait: async () => {},
      progress: (received) => store.received(received),
    })
    expect(store.asked).toEqual([
      { path: '/trips/rides.parquet', range: undefined },
      { path: '/trips/rides.parquet', range: 'bytes=20000-' },
    ])
    expect(readFileSync(path).equals(whole)).toBe(true)
  })

  test('is kept as addresses are, used again, and in the manifest without keys', async () => {
    store = await publish(guarded(file(whole)))
    const fetch = s3Fetch({ ...keys, AWS_ENDPOINT_URL: store.url })
    const address = 's3://trips/green_tripdata_2021-01.parquet'
    const plan = planSource(address, options())
    expect(plan.path).toMatch(/\/data\/green_tripdata_2021-01\.[0-9a-f]{12}\.parquet$/)
    expect([plan.label, plan.taxi, plan.month]).toEqual([address, 'green', '2021-01'])
    await obtain(plan, { fetch })
    expect(planSource(address, options()).kind).toBe('local')
    const manifest = readFileSync(join(cwd, 'data/manifest.json'), 'utf8')
    expect(JSON.parse(manifest).files[plan.path.split('/').at(-1) ?? ''].url).toBe(address)
    for (const word of Object.values(keys)) expect(manifest).not.toContain(word)
  })

  test('of a month works where the base URL is a bucket', async () => {
    store = await publish(guarded(file(whole)))
    const fetch = s3Fetch({ ...keys, AWS_ENDPOINT_URL: store.url })
    const baseUrl = 's3://our-mirror/trip-data/'
    const plan = planSource('2021-01', options({ baseUrl }))
    expect(plan.url).toBe('s3://our-mirror/trip-data/green_tripdata_2021-01.parquet')
    await obtain(plan, { fetch })
    expect(readdirSync(join(cwd, 'data'))).toContain('green_tripdata_2021-01.parquet')
    expect(planSource(plan.url ?? '', options({ baseUrl }))).toMatchObject({ path: plan.path })
  })

  test('that the store refuses quotes its code and nothing else', async () => {
    store = await publish(guarded(file(whole)))
    const fetch = s3Fetch({
      ...keys,
      AWS_SECRET_ACCESS_KEY: 'wr0ng',
      AWS_ENDPOINT_URL: store.url,
    })
    const notes: string[] = []
    const plan = planSource('s3://trips/rides.parquet', options())
    const fault = await faultOf(obtain(plan, { fetch, note: (text) => notes.push(text) }))
    expect(fault).toMatch(
      /^source_refused: s3:\/\/trips\/rides\.parquet answered 403 "SignatureDoesNotMatch", expected 200/,
    )
    for (const word of [...Object.values(keys), 'wr0ng']) {
      expect([fault, ...notes].join()).not.toContain(word)
    }
  })

  test.each([
    ['AccessDenied', 403, 'source_refused'],
    ['NoSuchKey', 404, 'source_not_found'],
  ])('that ends as %s is not taken for an unpublished month', async (code, status, expected) => {
    store = await publish(page(status, `<Error><Code>${code}</Code></Error>`))
    const fetch = s3Fetch({ ...keys, AWS_ENDPOINT_URL: store.url })
    const fault = await faultOf(
      obtain(planSource('s3://trips/rides.parquet', options()), { fetch }),
    )
    expect(fault).toMatch(new RegExp(`^${expected}: .*answered ${status} "${code}"`))
  })
})

describe('what a store is asked', () => {
  /** The URL and headers of each request, answered by the given responses in turn. */
  async function ask(env: Record<string, string>, address: string, ...answers: Response[]) {
    const seen: { url: string; headers: Headers }[] = []
    const fetch = s3Fetch(env, async (url, init) => {
      seen.push({ url: String(url), headers: new Headers(init?.headers) })
      return answers.shift() ?? new Response('')
    })
    await fetch(s3Address(address))
    return seen
  }

  test('without keys is not signed', async () => {
    const [request] = await ask({}, 's3://nyc-tlc/rides.parquet')
    expect(request?.url).toBe('https://nyc-tlc.s3.us-east-1.amazonaws.com/rides.parquet')
    expect([...(request?.headers.keys() ?? [])]).toEqual([])
  })

  test('names the bucket in the path where the certificate asks for it', async () => {
    const [request] = await ask({ AWS_DEFAULT_REGION: 'eu-west-1' }, 's3://our.trips/a/b.parquet')
    expect(request?.url).toBe('https://s3.eu-west-1.amazonaws.com/our.trips/a/b.parquet')
  })

  test('goes to the region that the bucket says it is in', async () => {
    const moved = new Response('', { status: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' } })
    const seen = await ask(keys, 's3://trips/rides.parquet', moved)
    expect(seen.map(({ url }) => new URL(url).host)).toEqual([
      'trips.s3.us-east-1.amazonaws.com',
      'trips.s3.eu-west-1.amazonaws.com',
    ])
    expect(seen[1]?.headers.get('authorization')).toContain('/eu-west-1/s3/')
  })

  test('is not signed when it is no address of a store', async () => {
    const seen: (RequestInit | undefined)[] = []
    const fetch = s3Fetch(keys, async (_, init) => {
      seen.push(init)
      return new Response('')
    })
    await fetch('https://example.org/rides.parquet', { headers: { range: 'bytes=1-' } })
    expect(seen).toEqual([{ headers: { range: 'bytes=1-' } }])
  })
})

describe('settings and addresses', () => {
  test('come from the variables of AWS tools', () => {
    const env = { ...keys, AWS_DEFAULT_REGION: 'eu-west-1', AWS_SESSION_TOKEN: '' }
    expect(s3SettingsOf(env)).toEqual({
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: secret,
      sessionToken: undefined,
      region: 'eu-west-1',
      endpoint: undefined,
    })
  })

  test.each([
    [{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE' }, /^config_invalid: AWS_SECRET_ACCESS_KEY is missing/],
    [{ AWS_SECRET_ACCESS_KEY: secret }, /^config_invalid: AWS_ACCESS_KEY_ID is missing/],
    [{ AWS_ENDPOINT_URL: 'store:9000' }, /^config_invalid: AWS_ENDPOINT_URL cannot be used/],
    [{ AWS_ENDPOINT_URL: `http://me:${secret}@store` }, /^config_invalid: AWS_ENDPOINT_URL cannot/],
  ])('that do not fit are told when a store is asked, without their values', async (env, fault) => {
    const said = await faultOf(
      obtain(planSource('s3://trips/rides.parquet', options()), { fetch: s3Fetch(env) }),
    )
    expect(said).toMatch(fault)
    expect(said).not.toContain(secret)
  })

  test.each([
    's3://trips',
    's3://trips/',
    's3://trips/folder/',
    's3:///rides',
    's3://trips/../a',
    's3://T/a',
  ])('%s is refused', (address) => {
    expect(() => planSource(address, options())).toThrow(
      /cannot be used: expected s3:\/\/bucket\/key/,
    )
  })
})
