/**
 * Trip files in an object store: `s3://bucket/key` as an HTTP client that signs what it asks.
 * Knows nothing about disks or downloads, and never says a key.
 */

import { AwsClient } from 'aws4fetch'
import { RidecastError } from '../errors.ts'

/** How an object store is asked; undefined keys ask without a signature. */
export interface S3Settings {
  readonly accessKeyId: string | undefined
  readonly secretAccessKey: string | undefined
  readonly sessionToken: string | undefined
  /** Default `us-east-1`. */
  readonly region: string | undefined
  /** An address in place of Amazon's: then the bucket is the first part of the path. */
  readonly endpoint: string | undefined
}

/**
 * The settings as the environment of AWS tools has them: `AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`,
 * `AWS_ENDPOINT_URL`.
 *
 * @throws config_invalid when one key is there without the other, or the endpoint is no address
 */
export function s3SettingsOf(env: Readonly<Record<string, string | undefined>>): S3Settings {
  const accessKeyId = env.AWS_ACCESS_KEY_ID || undefined
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY || undefined
  const endpoint = env.AWS_ENDPOINT_URL || undefined
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'
    throw new RidecastError(
      'config_invalid',
      `${missing} is missing: set both keys, or none for a public bucket`,
    )
  }
  if (endpoint !== undefined) checkEndpoint(endpoint)
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: env.AWS_SESSION_TOKEN || undefined,
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined,
    endpoint,
  }
}

/**
 * Reads `s3://bucket/key`, the key as it is in the store, nothing in it escaped.
 *
 * @returns the same as a URL, with the key's parts escaped
 * @throws usage_invalid when there is no bucket or key, or the key has parts that a URL cannot have
 */
export function s3Address(text: string): URL {
  const match = /^s3:\/\/([a-z\d][a-z\d._-]{1,61}[a-z\d])\/(.+)$/s.exec(text)
  const parts = match?.[2]?.split('/') ?? []
  if (!match || parts.some((part) => part === '.' || part === '..') || parts.at(-1) === '') {
    throw new RidecastError(
      'usage_invalid',
      `address ${JSON.stringify(text)} cannot be used: expected s3://bucket/key of a file, ` +
        'without . or .. between slashes',
    )
  }
  return new URL(`s3://${match[1]}/${parts.map(escaped).join('/')}`)
}

/**
 * An HTTP client that understands addresses of {@link s3Address} and asks the store for them,
 * signed where there are keys. A bucket that says that it is in another region is asked there.
 * Other addresses are asked as they are, unsigned.
 *
 * @param env looked at when the first address of a store is asked: see {@link s3SettingsOf}
 */
export function s3Fetch(
  env: Readonly<Record<string, string | undefined>>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): typeof globalThis.fetch {
  const regions = new Map<string, string>()
  const ask = async (
    settings: S3Settings,
    region: string,
    address: URL,
    init: RequestInit,
  ): Promise<Response> => {
    const url = storeUrl(address, region, settings.endpoint)
    const headers = new Headers(init.headers)
    for (const [name, value] of await signatureOf(settings, region, url, init.method ?? 'GET')) {
      headers.set(name, value)
    }
    return fetch(url, { ...init, headers })
  }
  return async (input, init = {}) => {
    const address = new URL(input instanceof Request ? input.url : input)
    if (address.protocol !== 's3:') return fetch(input, init)
    const settings = s3SettingsOf(env)
    const region = regions.get(address.host) ?? settings.region ?? 'us-east-1'
    const response = await ask(settings, region, address, init)
    const home = response.headers.get('x-amz-bucket-region')
    const isElsewhere = home !== null && home !== region && /^[a-z\d-]+$/.test(home)
    if (response.ok || !isElsewhere || settings.endpoint !== undefined) return response
    await response.body?.cancel()
    regions.set(address.host, home)
    return ask(settings, home, address, init)
  }
}

/** A part of a key as it is signed, so that what is sent is what is signed. */
function escaped(part: string): string {
  const hex = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(part).replace(/[!'()*]/g, hex)
}

/** Where the store has an object. */
function storeUrl(address: URL, region: string, endpoint: string | undefined): string {
  const { host: bucket, pathname } = address
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, '')}/${bucket}${pathname}`
  // The certificate is good for one name before the store's own.
  const isPlain = !bucket.includes('.')
  const store = `s3.${region}.amazonaws.com`
  return isPlain ? `https://${bucket}.${store}${pathname}` : `https://${store}/${bucket}${pathname}`
}

/** The headers that sign a request: only they and the host are signed, a proxy may change others. */
async function signatureOf(
  settings: S3Settings,
  region: string,
  url: string,
  method: string,
): Promise<Headers> {
  const { accessKeyId, secretAccessKey, sessionToken } = settings
  if (accessKeyId === undefined || secretAccessKey === undefined) return new Headers()
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: 's3',
    region,
  })
  return (await client.sign(url, { method })).headers
}

function checkEndpoint(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && url.username === '' && url.password === '' && url.search === ''
  if (isPlain && /^https?:$/.test(url.protocol)) return
  throw new RidecastError(
    'config_invalid',
    'AWS_ENDPOINT_URL cannot be used: expected http://... or https://..., without user or query',
  )
}
