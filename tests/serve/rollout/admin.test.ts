import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { RidecastError } from '../../../src/errors.ts'
import { createLog } from '../../../src/log.ts'
import { sendProblem } from '../../../src/serve/answer.ts'
import { adminRoutes } from '../../../src/serve/rollout/admin.ts'
import type { Rollout } from '../../../src/serve/rollout/controller.ts'
import type { RolloutDocument } from '../../../src/serve/rollout/document.ts'
import type { RolloutRequest } from '../../../src/serve/rollout/requests.ts'
import type { Service } from '../../../src/serve/routes.ts'
import { LogLines } from '../listening.ts'

const document = { model: 'm', mode: 'canary', status: 'running' } as RolloutDocument
let asked: RolloutRequest[]
let failure: unknown
let log: LogLines
let url: string
let close: () => Promise<void>

beforeEach(async () => {
  asked = []
  failure = undefined
  log = new LogLines()
  const rollout: Pick<Rollout, 'document' | 'change'> = {
    document: () => undefined,
    async change(request) {
      asked.push(request)
      if (failure !== undefined) throw failure
      return document
    },
  }
  const service = { config: readConfig({}), log: createLog('serve', 'info', log) }
  const routes = adminRoutes(service as Service, rollout as Rollout)
  expect(routes.map(({ access }) => access)).toEqual(['admin', 'admin'])
  const server = createServer(async (request, response) => {
    const route = routes.find(({ method, path }) => {
      return method === request.method && path === request.url
    })
    try {
      await route?.handler(request, response, {})
    } catch (error) {
      sendProblem(response, error)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/rollout`
  close = async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
})
afterEach(() => close())

async function post(body: unknown): Promise<{ status: number; document: Record<string, unknown> }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, document: (await response.json()) as Record<string, unknown> }
}

test('what goes on is null where nothing ever did', async () => {
  expect(await (await fetch(url)).json()).toEqual({ rollout: null })
})

test('a request is checked, filled up, carried out and logged', async () => {
  const answer = await post({ action: 'start', version: '3f9c2a71' })
  expect(answer).toEqual({ status: 200, document: { rollout: document } })
  expect(asked).toEqual([{ action: 'start', mode: 'canary', version: '3f9c2a71', reason: '' }])
  expect(log.lines[0]).toMatchObject({ event: 'rollout asked for', action: 'start' })
})

test.each([
  [{}, [['missing', '#/action']]],
  [[], [['wrong_type', '#']]],
  [{ action: 'explode' }, [['malformed', '#/action']]],
  [{ action: 'start' }, [['missing', '#/version']]],
  [
    { action: 'start', version: 7, steps: [0.5, 2], rules: { max_shift: 'x', 'a/b': 1 }, more: 1 },
    [
      ['wrong_type', '#/version'],
      ['out_of_range', '#/steps/1'],
      ['wrong_type', '#/rules/max_shift'],
      ['malformed', '#/rules/a~1b'],
      ['malformed', '#/more'],
    ],
  ],
  [{ action: 'stop', reason: 'two\nlines' }, [['malformed', '#/reason']]],
])('all faults of %j are told at once', async (body, expected) => {
  const { status, document: problem } = await post(body)
  expect(status).toBe(422)
  expect(problem.code).toBe('input_invalid')
  const errors = problem.errors as { code: string; pointer: string; message: string }[]
  expect(errors.map(({ code, pointer }) => [code, pointer])).toEqual(expected)
  expect(asked).toEqual([])
})

test.each([
  ['rollout_impossible', 409, 'rollout_impossible'],
  ['rollback_impossible', 409, 'rollout_impossible'],
  ['model_not_found', 409, 'rollout_impossible'],
  ['version_refused', 409, 'version_refused'],
  ['model_io', 500, 'internal'],
] as const)('%s is answered with %d %s', async (code, status, expected) => {
  failure = new RidecastError(code, 'this is why')
  const answer = await post({ action: 'promote' })
  expect(answer.status).toBe(status)
  expect(answer.document.code).toBe(expected)
  if (status === 409) expect(answer.document.detail).toBe('this is why')
})
