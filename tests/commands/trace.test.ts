import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRegistry } from '../../src/registry.ts'
import { ridecast } from '../command-line.ts'
import { listening } from '../serve/listening.ts'
import { zonesAndDistance } from '../serve/small-model.ts'

let folder: string
let id: string
let file: string

/** A prediction of a registered version, logged and told of as a server does. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-trace-'))
  const { version } = await openRegistry(join(folder, 'models')).save('small', zonesAndDistance)
  const app = await listening(zonesAndDistance)
  const headers = { 'Content-Type': 'application/json' }
  const body =
    '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.5,"pickup_datetime":"2021-02-03T08:15"}'
  const response = await fetch(`${app.url}/predict`, { method: 'POST', headers, body })
  id = response.headers.get('ridecast-prediction-id') as string
  const told = JSON.stringify({ prediction_id: id, duration: 18 })
  await fetch(`${app.url}/feedback`, { method: 'POST', headers, body: told })
  await app.service.close()
  // The model of the test has a version of its own; the log of a server names that of the registry.
  const [day, process] = [id.slice(0, 8), id.slice(9, 17)]
  const dated = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`
  const copy = (kind: string): string => {
    const text = readFileSync(join(app.folder, kind, dated, `${process}.ndjson`), 'utf8')
    const to = join(folder, 'state', kind, dated)
    mkdirSync(to, { recursive: true })
    writeFileSync(join(to, `${process}.ndjson`), text.replace('0123456789ab', version))
    return join(to, `${process}.ndjson`)
  }
  file = copy('predictions')
  copy('feedback')
  await app.close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const trace = (...more: string[]) => ridecast(['trace', ...more], { cwd: folder })

test('tells version, files, what was asked and told, and predicts it again', async () => {
  const { code, stdout, stderr } = await trace(id, '--json')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    prediction: {
      id,
      arm: 'champion',
      duration: 16,
      inputs: { pickup_datetime: '2021-02-03T08:15:00' },
    },
    feedback: { duration: 18 },
    model: { name: 'small', kind: 'linear' },
    recipe: { name: 'plain' },
    trained_on: [{ file: 'green_tripdata_2021-01.parquet', sha256: 'ab'.repeat(32) }],
    run: null,
    again: { same: true, duration: 16 },
  })
  const page = await trace(id)
  expect(page.stdout).toContain('Central Park (43)')
  expect(page.stdout).toMatch(/took +18 minutes/)
  expect(page.stdout).toMatch(/again +the same number, to the last bit/)
})

test('another number than the log has is refused with 3', async () => {
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace('"duration":16', '"duration":16.000000000000004'))
  const { code, stdout, stderr } = await trace(id)
  writeFileSync(file, text)
  expect(code).toBe(3)
  expect(stdout).toContain('another number: 16 minutes')
  expect(stderr).toContain('[prediction_differs]')
})

test.each(['20261122-00000000-0', 'nonsense', '../../models'])('%s is not found', async (wrong) => {
  const { code, stderr } = await trace(wrong)
  expect(code).toBe(1)
  expect(stderr).toContain(`prediction ${wrong} is not in the log in`)
  expect(stderr).toContain('[prediction_not_found]')
})
