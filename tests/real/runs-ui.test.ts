/** The page over run records in a real browser: what a person does with it, and what must not happen. */

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page, type Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { uiCommand } from '../../src/commands/runs-ui.ts'
import { openRegistry } from '../../src/registry.ts'
import type { RunSummary } from '../../src/tracking/tracker.ts'
import { type RunningPage, startRunsPage } from '../../src/tracking/ui/server.ts'
import { root } from '../command-line.ts'
import { runCommand } from '../commands/run-command.ts'
import { documentsOf } from '../documents-of-versions.ts'
import { type MadeRuns, makeRuns } from '../tracking/ui/made-runs.ts'
import { chromiumPath } from './parts.ts'

let folder: string
let made: MadeRuns
let server: RunningPage
let browser: Browser
let page: Page
/** What the page must not do: errors, and requests to other places. */
let faults: string[]

const id = (key: string): string => made.ids[key] ?? ''

beforeAll(async () => {
  // Whatever runs the command line first makes sure that the bundle is that of the sources.
  execFileSync(process.execPath, [join(root, 'bin/ridecast.mjs'), '--version'])
  folder = await mkdtemp(join(tmpdir(), 'ridecast-runs-ui-'))
  made = await makeRuns(join(folder, 'runs'))
  const registry = openRegistry(join(folder, 'models'))
  const { version } = await registry.save('green-duration', documentsOf(1))
  await registry.setAliasIfAbsent('green-duration', 'champion', version)
  const run = await made.tracker.startRun({
    experiment: 'green-duration',
    name: 'served',
    tags: {},
  })
  await run.logDataset({
    name: 'green 2021-01',
    source: '/data/green_tripdata_2021-01.parquet',
    digest: `sha256:${'b8e2c9496c5eada0'.repeat(4)}`,
    context: 'training',
    rows: 76_518,
  })
  await run.logModel({ name: 'green-duration', version, path: join(folder, 'models') })
  await run.finish('finished')
  made = { ...made, ids: { ...made.ids, served: run.id } }
  server = await startRunsPage({ tracker: made.tracker, registry, place: folder, port: 0 })
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A page of its own, watched. */
async function openPage(width: number, of: RunningPage = server): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    baseURL: of.url,
    timezoneId: 'America/New_York',
  })
  const opened = await context.newPage()
  opened.on('pageerror', (error) => faults.push(error.message))
  opened.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  opened.on('request', (request) => {
    if (!request.url().startsWith(`${of.url}/`)) faults.push(`request to ${request.url()}`)
  })
  return opened
}

beforeEach(async () => {
  faults = []
  page = await openPage(1280)
})
afterEach(async () => {
  await page.context().close()
})

const names = (): Promise<string[]> => page.locator('table.runs tbody th a').allTextContents()
const lines = () => page.locator('table.runs tbody tr')
const head = (name: string) =>
  page.locator('table.runs thead').getByRole('button', { name, exact: true })

/** Texts of a column from top to bottom. */
async function column(name: string): Promise<string[]> {
  const titles = await page.locator('table.runs thead th').allTextContents()
  const at = titles.findIndex((title) => title.replace(/[↑↓]$/, '') === name)
  expect(at).toBeGreaterThan(0)
  return page.locator(`table.runs tbody tr > :nth-child(${at + 1})`).allTextContents()
}

describe('the table', () => {
  test('lists runs newest first, parts below their run once that is opened', async () => {
    await page.goto('/')
    await page.getByText('14 runs').waitFor()
    expect((await names()).slice(0, 4)).toEqual([
      'served',
      expect.stringMatching(/^hostile <img/),
      'no data',
      'sweep of l2',
    ])
    expect(await names()).not.toContain('trial 3')
    await page.getByRole('button', { name: '6 parts of sweep of l2' }).click()
    expect((await names()).slice(3, 7)).toEqual(['sweep of l2', 'trial 5', 'trial 4', 'trial 3'])
    await page.reload()
    await page.getByRole('link', { name: 'trial 3' }).waitFor()
    await page.getByRole('checkbox', { name: 'Nest parts' }).uncheck()
    expect(page.url()).toContain('flat=1')
    expect(faults).toEqual([])
  })

  test('sorts by a column, both ways, and keeps that on reload', async () => {
    await page.goto('/?flat=1')
    await head('validation.rmse').click()
    await page.locator('th[aria-sort=ascending]').waitFor()
    const up = (await column('validation.rmse')).map(Number).filter((value) => !Number.isNaN(value))
    // 3 months and 6 trials have it.
    expect(up).toHaveLength(9)
    expect(up).toEqual([...up].sort((a, b) => a - b))
    await head('validation.rmse').click()
    await page.locator('th[aria-sort=descending]').waitFor()
    await page.reload()
    await lines().first().waitFor()
    expect((await column('validation.rmse'))[0]).toBe('9.7753')
    expect(await names()).toContain('no data')
    expect(faults).toEqual([])
  })

  test('filters, and says what is wrong with a filter', async () => {
    await page.goto('/')
    const box = page.getByRole('textbox', { name: 'Filter of runs' })
    await box.fill("metrics.validation.rmse < 7 and params.recipe = 'standard'")
    await box.press('Enter')
    await page.getByText(/^8 runs/).waitFor()
    expect(await names()).toContain('month-2')
    expect(await names()).not.toContain('month-1')
    await box.fill('metrics.validation.rmse <')
    await box.press('Enter')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    expect(await alert.textContent()).toContain('filter')
    expect(await box.getAttribute('aria-invalid')).toBe('true')
    // What was there before stays until there is something else.
    expect(await names()).toContain('month-2')
    await page.goBack()
    await alert.waitFor({ state: 'detached' })
    expect(await box.inputValue()).toBe(
      "metrics.validation.rmse < 7 and params.recipe = 'standard'",
    )
    // The browser itself notes the answer of status 400.
    expect(faults.filter((fault) => !fault.includes('400 (Bad Request)'))).toEqual([])
  })

  test('offers examples that find something', async () => {
    await page.goto('/')
    await lines().first().waitFor()
    await page.getByRole('button', { name: 'Examples' }).click()
    await page
      .getByRole('region', { name: 'Examples of filters' })
      .getByRole('button')
      .first()
      .click()
    await page.waitForURL(/filter=metrics/)
    await page.locator('main:not(.stale)').waitFor()
    expect(await lines().count()).toBeGreaterThan(0)
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('shows the columns that are chosen, and remembers them', async () => {
    await page.goto('/')
    await lines().first().waitFor()
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByRole('textbox', { name: 'Find a column' }).fill('solve')
    await page.getByRole('checkbox', { name: 'solve.residual' }).check()
    await page.getByRole('textbox', { name: 'Find a column' }).fill('recipe')
    await page.getByRole('checkbox', { name: 'recipe' }).uncheck()
    await page.keyboard.press('Escape')
    expect(await column('solve.residual')).toContain('1.50e−30')
    expect(await head('recipe').count()).toBe(0)
    expect(page.url()).toContain('col=metrics.solve.residual')
    await page.goto('/')
    await head('solve.residual').waitFor()
    expect(await head('recipe').count()).toBe(0)
    expect(faults).toEqual([])
  })

  test('names runs that cannot be read and why', async () => {
    await page.goto('/')
    await page.getByText('1 run cannot be read').click()
    await page.getByText('run.json is not JSON').first().waitFor()
    expect(
      await lines()
        .filter({ hasText: id('unreadable') })
        .textContent(),
    ).toContain('unreadable')
  })

  test('says what to run when there is none', async () => {
    const tracker = { ...made.tracker, listRuns: async () => [] }
    const empty = await startRunsPage({ tracker, place: '/nowhere/runs', port: 0 })
    await page.context().close()
    page = await openPage(1280, empty)
    await page.goto('/')
    await page.getByText('No runs in /nowhere/runs yet').waitFor()
    await page.getByText('ridecast train 2021-01').waitFor()
    await empty.stop()
  })

  test('shows a running run as it goes on', async () => {
    const run = await made.tracker.startRun({ experiment: 'live', name: 'at work', tags: {} })
    await run.logMetrics({ loss: 3.5 })
    await page.goto('/?col=attributes.status&col=metrics.loss')
    const line = lines().filter({ hasText: 'at work' })
    await line.getByText('3.5').waitFor()
    await run.logMetrics({ loss: 2.25 }, { step: 1 })
    await line.getByText('2.25').waitFor({ timeout: 15_000 })
    await run.finish('failed', { error: 'no more' })
    await line.getByText('failed').waitFor({ timeout: 15_000 })
    await rm(run.location, { recursive: true })
    expect(faults).toEqual([])
  })

  test('is worked by the keyboard alone', async () => {
    await page.goto('/')
    await lines().first().waitFor()
    await page.keyboard.press('/')
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(
      'Filter of runs',
    )
    await head('Run').focus()
    await page.keyboard.press('Enter')
    await page.locator('th[aria-sort=ascending]').waitFor()
    await page.getByRole('checkbox', { name: 'choose month-1' }).focus()
    await page.keyboard.press('Space')
    await page.getByText('1 chosen').waitFor()
    await page.getByRole('link', { name: 'month-1' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'month-1' }).waitFor()
  })
})

describe('5,000 runs', () => {
  const many: RunSummary[] = Array.from({ length: 5000 }, (_, i) => ({
    id: `run-${i}`,
    experiment: 'many',
    name: `run ${i}`,
    status: 'finished',
    startedAt: new Date(Date.UTC(2021, 0, 1) + i * 60_000).toISOString(),
    endedAt: new Date(Date.UTC(2021, 0, 1) + i * 60_000 + 3000).toISOString(),
    error: null,
    parent: null,
    commit: null,
    user: 'ann',
    source: null,
    tags: {},
    parameters: { l2: String(i % 97), recipe: 'standard' },
    metrics: { 'validation.rmse': 5 + ((i * 7919) % 5000) / 1000 },
    datasets: [],
    model: null,
    process: null,
    location: '',
  }))
  many.reverse()

  test('scroll from end to end with few rows drawn, and sort', async () => {
    const tracker = { ...made.tracker, listRuns: async () => many }
    const large = await startRunsPage({ tracker, place: '', port: 0 })
    await page.context().close()
    page = await openPage(1280, large)
    await page.goto('/')
    await page.getByText('5,000 runs').waitFor()
    const box = page.locator('.table-box')
    const total = await box.evaluate((element) => element.scrollHeight)
    // 34 pixels a row and one for the heading.
    expect(total).toBe(34 * 5001)
    for (const share of [0.5, 1, 0.25]) {
      await box.evaluate((element, at) => element.scrollTo(0, element.scrollHeight * at), share)
      const wanted = share === 1 ? 'run 0' : `run ${5000 - Math.round(5000 * share) - 10}`
      await page.getByRole('link', { name: wanted, exact: true }).waitFor()
      expect(await lines().count()).toBeLessThan(80)
    }
    await box.evaluate((element) => element.scrollTo(0, 0))
    await head('validation.rmse').click()
    // 7919 and 5000 have no common factor: exactly one run has the lowest value, the first.
    await page.getByRole('link', { name: 'run 0', exact: true }).waitFor()
    expect((await column('validation.rmse')).find((text) => text !== '')).toBe('5.0000')
    await page.getByRole('link', { name: 'Scatter' }).click()
    await page.getByRole('img', { name: '5,000 runs: validation.rmse against l2' }).waitFor()
    await large.stop()
    expect(faults).toEqual([])
  })
})

/** Pixels of a canvas that are not its background, which is clear. */
function drawn(canvas: ReturnType<Page['locator']>): Promise<number> {
  return canvas.evaluate((element) => {
    // A copy: the page's own canvas is not made for reading.
    const copy = element.ownerDocument.createElement('canvas')
    Object.assign(copy, { width: element.width, height: element.height })
    const context = copy.getContext('2d', { willReadFrequently: true })
    context.drawImage(element, 0, 0)
    const { data } = context.getImageData(0, 0, element.width, element.height)
    let count = 0
    for (let i = 3; i < data.length; i += 4) if (data[i] !== 0) count++
    return count
  })
}

describe('one run', () => {
  test('opens from the table, with what it was told, and back leads to the same table', async () => {
    await page.goto('/?sort=attributes.name&order=asc')
    await page.getByRole('link', { name: 'month-3' }).click()
    await page.getByRole('heading', { name: 'month-3' }).waitFor()
    expect(page.url()).toBe(`${server.url}/runs/${id('month-3')}`)
    expect(await page.title()).toContain(id('month-3'))
    const metrics = page.getByRole('region', { name: 'Metrics' })
    const rmse = metrics.getByRole('row', { name: 'validation.rmse' }).getByRole('cell').first()
    expect(await rmse.textContent()).toBe('5.8222')
    expect(await rmse.getAttribute('title')).toBe('5.82217830954286')
    await page.getByRole('region', { name: 'Parameters' }).getByText('2021-03').waitFor()
    // 08:02 in UTC, as clocks in New York show it.
    await page.getByText('2021-03-01 03:02:00').waitFor()
    await page.getByText('068b700ca7').first().waitFor()
    await page.goBack()
    await page.locator('th[aria-sort=ascending]').waitFor()
    expect(faults).toEqual([])
  })

  test('draws its curves, by step or time, linear or logarithmic', async () => {
    await page.goto(`/runs/${id('trial 2')}`)
    const canvas = page.getByRole('img', { name: /^loss: 120 values, the last 4\.56/ })
    await canvas.waitFor()
    expect(await drawn(canvas)).toBeGreaterThan(500)
    const linear = await canvas.evaluate((element) => element.toDataURL())
    await page.getByRole('checkbox', { name: 'Logarithmic' }).check()
    await expect.poll(() => canvas.evaluate((element) => element.toDataURL())).not.toBe(linear)
    expect(await drawn(canvas)).toBeGreaterThan(500)
    await page.getByRole('checkbox', { name: 'Over time' }).check()
    expect(page.url()).toContain('logy=1&time=1')
    // A metric of one value is no curve.
    expect(await page.getByRole('img').count()).toBe(2)
    expect(faults).toEqual([])
  })

  test('shows the lineage from file to served model', async () => {
    await page.goto(`/runs/${id('served')}`)
    const lineage = page.getByRole('region', { name: 'Lineage' })
    await lineage.getByText('champion').waitFor()
    const nodes = await lineage.locator('.node strong').allTextContents()
    expect(nodes).toEqual(['green 2021-01', 'served', 'green-duration', 'champion'])
    await lineage.getByText('sha256:b8e2c9496c5e').waitFor()
    // One curve from each to the next.
    await expect.poll(() => lineage.locator('svg path[d^=M]').count()).toBeGreaterThanOrEqual(3)
    expect(await lineage.locator('> div > svg path').count()).toBe(3)
    await page.goto('/')
    expect(await lines().filter({ hasText: 'served' }).locator('.alias').textContent()).toBe(
      'champion',
    )
    expect(faults).toEqual([])
  })

  test('of a sweep lists its parts, and a part leads to its sweep', async () => {
    await page.goto(`/runs/${id('sweep of l2')}`)
    await page.getByRole('region', { name: 'Parts' }).getByRole('link', { name: 'trial 4' }).click()
    await page.getByRole('heading', { name: 'trial 4' }).waitFor()
    await page
      .getByRole('region', { name: 'Part of' })
      .getByRole('link', { name: 'sweep of l2' })
      .click()
    await page.getByRole('heading', { name: 'sweep of l2' }).waitFor()
    await page.getByRole('link', { name: 'Compare them' }).click()
    await page.getByRole('img', { name: 'loss of 6 runs' }).waitFor()
    expect(faults).toEqual([])
  })

  test('says why it failed, and what is wrong with one that is not there', async () => {
    await page.goto(`/runs/${id('no data')}`)
    await page.getByText('month 2030-01 lies in the future').waitFor()
    await page.goto('/runs/20210301T080000-000000')
    expect(await page.getByRole('alert').textContent()).toContain('is not there')
    await page.goto(`/runs/${id('unreadable')}`)
    expect(await page.getByRole('alert').textContent()).toContain('run.json is not JSON')
  })
})

describe('artifacts', () => {
  const open = async (path: string): Promise<void> => {
    await page.goto(`/runs/${id('hostile')}`)
    await page.getByRole('list', { name: 'Files' }).getByTitle(path, { exact: true }).click()
    await page.locator('.viewer header').getByText(path, { exact: true }).waitFor()
  }
  const viewer = () => page.locator('.viewer')

  test('are shown as what they are: JSON, YAML, CSV, notes, pictures', async () => {
    await open('metrics.json')
    await expect.poll(() => viewer().locator('pre').textContent()).toContain('\n  "exact": 1.0,\n')
    expect(await viewer().locator('pre').textContent()).toContain('"big": 12345678901234567890')
    await open('recipe.yaml')
    await expect.poll(() => viewer().locator('pre').textContent()).toBe('name: plain\nl2: 0.5\n')
    await open('table.csv')
    await viewer().getByRole('columnheader', { name: 'mean, min' }).waitFor()
    expect(await viewer().getByRole('cell').allTextContents()).toEqual([
      '43',
      '120',
      '5.5',
      'a "b"',
      '7',
      '6.25',
    ])
    await open('notes.md')
    await expect.poll(() => viewer().locator('pre').textContent()).toContain('<script>')
    await open('empty.txt')
    await expect.poll(() => viewer().locator('pre').textContent()).toBe('')
    for (const [path, width] of [
      ['plots/pixels.png', 2],
      ["plots/it's & 100% 1.svg", 40],
    ] as const) {
      await open(path)
      const picture = viewer().locator('img')
      await expect.poll(() => picture.evaluate((image) => image.naturalWidth)).toBe(width)
    }
    await open('model.bin')
    await viewer().getByText('Not a text').waitFor()
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    // 416: an empty file has no first part that could be asked for.
    expect(faults.filter((fault) => !fault.includes('416'))).toEqual([])
  })

  test('that are long are read in part, and can be downloaded whole', async () => {
    await open('log.txt')
    await viewer().getByText('The first 524.3 kB of 1.1 MB').waitFor()
    expect((await viewer().locator('pre').textContent())?.length).toBe(512 * 1024)
    const waiting = page.waitForEvent('download')
    await viewer().getByRole('link', { name: 'Download' }).click()
    const download = await waiting
    expect(download.suggestedFilename()).toBe('log.txt')
  })

  test('that are hostile reports can be looked at and do nothing', async () => {
    const outside: Request[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url)) outside.push(request)
    })
    // The browser tells of a request also where the policy has kept it from being sent.
    const sent = (): (string | undefined)[] =>
      outside.map((request) => request.failure()?.errorText).filter((error) => error !== 'csp')
    await page.goto(`/runs/${id('hostile')}?artifact=report.html`)
    const frame = page.frameLocator('.viewer iframe')
    const seen = frame.locator('#seen')
    await seen.waitFor()
    expect(await seen.textContent()).toBe('Report')
    const color = frame
      .getByText('styled')
      .evaluate((element) => element.ownerDocument.defaultView.getComputedStyle(element).color)
    expect(await color).toBe('rgb(1, 2, 3)')
    await frame.locator('#leave').click()
    await frame.locator('#send').click()
    // Something to wait for that comes after both clicks: the next answer of the page's server.
    await page.reload()
    await seen.waitFor()
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.title()).not.toContain('hacked')
    expect(new URL(page.url()).pathname).toBe(`/runs/${id('hostile')}`)
    expect(sent()).toEqual([])
    // By itself, without the page around it, it may do no more.
    await page.goto(`/artifacts/${id('hostile')}/report.html`)
    expect(await page.locator('#seen').textContent()).toBe('Report')
    expect(sent()).toEqual([])
  })
})

describe('scatter', () => {
  test('shows any against any, names the run under the pointer, and leads to it', async () => {
    await page.goto('/scatter?experiment=sweeps&x=params.l2&y=metrics.validation.rmse&logx=1')
    const canvas = page.getByRole('img', { name: '6 runs: validation.rmse against l2' })
    await canvas.waitFor()
    const box = await canvas.boundingBox()
    // The only point with nothing near it below: the lowest one, found by its colour.
    const at = await canvas.evaluate((element) => {
      const target = element
      const { data } = target.getContext('2d')?.getImageData(0, 0, target.width, target.height) ?? {
        data: [],
      }
      for (let i = data.length - 4; i >= 0; i -= 4) {
        const [red = 0, green = 0, blue = 0, alpha = 0] = [
          data[i],
          data[i + 1],
          data[i + 2],
          data[i + 3],
        ]
        const isAccent = Math.abs(red - 31) + Math.abs(green - 95) + Math.abs(blue - 191) < 30
        if (isAccent && alpha > 200)
          return { x: (i / 4) % target.width, y: Math.floor(i / 4 / target.width) }
      }
      return null
    })
    if (at === null || box === null) throw new Error('no point was drawn')
    await page.mouse.move(box.x + at.x, box.y + at.y - 3)
    await expect.poll(() => canvas.evaluate((element) => element.style.cursor)).toBe('pointer')
    await page.mouse.click(box.x + at.x, box.y + at.y - 3)
    // Of the curves' ends 5 + (trial - 3)^2 / 9, that of trial 3 is the lowest.
    await page.getByRole('heading', { name: 'trial 3' }).waitFor()
    await page.goBack()
    await canvas.waitFor()
    await page.getByRole('combobox', { name: 'Vertical' }).selectOption('loss')
    await page.getByRole('img', { name: '6 runs: loss against l2' }).waitFor()
    await page.getByText('The points as a table').click()
    await page.getByRole('link', { name: 'trial 0' }).click()
    await page.getByRole('heading', { name: 'trial 0' }).waitFor()
    expect(faults).toEqual([])
  })
})

describe('comparison', () => {
  test('puts chosen runs beside each other', async () => {
    await page.goto('/')
    await page.getByRole('checkbox', { name: 'choose month-1' }).check()
    await page.getByText('Choose two or more').waitFor()
    await page.getByRole('checkbox', { name: 'choose month-3' }).check()
    await page.getByRole('link', { name: 'Compare' }).click()
    await page.getByRole('heading', { name: 'Comparison' }).waitFor()
    const row = (name: string) =>
      page.getByRole('row', { name }).getByRole('cell').allTextContents()
    expect(await row('validation.rmse')).toEqual(['9.77526', '5.82218−3.953 (−40.4 %)'])
    expect(await row('recipe')).toEqual(['plain', 'standard'])
    expect(await page.getByRole('rowheader', { name: 'taxi' }).count()).toBe(0)
    await page.getByRole('checkbox', { name: /^Also the \d+ that are the same$/ }).check()
    expect(await row('taxi')).toEqual(['green', 'green'])
    await page.getByRole('button', { name: 'take month-1 out' }).click()
    expect(await page.locator('thead th').count()).toBe(1)
    expect(faults).toEqual([])
  })

  test('overlays their curves, and passes over what is not there', async () => {
    const ids = ['trial 0', 'trial 5'].map(id)
    await page.goto(`/compare?run=${ids[0]}&run=${ids[1]}&run=20210301T080000-000000`)
    const canvas = page.getByRole('img', { name: 'loss of 2 runs' })
    await canvas.waitFor()
    expect(await drawn(canvas)).toBeGreaterThan(1000)
    expect(await page.getByRole('alert').textContent()).toContain('is not there')
  })
})

describe('every view', () => {
  const views = (): string[] => [
    '/',
    '/?open=x&sort=metrics.loss',
    '/scatter',
    `/runs/${id('hostile')}?artifact=table.csv`,
    `/runs/${id('trial 1')}`,
    `/runs/${id('served')}`,
    `/compare?run=${id('month-1')}&run=${id('month-2')}&run=${id('hostile')}&all=1`,
  ]

  test.each([390, 1280])('fits a width of %i without scrolling sideways', async (width) => {
    const other = await openPage(width)
    for (const view of views()) {
      await other.goto(view)
      await other.locator('h2:visible, table:visible, canvas:visible').first().waitFor()
      const over = await other.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([view, over]).toEqual([view, 0])
    }
    await other.context().close()
    expect(faults).toEqual([])
  })

  test('has a name for everything that can be used', async () => {
    for (const view of views()) {
      await page.goto(view)
      await page.locator('h2:visible, table:visible, canvas:visible').first().waitFor()
      const nameless = await page
        .locator('button, a, input, select, canvas, iframe')
        .evaluateAll((all) =>
          all
            .filter((element) => {
              const label = element.closest('label')?.textContent ?? ''
              const own = element.getAttribute('aria-label') ?? element.getAttribute('title') ?? ''
              return `${element.textContent}${label}${own}`.trim() === ''
            })
            .map((element) => element.outerHTML),
        )
      expect(nameless).toEqual([])
    }
  })
})

describe('ridecast runs ui', () => {
  test('prints the address, answers there, and ends on a signal', async () => {
    const listeners: Record<string, () => void> = {}
    const ended = new Promise<number>((exit) => {
      const handle = {
        on: (event: string, listener: () => void) => {
          listeners[event] = listener
        },
        exit,
      }
      let out = ''
      const said = {
        out: (text: string) => {
          out += text
        },
        err: () => {},
      }
      const flags = ['--runs', 'runs', '--models', 'models', '--port', '0']
      void runCommand((io) => uiCommand(io, handle), flags, folder, said).then(async () => {
        expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/)
        await page.goto(out.trim())
        await page.getByText('14 runs').waitFor()
        listeners.SIGINT?.()
      })
    })
    expect(await ended).toBe(0)
    expect(Object.keys(listeners).sort()).toEqual(['SIGINT', 'SIGTERM'])
  })

  test('refuses a port that is none', async () => {
    const said = { out: () => {}, err: () => {} }
    const asked = runCommand((io) => uiCommand(io), ['--port', '70000'], folder, said)
    await expect(asked).rejects.toMatchObject({ code: 'usage_invalid' })
  })
})
