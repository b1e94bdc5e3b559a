import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Listening, listening } from './listening.ts'
import { hoursAndPassengers, opposed, zonesAndDistance } from './small-model.ts'

const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 }

interface Answer {
  status: number
  type: string | null
  body: Record<string, unknown>
}

async function post(app: Listening, body: unknown, query = ''): Promise<Answer> {
  const response = await fetch(`${app.url}/predict${query}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const type = response.headers.get('content-type')
  return { status: response.status, type, body: (await response.json()) as Answer['body'] }
}

/** Pointer (or parameter) and code of every fault of a 422. */
function faultsIn({ status, type, body }: Answer): Record<string, string> {
  expect(status).toBe(422)
  expect(type).toBe('application/problem+json')
  expect(body).toMatchObject({ status: 422, code: 'input_invalid', type: 'about:blank' })
  const errors = body.errors as { code: string; pointer?: string; parameter?: string }[]
  return Object.fromEntries(errors.map((e) => [e.pointer ?? `?${e.parameter}`, e.code]))
}

describe('a model of zones and distance', () => {
  let app: Listening
  beforeAll(async () => {
    app = await listening(zonesAndDistance)
  })
  afterAll(() => app.close())

  test('answers with duration and version, and with nothing else', async () => {
    const answer = await post(app, ride)
    expect(answer.status).toBe(200)
    expect(answer.type).toBe('application/json; charset=utf-8')
    // 10 + 2 - 0.5 + 3 * 1.5
    expect(answer.body).toEqual({ duration: 16, model_version: '0123456789ab' })
  })

  test.each([
    ['ids as text', { ...ride, PULocationID: '43', DOLocationID: '151' }],
    ['fields that it does not know', { ...ride, tip_amount: 'generous', x: [1, { y: null }] }],
    ['a pickup time, which it does not need', { ...ride, pickup_datetime: '2021-02-03T08:15' }],
    ['a pickup time with seconds', { ...ride, pickup_datetime: '2021-02-03 08:15:30' }],
    ['null for what is optional', { ...ride, pickup_datetime: null }],
    ['integers with a point', '{"PULocationID":43.0,"DOLocationID":1.51e2,"trip_distance":1.5}'],
    ['white space and a byte order mark', `\ufeff \n${JSON.stringify(ride)}\n `],
    ['the last of several equal fields', `{"PULocationID":7,${JSON.stringify(ride).slice(1)}`],
    ['__proto__ as a field', `{"__proto__":{"PULocationID":1},${JSON.stringify(ride).slice(1)}`],
  ])('takes %s', async (_what, body) => {
    expect((await post(app, body)).body.duration).toBe(16)
  })

  test('takes zero miles and both ends of the zones', async () => {
    const { status, body } = await post(app, {
      PULocationID: 265,
      DOLocationID: '1',
      trip_distance: 0,
    })
    expect(status).toBe(200)
    expect(body.duration).toBe(10)
  })

  test('warns of a distance beyond the training rides, of unseen zones and of being raised', async () => {
    const far = await post(app, { ...ride, trip_distance: 25 })
    expect(far.body.duration).toBe(10 + 2 - 0.5 + 75)
    expect(far.body.warnings).toMatchObject(
      [{ code: 'distance_unusual', field: 'trip_distance', message: /25 miles/ }].map(
        ({ message, ...rest }) => ({ ...rest, message: expect.stringMatching(message) }),
      ),
    )

    const unseen = await post(app, { ...ride, DOLocationID: 7 })
    expect(unseen.body.duration).toBe(10 + 2 + 4.5)
    expect(unseen.body.warnings).toMatchObject([{ code: 'category_unseen', field: 'DOLocationID' }])

    // 10 - 40 - 0.5 + 4.5 lies below the shortest training ride, 1 minute.
    const raised = await post(app, { ...ride, PULocationID: 1 })
    expect(raised.body.duration).toBe(1)
    expect(raised.body.warnings).toMatchObject([{ code: 'raised_to_minimum', field: 'duration' }])
  })

  test.each([
    ['?explain=true', 43],
    ['?explain', 43],
    ['?other=1&explain=true', 43],
    ['?explain=true', 1],
    ['?explain=true', 99],
  ])('%s from zone %i gives reasons that add up exactly', async (query, from) => {
    const asked = { ...ride, PULocationID: from, trip_distance: 1.01 }
    const { body } = await post(app, asked, query)
    const { intercept, contributions, total } = body.explanation as {
      intercept: number
      contributions: { term: string; value: unknown; minutes: number; unseen: boolean }[]
      total: number
    }
    const sum = contributions.reduce((minutes, part) => minutes + part.minutes, intercept)
    expect(sum).toBe(total)
    expect(body.duration).toBe(Math.max(1, total))
    expect(contributions.map(({ term }) => term)).toEqual([
      'PULocationID',
      'DOLocationID',
      'trip_distance',
    ])
    expect(contributions[0]).toMatchObject({ value: String(from), unseen: from === 99 })
    const plain = await post(app, asked, '?explain=false')
    expect(plain.body).not.toHaveProperty('explanation')
    expect(plain.body.duration).toBe(body.duration)
  })

  // The small model's rides from 43 to 151 were 1.25 miles long on the mean, all rides 2.5.
  test.each([
    [
      'of the pair of zones',
      43,
      undefined,
      10 + 2 - 0.5 + 3 * 1.25,
      /1\.25 miles, the mean of this pair/,
    ],
    ['of all rides', 7, null, 10 - 0.5 + 3 * 2.5, /2\.50 miles, the mean of all rides/],
  ])(
    'assumes the distance %s where none is given, and says so',
    async (_of, from, miles, minutes, said) => {
      const asked = { ...ride, PULocationID: from, trip_distance: miles }
      for (const query of ['', '?explain']) {
        const { status, body } = await post(app, asked, query)
        expect(status).toBe(200)
        expect(body.duration).toBe(minutes)
        expect(body.warnings).toContainEqual({
          code: 'distance_assumed',
          field: 'trip_distance',
          message: expect.stringMatching(said),
        })
      }
    },
  )

  test('names all faults of a body and of the query at once', async () => {
    const body = { PULocationID: 0, trip_distance: '1.5', pickup_datetime: '2021-02-30T08:15' }
    expect(faultsIn(await post(app, body, '?explain=perhaps'))).toEqual({
      '#/PULocationID': 'out_of_range',
      '#/DOLocationID': 'missing',
      '#/trip_distance': 'wrong_type',
      '#/pickup_datetime': 'malformed',
      '?explain': 'malformed',
    })
  })

  test.each([
    ['PULocationID', 266, 'out_of_range'],
    ['PULocationID', -1, 'out_of_range'],
    ['PULocationID', 1e300, 'out_of_range'],
    ['PULocationID', '266', 'out_of_range'],
    ['PULocationID', '0', 'out_of_range'],
    ['PULocationID', 43.5, 'wrong_type'],
    ['PULocationID', true, 'wrong_type'],
    ['PULocationID', [43], 'wrong_type'],
    ['PULocationID', { id: 43 }, 'wrong_type'],
    ['PULocationID', null, 'missing'],
    ['PULocationID', '', 'malformed'],
    ['PULocationID', ' 43', 'malformed'],
    ['PULocationID', '043', 'malformed'],
    ['PULocationID', '43.0', 'malformed'],
    ['PULocationID', '0x2b', 'malformed'],
    ['PULocationID', '٤٣', 'malformed'],
    ['PULocationID', 'Central Park', 'malformed'],
    ['trip_distance', -0.01, 'out_of_range'],
    ['trip_distance', '1.5', 'wrong_type'],
    ['trip_distance', false, 'wrong_type'],
    ['trip_distance', [], 'wrong_type'],
    ['pickup_datetime', 1612340100, 'wrong_type'],
    ['pickup_datetime', '2021-02-03', 'malformed'],
    ['pickup_datetime', '2021-02-03T24:00', 'malformed'],
    ['pickup_datetime', '08:15', 'malformed'],
    ['pickup_datetime', '', 'malformed'],
  ])('refuses %s %j as %s', async (field, value, code) => {
    expect(faultsIn(await post(app, { ...ride, [field]: value }))).toEqual({ [`#/${field}`]: code })
  })

  test.each(['2021-02-03T08:15Z', '2021-02-03T08:15:30+01:00', '2021-02-03T08:15-0500'])(
    'refuses the zone in %s and says what to do',
    async (pickup_datetime) => {
      const answer = await post(app, { ...ride, pickup_datetime })
      expect(faultsIn(answer)).toEqual({ '#/pickup_datetime': 'malformed' })
      expect(JSON.stringify(answer.body.errors)).toContain('leave the zone out')
    },
  )

  test('refuses a number that JSON.parse makes infinite', async () => {
    const answer = await post(app, '{"PULocationID":43,"DOLocationID":151,"trip_distance":1e999}')
    expect(faultsIn(answer)).toEqual({ '#/trip_distance': 'out_of_range' })
  })

  test.each(['[]', '[{"PULocationID":43}]', '"ride"', '1', 'true', 'null'])(
    'refuses the JSON %s, which is no object',
    async (text) => {
      expect(faultsIn(await post(app, text))).toEqual({ '#': 'wrong_type' })
    },
  )

  test.each(['TRUE', '1', 'yes', '%', 'true&explain=true', 'true&explain=false'])(
    'refuses ?explain=%s',
    async (value) => {
      const answer = await post(app, ride, `?explain=${value.replace('%', '%25')}`)
      expect(faultsIn(answer)).toEqual({ '?explain': 'malformed' })
    },
  )

  test('repeats of a wrong value no more than its beginning', async () => {
    const answer = await post(app, { ...ride, PULocationID: 'x'.repeat(800) })
    expect(JSON.stringify(answer.body).length).toBeLessThan(500)
  })

  test('refuses a distance so large that the answer would be no number', async () => {
    expect(faultsIn(await post(app, { ...ride, trip_distance: 1e308 }))).toEqual({
      '#': 'out_of_range',
    })
    // A tenth of it is absurd and computable: answered with a warning.
    const answer = await post(app, { ...ride, trip_distance: 1e307 })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ duration: 3e307, warnings: [{ code: 'distance_unusual' }] })
  })
})

describe('a model of the hour, the vendor and the passengers', () => {
  let app: Listening
  beforeAll(async () => {
    app = await listening(hoursAndPassengers)
  })
  afterAll(() => app.close())

  const asked = {
    PULocationID: 43,
    DOLocationID: 151,
    passenger_count: 2,
    VendorID: '2',
    pickup_datetime: '2021-02-03T08:15',
  }

  test('is computed from those', async () => {
    // 20 + 4 (at 8) - 1 (vendor 2) + 0.25 * 2
    expect((await post(app, asked)).body).toEqual({
      duration: 23.5,
      model_version: '0123456789ab',
    })
  })

  test('does not need a distance, but checks one', async () => {
    expect((await post(app, { ...asked, trip_distance: 3 })).body.duration).toBe(23.5)
    expect((await post(app, { ...asked, trip_distance: null })).body.duration).toBe(23.5)
    const answer = await post(app, { ...asked, trip_distance: -3 })
    expect(faultsIn(answer)).toEqual({ '#/trip_distance': 'out_of_range' })
  })

  test('assumes the average hour without a time, and says so', async () => {
    const { pickup_datetime: _, ...timeless } = asked
    const { body } = await post(app, timeless, '?explain=true')
    // Half of the training rides at 8 (4 minutes), half at 9 (1 minute): 20 + 2.5 - 1 + 0.5
    expect(body.duration).toBe(22)
    expect(body.warnings).toMatchObject([{ code: 'pickup_assumed', field: 'pickup_datetime' }])
  })

  test('requires its other columns', async () => {
    const { PULocationID, DOLocationID } = asked
    expect(faultsIn(await post(app, { PULocationID, DOLocationID }))).toEqual({
      '#/VendorID': 'missing',
      '#/passenger_count': 'missing',
    })
    const wrong = { ...asked, VendorID: 70_000, passenger_count: '2' }
    expect(faultsIn(await post(app, wrong))).toEqual({
      '#/VendorID': 'out_of_range',
      '#/passenger_count': 'wrong_type',
    })
  })
})

test('infinities that would cancel to no number are refused, not answered with the minimum', async () => {
  const app = await listening(opposed)
  try {
    const answer = await post(app, { ...ride, trip_distance: 1e308 })
    expect(faultsIn(answer)).toEqual({ '#': 'out_of_range' })
  } finally {
    await app.close()
  }
})
