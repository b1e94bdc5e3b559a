/**
 * How to reach an MLflow server, from its address and the variables that MLflow's own Python
 * client reads. Knows nothing about what is asked of the server.
 */

import { readFileSync } from 'node:fs'
import { messageOf, RidecastError } from '../../errors.ts'
import { type Proxies, proxiesOf } from '../../proxies.ts'

/** Everything that requests to a server need; holds secrets, never printed. */
export interface MlflowSettings {
  /** Address without user, path slash or query, such as `http://127.0.0.1:5000`. */
  readonly uri: string
  /** Value of the Authorization header; undefined sends none. */
  readonly authorization: string | undefined
  /** Certificates and keys in PEM form; `verify` false accepts any certificate. */
  readonly tls: {
    readonly verify: boolean
    readonly ca: string | undefined
    readonly cert: string | undefined
  }
  readonly proxy: Proxies
  /** For an answer to begin, and between pieces of it, milliseconds; default 120,000. */
  readonly timeoutMs: number
  /** Attempts after the first; default 5. */
  readonly retries: number
  /** Wait before the first of them, doubled each time, milliseconds; default 250. */
  readonly backoffMs: number
  /** Value of the header that chooses a workspace, where the server has several. */
  readonly workspace: string | undefined
}

/** Environment variables by name; an empty one counts as not set. */
export type MlflowEnvironment = Readonly<Record<string, string | undefined>>

/** True for an address that an MLflow server can have; anything else is a folder. */
export function isServerUri(uri: string): boolean {
  return /^https?:\/\//i.test(uri)
}

/**
 * The settings of a server. Reads MLFLOW_TRACKING_USERNAME, _PASSWORD, _TOKEN, _INSECURE_TLS,
 * _SERVER_CERT_PATH, _CLIENT_CERT_PATH, MLFLOW_WORKSPACE, MLFLOW_HTTP_REQUEST_TIMEOUT (seconds),
 * _MAX_RETRIES, _BACKOFF_FACTOR (seconds), REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and the proxy
 * variables. A name and password win over a token, and those of the environment over the address.
 *
 * @param uri an http or https address, a user name and password may stand in it
 * @throws config_invalid with every fault
 */
export function mlflowSettings(uri: string, environment: MlflowEnvironment): MlflowSettings {
  const faults: string[] = []
  const given = (name: string): string | undefined => environment[name] || undefined
  const number = (name: string, fallback: number, low: number, high: number): number => {
    const text = given(name)
    const value = Number(text ?? fallback)
    if (/^[\d.]+$/.test(text ?? '0') && value >= low && value <= high) return value
    faults.push(`${name} must be a number from ${low} to ${high}, found "${text}"`)
    return fallback
  }
  const file = (name: string): string | undefined => {
    const path = given(name)
    if (path === undefined) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      faults.push(`${name} must be a PEM file that can be read, found ${path}: ${messageOf(error)}`)
      return undefined
    }
  }
  const flag = (name: string): boolean => {
    const text = given(name)?.toLowerCase()
    if (text === undefined || ['0', 'false'].includes(text)) return false
    if (['1', 'true'].includes(text)) return true
    faults.push(`${name} must be true or false, found "${text}"`)
    return false
  }
  // Neither is repeated in a message: both may be secrets.
  const header = (name: string): string | undefined => {
    const text = given(name)
    if (text !== undefined && !/^[!-~]+$/.test(text)) {
      faults.push(`${name} must be printable ASCII without spaces`)
    }
    return text
  }
  const address = addressOf(uri, faults)
  const username = given('MLFLOW_TRACKING_USERNAME') ?? decoded(address?.username ?? '')
  const password = given('MLFLOW_TRACKING_PASSWORD') ?? decoded(address?.password ?? '')
  const token = header('MLFLOW_TRACKING_TOKEN')
  const insecure = flag('MLFLOW_TRACKING_INSECURE_TLS')
  // In the order in which the Python client looks for them.
  const bundle = ['MLFLOW_TRACKING_SERVER_CERT_PATH', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE']
  if (insecure && given('MLFLOW_TRACKING_SERVER_CERT_PATH')) {
    faults.push(
      'MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH exclude each other: ' +
        'set one of them',
    )
  }
  const settings: MlflowSettings = {
    uri: address === undefined ? uri : `${address.origin}${address.pathname.replace(/\/+$/, '')}`,
    authorization:
      username && password
        ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
        : token && `Bearer ${token}`,
    tls: {
      verify: !insecure,
      ca: insecure ? undefined : file(bundle.find(given) ?? ''),
      cert: file('MLFLOW_TRACKING_CLIENT_CERT_PATH'),
    },
    proxy: proxiesOf(environment, faults),
    timeoutMs: 1000 * number('MLFLOW_HTTP_REQUEST_TIMEOUT', 120, 0.001, 86_400),
    retries: number('MLFLOW_HTTP_REQUEST_MAX_RETRIES', 5, 0, 10),
    backoffMs: 1000 * number('MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR', 0.25, 0, 120),
    workspace: header('MLFLOW_WORKSPACE'),
  }
  if (faults.length === 0) return settings
  throw new RidecastError('config_invalid', faults.join('; '))
}

function addressOf(uri: string, faults: string[]): URL | undefined {
  const address = isServerUri(uri) && URL.canParse(uri) ? new URL(uri) : undefined
  if (!address) {
    // What stands in it may be a password: it is not repeated.
    faults.push('address of the MLflow server must be one such as http://127.0.0.1:5000')
  }
  return address
}

/** A part of an address with its escapes read; one that is none is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
