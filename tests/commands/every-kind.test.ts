/** Every kind of model says why and how sure it is, the same on the command line and over HTTP. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explainCommand } from '../../src/commands/explain.ts'
import { predictCommand } from '../../src/commands/predict.ts'
import { trainCommand } from '../../src/commands/train.ts'
import type { Explanation } from '../../src/predictor.ts'
import { openRegistry } from '../../src/registry.ts'
import { listening } from '../serve/listening.ts'
import { printedBy } from './run-command.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-kinds-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const said = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, argv, cwd)

const line = `categorical: [PULocationID, DOLocationID, hour_of_week]
numeric: [{ name: miles, of: trip_distance, steps: [{ clip: [0, 30] }] }]
l2: 3`
const trees = `categorical: [PULocationID, DOLocationID]
numeric: [trip_distance, hour]
trees: { rounds: 12, leaves: 8, learning_rate: 0.3 }`
const indented = (text: string): string => text.replaceAll('\n', '\n    ')
const kinds = {
  linear: line,
  trees: `model: trees\n${trees}`,
  forest: `model: forest\n${trees}`,
  ensemble: `model: ensemble
members:
  - name: line
    ${indented(line)}
  - name: few
    model: trees
    ${indented(trees)}`,
}

const ride = { PULocationID: 74, DOLocationID: 132, trip_distance: 17.5 }
const time = '2021-02-03T17:30'
const flags = ['--from', '74', '--to', '132', '--distance', '17.5', '--at', time] as const

describe.each(Object.entries(kinds))('a model of kind %s', (kind, text) => {
  let reference = ''
  beforeAll(async () => {
    writeFileSync(join(cwd, `${kind}.yaml`), `name: ${kind}\n${text}\nintervals: true\n`)
    const argv = ['--data', data, '--engine', 'arrow', '--recipe', `${kind}.yaml`, '--name', kind]
    const { model_version } = JSON.parse(await said(trainCommand, '2021-01', ...argv, '--json'))
    reference = `${kind}/${model_version}`
  })

  const predicted = async (): Promise<Explanation> => {
    const argv = [...flags, '--model', reference, '--interval', '0.9', '--json']
    return JSON.parse(await said(predictCommand, ...argv))
  }

  test('has contributions that add up to the prediction to the bit', async () => {
    const { intercept, contributions, total, duration } = await predicted()
    expect(contributions.length).toBeGreaterThan(2)
    expect(contributions.reduce((sum, { minutes }) => sum + minutes, intercept)).toBe(total)
    expect(duration).toBe(total)
  })

  test('has an interval around it', async () => {
    const { duration, interval } = await predicted()
    expect(interval?.coverage).toBe(0.9)
    expect(interval?.low).toBeLessThan(duration)
    expect(interval?.high).toBeGreaterThan(duration)
  })

  test('answers over HTTP what it says on the command line', async () => {
    const { documents } = await openRegistry(join(cwd, 'models')).load(reference)
    const app = await listening(documents)
    try {
      const response = await fetch(`${app.url}/predict?explain=true&interval=0.9`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...ride, pickup_datetime: time }),
      })
      const answer = (await response.json()) as Record<string, unknown>
      const { duration, interval, intercept, contributions, total } = await predicted()
      expect(answer).toMatchObject({
        duration,
        interval,
        explanation: { intercept, contributions, total },
      })
    } finally {
      await app.close()
    }
  })

  test('is explained by its largest effects', async () => {
    const effects = JSON.parse(await said(explainCommand, reference, '--json'))
    expect(JSON.stringify(effects)).toMatch(/trip_distance|miles/)
  })
})
