/** HTML pages that commands write and open. Knows nothing about what they show. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { RidecastError } from '../errors.ts'

/**
 * Writes a page beside its place and renames it, so that nobody opens half of it.
 *
 * @throws usage_invalid when it cannot be written
 */
export async function writePage(path: string, text: string): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    await writeFile(part, text)
    await rename(part, path)
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {})
    const why = `cannot be written (${(cause as NodeJS.ErrnoException).code})`
    throw new RidecastError(
      'usage_invalid',
      `${path} ${why}: expected a file in a folder that is there and can be written`,
      { cause },
    )
  }
}

/** Opens a page in the browser. A desktop without one is no fault of the page. */
export function openInBrowser(path: string): void {
  const program = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open'
  if (!existsSync(path)) return
  spawn(program, [path], { detached: true, stdio: 'ignore' })
    .on('error', () => {})
    .unref()
}
