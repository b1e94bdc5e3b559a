/** HTML pages that commands write and open. Knows nothing about what they show. */

import { spawn } from 'node:child_process'
import { rename, rm, writeFile } from 'node:fs/promises'
import { Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { Io } from './io.ts'

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

/** What opening a page asks of the system. */
export interface OpenEffects {
  /** As `process.platform` has it. */
  readonly platform: string
  /** Starts a program that goes on without this one; the command line of Windows is taken as it is. */
  start(program: string, args: readonly string[]): Started
  /** How long it is watched: a browser that this call has started may stay for hours. */
  readonly patienceMs: number
}

/** A program that was started. */
export interface Started {
  /** When it could not be. */
  once(event: 'error', listener: (error: Error) => void): unknown
  /** When it has ended. */
  once(event: 'exit', listener: (code: number | null) => void): unknown
  /** Lets this process end before it. */
  unref(): void
}

const systemEffects: OpenEffects = {
  platform: process.platform,
  start: (program, args) =>
    spawn(program, args, {
      detached: true,
      stdio: 'ignore',
      windowsHide: true,
      windowsVerbatimArguments: true,
    }),
  patienceMs: 1500,
}

/** Shows a page that was written. */
export type OpenPage = (io: Pick<Io, 'err'>, path: string) => Promise<void>

/** The flag `--open`, as every command that writes a page has it. */
export function openOption(usual: 'yes' | 'no', why?: string): Option {
  return new Option('--open <when>', 'open the page in the browser: yes or no')
    .choices(['yes', 'no'])
    .default(usual, why)
}

/**
 * Opens a page in the browser of the desktop. A machine without one is no fault of the page: it is said,
 * and nothing fails.
 *
 * @param path absolute
 */
export async function openPage(
  io: Pick<Io, 'err'>,
  path: string,
  { platform, start, patienceMs }: OpenEffects = systemEffects,
): Promise<void> {
  const [program, ...args] = openerOf(platform, path)
  const fault = await new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), patienceMs)
    const end = (text: string | undefined): void => {
      clearTimeout(timer)
      resolve(text)
    }
    const failed = (error: Error): void => {
      const { code } = error as NodeJS.ErrnoException
      end(code === 'ENOENT' ? `${program} is not there` : `${program}: ${error.message}`)
    }
    try {
      const started = start(program, args)
      started.once('error', failed)
      started.once('exit', (code) =>
        end(code === 0 ? undefined : `${program} ended with ${code ?? 'a signal'}`),
      )
      started.unref()
    } catch (error) {
      failed(error as Error)
    }
  })
  if (fault !== undefined) {
    io.err(`warning: the page could not be opened (${fault}): open ${path} in a browser\n`)
  }
}

/** What opens a file with the program that is meant for it, by platform. */
function openerOf(platform: string, path: string): [program: string, ...args: string[]] {
  if (platform === 'darwin') return ['open', path]
  // The first thing in quotation marks is the title of a window.
  if (platform === 'win32') return ['cmd', '/d', '/s', '/c', `"start "" "${path}""`]
  return ['xdg-open', path]
}
