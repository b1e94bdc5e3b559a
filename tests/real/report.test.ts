/** The page of a model report in a real browser: what a person sees, and what it must not do. */

import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LinearModel } from '../../src/model.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import { fit } from '../../src/pipeline/fit.ts'
import { partialDependence, permutationImportance } from '../../src/pipeline/judge/inputs.ts'
import { judge } from '../../src/pipeline/judge/judge.ts'
import { leveragePoints } from '../../src/pipeline/judge/leverage-points.ts'
import { sampleRides } from '../../src/pipeline/judge/sample-rides.ts'
import type { Moments } from '../../src/pipeline/moments.ts'
import { mergeMoments } from '../../src/pipeline/moments-algebra.ts'
import { planOf } from '../../src/pipeline/plan.ts'
import type { ReportDocument, ReportModel } from '../../src/pipeline/report/document.ts'
import { reportAssets, reportPage } from '../../src/pipeline/report/report-page.ts'
import { residualsOf } from '../../src/pipeline/residuals.ts'
import { leveragesOf } from '../../src/pipeline/solve/leverage.ts'
import { parseRecipe } from '../../src/recipe.ts'
import { root } from '../command-line.ts'
import { planFor } from '../pipeline/small-rides.ts'
import { launchChromium, openFile } from './chromium.ts'

let folder: string
let browser: Browser
let page: Page
/** What a page must not do: errors, and requests beyond its own file. */
let faults: string[]
let several: ReportDocument
let single: ReportDocument

const fileOf = (month: string) => ({
  source: { path: join(root, `data/green_tripdata_${month}.parquet`) },
  taxi: 'green' as const,
})

/** Linear models of a recipe: of February alone, and of January with it. */
async function trained(name: string): Promise<[LinearModel, LinearModel, Moments]> {
  const recipe = parseRecipe(readFileSync(join(root, `recipes/${name}.yaml`), 'utf8'), name)
  const engine = await openArrowEngine()
  const sums = async (month: string): Promise<Moments> =>
    (await engine.sum(fileOf(month).source.path, 'green', [planFor(recipe)]))[0] as Moments
  const [january, february] = [await sums('2021-01'), await sums('2021-02')]
  await engine.close()
  const of = async (moments: Moments): Promise<LinearModel> =>
    (await fit(moments, recipe, 'green', 'auto')).model
  const both = mergeMoments([january, february])
  return [await of(february), await of(both), both]
}

/** A recipe on two months, judged on the third, with all that a report can show. */
async function reported(name: string, withAll: boolean): Promise<ReportModel> {
  const [one, model, moments] = await trained(name)
  const files = [fileOf('2021-03')]
  const plan = planOf(model.recipe, model.features)
  // As wide as nothing has to promise: the chart shows by how much they miss.
  const interval = (predicted: number, coverage: number) =>
    [predicted - 20 * coverage, predicted + 20 * coverage] as const
  const judgement = await judge(model, files, plan, withAll ? { interval } : {})
  const base: ReportModel = {
    ...{ name, kind: model.kind, recipe: name, trained_on: 'green 2021-01..2021-02', judgement },
    model_bytes: JSON.stringify(model.toJSON()).length,
  }
  // What `pairs` would be without leverages: too wide, say.
  if (!withAll) {
    const why = { unavailable: 'its months are not at hand' }
    const leverage = { unavailable: 'its design is too large' }
    return { ...base, known: 'trained', leverage, learning_curve: why }
  }
  const leverages = leveragesOf(moments, model.recipe)
  if (!leverages) throw new Error('pairs has no leverages')
  const fitted = [fileOf('2021-01'), fileOf('2021-02')]
  const own = await sampleRides(fitted, plan, model.features, { size: 3000 })
  const { mse } = await residualsOf(model, fitted, plan)
  const rides = await sampleRides(files, plan, model.features, { size: 2000 })
  const { measures } = await judge(one, files, plan)
  return {
    ...base,
    version: 'f00d',
    selection: { mean: 7.25, deviation: 0.5, rmse: [6.75, 7.75] },
    calibrated_on: '2021-02',
    known: 'calibrated',
    leverage: leveragePoints(model, leverages, own, mse),
    importance: permutationImportance(model, rides),
    dependence: [partialDependence(model, rides, 'trip_distance', [1, 2, 5, 10])],
    learning_curve: [
      { months: 1, rmse: measures.rmse },
      { months: 2, rmse: judgement.measures.rmse },
    ],
  }
}

beforeAll(async () => {
  // Whatever runs the command line first makes sure that the bundle is that of the sources.
  execFileSync(process.execPath, [join(root, 'bin/ridecast.mjs'), '--version'])
  folder = await mkdtemp(join(tmpdir(), 'ridecast-report-page-'))
  const models = [await reported('pairs', true), await reported('plain', false)]
  const windows = [
    { train: '2020-11..2020-12', validation: '2021-01' },
    { train: '2020-12..2021-01', validation: '2021-02' },
  ]
  several = { format: 'ridecast-report', version: 1, rides: 'green 2021-03', windows, models }
  single = { ...several, models: models.slice(0, 1) }
  const assets = await reportAssets()
  await writeFile(join(folder, 'several.html'), reportPage(several, assets))
  await writeFile(join(folder, 'single.html'), reportPage(single, assets))
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

type Name = 'several' | 'single'

function openPage(name: Name, width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  return openFile(browser, join(folder, `${name}.html`), { width, colorScheme, faults })
}

beforeEach(() => {
  faults = []
})
afterEach(async () => {
  await page.context().close()
  expect(faults).toEqual([])
})

const model = (k: number): ReportModel => several.models[k] as ReportModel

describe('one model', () => {
  beforeEach(async () => {
    page = await openPage('single', 1280, 'light')
  })

  test('is one file well under a megabyte and a half that holds the document', async () => {
    expect(statSync(join(folder, 'single.html')).size).toBeLessThan(1_000_000)
    const text = await page.locator('#report').textContent()
    expect(JSON.parse(text ?? '')).toEqual(single)
  })

  test('begins with its measures and its worst slice', async () => {
    const { measures, worst } = model(0).judgement
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(
      'pairs on green 2021-03',
    )
    const short = await page.getByRole('region', { name: 'pairs in short' }).innerText()
    expect(short).toContain(measures.rmse.toFixed(3))
    expect(short).toContain(measures.n.toLocaleString('en-US'))
    expect(short).toContain(`${worst?.name}, RMSE ${worst?.rmse.toFixed(2)}`)
    expect(await page.getByRole('heading', { name: 'Side by side' }).count()).toBe(0)
  })

  test('has a chart for everything that it was judged by', async () => {
    const charts = await page
      .getByRole('img')
      .evaluateAll((all) => all.map((chart) => chart.getAttribute('aria-label')))
    expect(charts).toEqual([
      'Distribution of actual and of predicted minutes',
      'Rides by predicted and actual minutes',
      'Residuals against predicted minutes, with bands and a smooth',
      'Root of standardised residuals against predicted minutes',
      'Normal quantile plot of the residuals',
      'Standardised residuals against leverage',
      ...model(0).judgement.slices.map(({ title }) => {
        return `root mean squared error (RMSE) by ${title.toLowerCase()}, minutes`
      }),
      'Map of pickups by taxi zone: mean of predicted − actual, minutes',
      'Map of drop-offs by taxi zone: mean of predicted − actual, minutes',
      'Measured against promised coverage of intervals',
      'Rise of the RMSE when an input is shuffled, minutes',
      'Mean prediction by trip distance, minutes',
      'RMSE by months of training, minutes',
    ])
  })

  test('draws every cell and every ride of the sample', async () => {
    const { density, qq } = model(0).judgement
    const marks = (name: string, mark: string) =>
      page.getByRole('img', { name, exact: true }).locator(mark)
    expect(
      await marks('Rides by predicted and actual minutes', 'g[aria-label="rect"] rect').count(),
    ).toBe(density.filter((count) => count > 0).length)
    const fitted = 'Residuals against predicted minutes, with bands and a smooth'
    expect(await marks(fitted, 'circle').count()).toBe(2000)
    expect(await marks('Normal quantile plot of the residuals', 'circle').count()).toBe(qq.length)
  })

  test('draws fitted rides by leverage, and counts those that decide their own prediction', async () => {
    const { leverage } = model(0)
    if (!leverage || 'unavailable' in leverage) throw new Error('no leverage')
    const chart = page.getByRole('img', { name: 'Standardised residuals against leverage' })
    expect(await chart.locator('circle').count()).toBe(leverage.leverage.length)
    // A pair of zones with one ride predicts that ride.
    expect(leverage.decided).toBeGreaterThan(10)
    await expect
      .poll(() => page.locator('figure').filter({ has: chart }).innerText())
      .toContain(`${leverage.decided} of the 3,000 rides decide their own prediction`)
  })

  test('tells the bias of the zone below the pointer', async () => {
    const map = page.locator('.map').filter({ hasText: 'Pickups' })
    // Outlines lie in the order of the zones; 56 and 57 are one, so that zone 74 is the 73rd.
    await map.locator('svg g[aria-label="geo"]').first().locator('path').nth(72).hover()
    const zone = model(0).judgement.zones.find(({ id }) => id === 74)
    const bias = zone?.pickup_bias ?? Number.NaN
    const size = Math.abs(bias).toFixed(2)
    await expect
      .poll(() => map.locator('output').textContent())
      .toBe(
        `East Harlem North (74): ${bias < 0 ? '−' : '+'}${size} minutes, ${zone?.pickups.toLocaleString('en-US')} rides`,
      )
    const fills = await map
      .locator('svg g[aria-label="geo"]')
      .first()
      .locator('path')
      .evaluateAll((all) => all.map((path) => path.getAttribute('fill')))
    expect(new Set(fills).size).toBeGreaterThan(3)
  })

  test('shows slices by another measure, and as a table', async () => {
    await page.getByLabel('bias', { exact: true }).check()
    const chart = page.getByRole('img', { name: 'bias by day of the week, minutes' })
    const sunday = model(0)
      .judgement.slices.find(({ key }) => key === 'weekday')
      ?.slices.find(({ name }) => name === 'Sunday')
    const bias = sunday?.bias ?? Number.NaN
    const text = `${bias < 0 ? '−' : '+'}${Math.abs(bias).toFixed(2)}`
    await expect
      .poll(() => chart.locator('g[aria-label="text"] text').allTextContents())
      .toContain(text)
    const box = page.locator('figure').filter({ has: chart })
    await box.getByText('As a table').click()
    expect(await box.getByRole('row', { name: 'Sunday' }).innerText()).toBe(
      [
        'Sunday',
        sunday?.n.toLocaleString('en-US'),
        sunday?.rmse.toFixed(2),
        sunday?.mae.toFixed(2),
        text,
      ].join('\t'),
    )
  })

  test('tells the numbers of a chart below the pointer', async () => {
    const chart = page.getByRole('img', { name: /by hour of the pickup/ })
    await chart.scrollIntoViewIfNeeded()
    await chart.locator('g[aria-label="bar"] rect').nth(8).hover()
    const eight = model(0)
      .judgement.slices.find(({ key }) => key === 'hour')
      ?.slices.find(({ name }) => name === '8')
    await expect
      .poll(() => chart.locator('g[aria-label="tip"]').textContent())
      .toContain(`RMSE ${eight?.rmse.toFixed(2)}, MAE ${eight?.mae.toFixed(2)}`)
  })

  test('shows how many rides intervals hold', async () => {
    const section = page.getByRole('region', { name: 'Intervals', exact: true })
    expect(await section.innerText()).toContain('the same: they hold here by their making.')
    const all = page.getByRole('region', { name: 'Coverage by predicted minutes' })
    const nine = model(0).judgement.intervals?.find(({ nominal }) => nominal === 0.9)
    expect(await all.getByRole('row', { name: 'all' }).innerText()).toContain(
      `${((nine?.coverage ?? 0) * 100).toFixed(1)} %\n36.0`,
    )
  })
})

describe('several models', () => {
  beforeEach(async () => {
    page = await openPage('several', 1280, 'light')
  })

  test('say what they were ranked by, and why a chart is not there', async () => {
    const table = page.getByRole('region', { name: 'Models side by side' })
    await expect
      .poll(() => table.getByRole('row', { name: 'pairs' }).innerText())
      .toContain('7.250 ± 0.500')
    const side = page.getByRole('region', { name: 'Side by side', exact: true })
    expect(await side.innerText()).toContain('Ahead is pairs, by its errors on rides before these.')
    await page.getByText('How they were ranked').click()
    const ranked = page.getByRole('region', { name: 'RMSE on the rides that ranked' })
    expect(await ranked.getByRole('row', { name: 'pairs' }).innerText()).toBe(
      ['pairs', '6.750', '7.750', '7.250', '0.500'].join('\t'),
    )
    await page.getByLabel('plain', { exact: true }).check()
    await expect
      .poll(() => page.getByRole('region', { name: 'Residuals' }).innerText())
      .toContain('Not shown: its design is too large.')
    expect(await page.getByRole('region', { name: 'What more months buy' }).innerText()).toContain(
      'Not shown: its months are not at hand.',
    )
  })

  test('stand side by side, the best in bold', async () => {
    const table = page.getByRole('region', { name: 'Models side by side' })
    const rows = await table.locator('tbody tr').allInnerTexts()
    expect(rows.map((row) => row.split('\t').slice(0, 4))).toEqual(
      several.models.map(({ name, judgement, selection }) => [
        name,
        'linear',
        selection ? '7.250 ± 0.500' : '–',
        judgement.measures.rmse.toFixed(3),
      ]),
    )
    // Nobody said how long training took.
    expect(await table.locator('thead').innerText()).not.toContain('training')
    // The first is of what they were ranked by, which one of them was.
    expect(await table.locator('td.best').nth(1).innerText()).toBe(
      Math.min(...several.models.map(({ judgement }) => judgement.measures.rmse)).toFixed(3),
    )
  })

  test('are shown one at a time, the others as ticks', async () => {
    const ticks = page
      .getByRole('img', { name: /by distance/ })
      .locator('g[aria-label="tick"] line')
    const distances = model(0).judgement.slices.find(({ key }) => key === 'distance')
    expect(await ticks.count()).toBe(distances?.slices.length)
    expect(await page.getByRole('heading', { name: 'Intervals' }).count()).toBe(1)
    await page.getByLabel('plain', { exact: true }).check()
    const short = page.getByRole('region', { name: 'plain in short' })
    expect(await short.innerText()).toContain(model(1).judgement.measures.rmse.toFixed(3))
    expect(await short.innerText()).toContain('trained on some of these rides, which flatters')
    // The other model came without.
    expect(await page.getByRole('heading', { name: 'Intervals' }).count()).toBe(0)
  })
})

describe('every page', () => {
  test.each([390, 768, 1280])('fits a width of %i without scrolling sideways', async (width) => {
    for (const name of ['single', 'several'] as const) {
      page = await openPage(name, width, 'light')
      for (const summary of await page.locator('summary').all()) await summary.click()
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([name, over]).toEqual([name, 0])
      if (name === 'single') await page.context().close()
    }
  })

  test('is dark where the system is, with text that can be read', async () => {
    page = await openPage('several', 1280, 'dark')
    const color = (name: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.body).${name}`)
    const light = (color: string): number =>
      Math.max(...(color.match(/\d+/g) ?? []).slice(0, 3).map(Number))
    expect(light(await color('backgroundColor'))).toBeLessThan(60)
    expect(light(await color('color'))).toBeGreaterThan(200)
  })

  test('has a name for every chart and control, and headings in order', async () => {
    page = await openPage('several', 1280, 'light')
    const nameless = await page
      .locator('svg, a, button, input, summary, section')
      .evaluateAll((all) =>
        all
          .filter((element) => {
            const label = element.closest('label')?.textContent ?? ''
            const own =
              element.getAttribute('aria-label') ?? element.getAttribute('aria-labelledby') ?? ''
            const isText = element.tagName !== 'svg' && element.tagName !== 'SECTION'
            // Parts of a chart are told by the chart.
            const isPart = element.parentElement?.closest('svg') !== null
            return !isPart && `${isText ? element.textContent : ''}${label}${own}`.trim() === ''
          })
          .map((element) => element.outerHTML.slice(0, 200)),
      )
    expect(nameless).toEqual([])
    const levels = await page
      .locator('h1, h2, h3')
      .evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])))
    expect(levels.filter((level) => level === 1)).toHaveLength(1)
    expect(levels.every((level, k) => k === 0 || level - (levels[k - 1] ?? 0) <= 1)).toBe(true)
  })
})
