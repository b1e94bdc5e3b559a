/** What `GET /typical`, `GET /reach` and `GET /model/documents` tell, and that a browser agrees. */

import { afterEach, describe, expect, test } from 'vitest'
import type { Documents } from '../../src/artifact.ts'
import type { Profile } from '../../src/profile.ts'
import { browserModel, type ModelDocuments } from '../../src/serve/browser-model.ts'
import { modelDocumentsRoutes } from '../../src/serve/model-documents.ts'
import type { Service } from '../../src/serve/routes.ts'
import { typicalRoutes, usualDurations } from '../../src/serve/typical.ts'
import { type Routed, routed } from './routed.ts'
import { hoursAndPassengers, zonesAndDistance } from './small-model.ts'

let server: Routed | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

const routes = (service: Service) => [...typicalRoutes(service), ...modelDocumentsRoutes(service)]

async function start(documents?: Documents, settings = {}): Promise<string> {
  server = await routed(routes, documents, settings)
  return server.url
}

async function get(url: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url)
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

describe('typical', () => {
  test('tells the mean distance of the pair in training', async () => {
    const { body } = await get(
      `${await start(zonesAndDistance)}/typical?PULocationID=43&DOLocationID=151`,
    )
    // By the profile of small-model.ts: 1,000 rides from 43 to 151 of 1.25 miles, all under 2 minutes.
    expect(body).toEqual({
      model: 'small',
      model_version: '0123456789ab',
      distance: { miles: 1.25, of: 'pair' },
      durations: { mean: 14, p10: 1, p50: 1, p90: 1 },
      hours: null,
      half: null,
    })
  })

  test('makes the straight line of other pairs longer as the pairs of training are', async () => {
    const url = `${await start(zonesAndDistance)}/typical`
    const { body } = await get(`${url}?PULocationID=151&DOLocationID=43`)
    // The only pair, the other way round: as far.
    expect(body.distance).toEqual({ miles: expect.closeTo(1.25, 12), of: 'line' })
    const within = await get(`${url}?PULocationID=74&DOLocationID=74`)
    expect(within.body.distance).toEqual({ miles: 2.5, of: 'all' })
    const nowhere = await get(`${url}?PULocationID=264&DOLocationID=43`)
    expect(nowhere.body.distance).toEqual({ miles: 2.5, of: 'all' })
  })

  test('says the minutes of every hour of the day, of a model that is computed from the time', async () => {
    const url = `${await start(hoursAndPassengers)}/typical`
    const pair = 'PULocationID=43&DOLocationID=151'
    const ride = `${pair}&VendorID=1&passenger_count=2&pickup_datetime=2021-02-03T15:00`
    const { body } = await get(`${url}?${ride}`)
    // 20 + 0.25 for each of two passengers; 4 more at 8 and 1 more at 9.
    const hours = new Array<number>(24).fill(20.5)
    hours[8] = 24.5
    hours[9] = 21.5
    expect(body).toMatchObject({ distance: null, hours, half: null })
    // Not all that the model needs: no hours, but no fault either.
    expect((await get(`${url}?${pair}&pickup_datetime=2021-02-03T15:00`)).body.hours).toBeNull()
  })

  test('names every fault of the query by its parameter', async () => {
    const url = `${await start(zonesAndDistance)}/typical`
    const { status, body } = await get(
      `${url}?PULocationID=0&trip_distance=far&pickup_datetime=noon`,
    )
    expect([status, body.code]).toEqual([422, 'input_invalid'])
    const faults = body.errors as { code: string; parameter: string; pointer?: string }[]
    expect(faults.map(({ code, parameter }) => [parameter, code])).toEqual([
      ['PULocationID', 'out_of_range'],
      ['DOLocationID', 'missing'],
      ['trip_distance', 'wrong_type'],
      ['pickup_datetime', 'malformed'],
    ])
    expect(faults.every((fault) => fault.pointer === undefined)).toBe(true)
  })

  test('is no prediction: nothing of it is counted or logged', async () => {
    const url = await start(zonesAndDistance)
    let answered = 0
    const { predictions } = (server as Routed).service
    const { answer } = predictions
    predictions.answer = (...args) => {
      answered++
      return answer(...args)
    }
    await get(`${url}/typical?PULocationID=43&DOLocationID=151&trip_distance=1`)
    await get(`${url}/reach?PULocationID=43`)
    expect(answered).toBe(0)
    const body = JSON.stringify({ PULocationID: 43, DOLocationID: 151, trip_distance: 1 })
    const headers = { 'Content-Type': 'application/json' }
    await fetch(`${url}/predict`, { method: 'POST', headers, body })
    expect(answered).toBe(1)
  })

  test('has nothing to say before a model is ready, and wants a token where there are tokens', async () => {
    const url = await start()
    expect((await get(`${url}/typical?PULocationID=1&DOLocationID=2`)).status).toBe(503)
    expect((await get(`${url}/model/documents`)).status).toBe(503)
    await server?.close()
    const guarded = await start(zonesAndDistance, { RIDECAST_TOKENS_SHA256: 'ab'.repeat(32) })
    for (const path of [
      '/typical?PULocationID=1&DOLocationID=2',
      '/reach?PULocationID=1',
      '/model/documents',
    ]) {
      expect((await get(guarded + path)).status).toBe(401)
    }
  })

  test('durations are by whole minutes', () => {
    const minutes = new Array<number>(60).fill(0)
    minutes[4] = 10
    minutes[9] = 80
    minutes[50] = 10
    const profile = { duration: { mean: 12.5, std: 1, minutes } } as unknown as Profile
    expect(usualDurations(profile)).toEqual({ mean: 12.5, p10: 4, p50: 9, p90: 9 })
    const none = { duration: { mean: 0, std: 0, minutes: [0] } } as unknown as Profile
    expect(usualDurations(none)).toBeUndefined()
  })
})

describe('reach', () => {
  test('is minutes to where training rides went, over the distance of each pair', async () => {
    const url = `${await start(zonesAndDistance)}/reach`
    // 10 + 2 - 0.5 + 3 times 1.25.
    expect((await get(`${url}?PULocationID=43`)).body.minutes).toEqual([[151, 15.25]])
    expect((await get(`${url}?PULocationID=151`)).body.minutes).toEqual([])
    expect((await get(`${url}?PULocationID=here`)).status).toBe(422)
  })
})

describe('documents', () => {
  test('are the champion’s, and are not sent to those who have them', async () => {
    const url = `${await start(zonesAndDistance)}/model/documents`
    const answer = await fetch(url)
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(await answer.json()).toEqual({
      name: 'small',
      version: '0123456789ab',
      documents: JSON.parse(JSON.stringify(zonesAndDistance)),
    })
    const known = { 'If-None-Match': answer.headers.get('etag') ?? '', 'Cache-Control': 'no-cache' }
    expect((await fetch(url, { headers: known })).status).toBe(304)
    const plain = await fetch(url, { headers: { 'Accept-Encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
  })

  test('make a model that answers as the server does, to the bit', async () => {
    const url = await start(zonesAndDistance)
    const said = (await (await fetch(`${url}/model/documents`)).json()) as ModelDocuments
    const model = await browserModel(said)
    const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 0.7 }
    const query = 'PULocationID=43&DOLocationID=151&trip_distance=0.7'
    const answer = await fetch(`${url}/predict?explain=true`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(ride),
    })
    const { intercept, contributions, total, duration } = model.explain(ride)
    expect(await answer.json()).toMatchObject({
      duration,
      explanation: { intercept, contributions, total },
    })
    expect((await get(`${url}/typical?${query}`)).body).toMatchObject(model.around(ride))
    expect((await get(`${url}/reach?PULocationID=43`)).body.minutes).toEqual(
      model.reach(ride).minutes,
    )
    expect(model.typicalDistance(43, 151)).toEqual({ miles: 1.25, of: 'pair' })
  })
})
