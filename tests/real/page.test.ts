/** The server's page in a real browser: what a person sees and does, and what it must not do. */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Documents } from '../../src/artifact.ts'
import { openRegistry } from '../../src/registry.ts'
import { sendJson } from '../../src/serve/answer.ts'
import { modelDocumentsRoutes } from '../../src/serve/model-documents.ts'
import { pageRoutes } from '../../src/serve/page-files.ts'
import { servedModel } from '../../src/serve/served-model.ts'
import { typicalRoutes } from '../../src/serve/typical.ts'
import { root } from '../command-line.ts'
import { randomNumbers } from '../random-rides.ts'
import { type Routed, routed } from '../serve/routed.ts'
import { hoursAndPassengers, zonesAndDistance } from '../serve/small-model.ts'
import { launchChromium } from './chromium.ts'

let folder: string
let built: string
let browser: Browser
let context: BrowserContext
let page: Page
let server: Routed
/** Trained on a real month, with intervals. */
let trained: Documents
/** What a page must not do: errors, and requests to others than its server. */
let faults: string[]
let requests: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-page-'))
  built = join(folder, 'page')
  const { buildServePage } = (await import(join(root, 'scripts/build.mjs'))) as {
    buildServePage: (bundle: typeof build, folder: string) => Promise<void>
  }
  await buildServePage(build, built)
  const models = join(folder, 'models')
  execFileSync(
    process.execPath,
    [
      ...[join(root, 'bin/ridecast.mjs'), 'train', '2021-01', '--recipe', 'standard'],
      ...['--set', 'intervals=true', '--data', join(root, 'data')],
      ...['--models', models, '--runs', join(folder, 'runs')],
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  trained = (await openRegistry(models).load('green-duration')).documents
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(() => {
  faults = []
  requests = []
})
afterEach(async () => {
  await context?.close()
  await server?.close()
  expect(faults).toEqual([])
})

/** How long something may take to appear on a busy machine. */
const soon = { timeout: 30_000 }

interface Look {
  readonly width?: number
  readonly scheme?: 'light' | 'dark'
  readonly hash?: string
  readonly documents?: Documents
  readonly settings?: Record<string, string>
}

/** Serves a model and opens its page. */
async function open(look: Look = {}): Promise<void> {
  const { width = 1280, scheme = 'light', hash = '', documents = trained, settings = {} } = look
  server = await routed(
    (service) => [
      ...pageRoutes((_request, response) => sendJson(response, 200, {}), built),
      ...typicalRoutes(service),
      ...modelDocumentsRoutes(service),
    ],
    documents,
    settings,
  )
  context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : 900 },
    colorScheme: scheme,
    hasTouch: width < 600,
    reducedMotion: 'reduce',
  })
  page = await context.newPage()
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  page.on('request', (request) => {
    requests.push(request.url())
    if (!request.url().startsWith(server.url)) faults.push(`request to ${request.url()}`)
  })
  await page.goto(`${server.url}/${hash}`)
}

const zone = (id: number) => page.locator(`#zone-${id}`)
const answer = () => page.getByRole('region', { name: 'Answer' })
const ride = '#ride?from=75&to=132&at=2021-02-03T17:30'

/** What the server says of a ride. */
async function predicted(body: object, query = '?explain=true&interval=0.9') {
  const said = await fetch(`${server.url}/predict${query}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await said.json()) as {
    duration: number
    model_version: string
    interval: { low: number; high: number }
    explanation: { intercept: number; total: number; contributions: { minutes: number }[] }
  }
}

/** The minutes that are shown, once they are those. */
const shows = (minutes: number) =>
  expect
    .poll(() => answer().locator('.duration strong').textContent(), soon)
    .toBe(minutes.toFixed(1))

describe('a ride', () => {
  test.each([1280, 390])(
    'of two clicks on the map has a duration with its interval and reasons, %i wide',
    async (width) => {
      await open({ width })
      await zone(75).click()
      await zone(166).click()
      await answer().getByText('Usually').waitFor()
      const said = {
        PULocationID: 75,
        DOLocationID: 166,
        trip_distance: Number(await page.getByLabel('Distance, miles').inputValue()),
        pickup_datetime: await page.getByLabel('Time in New York').inputValue(),
      }
      const { duration, interval, explanation, model_version } = await predicted(said)
      await shows(duration)
      const text = (await answer().innerText()).replaceAll('\n', ' ')
      expect(text).toContain(`${interval.low.toFixed(1)}–${interval.high.toFixed(1)}`)
      expect(text).toContain(`Model version ${model_version}`)
      // The distance is the mean of the pair, by the profile of the model.
      const { pairs } = trained.profile as { pairs: [number, number, number, number][] }
      const pair = pairs.find(([from, to]) => from === 75 && to === 166)
      expect(said.trip_distance).toBe(Number(pair?.[3].toFixed(2)))
      // Terms of the distance are one line, so that these are: start, three zones, hour, distance, sum.
      const rows = answer().getByRole('row')
      expect(await rows.last().innerText()).toContain(explanation.total.toFixed(1))
      const names = await rows.getByRole('rowheader').allInnerTexts()
      expect(names.map((name) => name.split('\n')[0])).toEqual([
        'Every ride',
        'Pickup zone',
        'Drop-off zone',
        'Pair of zones',
        'Hour of the week',
        'Distance',
        'Together',
      ])
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect(over).toBe(0)
    },
  )

  test('is chosen by keys alone, by name and on the map', async () => {
    await open()
    await zone(1).waitFor()
    const focused = (): Promise<string> =>
      page.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.textContent ?? ''",
      )
    const tabTo = async (name: string): Promise<void> => {
      for (let k = 0; k < 20 && !(await focused()).startsWith(name); k++) {
        await page.keyboard.press('Tab')
      }
      expect(await focused()).toContain(name)
    }
    await tabTo('Map of the taxi zones')
    const map = page.getByRole('listbox', { name: /^Map/ })
    const active = () => map.getAttribute('aria-activedescendant')
    const start = await active()
    await page.keyboard.press('ArrowDown')
    expect(await active()).not.toBe(start)
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await expect
      .poll(() => page.getByLabel('Pickup', { exact: true }).inputValue(), soon)
      .not.toBe('')
    await tabTo('Drop-off')
    await page.keyboard.type('jfk')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await expect
      .poll(() => page.getByLabel('Drop-off', { exact: true }).inputValue(), soon)
      .toBe('JFK Airport')
    await answer().locator('.duration').waitFor()
    // The hours of the day are a slider.
    await tabTo('Hour of the pickup')
    const before = await page.getByLabel('Time in New York').inputValue()
    await page.keyboard.press('Home')
    await expect
      .poll(() => page.getByLabel('Time in New York').inputValue(), soon)
      .toBe(`${before.slice(0, 11)}00:30`)
  })

  test('is answered anew on every change, and by its address', async () => {
    await open({ hash: ride })
    await answer().getByText('Usually').waitFor()
    const miles = page.getByLabel('Distance, miles')
    await miles.fill('3')
    const said = { PULocationID: 75, DOLocationID: 132, trip_distance: 3 }
    await shows((await predicted({ ...said, pickup_datetime: '2021-02-03T17:30' })).duration)
    await page.getByLabel('Time in New York').fill('2021-02-03T04:10')
    await shows((await predicted({ ...said, pickup_datetime: '2021-02-03T04:10' })).duration)
    await page.getByRole('button', { name: 'The other way round' }).click()
    // Empty while the distance of the way back is asked for.
    await expect.poll(() => miles.inputValue(), soon).toMatch(/^(?!3$)\d/)
    // The address follows what the page shows.
    await expect.poll(() => new URL(page.url()).hash, soon).toContain('from=132&to=75')
    const back = {
      ...{ PULocationID: 132, DOLocationID: 75, pickup_datetime: '2021-02-03T04:10' },
      trip_distance: Number(await miles.inputValue()),
    }
    const { duration } = await predicted(back)
    await shows(duration)
    await page.reload()
    await shows(duration)
  })

  test('shades the map by minutes from the pickup', async () => {
    await open({ hash: ride })
    await expect
      .poll(() => page.locator('.zone[class*="shade-"]').count(), soon)
      .toBeGreaterThan(50)
    await zone(74).hover()
    await expect
      .poll(() => page.locator('.told').innerText(), soon)
      .toMatch(/^East Harlem North, Manhattan\s+\d+ min from East Harlem South$/)
  })

  test('of a zone that was not in training is told so in words', async () => {
    await open({ hash: '#ride?from=104&to=2&at=2021-02-03T17:30', documents: zonesAndDistance })
    const warnings = page.getByRole('list', { name: 'Warnings' })
    await warnings.waitFor()
    expect(await warnings.innerText()).toContain('was not in the training rides')
    // This model has neither intervals nor a time: the one is said, nothing of the other shown.
    await answer().getByText('How sure it is, this version cannot say').waitFor()
    expect(await answer().locator('.between').count()).toBe(0)
    expect(await answer().getByText('Usually').count()).toBe(0)
    // The first question was for an interval, which this model does not have.
    expect(faults.splice(0).every((fault) => fault.includes('422'))).toBe(true)
  })

  test('of a broken link is asked at a time that there is, and for the usual distance', async () => {
    await open({ hash: '#ride?from=75&to=132&at=2021-02-30T77:30&miles=-4' })
    await answer().getByText('Usually').waitFor()
    expect(await page.getByLabel('Time in New York').inputValue()).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(Number(await page.getByLabel('Distance, miles').inputValue())).toBeGreaterThan(0)
  })

  test('below nothing is written with a true minus, as every number is', async () => {
    await open({ hash: ride })
    await answer().getByText('Usually').waitFor()
    expect(await answer().innerText()).not.toMatch(/-\d/)
    expect(await answer().innerText()).toMatch(/Every ride\s+−\d/)
  })

  test.each(['#ride', '#service'])('fits a window of 320 pixels, %s', async (hash) => {
    await open({ width: 320, hash })
    await page.getByRole('navigation').waitFor()
    await page.locator(hash === '#ride' ? '#zone-1' : 'main').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
  })

  test('has fields for what else the model needs', async () => {
    const hash = '#ride?from=43&to=151&at=2021-02-03T08:15'
    await open({ hash, documents: hoursAndPassengers })
    await answer().getByText('passenger_count is missing').waitFor()
    await page.getByLabel(/^passenger count/).fill('2')
    await page.getByLabel(/^VendorID/).fill('2')
    // 20 + 4 at 8 - 1 for the vendor + 2 times 0.25.
    await shows(23.5)
    faults = faults.filter((fault) => !fault.includes('422'))
    // Who gets the address gets the same answer.
    const shared = page.url()
    await page.goto('about:blank')
    await page.goto(shared)
    await expect.poll(() => page.getByLabel(/^passenger count/).inputValue(), soon).toBe('2')
    expect(await page.getByLabel(/^VendorID/).inputValue()).toBe('2')
  })

  test('is asked with the token that the person gives', async () => {
    const tokens = createHash('sha256').update('sesame').digest('hex')
    await open({ hash: ride, settings: { RIDECAST_TOKENS_SHA256: tokens } })
    await page.getByLabel(/have a token/).fill('sesame')
    await page.getByRole('button', { name: 'Use it' }).click()
    await answer().getByText('Usually').waitFor()
    faults = faults.filter((fault) => !fault.includes('401'))
  })
})

describe('offline', () => {
  test('the same version answers in the browser, without a request, to the last bit', async () => {
    await open({ hash: ride })
    await answer().getByText('Usually').waitFor()
    const shown = await answer().innerText()
    await page.getByLabel('Offline').check()
    await answer().getByText('equal to the server’s answer to the last bit').waitFor()
    expect((await answer().innerText()).startsWith(shown.split('Model version')[0] ?? '-')).toBe(
      true,
    )
    await server.close()
    requests = []
    await page.getByLabel('Drop-off', { exact: true }).fill('Astoria Park')
    await page.keyboard.press('Enter')
    await answer().getByText('East Harlem South to Astoria Park', { exact: true }).waitFor()
    // The icon comes from the browser's cache whenever the address changes.
    expect(requests.filter((url) => !url.includes('/page/icon-'))).toEqual([])
  })

  test('500 rides of all kinds are equal to the bit, with reasons and intervals', async () => {
    await open()
    const files = await readdir(built)
    const script = files.find((name) => /^browser-model-\w+\.js$/.test(name))
    const next = randomNumbers(7)
    const rides = Array.from({ length: 500 }, () => {
      const day = String(1 + Math.floor(next() * 28)).padStart(2, '0')
      const hour = String(Math.floor(next() * 24)).padStart(2, '0')
      const minute = String(Math.floor(next() * 60)).padStart(2, '0')
      return {
        PULocationID: 1 + Math.floor(next() * 265),
        DOLocationID: 1 + Math.floor(next() * 265),
        trip_distance: next() * 40,
        ...(next() < 0.9 && {
          pickup_datetime: `2021-0${1 + Math.floor(next() * 9)}-${day}T${hour}:${minute}`,
        }),
      }
    })
    const differing = await page.evaluate(
      `(async (script, rides) => {
        const { browserModel } = await import('/page/' + script)
        const model = await browserModel(await (await fetch('/model/documents')).json())
        const differing = []
        for (const ride of rides) {
          const answer = await fetch('/predict?explain=true&interval=0.9', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(ride),
          })
          const { model_version, explanation, warnings = [], ...said } = await answer.json()
          const own = model.explain(ride, 0.9)
          const server = JSON.stringify({ ...said, warnings, ...explanation })
          const { duration, interval, intercept, contributions, total } = own
          const here = JSON.stringify({
            duration, interval, warnings: own.warnings, intercept, contributions, total,
          })
          if (server !== here || !Object.is(said.duration, duration)) differing.push([server, here])
        }
        return differing.slice(0, 3)
      })(${JSON.stringify(script)}, ${JSON.stringify(rides)})`,
    )
    expect(differing).toEqual([])
  })
})

describe('the service', () => {
  test('is shown live: requests, latency, weights and predictions of the arms', async () => {
    await open({ hash: '#service' })
    const models = page.getByRole('region', { name: 'Models' })
    const champion = models.getByRole('article', { name: 'champion' })
    await champion.waitFor()
    expect(await champion.innerText()).toContain('100 % of requests')
    expect(await models.getByRole('article').count()).toBe(1)
    const { state } = server.service
    const model = servedModel('other', 'abcdef012345', zonesAndDistance)
    state.challenger = { model, mode: 'canary', share: 0.25, seed: 'test' }
    for (let k = 0; k < 40; k++) {
      await predicted({ PULocationID: 75, DOLocationID: 166, trip_distance: 2 }, '')
    }
    const challenger = models.getByRole('article', { name: 'challenger' })
    await challenger.getByText('25 % of requests').waitFor()
    const count = async (arm: typeof champion): Promise<number> =>
      Number(/predictions\s+([\d,]+)/.exec(await arm.innerText())?.[1])
    await expect
      .poll(async () => (await count(champion)) + (await count(challenger)), soon)
      .toBe(40)
    expect(await champion.getByRole('img').getAttribute('aria-label')).toMatch(/by minutes\. \d/)
    await expect
      .poll(() => page.getByRole('region', { name: 'Requests' }).innerText(), soon)
      .toMatch(/half under \d/)
  })

  test('tells a rollout with its history, the newest first', async () => {
    await open()
    const version = 'abcdef012345'
    const at = (minute: number): string => `2026-11-22T10:0${minute}:00.000Z`
    const rollout = {
      ...{ mode: 'canary', status: 'rolled_back', champion: '0123456789ab', challenger: version },
      ...{ share: 0, step: 2, steps: [0.05, 0.25, 1], since: at(3) },
      history: [
        { at: at(1), event: 'started', reason: 'a first try', by: 'person', version },
        {
          at: at(3),
          event: 'rolled_back',
          reason: 'errors of 4 % are above 1 %',
          by: 'judge',
          version,
        },
      ],
    }
    await page.route('**/status', async (route) => {
      const answer = await route.fetch()
      await route.fulfill({ json: { ...(await answer.json()), rollout } })
    })
    await page.getByRole('link', { name: 'Service' }).click()
    const region = page.getByRole('region', { name: 'Rollout' })
    await region.getByText('errors of 4 % are above 1 %').waitFor()
    const entries = await region.locator('.history strong').allInnerTexts()
    expect(entries).toEqual(['rolled back', 'started'])
    expect(await region.getByRole('list', { name: 'Steps' }).innerText()).toContain('25 %')
  })
})

describe('every view', () => {
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('has nothing that axe finds serious, %s, %i wide', async (scheme, width) => {
    await open({ scheme, width, hash: ride })
    await answer().getByText('Usually').waitFor()
    const source = await readFile(axe, 'utf8')
    const found = async (): Promise<unknown> => {
      // By the debugger, since the page's policy lets in no script but its own.
      await page.evaluate(source)
      return page.evaluate(`axe.run().then(({ violations }) => violations
        .filter(({ impact }) => impact !== 'minor')
        .map(({ id, impact, nodes }) => [id, impact, nodes.slice(0, 3).map(({ html, failureSummary }) => html.slice(0, 200) + failureSummary)]))`)
    }
    expect(await found()).toEqual([])
    await page.getByLabel('Drop-off', { exact: true }).fill('har')
    await page
      .getByRole('option', { name: /Central Harlem / })
      .first()
      .waitFor()
    expect(await found()).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('link', { name: 'Service' }).click()
    await page.getByRole('article', { name: 'champion' }).waitFor()
    expect(await found()).toEqual([])
    const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(over).toBe(0)
  })

  test('is loaded once: a second visit asks for the page and what changes alone', async () => {
    await open({ hash: ride })
    await answer().getByText('Usually').waitFor()
    const sizes = await page.evaluate<[string, number][]>(
      "performance.getEntriesByType('resource').filter((one) => one.name.includes('/page/')).map((one) => [one.name, one.transferSize])",
    )
    expect(sizes.length).toBeGreaterThan(3)
    await page.reload()
    await answer().getByText('Usually').waitFor()
    const again = await page.evaluate<number[]>(
      "performance.getEntriesByType('resource').filter((one) => one.name.includes('/page/')).map((one) => one.transferSize)",
    )
    expect(again.filter((bytes) => bytes > 0)).toEqual([])
  })
})
