/** How a page is opened in the browser, by platform, and what is said where that fails. */

import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { type OpenEffects, openPage } from '../../src/commands/page-file.ts'

const path = '/home/me/a report.html'

/** What was started and said, of an opener that does `happens` as soon as it is started. */
async function opened(
  platform: string,
  happens: (program: EventEmitter) => void,
  patienceMs = 60_000,
): Promise<{ started: (readonly string[])[]; said: string; released: number }> {
  const started: (readonly string[])[] = []
  let [said, released] = ['', 0]
  const effects: OpenEffects = {
    platform,
    patienceMs,
    start(program, args) {
      started.push([program, ...args])
      const running = new EventEmitter()
      setImmediate(() => happens(running))
      const unref = (): void => {
        released++
      }
      return Object.assign(running, { unref })
    },
  }
  const err = (text: string): void => {
    said += text
  }
  await openPage({ err }, path, effects)
  return { started, said, released }
}

const ends = (code: number | null) => (program: EventEmitter) => void program.emit('exit', code)

describe('a page is opened by what the system has for it', () => {
  test.each([
    ['linux', ['xdg-open', path]],
    ['freebsd', ['xdg-open', path]],
    ['darwin', ['open', path]],
    ['win32', ['cmd', '/d', '/s', '/c', `"start "" "${path}""`]],
  ])('on %s', async (platform, command) => {
    const { started, said, released } = await opened(platform, ends(0))
    expect(started).toEqual([command])
    expect(said).toBe('')
    // This process may end before the browser does.
    expect(released).toBe(1)
  })

  test('that goes on while this process ends', async () => {
    const { said } = await opened('linux', () => {}, 0)
    expect(said).toBe('')
  })
})

describe('a page that cannot be opened is a warning', () => {
  const warning = (why: string): string =>
    `warning: the page could not be opened (${why}): open ${path} in a browser\n`

  test.each([
    ['the opener is not there', 'ENOENT', 'xdg-open is not there'],
    ['it may not be started', 'EACCES', 'xdg-open: spawn xdg-open EACCES'],
  ])('where %s', async (_, code, why) => {
    const error = Object.assign(new Error(`spawn xdg-open ${code}`), { code })
    const { said } = await opened('linux', (program) => void program.emit('error', error))
    expect(said).toBe(warning(why))
  })

  test.each([
    [3, 'open ended with 3'],
    [null, 'open ended with a signal'],
  ])('where it ends with %s', async (code, why) => {
    expect((await opened('darwin', ends(code))).said).toBe(warning(why))
  })

  test('where starting it throws', async () => {
    let said = ''
    const start = (): never => {
      throw new Error('no processes')
    }
    const err = (text: string): void => {
      said += text
    }
    await openPage({ err }, path, { platform: 'linux', start, patienceMs: 60_000 })
    expect(said).toBe(warning('xdg-open: no processes'))
  })

  test('where the system has none', async () => {
    let said = ''
    const err = (text: string): void => {
      said += text
    }
    const { spawn } = await import('node:child_process')
    const start = () => spawn('ridecast-has-no-such-program', [path], { stdio: 'ignore' })
    await openPage({ err }, path, { platform: 'linux', start, patienceMs: 60_000 })
    expect(said).toBe(warning('xdg-open is not there'))
  })
})
