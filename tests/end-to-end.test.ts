/** The whole product as a person meets it: the command line, the registry, HTTP. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, ridecast, serve } from './command-line.ts'

const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.01 }

describe('train, promote, serve, predict, train again, promote, roll back', () => {
  let folder: string
  let place: string[]
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ridecast-e2e-'))
    place = ['--models', join(folder, 'models')]
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const train = async (...args: string[]): Promise<Record<string, unknown>> => {
    const runs = ['--runs', join(folder, 'runs')]
    const { code, stdout, stderr } = await ridecast([
      'train',
      '2021-01',
      '--json',
      ...place,
      ...runs,
      ...args,
    ])
    expect(stderr).toBe('')
    expect(code).toBe(0)
    return JSON.parse(stdout) as Record<string, unknown>
  }
  const predict = async (reference: string): Promise<Record<string, unknown>> => {
    const args = [
      '--from',
      '43',
      '--to',
      '151',
      '--distance',
      '1.01',
      '--json',
      '--model',
      reference,
    ]
    const { stdout } = await ridecast(['predict', ...args, ...place])
    return JSON.parse(stdout) as Record<string, unknown>
  }
  const served = async (): Promise<Record<string, unknown>> => {
    const server = await serve(place)
    try {
      const health = await fetch(`${server.url}/health/ready`)
      expect(health.status).toBe(200)
      return await ask(server.url, ride)
    } finally {
      expect(await server.stop()).toBe(0)
    }
  }

  test('the champion is what is served, whichever version that is', async () => {
    const pairs = await train('--recipe', 'pairs')
    expect(pairs.champion).toBe(true)
    const first = await served()
    expect(first).toEqual({
      status: 200,
      duration: (await predict('green-duration')).duration,
      model_version: pairs.model_version,
    })

    const standard = await train()
    expect(standard.champion).toBe(false)
    expect((await served()).model_version).toBe(pairs.model_version)

    const promoted = await ridecast([
      'models',
      'promote',
      `green-duration/${standard.model_version}`,
      ...place,
    ])
    expect(promoted.code).toBe(0)
    expect(promoted.stdout).toContain(
      `green-duration@champion is now ${standard.model_version} (was ${pairs.model_version})`,
    )
    const second = await served()
    expect(second.model_version).toBe(standard.model_version)
    expect(second.duration).toBe((await predict('green-duration')).duration)
    expect(second.duration).not.toBe(first.duration)

    const back = await ridecast(['models', 'rollback', 'green-duration', ...place])
    expect(back.code).toBe(0)
    expect(await served()).toEqual(first)

    const again = await train('--recipe', 'pairs', '--promote')
    expect(again.model_version).toBe(pairs.model_version)
    expect(again.champion).toBe(true)

    const verify = await ridecast(['models', 'verify', ...place])
    expect(verify.code).toBe(0)
    const runs = await ridecast(['runs', 'list', '--json', '--runs', join(folder, 'runs')])
    expect((JSON.parse(runs.stdout) as { total: number }).total).toBe(3)
  })

  test('two trainings at once do not disturb each other', async () => {
    const [plain, pairs] = await Promise.all([
      train('--recipe', 'plain', '--name', 'race'),
      train('--recipe', 'pairs', '--name', 'race'),
    ])
    expect([plain?.champion, pairs?.champion].filter(Boolean)).toHaveLength(1)
    const { code } = await ridecast(['models', 'verify', ...place])
    expect(code).toBe(0)
  })
})

describe('wrong usage exits with 2 and a line that helps', () => {
  test.each([
    [['train', '2021-13'], /month/],
    [['train', '2999-01'], /future/],
    [['train', '202101'], /YYYY-MM/],
    [['train'], /name a month/],
    [
      ['train', '2021-01', '--recipe', 'nothing'],
      /expected one of at-request, best, linear, pairs, plain, standard, trees/,
    ],
    [['train', '2021-01', '--nonsense'], /unknown option/],
    [['train', '2021-01', '--set', 'l2=minus'], /l2/],
    [['train', '2021-01', '--set', 'numeric=[fare_amount]'], /only after the ride/],
    [['train', '2021-01', '--engine', 'warp'], /Allowed choices are/],
    [['predict', '--from', 'Centrl Park', '--to', '151'], /did you mean Central Park \(43\)/],
    [['nonsense'], /unknown command/],
  ])('ridecast %j', async (args, said) => {
    const { code, stdout, stderr } = await ridecast(args)
    expect(stderr).toMatch(said)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('failures exit with 1, name their code and leave nothing behind', () => {
  test('a month that cannot be downloaded names address, folder and what to do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ridecast-offline-'))
    const args = ['train', '2022-05', '--data', folder, '--base-url', 'http://127.0.0.1:9']
    const { code, stderr } = await ridecast([...args, '--runs', join(folder, 'runs')])
    expect(code).toBe(1)
    expect(stderr).toContain('[source_unreachable]')
    expect(stderr).toContain('http://127.0.0.1:9/green_tripdata_2022-05.parquet')
    expect(stderr).toContain(folder)
    rmSync(folder, { recursive: true })
  })

  test('a server without a model says what to run', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ridecast-empty-'))
    const { code, stderr, stdout } = await ridecast(['serve', '--port', '0', '--models', folder])
    expect(code).toBe(1)
    expect(`${stderr}${stdout}`).toMatch(/train 2021-01/)
    rmSync(folder, { recursive: true })
  })
})

describe('help', () => {
  test.each(['train', 'predict', 'explain', 'evaluate', 'serve', 'models', 'runs'])(
    'ridecast %s --help has examples and exits with 0',
    async (verb) => {
      const { code, stdout } = await ridecast([verb, '--help'])
      expect(code).toBe(0)
      expect(stdout).toContain('Examples:')
      expect(stdout).toContain(`ridecast ${verb}`)
    },
  )

  test('--print-recipe prints the composed recipe and trains nothing', async () => {
    const { code, stdout } = await ridecast([
      'train',
      '--print-recipe',
      '--recipe',
      'plain',
      '--set',
      'l2=5',
    ])
    expect(code).toBe(0)
    expect(stdout).toContain('l2: 5')
    expect(stdout).toContain('name: plain')
  })

  test('the version is the one of package.json', async () => {
    const { stdout } = await ridecast(['--version'])
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
