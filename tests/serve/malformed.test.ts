/** Bodies at random, the same in every run: no client may bring the server to a fault of its own. */

import { Agent, request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, listening } from './listening.ts'
import { hoursAndPassengers, zonesAndDistance } from './small-model.ts'

const apps: Listening[] = []
const agent = new Agent({ keepAlive: true })
beforeAll(async () => {
  for (const documents of [zonesAndDistance, hoursAndPassengers]) {
    apps.push(await listening(documents))
  }
})
afterAll(async () => {
  agent.destroy()
  for (const app of apps) await app.close()
})

interface Asked {
  app: number
  type: string | undefined
  query: string
  body: Buffer
}

function ask({ app, type, query, body }: Asked): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const url = `${apps[app]?.url}/predict${query}`
    const headers = type === undefined ? {} : { 'Content-Type': type }
    const asked = request(url, { method: 'POST', headers, agent })
    asked.on('error', reject).on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data) => {
        text += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.end(body)
  })
}

const wrong = fc.oneof(
  fc.constantFrom(null, -1, 266, 1e308, -0, 1e-320, '', '1e3', true, '٤٣', '2021-02-03T08:15Z'),
  fc.jsonValue({ maxDepth: 3 }),
)
const right = new Map<string, readonly unknown[]>(
  Object.entries({
    PULocationID: [1, 43, 265, '43'],
    DOLocationID: [1, 151, 265, '151'],
    trip_distance: [0, 1.01, 25, 1e300],
    passenger_count: [0, 2, -1],
    VendorID: [1, '2', 65_535],
    pickup_datetime: ['2021-02-03T08:15', null],
  }),
)
const member = (name: string): fc.Arbitrary<[string, unknown]> => {
  const values = fc.constantFrom(...(right.get(name) ?? [43]))
  const value = fc.oneof({ weight: 7, arbitrary: values }, { weight: 1, arbitrary: wrong })
  return value.map((one) => [name, one])
}
const strange = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']
const rideText = fc
  .tuple(
    fc.tuple(...[...right.keys()].map((name) => fc.option(member(name), { freq: 12 }))),
    fc.array(fc.constantFrom(...strange).chain(member), { maxLength: 2 }),
  )
  // By hand, because an object would swallow __proto__ and what stands there twice.
  .map(([usual, more]) => {
    const members = [...usual, ...more].flatMap((entry) => {
      return entry ? [`${JSON.stringify(entry[0])}:${JSON.stringify(entry[1])}`] : []
    })
    return Buffer.from(`{${members.join(',')}}`)
  })
const damaged = fc.tuple(rideText, fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
  const bytes = Buffer.from(text)
  bytes[at % bytes.length] = byte
  return bytes
})
const body = fc.oneof(
  { weight: 4, arbitrary: rideText },
  { weight: 3, arbitrary: damaged },
  { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array().map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.nat(200).map((more) => Buffer.alloc(900 + more, '{"a":1}')) },
)
const asked: fc.Arbitrary<Asked> = fc.record({
  app: fc.constantFrom(0, 1),
  type: fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: fc.constantFrom(undefined, '', ';', 'text/html', 'a/b; charset="') },
  ),
  query: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('', '?explain=true') },
    { weight: 1, arbitrary: fc.webQueryParameters().map((text) => `?${text}`) },
  ),
  body,
})

test('2,000 bodies get an answer or a problem, never a 5xx or a number that is none', async () => {
  const seen = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(asked, async (one) => {
      const { status, text } = await ask(one)
      seen.set(status, (seen.get(status) ?? 0) + 1)
      const answer = JSON.parse(text) as Record<string, unknown>
      if (status === 200) {
        expect(Number.isFinite(answer.duration)).toBe(true)
        expect(answer.duration).toBeGreaterThanOrEqual(1)
        expect(JSON.stringify(answer.explanation ?? {})).not.toMatch(/"(minutes|total)":null/)
      } else {
        expect([400, 413, 415, 422]).toContain(status)
        expect(answer).toMatchObject({ status, code: expect.any(String) })
      }
    }),
    { numRuns: 2000, seed: 20210101 },
  )
  // The generator reaches every kind of answer, or the test would say little.
  expect([...seen.keys()].sort()).toEqual([200, 400, 413, 415, 422])
  const lines = apps.flatMap(({ log }) => log.lines)
  expect(lines.filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([])
})
