/**
 * Where a Trino is, which tables hold the rides, and how to sign in: from flags and environment,
 * all faults at once. Knows nothing about queries.
 */

import { readFileSync } from 'node:fs'
import { messageOf, RidecastError } from '../../errors.ts'
import { type Proxies, proxiesOf } from '../../proxies.ts'

/** How to reach a Trino; holds secrets, never printed. */
export interface TrinoSettings {
  /** Address without user and path, such as `https://trino.example.com:8443`. */
  readonly address: string
  readonly catalog: string
  readonly schema: string
  /** Name of the table of a fleet; `{fleet}` in it stands for green, yellow ... */
  readonly table: string
  /** Name to sign in as; undefined leaves it to the token. */
  readonly user: string | undefined
  /** Password of {@link user}; undefined sends none. */
  readonly password: string | undefined
  /** Bearer token; undefined sends none. */
  readonly token: string | undefined
  readonly tls: {
    /** False accepts any certificate. */
    readonly verify: boolean
    /** Certificates to trust in place of the system's, PEM. */
    readonly ca: string | undefined
  }
  readonly proxy: Proxies
  /** For one file, with its wait in the queue and all attempts, seconds. */
  readonly deadlineSeconds: number
  /** Attempts after the first, of a read that failed through no fault of its own. */
  readonly retries: number
  /** Told in a line of what a person may want to know, such as a second attempt. */
  readonly note?: ((text: string) => void) | undefined
}

/** What flags say; each wins over its variable. */
export interface TrinoFlags {
  readonly trinoAddress?: string
  readonly trinoCatalog?: string
  readonly trinoSchema?: string
  readonly trinoTable?: string
  readonly trinoUser?: string
  readonly trinoCa?: string
  readonly trinoInsecure?: true
  readonly trinoDeadline?: string
}

/**
 * The settings of a Trino. Reads TRINO_ADDRESS, _CATALOG (default hive), _SCHEMA (default), _TABLE
 * ({fleet}), _USER (ridecast, but none with a token), _PASSWORD, _TOKEN, _CA (a PEM file),
 * _INSECURE (true or false), _DEADLINE (seconds, 300) and _RETRIES (2), and the proxy variables; empty
 * counts as not set.
 *
 * @throws config_invalid with every fault
 */
export function trinoSettings(
  flags: TrinoFlags,
  environment: Readonly<Record<string, string | undefined>>,
  note?: (text: string) => void,
): TrinoSettings {
  const faults: string[] = []
  const given = (name: string): string | undefined => environment[`TRINO_${name}`] || undefined
  const number = (name: string, flag: string | undefined, preset: number, low: number): number => {
    const text = flag ?? given(name)
    const value = Number(text ?? preset)
    if (/^[\d.]+$/.test(text ?? '0') && value >= low && value <= 86_400) return value
    faults.push(`TRINO_${name} must be a number from ${low} to 86400, found "${text}"`)
    return preset
  }
  // Never repeated in a message.
  const secret = (name: string): string | undefined => {
    const text = given(name)
    if (/[\0\r\n]/.test(text ?? '')) faults.push(`TRINO_${name} must be one line`)
    return text
  }
  const [password, token] = [secret('PASSWORD'), secret('TOKEN')]
  const user = flags.trinoUser ?? given('USER')
  if (password && token) faults.push('TRINO_PASSWORD and TRINO_TOKEN exclude each other: set one')
  if (password && !user) {
    faults.push('TRINO_PASSWORD needs a user: give --trino-user or TRINO_USER')
  }
  const insecure = flags.trinoInsecure ?? isTrue(given('INSECURE'), faults)
  const caFile = flags.trinoCa ?? given('CA')
  if (insecure && caFile) {
    faults.push('TRINO_INSECURE and TRINO_CA exclude each other: set one')
  }
  const settings: TrinoSettings = {
    address: addressOf(flags.trinoAddress ?? given('ADDRESS'), !!(password || token), faults),
    catalog: flags.trinoCatalog ?? given('CATALOG') ?? 'hive',
    schema: flags.trinoSchema ?? given('SCHEMA') ?? 'default',
    table: flags.trinoTable ?? given('TABLE') ?? '{fleet}',
    user: user ?? (token ? undefined : 'ridecast'),
    password,
    token,
    tls: { verify: !insecure, ca: caFile && pemOf(caFile, faults) },
    proxy: proxiesOf(environment, faults),
    deadlineSeconds: number('DEADLINE', flags.trinoDeadline, 300, 1),
    retries: number('RETRIES', undefined, 2, 0),
    note,
  }
  if (faults.length === 0) return settings
  throw new RidecastError('config_invalid', faults.join('; '))
}

function isTrue(text: string | undefined, faults: string[]): boolean {
  if (text !== undefined && !/^(true|false|1|0)$/i.test(text)) {
    faults.push(`TRINO_INSECURE must be true or false, found "${text}"`)
  }
  return /^(true|1)$/i.test(text ?? '')
}

/** The origin of an address; it is not repeated in a fault, since a password may stand in it. */
function addressOf(text: string | undefined, signsIn: boolean, faults: string[]): string {
  const example = 'such as https://trino.example.com:8443'
  if (text === undefined) {
    faults.push(`trino needs an address: give --trino-address or TRINO_ADDRESS, ${example}`)
    return ''
  }
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined
  if (url?.pathname !== '/' || url.search !== '' || url.hash !== '') {
    faults.push(`TRINO_ADDRESS must be an http or https address without a path, ${example}`)
    return ''
  }
  if (url.username !== '' || url.password !== '') {
    faults.push('TRINO_ADDRESS must not hold a user or password: set TRINO_USER, TRINO_PASSWORD')
  }
  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (signsIn && url.protocol === 'http:' && !isLocal) {
    faults.push(
      'TRINO_ADDRESS must be https: over http anyone on the way reads a password or token',
    )
  }
  return url.origin
}

function pemOf(path: string, faults: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    faults.push(`TRINO_CA must be a PEM file that can be read, found ${path}: ${messageOf(error)}`)
    return undefined
  }
}
