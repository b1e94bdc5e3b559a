/** The page of a data profile in a real browser: what a person sees, and what it must not do. */

import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dataProfileCommand } from '../../src/commands/data-profile.ts'
import type { DataProfile } from '../../src/pipeline/data-profile/document.ts'
import { root } from '../command-line.ts'
import { runCommand } from '../commands/run-command.ts'
import { launchChromium, openFile } from './chromium.ts'

let folder: string
let browser: Browser
let page: Page
/** What a page must not do: errors, and requests beyond its own file. */
let faults: string[]
let said: string

async function profile(...argv: string[]): Promise<string> {
  let out = ''
  const writers = {
    out: (text: string) => {
      out += text
    },
    err: () => {},
  }
  const flags = [...argv, '--data', join(root, 'data')]
  await runCommand((io) => dataProfileCommand(io), flags, folder, writers)
  return out
}

beforeAll(async () => {
  // Whatever runs the command line first makes sure that the bundle is that of the sources.
  execFileSync(process.execPath, [join(root, 'bin/ridecast.mjs'), '--version'])
  folder = await mkdtemp(join(tmpdir(), 'ridecast-profile-page-'))
  said = await profile('2021-01')
  await profile('2021-01,2021-02', '--out', 'two.html')
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

const one = (): string => join(folder, 'profile-green-2021-01.html')
const two = (): string => join(folder, 'two.html')

function openPage(path: string, width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  return openFile(browser, path, { width, colorScheme, faults })
}

beforeEach(() => {
  faults = []
})
afterEach(async () => {
  await page.context().close()
  expect(faults).toEqual([])
})

describe('a month', () => {
  beforeEach(async () => {
    page = await openPage(one(), 1280, 'light')
  })

  test('is one file of less than a megabyte, and the command says where', () => {
    expect(statSync(one()).size).toBeLessThan(1_000_000)
    expect(said.trimEnd().split('\n').at(-1)).toBe(one())
    expect(said).toContain('63 rides report more than 100 miles, the farthest 244,152')
  })

  test('holds the document that --json prints', async () => {
    const text = await page.locator('#profile').textContent()
    expect(JSON.parse(text ?? '')).toEqual(
      JSON.parse(await profile('2021-01', '--json')) as DataProfile,
    )
  })

  test('begins with headline numbers and findings', async () => {
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('green 2021-01')
    const headline = await page.locator('.headline').innerText()
    // As data/README.md counts them.
    expect(headline).toContain('76,518')
    const findings = await page.locator('.findings li').allTextContents()
    expect(findings).toContain('63 rides report more than 100 miles, the farthest 244,152')
  })

  test('has a card with a chart for every column', async () => {
    const cards = page.locator('article.card')
    expect(await cards.count()).toBe(20)
    const fare = page.getByRole('article', { name: 'fare_amount' })
    const chart = fare.getByRole('img', { name: 'How the values of fare_amount lie' })
    expect(await chart.locator('rect').count()).toBeGreaterThan(20)
    await fare.getByText('Numbers').click()
    // The median that pandas computes.
    expect(await fare.getByRole('row', { name: 'median' }).innerText()).toMatch(/16\.73$/)
  })

  test('names the zone below the pointer, on a map of 260 outlines', async () => {
    const map = page.locator('.map').filter({ hasText: 'Pickups' }).first()
    const outlines = map.locator('svg g[aria-label="geo"]').first().locator('path')
    expect(await outlines.count()).toBe(260)
    // Outlines lie in the order of the zones; 56 and 57 are one, so that zone 74 is the 73rd.
    await outlines.nth(72).hover()
    await expect
      .poll(() => map.locator('output').textContent())
      .toBe('East Harlem North (74): 6,696 pickups, 8.8 %')
    await page.mouse.move(0, 0)
    const fills = await outlines.evaluateAll((all) => all.map((path) => path.getAttribute('fill')))
    const shades = new Set(fills).size
    expect(shades).toBeGreaterThan(5)
  })

  test('tells the numbers of a chart below the pointer', async () => {
    const chart = page.getByRole('img', { name: 'Median minutes by weekday and hour' })
    await chart.scrollIntoViewIfNeeded()
    const cell = chart.locator('g[aria-label="cell"] rect').nth(8)
    await cell.hover()
    // Monday from eight to nine: the numbers that pandas computes.
    await expect
      .poll(() => chart.locator('g[aria-label="tip"]').textContent())
      .toContain('802 rides')
    expect(await chart.locator('g[aria-label="tip"]').textContent()).toContain(
      'median 14.7, mean 16.9',
    )
  })

  test('shows correlations of values or of ranks', async () => {
    const matrix = page.getByRole('img', { name: /^Correlations of/ })
    const texts = async (): Promise<string[]> =>
      matrix.locator('g[aria-label="text"] text').allTextContents()
    expect(await texts()).toContain('.81')
    await page.getByLabel('of ranks (Spearman)').check()
    await expect.poll(texts).toContain('.90')
  })
})

describe('two months', () => {
  beforeEach(async () => {
    page = await openPage(two(), 1280, 'light')
  })

  test('begin with what moved most', async () => {
    const first = page.getByRole('region', { name: 'Drift by column' }).locator('tbody tr').first()
    expect(await first.innerText()).toMatch(/^tip_amount\s+1\.76/)
    expect(await page.locator('.findings').first().innerText()).toContain(
      '64,572 rides, 16 % fewer than 76,518',
    )
  })

  test('are laid over each other', async () => {
    const chart = page.getByRole('img', { name: 'How the values of tip_amount lie' })
    expect(await chart.locator('g[aria-label="rect"] rect').count()).toBeGreaterThan(20)
    expect(await chart.locator('g[aria-label="line"] path').count()).toBe(1)
    expect(await page.locator('.legend').first().innerText()).toMatch(/2021-01\s+2021-02/)
  })

  test('are compared zone by zone', async () => {
    const map = page.locator('.map').filter({ hasText: 'Pickups' }).first()
    await map.locator('svg g[aria-label="geo"]').first().locator('path').nth(72).hover()
    await expect
      .poll(() => map.locator('output').textContent())
      .toMatch(
        /^East Harlem North \(74\): 6,696 in 2021-01, 6,\d{3} in 2021-02: 1\.\d+ times the share$/,
      )
  })
})

describe('every page', () => {
  test.each([390, 768, 1280])('fits a width of %i without scrolling sideways', async (width) => {
    for (const path of [one(), two()]) {
      page = await openPage(path, width, 'light')
      for (const summary of await page.locator('summary').all()) await summary.click()
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
      expect([path, over]).toEqual([path, 0])
      if (path === one()) await page.context().close()
    }
  })

  test('is dark where the system is, with text that can be read', async () => {
    page = await openPage(one(), 1280, 'dark')
    const color = (name: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.body).${name}`)
    const [text, ground] = [await color('color'), await color('backgroundColor')]
    const light = (color: string): number =>
      Math.max(...(color.match(/\d+/g) ?? []).slice(0, 3).map(Number))
    expect(light(ground)).toBeLessThan(60)
    expect(light(text)).toBeGreaterThan(200)
  })

  test('has a name for every chart and control, and headings in order', async () => {
    page = await openPage(two(), 1280, 'light')
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
