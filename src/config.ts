/**
 * The server's settings, in one typed step from environment variables and flags, all faults at
 * once. Reads no environment itself: an entry file hands it over. None of them is a secret:
 * of tokens only digests are given.
 */

import { z } from 'zod'
import { RidecastError } from './errors.ts'
import { type LogLevel, logLevels } from './log.ts'

/** The settings of the server. */
export interface ServerConfig {
  /** Address to listen on, default 127.0.0.1: out of reach for others unless told so. */
  readonly host: string
  /** Port to listen on, default 9696; 0 takes a free one. */
  readonly port: number
  /** Folder of the registry, default `models`. */
  readonly models: string
  /** The model to serve, default `green-duration`: name, name@alias, name/version or a folder. */
  readonly model: string
  /** Default `info`: one line a request. */
  readonly logLevel: LogLevel
  /** The largest body that is read, bytes, default 65,536. */
  readonly bodyLimitBytes: number
  /** Time that requests in flight have to finish on shutdown, seconds, default 10. */
  readonly shutdownSeconds: number
  /** How often the registry is asked whether the alias has moved, seconds, default 5; 0 never. */
  readonly reloadSeconds: number
  /** Folder of what the server keeps: predictions, feedback, rollouts; default `state`. */
  readonly state: string
  /** Whether predictions are logged, default on. */
  readonly predictionLog: boolean
  /** Whether the prediction log holds what clients say of their rides and their keys, default on. */
  readonly predictionInputs: boolean
  /** Days of the prediction log that are kept, default 30. */
  readonly predictionDays: number
  /** The most that all days of the prediction log may take, MiB, default 4,096. */
  readonly predictionMebibytes: number
  /** The largest JSON array that a batch may be, bytes, default 32 MiB. */
  readonly batchLimitBytes: number
  /** Requests that may be in flight at once, default 1,024; more are answered with 503. */
  readonly maxRequests: number
  /** Requests that one client may send a minute, default 0: as many as it likes. */
  readonly rateLimit: number
  /** SHA-256 of the tokens of clients, hexadecimal; default none: anybody may ask. */
  readonly tokens: readonly string[]
  /** SHA-256 of the tokens of those who may change what is served; default none: nobody may. */
  readonly adminTokens: readonly string[]
  /** File of the certificate chain, PEM; with it and its key the server speaks TLS. */
  readonly tlsCert: string
  /** File of the certificate's private key, PEM. */
  readonly tlsKey: string
  /** Origins whose pages may ask this server, default none; `*` for all. */
  readonly corsOrigins: readonly string[]
  /** Processes that answer on the port, default 1. */
  readonly workers: number
}

/** Environment variables by name; an empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Settings given as flags, as text. They win over the environment. */
export type ConfigFlags = {
  readonly [name in
    | 'host'
    | 'port'
    | 'models'
    | 'model'
    | 'logLevel'
    | 'reloadSeconds'
    | 'state'
    | 'workers'
    | 'tlsCert'
    | 'tlsKey']?: string | undefined
}

const whole = (low: number, high: number) => {
  const rule = `an integer from ${low} to ${high}`
  return z
    .string()
    .regex(/^\d{1,9}$/, rule)
    .transform(Number)
    .pipe(z.number().min(low, rule).max(high, rule))
}

const onOff = z.enum(['on', 'off'], 'on or off').transform((text) => text === 'on')

/** Entries apart by commas. */
const list = (entry: RegExp, rule: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .pipe(z.array(z.string().regex(entry, rule)))

const digests = () =>
  list(/^[0-9a-f]{64}$/, 'SHA-256 digests, 64 hexadecimal digits each, apart by commas')

// The message of each rule reads on from "<setting> must be".
const configSchema = z.object({
  host: z.string().regex(/^\S+$/, 'an address or host name').default('127.0.0.1'),
  port: whole(0, 65_535).default(9696),
  models: z.string().min(1, 'a folder').default('models'),
  model: z.string().min(1, 'a name, name@alias, name/version or folder').default('green-duration'),
  logLevel: z.enum(logLevels, `one of ${logLevels.join(', ')}`).default('info'),
  bodyLimitBytes: whole(1, 64 * 1024 * 1024).default(65_536),
  shutdownSeconds: whole(0, 3600).default(10),
  reloadSeconds: whole(0, 86_400).default(5),
  state: z.string().min(1, 'a folder').default('state'),
  predictionLog: onOff.default(true),
  predictionInputs: onOff.default(true),
  predictionDays: whole(1, 3650).default(30),
  predictionMebibytes: whole(1, 1_000_000).default(4096),
  batchLimitBytes: whole(1, 1024 * 1024 * 1024).default(32 * 1024 * 1024),
  maxRequests: whole(1, 1_000_000).default(1024),
  rateLimit: whole(0, 100_000_000).default(0),
  tokens: digests().default([]),
  adminTokens: digests().default([]),
  tlsCert: z.string().default(''),
  tlsKey: z.string().default(''),
  corsOrigins: list(
    /^(\*|https?:\/\/[^\s/,]+)$/,
    'origins such as https://rides.example, apart by commas, or *',
  ).default([]),
  workers: whole(1, 256).default(1),
})

type Setting = keyof ServerConfig

const names: Readonly<Record<Setting, { variable: string; flag?: string }>> = {
  host: { variable: 'RIDECAST_HOST', flag: '--host' },
  port: { variable: 'RIDECAST_PORT', flag: '--port' },
  models: { variable: 'RIDECAST_MODELS', flag: '--models' },
  model: { variable: 'RIDECAST_MODEL', flag: '--model' },
  logLevel: { variable: 'RIDECAST_LOG_LEVEL', flag: '--log-level' },
  bodyLimitBytes: { variable: 'RIDECAST_BODY_LIMIT_BYTES' },
  shutdownSeconds: { variable: 'RIDECAST_SHUTDOWN_SECONDS' },
  reloadSeconds: { variable: 'RIDECAST_RELOAD_SECONDS', flag: '--reload-seconds' },
  state: { variable: 'RIDECAST_STATE', flag: '--state' },
  predictionLog: { variable: 'RIDECAST_PREDICTION_LOG' },
  predictionInputs: { variable: 'RIDECAST_PREDICTION_INPUTS' },
  predictionDays: { variable: 'RIDECAST_PREDICTION_DAYS' },
  predictionMebibytes: { variable: 'RIDECAST_PREDICTION_MEBIBYTES' },
  batchLimitBytes: { variable: 'RIDECAST_BATCH_LIMIT_BYTES' },
  maxRequests: { variable: 'RIDECAST_MAX_REQUESTS' },
  rateLimit: { variable: 'RIDECAST_RATE_LIMIT' },
  tokens: { variable: 'RIDECAST_TOKENS_SHA256' },
  adminTokens: { variable: 'RIDECAST_ADMIN_TOKENS_SHA256' },
  tlsCert: { variable: 'RIDECAST_TLS_CERT', flag: '--tls-cert' },
  tlsKey: { variable: 'RIDECAST_TLS_KEY', flag: '--tls-key' },
  corsOrigins: { variable: 'RIDECAST_CORS_ORIGINS' },
  workers: { variable: 'RIDECAST_WORKERS', flag: '--workers' },
}

/** The environment variables that are read. */
export const configVariables: readonly string[] = Object.values(names).map(
  ({ variable }) => variable,
)

/**
 * The settings from flags, then environment variables, then defaults.
 *
 * @throws config_invalid with every fault, each by the name of the flag or variable it came from
 */
export function readConfig(environment: Environment, flags: ConfigFlags = {}): ServerConfig {
  const given: Partial<Record<Setting, string>> = {}
  const origins: { [name in Setting]?: string | undefined } = {}
  for (const setting of Object.keys(names) as Setting[]) {
    const { variable, flag } = names[setting]
    const byFlag = flag && flags[setting as keyof ConfigFlags]
    const text = byFlag ?? environment[variable]
    if (text === undefined || (text === '' && byFlag === undefined)) continue
    given[setting] = text
    origins[setting] = byFlag === undefined ? variable : flag
  }
  const parsed = configSchema.safeParse(given)
  if (parsed.success) {
    requirePair(parsed.data)
    return parsed.data
  }
  const faults = parsed.error.issues.map(({ path, message }) => {
    const setting = path[0] as Setting
    const found = given[setting] ?? ''
    return `${origins[setting]} must be ${message}, found "${found}"${hint(found)}`
  })
  throw new RidecastError('config_invalid', `${[...new Set(faults)].join('; ')}`, {
    cause: parsed.error,
  })
}

function requirePair({ tlsCert, tlsKey }: ServerConfig): void {
  if ((tlsCert === '') === (tlsKey === '')) return
  const [given, missing] = tlsCert === '' ? ['tlsKey', 'tlsCert'] : ['tlsCert', 'tlsKey']
  const { variable, flag } = names[missing as 'tlsCert' | 'tlsKey']
  throw new RidecastError(
    'config_invalid',
    `${names[given as 'tlsCert' | 'tlsKey'].flag} needs ${flag} (${variable}) beside it: TLS takes a certificate and its key`,
  )
}

// Kubernetes sets <SERVICE>_PORT to an address in every pod beside a service called ridecast.
function hint(found: string): string {
  return found.startsWith('tcp://')
    ? ' (set by Kubernetes for a service of that name: turn enableServiceLinks off)'
    : ''
}
