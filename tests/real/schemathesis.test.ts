/**
 * Schemathesis against the running server and its own `/openapi.json`: requests that follow the
 * document and requests that do not, and every answer held against it.
 */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { zonesAndDistance } from '../serve/small-model.ts'
import { pythonEnvironment, pythonProgram } from './parts.ts'
import { type Served, served } from './served.ts'

const token = 'of-the-test'
let server: Served
let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-schemathesis-'))
  server = await served(zonesAndDistance, {
    RIDECAST_ADMIN_TOKENS_SHA256: createHash('sha256').update(token).digest('hex'),
    RIDECAST_LOG_LEVEL: 'warn',
  })
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const config = `
# A schema cannot say all that a ride has to be: that a text is a time, that an interval needs a model
# with intervals, that a prediction was given.
[checks.positive_data_acceptance]
enabled = false

# A row that is no ride is answered with its faults: the batch as such is not refused.
[[operations]]
include-name = "POST /predict/batch"
[operations.checks.negative_data_rejection]
enabled = false
`

function run(args: readonly string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const options = { env: pythonEnvironment() as NodeJS.ProcessEnv, cwd: folder, timeout: 280_000 }
    execFile(pythonProgram('st'), args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, said: stdout + stderr })
    })
  })
}

test('it finds no 5xx and no answer that is not in the document', async () => {
  const file = join(folder, 'schemathesis.toml')
  writeFileSync(file, config)
  const { code, said } = await run([
    ...['--config-file', file, 'run', `${server.url}/openapi.json`],
    ...['--header', `Authorization: Bearer ${token}`],
    ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '20', '--max-time', '90'],
    ...['--seed', '20210101', '--no-shrink', '--continue-on-failure', '--request-timeout', '20'],
  ])
  const of = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? 0)
  expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' })
  // It has really asked: 30 routes and more, about a hundred requests each.
  expect(of(/Tested: (\d+)/)).toBeGreaterThanOrEqual(28)
  expect(of(/(\d+) generated/)).toBeGreaterThan(1000)
  // Nothing went wrong inside that an answer does not show.
  expect(server.said()).not.toMatch(/"level":"(error|fatal)"/)
})
