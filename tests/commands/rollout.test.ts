import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rolloutCommand } from '../../src/commands/rollout.ts'
import { isRidecastError } from '../../src/errors.ts'
import { openRegistry, type Registry } from '../../src/registry.ts'
import type { RolloutDocument } from '../../src/serve/rollout/document.ts'
import { demanding, renamed } from '../serve/rollout/versions.ts'
import { zonesAndDistance } from '../serve/small-model.ts'
import { runCommand } from './run-command.ts'

const name = 'green-duration'
let folder: string
let registry: Registry
let first: string
let second: string
let out: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-rollout-command-'))
  registry = openRegistry(join(folder, 'models'))
  first = (await registry.save(name, zonesAndDistance)).version
  second = (await registry.save(name, renamed('second'))).version
  await registry.promote(name, first)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function rollout(...argv: string[]): Promise<void> {
  out = ''
  await runCommand(rolloutCommand, argv, folder, {
    out: (text) => {
      out += text
    },
    err: () => {},
  })
}

/** What a command printed with --json. */
async function told(...argv: string[]): Promise<RolloutDocument | null> {
  await rollout(...argv, '--json')
  expect(out).toMatch(/^\{.*\}\n$/)
  return (JSON.parse(out) as { rollout: RolloutDocument | null }).rollout
}

/** Code and message of the error that a command ends in. */
async function failure(...argv: string[]): Promise<[string, string]> {
  try {
    await rollout(...argv)
  } catch (error) {
    if (isRidecastError(error)) return [error.code, error.message]
    throw error
  }
  throw new Error('expected a failure')
}

describe('on folders', () => {
  test('nothing is there before the first change', async () => {
    await rollout('status')
    expect(out).toBe('no rollout yet: ridecast rollout start <version>\n')
    expect(await told('status')).toBeNull()
  })

  test('a canary is started by the start of a version, gone on with and promoted', async () => {
    const rules = ['--rule', 'min_seconds=60', '--rule', 'max_psi=off']
    const started = await told('start', second.slice(0, 8), '--steps', '10,50', ...rules)
    expect(started).toMatchObject({
      mode: 'canary',
      status: 'running',
      champion: first,
      challenger: second,
      steps: [0.1, 0.5],
      share: 0.1,
      step: 1,
    })
    expect(started?.rules).toMatchObject({ min_seconds: 60, max_psi: null, min_predictions: 500 })
    expect(await told('advance')).toMatchObject({ share: 0.5, step: 2 })
    const promoted = await told('advance', '--reason', 'fine')
    expect(promoted).toMatchObject({ status: 'promoted' })
    expect((await registry.resolve(name)).version).toBe(second)
    expect((await registry.history(name)).at(-1)?.reason).toBe('canary: fine')
  })

  test('every other change is a verb of its own', async () => {
    expect(await told('start', second, '--mode', 'ab', '--share', '20')).toMatchObject({
      mode: 'ab',
      share: 0.2,
    })
    expect(await told('pause')).toMatchObject({ status: 'paused' })
    expect(await told('resume')).toMatchObject({ status: 'running' })
    expect(await told('rollback', '--reason', 'no')).toMatchObject({ status: 'rolled_back' })
    expect(await told('start', second, '--mode', 'shadow')).toMatchObject({ share: 1 })
    expect(await told('stop')).toMatchObject({ status: 'stopped' })
    expect(await told('start', second)).toMatchObject({ share: 0.01 })
    expect(await told('promote')).toMatchObject({ status: 'promoted' })
    expect(await told('back')).toMatchObject({ mode: 'blue-green', champion: first })
    expect(await told('switch', second)).toMatchObject({ champion: second, status: 'idle' })
    const { history } = (await told('status')) as RolloutDocument
    expect(history.map(({ event }) => event)).toEqual(
      ['started', 'paused', 'resumed', 'rolled_back', 'started', 'stopped', 'started'].concat([
        'promoting',
        'promoted',
        'switched_back',
        'switched',
      ]),
    )
  })

  test('the text names versions, shares, numbers and the history', async () => {
    await rollout('start', second, '--reason', 'new month')
    await rollout('status')
    expect(out).toContain(`${name}  canary  running`)
    expect(out).toMatch(/share +1 %, step 1 of 1 %, 5 %, 25 %, 50 %, 100 %/)
    expect(out).toMatch(/challenger_predictions +0/)
    expect(out).toMatch(/1 +2021-03-02 00:00:00 +started +[0-9a-f]{12} +person +new month/)
  })

  test('a version that must not take traffic is refused, on record', async () => {
    const { version } = await registry.save(name, demanding)
    const [code, message] = await failure('start', version)
    expect(code).toBe('version_refused')
    expect(message).toMatch(/takes no traffic: it needs .*passenger_count/)
    expect((await told('status'))?.history).toMatchObject([{ event: 'refused', version }])
  })

  test.each([
    [['start', 'SECOND', '--steps', '1,x'], 'usage_invalid', /--steps must be percents/],
    [['start', 'SECOND', '--steps', '50,10'], 'rollout_impossible', /steps must grow/],
    [['start', 'SECOND', '--share', '120'], 'usage_invalid', /--share must be percents/],
    [['start', 'SECOND', '--share', '10'], 'rollout_impossible', /takes steps, not a share/],
    [['start', 'SECOND', '--rule', 'max_shift'], 'usage_invalid', /rule "max_shift" must be/],
    [['start', 'SECOND', '--rule', 'best=1'], 'usage_invalid', /rules is wrong: .*"best"/],
    [['start', 'SECOND', '--rule', 'max_psi=-1'], 'usage_invalid', /rules.max_psi is wrong/],
    [['start', 'ffffffff'], 'model_not_found', /ffffffff/],
    [['advance'], 'rollout_impossible', /there is none/],
    [['status', '--url', 'nowhere'], 'usage_invalid', /--url must be an address/],
    [['stop', '--reason', 'two\nlines'], 'usage_invalid', /one line/],
  ])('%j is refused with words', async (argv, code, message) => {
    const given = argv.map((text) => (text === 'SECOND' ? second : text))
    const found = await failure(...given)
    expect(found[0]).toBe(code)
    expect(found[1]).toMatch(message)
  })
})

describe('over a server', () => {
  let url: string
  let seen: { method: string; authorization: string; body: unknown }[]
  let answer: { status: number; body: unknown }
  let close: () => Promise<void>

  const read = async (request: IncomingMessage): Promise<string> => {
    let text = ''
    for await (const part of request) text += part
    return text
  }

  beforeEach(async () => {
    seen = []
    answer = { status: 200, body: { rollout: null } }
    const server = createServer(async (request, response) => {
      const text = await read(request)
      expect(request.url).toBe('/admin/rollout')
      seen.push({
        method: request.method ?? '',
        authorization: request.headers.authorization ?? '',
        body: text === '' ? undefined : JSON.parse(text),
      })
      response
        .writeHead(answer.status)
        .end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    close = async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  })
  afterEach(() => close())

  test('a request goes with its token', async () => {
    await rollout('start', '3f9c2a71', '--url', url, '--token', 'secret', '--steps', '10,100')
    await rollout('status', '--url', url)
    expect(seen).toEqual([
      {
        method: 'POST',
        authorization: 'Bearer secret',
        body: { action: 'start', mode: 'canary', version: '3f9c2a71', steps: [0.1, 1] },
      },
      { method: 'GET', authorization: '', body: undefined },
    ])
  })

  test.each([
    [401, { detail: 'request needs a token' }, 'server_unauthorized', /RIDECAST_TOKEN/],
    [409, { code: 'version_refused', detail: 'no' }, 'version_refused', /^no$/],
    [409, { code: 'rollout_impossible', detail: 'none' }, 'rollout_impossible', /none$/],
    [422, { detail: 'x', errors: [{ message: 'a' }, { message: 'b' }] }, 'usage_invalid', /a; b$/],
    [502, '<html>', 'server_failed', /status 502$/],
  ])('an answer of %d is told', async (status, body, code, message) => {
    answer = { status, body }
    const found = await failure('promote', '--url', url)
    expect(found[0]).toBe(code)
    expect(found[1]).toMatch(message)
  })

  test('that is away is named', async () => {
    await close()
    const [code, message] = await failure('status', '--url', url)
    expect(code).toBe('server_unreachable')
    expect(message).toContain(`server ${url} does not answer: `)
    // For the hook after each test.
    close = async () => {}
  })
})
