/** Settings of a server from its address and MLflow's variables. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isServerUri, mlflowSettings } from '../../../src/tracking/mlflow/settings.ts'

const uri = 'http://127.0.0.1:5000'
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

/** The message of a refusal. */
function faultsOf(address: string, environment: Record<string, string> = {}): string {
  try {
    mlflowSettings(address, environment)
  } catch (error) {
    expect(error).toMatchObject({ code: 'config_invalid' })
    return (error as Error).message
  }
  return expect.unreachable('the settings were taken')
}

describe('the address', () => {
  it.each([
    ['http://127.0.0.1:5000', true],
    ['HTTPS://mlflow.example/x', true],
    ['runs', false],
    ['file:///runs', false],
    ['sqlite:///mlflow.db', false],
    ['', false],
  ])('%s is that of a server: %s', (text, expected) => {
    expect(isServerUri(text)).toBe(expected)
  })

  it.each([
    ['http://127.0.0.1:5000/', 'http://127.0.0.1:5000'],
    ['https://mlflow.example/team/mlflow//', 'https://mlflow.example/team/mlflow'],
    ['https://ann:pw@mlflow.example:8443/?a=b#c', 'https://mlflow.example:8443'],
  ])('of %s is %s', (given, expected) => {
    expect(mlflowSettings(given, {}).uri).toBe(expected)
  })

  it.each(['http://', 'mlflow.example', 'http://ann:topsecret@'])(
    'refuses %s without repeating it',
    (given) => {
      const message = faultsOf(given)
      expect(message).toContain('must be one such as http://127.0.0.1:5000')
      expect(message).not.toContain('topsecret')
    },
  )
})

describe('who asks', () => {
  it.each([
    ['nobody', uri, {}, undefined],
    ['a token', uri, { MLFLOW_TRACKING_TOKEN: 'abc' }, 'Bearer abc'],
    [
      'a name and password',
      uri,
      { MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'pw' },
      basic('ann:pw'),
    ],
    [
      'a name and password before a token',
      uri,
      {
        MLFLOW_TRACKING_USERNAME: 'ann',
        MLFLOW_TRACKING_PASSWORD: 'pw',
        MLFLOW_TRACKING_TOKEN: 'abc',
      },
      basic('ann:pw'),
    ],
    ['a name alone is nobody', uri, { MLFLOW_TRACKING_USERNAME: 'ann' }, undefined],
    ['the address', 'http://ann:p%C3%A9%3A@h:1', {}, basic('ann:pé:')],
    ['an address with a stray %', 'http://ann:100%@h:1', {}, basic('ann:100%')],
    [
      'the environment before the address',
      'http://ann:pw@h:1',
      { MLFLOW_TRACKING_USERNAME: 'bob', MLFLOW_TRACKING_PASSWORD: 'other' },
      basic('bob:other'),
    ],
  ])('%s', (_, address, environment, expected) => {
    expect(mlflowSettings(address, environment).authorization).toBe(expected)
  })

  it('refuses a token that is no header, without repeating it', () => {
    const message = faultsOf(uri, { MLFLOW_TRACKING_TOKEN: 'topsecret\r\nx: y' })
    expect(message).toContain('MLFLOW_TRACKING_TOKEN')
    expect(message).not.toContain('topsecret')
  })
})

describe('the rest', () => {
  it('has the defaults of MLflow where nothing is set', () => {
    // MLflow 3.17: MLFLOW_HTTP_REQUEST_TIMEOUT is 120 s.
    expect(mlflowSettings(uri, { MLFLOW_WORKSPACE: '' })).toMatchObject({
      timeoutMs: 120_000,
      retries: 5,
      backoffMs: 250,
      workspace: undefined,
      tls: { verify: true, ca: undefined, cert: undefined },
      proxy: { http: undefined, https: undefined, none: 'localhost,127.0.0.1,::1' },
    })
  })

  it('reads numbers, flags, files and proxies', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ridecast-settings-'))
    try {
      const pem = join(folder, 'a.pem')
      writeFileSync(pem, 'PEM')
      const settings = mlflowSettings(uri, {
        MLFLOW_HTTP_REQUEST_TIMEOUT: '1.5',
        MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '2',
        MLFLOW_TRACKING_SERVER_CERT_PATH: pem,
        REQUESTS_CA_BUNDLE: join(folder, 'not-looked-at.pem'),
        MLFLOW_WORKSPACE: 'team',
        https_proxy: 'http://127.0.0.1:1',
        HTTPS_PROXY: 'http://127.0.0.1:2',
        NO_PROXY: '.example',
      })
      expect(settings).toMatchObject({
        timeoutMs: 1500,
        retries: 0,
        backoffMs: 2000,
        workspace: 'team',
        tls: { verify: true, ca: 'PEM' },
        proxy: { https: 'http://127.0.0.1:1', none: '.example,localhost,127.0.0.1,::1' },
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('accepts any certificate when told so', () => {
    for (const text of ['true', 'TRUE', '1']) {
      const { tls } = mlflowSettings(uri, { MLFLOW_TRACKING_INSECURE_TLS: text })
      expect(tls.verify).toBe(false)
    }
    expect(mlflowSettings(uri, { MLFLOW_TRACKING_INSECURE_TLS: 'false' }).tls.verify).toBe(true)
  })

  it('tells all faults at once', () => {
    const message = faultsOf('nowhere', {
      MLFLOW_HTTP_REQUEST_TIMEOUT: 'soon',
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '-1',
      MLFLOW_TRACKING_INSECURE_TLS: 'perhaps',
      MLFLOW_TRACKING_CLIENT_CERT_PATH: '/nowhere/me.pem',
      http_proxy: 'ann:topsecret@proxy:1',
    })
    expect(message.split('; ').map((fault) => fault.split(' ')[0])).toEqual(
      [
        'http_proxy',
        'MLFLOW_TRACKING_INSECURE_TLS',
        'address',
        'MLFLOW_TRACKING_CLIENT_CERT_PATH',
        'MLFLOW_HTTP_REQUEST_TIMEOUT',
        'MLFLOW_HTTP_REQUEST_MAX_RETRIES',
      ].sort((a, b) => message.indexOf(a) - message.indexOf(b)),
    )
    expect(message).not.toContain('topsecret')
  })

  it('refuses to both trust anybody and check a certificate', () => {
    const message = faultsOf(uri, {
      MLFLOW_TRACKING_INSECURE_TLS: 'true',
      MLFLOW_TRACKING_SERVER_CERT_PATH: '/a.pem',
    })
    expect(message).toContain('exclude each other')
  })
})
