/** The OpenAPI document: valid, complete, and nothing in it that is not mounted. */

import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openapiDocument } from '../../src/serve/openapi.ts'
import { type Mounted, mounted } from './protocols/mounted.ts'
import { hoursAndPassengers, zonesAndDistance } from './small-model.ts'

let app: Mounted
beforeAll(async () => {
  app = await mounted(zonesAndDistance)
})
afterAll(() => app.close())

type SpecData = Exclude<Parameters<Validator['validate']>[0], string>

interface Operation {
  operationId: string
  security?: object[]
  responses: Record<string, { description: string; content?: Record<string, object> }>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, { properties?: Record<string, object>; required?: string[] }>
  }
}

const fetched = async (): Promise<Document> =>
  (await (await fetch(`${app.url}/openapi.json`)).json()) as Document

const validated = (document: object) => new Validator().validate(document as SpecData)

test('it is valid OpenAPI 3.1', async () => {
  const checked = await validated(await fetched())
  expect(checked.errors).toBe(undefined)
  expect(checked.valid).toBe(true)
  const wrong = await validated({ ...(await fetched()), paths: 'none' })
  expect(wrong.valid).toBe(false)
})

test('it has every route that is mounted, and none that is not', async () => {
  const { paths } = await fetched()
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const routes = app.routes.map(({ method, path }) => {
    return `${method} ${path.replace(/:(\w+)/g, '{$1}')}`
  })
  expect(documented.sort()).toEqual(routes.sort())
  expect(routes.length).toBeGreaterThan(20)
})

test('a route of which nothing is known is named', () => {
  const route = { path: '/new', method: 'GET', access: 'open', handler() {} } as const
  const { unknown, document } = openapiDocument([route], undefined, { tokens: [] })
  expect(unknown).toEqual(['GET /new'])
  expect(document.paths).toEqual({})
})

test('operations have names of their own, and problems their codes', async () => {
  const { paths } = await fetched()
  const all = Object.values(paths).flatMap((methods) => Object.values(methods))
  const names = all.map(({ operationId }) => operationId)
  expect(new Set(names).size).toBe(names.length)
  const predict = paths['/predict']?.post as Operation
  expect(Object.keys(predict.responses)).toEqual(
    '200 400 408 413 415 422 429 431 500 503 504'.split(' '),
  )
  expect(predict.responses[503]?.description).toContain('overloaded or not_ready')
  expect(predict.responses[422]?.content).toHaveProperty(['application/problem+json'])
})

test('the ride is that of the served model', async () => {
  const { Ride } = (await fetched()).components.schemas
  expect(Ride?.required).toEqual(['PULocationID', 'DOLocationID'])
  expect(Ride?.properties?.trip_distance).toEqual({
    type: ['number', 'null'],
    minimum: 0,
    description: 'miles; assumed, with a warning, where it is not there',
  })
  const other = await mounted(hoursAndPassengers)
  try {
    const document = (await (await fetch(`${other.url}/openapi.json`)).json()) as Document
    expect(Object.keys(document.components.schemas.Ride?.properties ?? {})).toContain('VendorID')
  } finally {
    await other.close()
  }
})

test('there is a document without a model, and with tokens it says where they are needed', async () => {
  const empty = await mounted(undefined, { RIDECAST_TOKENS_SHA256: 'ab'.repeat(32) })
  try {
    const document = (await (await fetch(`${empty.url}/openapi.json`)).json()) as Document
    expect((await validated(document)).valid).toBe(true)
    expect(document.paths['/predict']?.post?.security).toEqual([{ token: [] }])
    expect(document.paths['/predict']?.post?.responses).toHaveProperty('401')
    expect(document.paths['/health/live']?.get?.security).toBe(undefined)
  } finally {
    await empty.close()
  }
})

describe('the page', () => {
  test('is made of its own files, and asks no other address', async () => {
    const page = await fetch(`${app.url}/docs`)
    if (page.status === 404) {
      // Where nothing was built there is nothing to show, and it says so.
      expect(await page.json()).toMatchObject({ detail: expect.stringContaining('npm run build') })
      return
    }
    const html = await page.text()
    const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source)
    expect(sources.length).toBe(4)
    for (const source of sources) expect((await fetch(app.url + source)).status).toBe(200)
    // Content-Security-Policy: script-src 'self' runs nothing that stands in the page.
    expect(html).not.toMatch(/<script>|style=|onload=/)
  })

  test.each(['start.js.map', '..%2fserve.mjs', 'constructor', 'swagger-ui.css.map'])(
    'has no file %s',
    async (file) => {
      expect((await fetch(`${app.url}/docs/${file}`)).status).toBe(404)
    },
  )
})
