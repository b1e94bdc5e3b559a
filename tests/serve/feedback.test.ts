import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RecentPredictions } from '../../src/serve/feedback.ts'
import { predictionNames } from '../../src/serve/prediction-id.ts'
import { findFeedback, findPrediction } from '../../src/serve/prediction-search.ts'
import type { ServedModel } from '../../src/serve/state.ts'
import { type Listening, listening } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const ride = '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.5}'
const json = { 'Content-Type': 'application/json' }
let app: Listening
beforeEach(async () => {
  app = await listening(zonesAndDistance)
})
afterEach(() => app.close())

async function predict(headers: Record<string, string> = {}): Promise<string> {
  const asked = { method: 'POST', headers: { ...json, ...headers }, body: ride }
  const response = await fetch(`${app.url}/predict`, asked)
  expect(response.status).toBe(200)
  return response.headers.get('ridecast-prediction-id') as string
}

async function tell(body: unknown, url = app.url): Promise<{ status: number; answer: object }> {
  const asked = { method: 'POST', headers: json, body: JSON.stringify(body) }
  const response = await fetch(`${url}/feedback`, asked)
  return { status: response.status, answer: (await response.json()) as object }
}

test('takes the duration of a prediction, the same again, and never another', async () => {
  const id = await predict()
  const told = { prediction_id: id, duration: 18.5 }
  const answer = { prediction_id: id, predicted: 16, actual: 18.5, model_version: '0123456789ab' }
  expect(await tell(told)).toEqual({ status: 201, answer })
  expect(await tell(told)).toEqual({ status: 200, answer })
  const other = await tell({ ...told, duration: 19 })
  expect(other).toMatchObject({ status: 409, answer: { code: 'feedback_conflict' } })
  expect(await findFeedback(app.folder, id)).toMatchObject({ id, duration: 18.5 })
  const [day] = readdirSync(join(app.folder, 'feedback')) as [string]
  const [file] = readdirSync(join(app.folder, 'feedback', day)) as [string]
  const text = readFileSync(join(app.folder, 'feedback', day, file), 'utf8')
  expect(text.trim().split('\n').length).toBe(1)
})

test('is refused for a while when the disk does not take it, and nothing is lost', async () => {
  const told = { prediction_id: await predict(), duration: 18.5 }
  writeFileSync(join(app.folder, 'feedback'), 'in the way')
  const asked = { method: 'POST', headers: json, body: JSON.stringify(told) }
  const response = await fetch(`${app.url}/feedback`, asked)
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('10')
  expect(await response.json()).toMatchObject({ code: 'storage_unavailable' })
  rmSync(join(app.folder, 'feedback'))
  expect((await tell(told)).status).toBe(201)
})

test('the same told by many at once is recorded once', async () => {
  const told = { prediction_id: await predict(), duration: 12 }
  const statuses = await Promise.all(Array.from({ length: 20 }, () => tell(told)))
  expect(statuses.filter(({ status }) => status === 201).length).toBe(1)
  expect(statuses.filter(({ status }) => status === 200).length).toBe(19)
})

test('finds a prediction by the client’s key, the latest of several', async () => {
  await predict({ 'Ridecast-Key': 'ride 7' })
  const second = await predict({ 'Ridecast-Key': 'ride 7' })
  expect(await tell({ key: 'ride 7', duration: 20 })).toMatchObject({
    status: 201,
    answer: { prediction_id: second },
  })
})

test('comes late: another process finds the prediction in the log', async () => {
  const id = await predict({ 'Ridecast-Key': 'late' })
  await app.service.close()
  const other = await listening(zonesAndDistance, { RIDECAST_STATE: app.folder })
  expect(await tell({ prediction_id: id, duration: 21 }, other.url)).toMatchObject({ status: 201 })
  expect(await tell({ key: 'late', duration: 21 }, other.url)).toMatchObject({ status: 200 })
  expect(await findPrediction(app.folder, id)).toMatchObject({
    id,
    model: 'small',
    version: '0123456789ab',
    arm: 'champion',
    duration: 16,
    inputs: { PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 },
  })
  await other.close()
})

test.each([
  ['a prediction that was never made', { prediction_id: '20261122-00000000-0', duration: 9 }, 404],
  ['a key that was never given', { key: 'nobody', duration: 9 }, 404],
  ['no name of a prediction', { prediction_id: '../../etc/passwd', duration: 9 }, 422],
  ['neither', { duration: 9 }, 422],
  ['both', { prediction_id: '20261122-00000000-0', key: 'k', duration: 9 }, 422],
  ['no duration', { key: 'k' }, 422],
  ['a duration of nothing', { key: 'k', duration: 0 }, 422],
  ['text', { key: 'k', duration: '12' }, 422],
  ['an array', [], 422],
])('%s is told apart', async (_what, body, status) => {
  expect((await tell(body)).status).toBe(status)
})

test('errors are counted for /metrics', async () => {
  await tell({ prediction_id: await predict(), duration: 18.5 })
  const text = await (await fetch(`${app.url}/metrics`)).text()
  const line =
    'ridecast_feedback_absolute_error_minutes_sum{model="small",version="0123456789ab",arm="champion"} 2.5'
  expect(text).toContain(line)
})

test('without inputs in the log, neither ride nor key is there', async () => {
  const quiet = await listening(zonesAndDistance, { RIDECAST_PREDICTION_INPUTS: 'off' })
  const headers = { ...json, 'Ridecast-Key': 'geheim' }
  await fetch(`${quiet.url}/predict`, { method: 'POST', headers, body: ride })
  await quiet.service.close()
  const [day] = readdirSync(join(quiet.folder, 'predictions')) as [string]
  const [file] = readdirSync(join(quiet.folder, 'predictions', day)) as [string]
  const line = readFileSync(join(quiet.folder, 'predictions', day, file), 'utf8')
  expect(JSON.parse(line)).toMatchObject({ duration: 16 })
  expect(line).not.toMatch(/geheim|inputs|LocationID/)
  await quiet.close()
})

test('the latest predictions are found by name and by key, older ones are forgotten', () => {
  const recent = new RecentPredictions(3)
  const model = { name: 'm', version: 'v' } as ServedModel
  const name = predictionNames('abcdefgh')
  const ids = ['2026-11-21', '2026-11-21', '2026-11-22', '2026-11-22'].map((day, i) => {
    const prediction = { duration: i, warnings: [] }
    const named = name(day)
    const key = i % 2 === 0 ? 'even' : undefined
    recent.answered({ ...named, arm: 'champion', model, prediction, key })
    return named.id
  })
  expect(ids.map((id) => recent.get(id)?.duration)).toEqual([undefined, 1, 2, 3])
  expect(recent.get(ids[1] as string)).toEqual({
    id: '20261121-abcdefgh-1',
    arm: 'champion',
    model: 'm',
    version: 'v',
    duration: 1,
  })
  expect(recent.get('20261122-abcdefgh-1')).toBeUndefined()
  expect(recent.ofKey('even')?.id).toBe(ids[2])
  expect(recent.ofKey('odd')).toBeUndefined()
})
