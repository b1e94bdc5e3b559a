// Takes the pictures of the server's page that the README shows, of a server that runs:
//
//   ridecast serve --port 9696 &
//   node scripts/screenshots.mjs http://127.0.0.1:9696
//
// It writes docs/images/page.png, page-phone.png and page-service.png. Chromium is found by
// CHROMIUM, else at /usr/bin/chromium.

import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { root } from './build.mjs'

const url = process.argv[2]
if (url === undefined) {
  console.error('usage: node scripts/screenshots.mjs <address of the server>')
  process.exit(2)
}

/** From East Harlem South to JFK Airport on a Wednesday afternoon. */
const ride = '#ride?from=75&to=132&at=2021-02-03T17:30'

const pictures = [
  { name: 'page.png', width: 1080, height: 660, scheme: 'light', view: ride },
  { name: 'page-phone.png', width: 390, height: 1000, scheme: 'dark', view: ride },
  { name: 'page-service.png', width: 1120, height: 720, scheme: 'light', view: '#service' },
]

const folder = join(root, 'docs/images')
mkdirSync(folder, { recursive: true })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
})
try {
  for (const { name, width, height, scheme, view } of pictures) {
    const page = await browser.newPage({
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: 'reduce',
    })
    await page.goto(`${url}/${view}`)
    if (view === ride) {
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
