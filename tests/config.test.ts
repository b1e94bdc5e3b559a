import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { isRidecastError, messageOf } from '../src/errors.ts'

const defaults = {
  host: '127.0.0.1',
  port: 9696,
  models: 'models',
  model: 'green-duration',
  logLevel: 'info',
  bodyLimitBytes: 65_536,
  shutdownSeconds: 10,
  reloadSeconds: 5,
  state: 'state',
  predictionLog: true,
  predictionInputs: true,
  predictionDays: 30,
  predictionMebibytes: 4096,
  batchLimitBytes: 33_554_432,
  maxRequests: 1024,
  rateLimit: 0,
  tokens: [],
  adminTokens: [],
  tlsCert: '',
  tlsKey: '',
  corsOrigins: [],
  workers: 1,
}

/** The message of the config_invalid that this throws. */
function faultOf(...given: Parameters<typeof readConfig>): string {
  try {
    readConfig(...given)
  } catch (error) {
    expect(isRidecastError(error, 'config_invalid')).toBe(true)
    return messageOf(error)
  }
  throw new Error('expected config_invalid')
}

describe('readConfig', () => {
  test('without anything set gives the documented defaults', () => {
    expect(readConfig({})).toEqual(defaults)
  })

  test('takes every setting from its variable, numbers as numbers', () => {
    const config = readConfig({
      RIDECAST_HOST: '::1',
      RIDECAST_PORT: '0',
      RIDECAST_MODELS: '/srv/my models',
      RIDECAST_MODEL: 'yellow-duration@champion',
      RIDECAST_LOG_LEVEL: 'silent',
      RIDECAST_BODY_LIMIT_BYTES: '1024',
      RIDECAST_SHUTDOWN_SECONDS: '0',
      RIDECAST_RELOAD_SECONDS: '60',
      RIDECAST_STATE: '/var/lib/ridecast',
      RIDECAST_PREDICTION_LOG: 'off',
      RIDECAST_PREDICTION_INPUTS: 'off',
      RIDECAST_PREDICTION_DAYS: '7',
      RIDECAST_PREDICTION_MEBIBYTES: '100',
      RIDECAST_BATCH_LIMIT_BYTES: '4096',
      RIDECAST_MAX_REQUESTS: '64',
      RIDECAST_RATE_LIMIT: '600',
      RIDECAST_TOKENS_SHA256: `${'ab'.repeat(32)}, ${'cd'.repeat(32)}`,
      RIDECAST_ADMIN_TOKENS_SHA256: 'ef'.repeat(32),
      RIDECAST_TLS_CERT: 'server.pem',
      RIDECAST_TLS_KEY: 'server.key',
      RIDECAST_CORS_ORIGINS: 'https://rides.example,http://localhost:3000',
      RIDECAST_WORKERS: '4',
      HOME: '/root',
    })
    expect(config).toEqual({
      host: '::1',
      port: 0,
      models: '/srv/my models',
      model: 'yellow-duration@champion',
      logLevel: 'silent',
      bodyLimitBytes: 1024,
      shutdownSeconds: 0,
      reloadSeconds: 60,
      state: '/var/lib/ridecast',
      predictionLog: false,
      predictionInputs: false,
      predictionDays: 7,
      predictionMebibytes: 100,
      batchLimitBytes: 4096,
      maxRequests: 64,
      rateLimit: 600,
      tokens: ['ab'.repeat(32), 'cd'.repeat(32)],
      adminTokens: ['ef'.repeat(32)],
      tlsCert: 'server.pem',
      tlsKey: 'server.key',
      corsOrigins: ['https://rides.example', 'http://localhost:3000'],
      workers: 4,
    })
  })

  test('flags win over variables, and a flag that is not given does not', () => {
    const environment = { RIDECAST_PORT: '1000', RIDECAST_HOST: '0.0.0.0' }
    const config = readConfig(environment, { port: '2000', host: undefined, logLevel: 'warn' })
    expect(config).toEqual({ ...defaults, port: 2000, host: '0.0.0.0', logLevel: 'warn' })
  })

  test('an empty variable counts as not set, as compose files write it', () => {
    expect(readConfig({ RIDECAST_PORT: '', RIDECAST_MODEL: '' })).toEqual(defaults)
  })

  test('names every fault at once, by the flag or variable it came from', () => {
    const message = faultOf(
      {
        RIDECAST_HOST: 'two words',
        RIDECAST_BODY_LIMIT_BYTES: '64kb',
        RIDECAST_SHUTDOWN_SECONDS: '-1',
        RIDECAST_PORT: '9696',
      },
      { port: '65536', logLevel: 'loud', model: '' },
    )
    expect(message.split('; ')).toEqual([
      'RIDECAST_HOST must be an address or host name, found "two words"',
      '--port must be an integer from 0 to 65535, found "65536"',
      '--model must be a name, name@alias, name/version or folder, found ""',
      '--log-level must be one of silent, fatal, error, warn, info, debug, trace, found "loud"',
      'RIDECAST_BODY_LIMIT_BYTES must be an integer from 1 to 67108864, found "64kb"',
      'RIDECAST_SHUTDOWN_SECONDS must be an integer from 0 to 3600, found "-1"',
    ])
  })

  test.each(['9696.5', '0x10', ' 1', '1e3', '99999999999999999999', 'NaN'])(
    'refuses the port "%s" and says so once',
    (port) => {
      expect(faultOf({ RIDECAST_PORT: port })).toBe(
        `RIDECAST_PORT must be an integer from 0 to 65535, found "${port}"`,
      )
    },
  )

  test('explains the address that Kubernetes puts into RIDECAST_PORT', () => {
    expect(faultOf({ RIDECAST_PORT: 'tcp://10.0.0.1:9696' })).toContain('enableServiceLinks')
  })
})
