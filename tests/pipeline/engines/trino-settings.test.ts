/** Settings of Trino: flags over environment, and every fault at once, without the secrets. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import {
  type EngineFlags,
  engineOptions,
  engineSettingsOf,
} from '../../../src/commands/engine-flags.ts'
import type { Io } from '../../../src/commands/io.ts'
import type { EngineSettings } from '../../../src/pipeline/engines/engines.ts'
import { openTrinoEngine } from '../../../src/pipeline/engines/trino.ts'
import { trinoSettings } from '../../../src/pipeline/engines/trino-settings.ts'

const address = 'https://trino.example.com:8443'

/** The message of settings that are refused. */
function faults(...[flags, environment]: Parameters<typeof trinoSettings>): string {
  try {
    trinoSettings(flags, environment)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('they were accepted')
}

describe('the settings of Trino', () => {
  test('have presets for all but the address', () => {
    expect(trinoSettings({ trinoAddress: `${address}/` }, {})).toEqual({
      address,
      catalog: 'hive',
      schema: 'default',
      table: '{fleet}',
      user: 'ridecast',
      password: undefined,
      proxy: { http: undefined, https: undefined, none: 'localhost,127.0.0.1,::1' },
      token: undefined,
      tls: { verify: true, ca: undefined },
      deadlineSeconds: 300,
      retries: 2,
      note: undefined,
    })
  })

  test('come from flags before the environment; empty is not set', () => {
    const environment = {
      TRINO_ADDRESS: 'http://127.0.0.1:8080',
      TRINO_CATALOG: 'lake',
      TRINO_SCHEMA: 'tlc',
      TRINO_TABLE: 'rides_{fleet}',
      TRINO_USER: 'ali',
      TRINO_PASSWORD: 'open sesame',
      TRINO_TOKEN: '',
      TRINO_DEADLINE: '60',
      TRINO_RETRIES: '0',
      TRINO_INSECURE: 'true',
    }
    const settings = trinoSettings({ trinoCatalog: 'mine', trinoDeadline: '7.5' }, environment)
    expect(settings).toMatchObject({
      address: 'http://127.0.0.1:8080',
      catalog: 'mine',
      schema: 'tlc',
      table: 'rides_{fleet}',
      user: 'ali',
      password: 'open sesame',
      token: undefined,
      tls: { verify: false },
      deadlineSeconds: 7.5,
      retries: 0,
    })
  })

  test('with a token leave the user to it', () => {
    expect(trinoSettings({ trinoAddress: address }, { TRINO_TOKEN: 't' }).user).toBeUndefined()
    const both = { TRINO_TOKEN: 't', TRINO_USER: 'ali' }
    expect(trinoSettings({ trinoAddress: address }, both).user).toBe('ali')
  })

  test('read the authority from its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ridecast-trino-'))
    const path = join(folder, 'ca.pem')
    writeFileSync(path, 'PEM')
    expect(trinoSettings({ trinoAddress: address, trinoCa: path }, {}).tls.ca).toBe('PEM')
    rmSync(folder, { recursive: true })
    expect(faults({ trinoAddress: address, trinoCa: path }, {})).toContain(`found ${path}: ENOENT`)
  })

  test('are refused with all their faults at once', () => {
    const found = faults(
      { trinoDeadline: '0' },
      { TRINO_PASSWORD: 'open sesame', TRINO_TOKEN: 'bearer', TRINO_RETRIES: 'many' },
    )
    expect(found.split('; ')).toEqual([
      expect.stringContaining('exclude each other'),
      expect.stringContaining('TRINO_PASSWORD needs a user'),
      expect.stringContaining('trino needs an address'),
      expect.stringContaining('TRINO_DEADLINE must be a number from 1 to 86400, found "0"'),
      expect.stringContaining('TRINO_RETRIES must be a number from 0 to 86400, found "many"'),
    ])
    expect(found).not.toMatch(/open sesame|bearer/)
  })

  test.each([
    ['trino.example.com', /without a path/],
    ['ftp://trino.example.com', /without a path/],
    ['https://trino.example.com/ui/', /without a path/],
    ['https://trino.example.com?x=open', /without a path/],
    ['https://ali:open@trino.example.com', /must not hold a user or password/],
    ['http://ali:open@trino.example.com/ui', /without a path/],
  ])('refuse the address %s without repeating it', (wrong, why) => {
    const found = faults({ trinoAddress: wrong }, {})
    expect(found).toMatch(why)
    expect(found).not.toContain('open')
  })

  test('refuse to send a secret over http, but to this machine', () => {
    for (const secret of ['TRINO_PASSWORD', 'TRINO_TOKEN']) {
      const environment = { TRINO_USER: 'ali', [secret]: 'open sesame' }
      expect(faults({ trinoAddress: 'http://10.0.0.1:8080' }, environment)).toMatch(/must be https/)
      for (const local of ['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080']) {
        expect(trinoSettings({ trinoAddress: local }, environment).address).toBe(local)
      }
    }
    expect(trinoSettings({ trinoAddress: 'http://10.0.0.1:8080' }, {}).password).toBeUndefined()
  })

  test('refuse what is not one line, or not true or false', () => {
    const environment = { TRINO_TOKEN: 'open\r\nsesame', TRINO_INSECURE: 'perhaps' }
    const found = faults({ trinoAddress: address }, environment)
    expect(found).toBe(
      'TRINO_TOKEN must be one line; TRINO_INSECURE must be true or false, found "perhaps"',
    )
  })

  test('are asked for by the engine', async () => {
    await expect(openTrinoEngine(undefined)).rejects.toMatchObject({ code: 'config_invalid' })
  })
})

describe('the flags of engines', () => {
  const io: Io = {
    out() {},
    err: (text) => said.push(text),
    interactive: false,
    colors: pc.createColors(false),
    env: { TRINO_ADDRESS: address, TRINO_USER: 'ali', TRINO_PASSWORD: 'open sesame' },
    cwd: '/',
    now: () => new Date(0),
  }
  const said: string[] = []
  const settingsOf = (...argv: string[]): EngineSettings => {
    const command = engineOptions(new Command().exitOverride().configureOutput({ writeErr() {} }))
    command.parse(argv, { from: 'user' })
    return engineSettingsOf(io, command.opts<EngineFlags>())
  }

  test('are read where Trino is chosen, and its notes are told', () => {
    const { trino } = settingsOf('--engine', 'trino', '--trino-schema', 'tlc', '--trino-insecure')
    expect(trino).toMatchObject({ address, schema: 'tlc', password: 'open sesame' })
    expect(trino?.tls.verify).toBe(false)
    trino?.note?.('once more')
    expect(said).toEqual(['note: once more\n'])
  })

  test('matter to no other engine, and those of Trino are refused with one', () => {
    expect(settingsOf()).toEqual({})
    expect(settingsOf('--engine', 'arrow')).toEqual({})
    expect(() => settingsOf('--trino-address', address)).toThrow(
      '--trino-address is for the engine trino, found --engine auto: add --engine trino',
    )
  })

  test('know the engines, and take no secret', () => {
    expect(() => settingsOf('--engine', 'abacus')).toThrow(/Allowed choices are auto, arrow/)
    expect(() => settingsOf('--engine', 'trino', '--trino-password', 'x')).toThrow(/unknown option/)
  })
})
