import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { listening } from './listening.ts'
import { zonesAndDistance } from './small-model.ts'

const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex')
const ride = '{"PULocationID":43,"DOLocationID":151,"trip_distance":1.5}'

test('clients need their token or an administrator’s, watchers need none', async () => {
  const app = await listening(zonesAndDistance, {
    RIDECAST_TOKENS_SHA256: [digestOf('client one'), digestOf('client-two')].join(','),
    RIDECAST_ADMIN_TOKENS_SHA256: digestOf('admin'),
  })
  const predict = (authorization?: string): Promise<Response> =>
    fetch(`${app.url}/predict`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(authorization !== undefined && { Authorization: authorization }),
      },
      body: ride,
    })
  for (const wrong of [
    undefined,
    'Bearer',
    'Bearer other',
    'Basic client-two',
    digestOf('admin'),
  ]) {
    const response = await predict(wrong)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="ridecast"')
    expect(await response.json()).toMatchObject({ code: 'unauthorized', status: 401 })
  }
  expect((await predict('Bearer client-two')).status).toBe(200)
  expect((await predict('bearer admin')).status).toBe(200)
  for (const path of ['/health/live', '/health/ready', '/metrics', '/status']) {
    expect((await fetch(`${app.url}${path}`)).status).toBe(200)
  }
  expect((await fetch(`${app.url}/model`)).status).toBe(401)
  await app.close()
})

test('a token is never in the log', async () => {
  const app = await listening(zonesAndDistance, { RIDECAST_TOKENS_SHA256: digestOf('geheim') })
  const headers = { Authorization: 'Bearer geheim', 'Content-Type': 'application/json' }
  await fetch(`${app.url}/predict`, { method: 'POST', headers, body: ride })
  await app.log.find(({ event }) => event === 'request')
  expect(JSON.stringify(app.log.lines)).not.toContain('geheim')
  await app.close()
})
