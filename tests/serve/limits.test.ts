import { expect, test } from 'vitest'
import { listening, predictHead, Wire } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const ride = '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.5}'
const asked = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: ride }

test('a client past its requests a minute is told when to come back, watchers are not', async () => {
  const app = await listening(zonesAndDistance, { RIDECAST_RATE_LIMIT: '3' })
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await fetch(`${app.url}/predict`, asked)).status)
  expect(statuses).toEqual([200, 200, 200, 429, 429])
  const refused = await fetch(`${app.url}/predict`, asked)
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', status: 429 })
  const seconds = Number(refused.headers.get('retry-after'))
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(60)
  expect((await fetch(`${app.url}/health/ready`)).status).toBe(200)
  expect((await fetch(`${app.url}/metrics`)).status).toBe(200)
  await app.close()
})

test('requests beyond those in flight get 503 at once, and room again when those are done', async () => {
  const app = await listening(zonesAndDistance, { RIDECAST_MAX_REQUESTS: '2' })
  const slow = [new Wire(app.port), new Wire(app.port)]
  for (const wire of slow) {
    wire.send(predictHead(ride.length, ['Expect: 100-continue']))
    await wire.until('100 Continue')
  }
  const refused = await fetch(`${app.url}/predict`, asked)
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await refused.json()).toMatchObject({ code: 'overloaded' })
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200)
  for (const wire of slow) wire.send(ride)
  for (const wire of slow) expect(await wire.until('"duration"')).toContain('"duration":16')
  expect((await fetch(`${app.url}/predict`, asked)).status).toBe(200)
  for (const wire of slow) wire.socket.destroy()
  await app.close()
})

test('a deadline that has passed is not worked for, one that has not is', async () => {
  const app = await listening(zonesAndDistance)
  const within = (header: string, ms: string): Promise<Response> =>
    fetch(`${app.url}/predict`, { ...asked, headers: { ...asked.headers, [header]: ms } })
  for (const header of ['Ridecast-Timeout-Ms', 'X-Envoy-Expected-Rq-Timeout-Ms']) {
    expect((await within(header, '60000')).status).toBe(200)
    const late = await within(header, '0')
    expect(late.status).toBe(504)
    expect(await late.json()).toMatchObject({ code: 'deadline_exceeded' })
  }
  await app.close()
})
