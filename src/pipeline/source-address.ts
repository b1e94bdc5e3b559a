/**
 * Addresses of trip files: which may be used, and the name that a file from one is kept under.
 * Knows nothing about months, fleets or what lies on the disk.
 */

import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { RidecastError } from '../errors.ts'
import { s3Address } from './s3.ts'

/** Where the city publishes its trip files, as `<fleet>_tripdata_<YYYY-MM>.parquet`. */
export const publisherUrl = 'https://d37ci6vzurychx.cloudfront.net/trip-data'

/** True for text that is meant as an address: it begins with `<scheme>://`. */
export function isAddress(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text)
}

/**
 * Reads an http(s) or S3 address; what follows `#` is dropped.
 *
 * @throws usage_invalid for any other, and one with a user name or password
 */
export function addressOf(text: string): URL {
  return text.startsWith('s3://') ? s3Address(text) : webAddress(text, 'usage_invalid')
}

/**
 * The address of a file of a publisher; a query of the base URL (an access token) is kept.
 *
 * @param base http(s) or S3 address that the name is put after; undefined is the city's own
 * @throws config_invalid when the base cannot be used
 */
export function publishedAddress(name: string, base: string = publisherUrl): string {
  if (base.startsWith('s3://')) return s3Address(`${base.replace(/\/+$/, '')}/${name}`).href
  const url = webAddress(base, 'config_invalid')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`
  return url.href
}

/** The last part of an address as a plain file name. */
export function nameOf(url: URL): string {
  const last = basename(url.pathname.replace(/%[\da-f]{2}/gi, '_'))
  return last.replace(/[^\w.-]/g, '_').replace(/^\.+/, '') || 'rides'
}

/** The name that a file from an address is kept under: its base name and a hash of the address. */
export function keptName(url: URL): string {
  const hash = createHash('sha256').update(url.href).digest('hex').slice(0, 12)
  const stem = nameOf(url).replace(/\.parquet$/i, '')
  return `${stem.slice(0, 100)}.${hash}.parquet`
}

/** An address without query, user and password, which may be secret: what is written down. */
export function plainAddress(href: string): string {
  const { protocol, host, pathname } = new URL(href)
  return `${protocol}//${host}${pathname}`
}

function webAddress(text: string, code: 'usage_invalid' | 'config_invalid'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const subject = code === 'usage_invalid' ? 'address' : 'base URL'
  if (url?.username || url?.password) {
    const why = 'holds a user name or password, which would end up in records'
    throw new RidecastError(code, `${subject} of ${url.host} ${why}: download the file by hand`)
  }
  if (!url || !/^https?:$/.test(url.protocol)) {
    const expected =
      'expected http://..., https://... or s3://bucket/key, or the path of a local file'
    throw new RidecastError(code, `${subject} ${JSON.stringify(text)} cannot be used: ${expected}`)
  }
  url.hash = ''
  return url
}
