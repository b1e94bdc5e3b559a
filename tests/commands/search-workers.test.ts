/** `ridecast search --workers`: what does not depend on their number, and a search that Ctrl-C ends. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { searchCommand } from '../../src/commands/search.ts'
import { root } from '../command-line.ts'
import { printedBy } from './run-command.ts'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-workers-'))
  writeFileSync(
    join(cwd, 'few.yaml'),
    `name: few
model: trees
categorical: [PULocationID, DOLocationID]
numeric: [trip_distance]
trees: { rounds: 30, leaves: 8 }
`,
  )
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const rides = ['2021-01', '--data', join(root, 'data'), '--recipe', 'few.yaml', '--json'] as const
const params = [
  ...['--param', 'trees.leaves=3..31:log'],
  ...['--param', 'trees.learning_rate=0.01..0.5:log'],
] as const

interface FoundTrial {
  readonly state: string
  readonly rmse: number | null
  readonly point: object
}

let made = 0
async function trialsOf(...argv: string[]): Promise<readonly FoundTrial[]> {
  const study = ['--study', `study-${made++}`] as const
  const text = await printedBy(searchCommand, [...rides, ...params, ...study, ...argv], cwd)
  return JSON.parse(text).trials
}

describe('workers', () => {
  test.each([
    ['random', '2', ['--sampler', 'random', '--trials', '6']],
    ['grid', '3', ['--sampler', 'grid', '--points', '3', '--trials', '6']],
  ])('do not change a %s search that stops no trial', async (_, workers, argv) => {
    const alone = await trialsOf(...argv, '--no-prune')
    expect(new Set(alone.map(({ rmse }) => rmse)).size).toBe(6)
    expect(await trialsOf(...argv, '--no-prune', '--workers', workers)).toEqual(alone)
  })

  test('that stop poor trials try the same points, and score those alike that both finish', async () => {
    const argv = ['--sampler', 'random', '--trials', '12'] as const
    const alone = await trialsOf(...argv)
    const together = await trialsOf(...argv, '--workers', '2')
    expect(alone.map(({ state }) => state)).toContain('pruned')
    expect(together.map(({ point }) => point)).toEqual(alone.map(({ point }) => point))
    const both = alone.map((trial, k) => [trial, together[k] as FoundTrial] as const)
    for (const [one, other] of both) {
      if (one.state === 'finished' && other.state === 'finished') expect(other.rmse).toBe(one.rmse)
    }
  })

  test('in the same number give the same trials of a search that looks back', async () => {
    const argv = ['--sampler', 'tpe', '--trials', '12', '--workers', '2'] as const
    expect(await trialsOf(...argv)).toEqual(await trialsOf(...argv))
  })
})

describe('a search in threads that Ctrl-C ends', () => {
  /** Runs it in a process to its end, or sends SIGINT once so many trials have finished. */
  async function searched(study: string, interruptAfter?: number) {
    const argv = [...rides, ...params, '--workers', '2', '--trials', '8', '--study', study]
    const child = spawn('node', [join(root, 'bin/ridecast.mjs'), 'search', ...argv], {
      cwd,
      env: { ...process.env, MLFLOW_TRACKING_URI: '' },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (data) => {
      out += data
    })
    child.stderr.on('data', (data) => {
      err += data
    })
    const ended = once(child, 'close')
    const path = join(cwd, study, 'search.ndjson')
    const finished = (): number =>
      existsSync(path) ? (readFileSync(path, 'utf8').match(/"finished"/g) ?? []).length : 0
    if (interruptAfter !== undefined) {
      await expect
        .poll(finished, { timeout: 60_000, interval: 10 })
        .toBeGreaterThan(interruptAfter - 1)
      child.kill('SIGINT')
    }
    const [code] = await ended
    return { code, out, err }
  }

  test('says how to go on, and then finds what it would have found', async () => {
    const whole = await searched('whole')
    expect(whole.code, whole.err).toBe(0)
    const cut = await searched('interrupted', 2)
    expect(cut.code, cut.out).toBe(1)
    expect(cut.err).toContain('was interrupted and keeps its trials')
    const rest = await searched('interrupted')
    expect(rest.code, rest.err).toBe(0)
    expect(rest.err).toMatch(/going on after \d+ trials/)
    expect(JSON.parse(rest.out).trials).toEqual(JSON.parse(whole.out).trials)
  })
})
