// Takes the pictures that the README shows: of the page of a server that runs, and of a report.
//
//   ridecast serve --port 9696 &
//   node scripts/screenshots.mjs http://127.0.0.1:9696
//
//   ridecast compare 2023-01..2023-03 --validate 2023-04 --report report.html
//   node scripts/screenshots.mjs report.html
//
// The first writes docs/images/page.png, page-phone.png and page-service.png, the second report.png and
// report-phone.png. Chromium is found by CHROMIUM, else at /usr/bin/chromium.

import { mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { root } from './build.mjs'

const argument = process.argv[2]
if (argument === undefined) {
  console.error('usage: node scripts/screenshots.mjs <address of the server, or file of a report>')
  process.exit(2)
}
const isServer = /^https?:/.test(argument)
const url = isServer ? argument : pathToFileURL(resolve(argument)).href

/** From East Harlem South to JFK Airport on a Wednesday afternoon. */
const ride = '#ride?from=75&to=132&at=2021-02-03T17:30'

const ofServer = [
  { name: 'page.png', width: 1080, height: 660, scheme: 'light', view: ride },
  { name: 'page-phone.png', width: 390, height: 1000, scheme: 'dark', view: ride },
  { name: 'page-service.png', width: 1120, height: 720, scheme: 'light', view: '#service' },
]

const ofReport = [
  { name: 'report.png', width: 1080, height: 1330, scheme: 'light', view: '' },
  { name: 'report-phone.png', width: 390, height: 1180, scheme: 'dark', view: '#residuals' },
]

const folder = join(root, 'docs/images')
mkdirSync(folder, { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  for (const { name, width, height, scheme, view } of isServer ? ofServer : ofReport) {
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: 'reduce',
    })
    await page.goto(`${url}${isServer ? '/' : ''}${view}`)
    if (!isServer) await page.locator('figure svg').last().waitFor()
    else if (view === ride) {
      await page.locator('.reasons').waitFor()
      await page.locator('.hours').waitFor()
      await page.locator('.legend').waitFor()
    } else await page.locator('.arm').first().waitFor()
    const path = join(folder, name)
    await page.screenshot({ path })
    console.log(`${path} ${Math.round(statSync(path).size / 1000)} kB`)
    await page.close()
  }
} finally {
  await browser.close()
}
