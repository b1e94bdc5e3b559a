/**
 * The server's settings, in one typed step from environment variables and flags, all faults at
 * once. Reads no environment itself: an entry file hands it over. None of them is a secret; one
 * that is would be read apart from these, since they are logged at start.
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
}

/** Environment variables by name; an empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Settings given as flags, as text. They win over the environment. */
export type ConfigFlags = {
  readonly [name in 'host' | 'port' | 'models' | 'model' | 'logLevel' | 'reloadSeconds']?:
    | string
    | undefined
}

const whole = (low: number, high: number) => {
  const rule = `an integer from ${low} to ${high}`
  return z
    .string()
    .regex(/^\d{1,9}$/, rule)
    .transform(Number)
    .pipe(z.number().min(low, rule).max(high, rule))
}

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
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => {
    const setting = path[0] as Setting
    const found = given[setting] ?? ''
    return `${origins[setting]} must be ${message}, found "${found}"${hint(found)}`
  })
  throw new RidecastError('config_invalid', `${[...new Set(faults)].join('; ')}`, {
    cause: parsed.error,
  })
}

// Kubernetes sets <SERVICE>_PORT to an address in every pod beside a service called ridecast.
function hint(found: string): string {
  return found.startsWith('tcp://')
    ? ' (set by Kubernetes for a service of that name: turn enableServiceLinks off)'
    : ''
}
