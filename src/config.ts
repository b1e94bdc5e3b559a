/**
 * The settings of the server: from environment variables and flags to one checked object, every
 * fault at once. Reads no environment itself; entry files hand it in.
 */

import { z } from 'zod'
import { RidecastError } from './errors.ts'
import { logLevels } from './log.ts'

const whole = (low: number, high: number): z.ZodType<number, unknown> =>
  z.coerce
    .number(`expected a whole number from ${low} to ${high}`)
    .int(`expected a whole number from ${low} to ${high}`)
    .min(low, `expected at least ${low}`)
    .max(high, `expected at most ${high}`)

const text = z.string().min(1, 'expected some text')

const schema = z.object({
  /** Address to listen on. */
  host: text.default('127.0.0.1'),
  /** Port to listen on; 0 takes a free one. */
  port: whole(0, 65_535).default(9696),
  /** Folder of the registry. */
  models: text.default('models'),
  /** Which model: name, name@alias, name/version or a folder. */
  model: text.default('green-duration'),
  logLevel: z.enum(logLevels).default('info'),
  /** Largest body that is read, bytes. */
  bodyLimitBytes: whole(1, 100 * 1024 * 1024).default(65_536),
  /** How long requests in flight may take once the server is asked to stop. */
  shutdownSeconds: whole(0, 3_600).default(10),
})

/** The settings of the server. */
export type ServerConfig = z.output<typeof schema>

/** The environment variable of each setting. */
export const configVariables: Readonly<Record<keyof ServerConfig, string>> = {
  host: 'RIDECAST_HOST',
  port: 'RIDECAST_PORT',
  models: 'RIDECAST_MODELS',
  model: 'RIDECAST_MODEL',
  logLevel: 'RIDECAST_LOG_LEVEL',
  bodyLimitBytes: 'RIDECAST_BODY_LIMIT_BYTES',
  shutdownSeconds: 'RIDECAST_SHUTDOWN_SECONDS',
}

/**
 * The settings from an environment, flags taking precedence.
 *
 * @param env environment variables; an empty one counts as not set
 * @param flags settings given otherwise; undefined ones count as not given
 * @throws config_invalid, naming every setting that is wrong
 */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Partial<Record<keyof ServerConfig, unknown>>> = {},
): ServerConfig {
  const given: Record<string, unknown> = {}
  for (const [key, variable] of Object.entries(configVariables)) {
    const value = flags[key as keyof ServerConfig] ?? env[variable]
    // An empty number would be read as 0, an empty line of an env file means nothing.
    if (value !== undefined && value !== '') given[key] = value
  }
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const faults = result.error.issues.map(({ path, message }) => {
    const key = path[0] as keyof ServerConfig
    return `${configVariables[key]} ${message}, found ${JSON.stringify(given[key])}`
  })
  throw new RidecastError('config_invalid', faults.join('; '), { cause: result.error })
}
