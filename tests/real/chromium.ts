/** Debian's Chromium as tests start it, and pages that are one file in it, without a network. */

import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath } from './parts.ts'

/** Starts it. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
  })
}

/** How a page is looked at. */
export interface Look {
  /** CSS pixels. */
  readonly width: number
  readonly colorScheme: 'light' | 'dark'
  /** Gets what a page must not do: errors, and requests beyond its own file. */
  readonly faults: string[]
}

/** Opens a file in a window of its own, and waits for its heading. */
export async function openFile(browser: Browser, path: string, look: Look): Promise<Page> {
  const { width, colorScheme, faults } = look
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    offline: true,
  })
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  page.on('request', (request) => {
    if (request.url() !== `file://${path}`) faults.push(`request to ${request.url()}`)
  })
  await page.goto(`file://${path}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}
