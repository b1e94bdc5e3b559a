/**
 * One definition of a feature: every kept ride of a real month, asked over HTTP, gets the very
 * number that the pipeline computes for it from the file.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { compileFeatures } from '../src/features.ts'
import { createLog } from '../src/log.ts'
import { planOf, RideSelector } from '../src/pipeline/plan.ts'
import { readRides } from '../src/pipeline/rides.ts'
import { openRegistry } from '../src/registry.ts'
import { type RunningServer, startServer } from '../src/serve/server.ts'
import { ridecast, root } from './command-line.ts'

let folder: string
let server: RunningServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-parity-'))
  const place = ['--models', join(folder, 'models'), '--runs', join(folder, 'runs')]
  const { code, stderr } = await ridecast(['train', '2021-01', '--json', ...place])
  expect([code, stderr]).toEqual([0, ''])
  const config = readConfig({}, { port: '0', models: join(folder, 'models') })
  server = await startServer(config, openRegistry(config.models), createLog('serve', 'silent'))
}, 120_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const wallClock = (micros: number): string => new Date(micros / 1000).toISOString().slice(0, 19)

test('every kept ride of February 2021 is answered as the pipeline computes it', async () => {
  const { model } = server.model.predictor
  const plan = planOf(model.recipe, compileFeatures(model.recipe))
  const selector = new RideSelector(plan)
  const rides: { body: string; expected: number }[] = []
  const path = join(root, 'data/green_tripdata_2021-02.parquet')
  const columns = ['PULocationID', 'DOLocationID', 'trip_distance'] as const
  for await (const batch of readRides(path, 'green', { required: columns, optional: [] })) {
    selector.forEach(batch, (i) => {
      const ride = Object.fromEntries(columns.map((name) => [name, batch.columns[name]?.[i]]))
      const pickup_datetime = wallClock(batch.pickup[i] as number)
      rides.push({
        body: JSON.stringify({ ...ride, pickup_datetime }),
        expected: Math.max(model.recipe.target.min, model.predict(batch, i)),
      })
    })
  }
  // The kept rides of the month, recomputed independently.
  expect(rides).toHaveLength(61_921)

  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const { port } = new URL(server.url)
  const ask = (body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': body.length }
      const options = { agent, port, host: '127.0.0.1', method: 'POST', path: '/predict', headers }
      request(options, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part) => {
          text += part
        })
        response.on('end', () => resolve((JSON.parse(text) as { duration: number }).duration))
      })
        .on('error', reject)
        .end(body)
    })
  let next = 0
  const different: unknown[] = []
  const worker = async (): Promise<void> => {
    for (let i = next++; i < rides.length; i = next++) {
      const { body, expected } = rides[i] as (typeof rides)[number]
      const duration = await ask(body)
      if (duration !== expected) different.push({ body, duration, expected })
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  agent.destroy()
  expect(different.slice(0, 5)).toEqual([])
}, 300_000)
