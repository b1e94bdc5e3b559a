/** Runs the real command line, as a person would, in processes of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** The root of the repository. */
export const root = resolve(import.meta.dirname, '..')

const bin = resolve(root, 'bin/ridecast.mjs')

/** What a command left. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Where a command runs (default: the root), and what its environment has beside that of the tests. */
export interface Surroundings {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The environment of a command: no tracking server but one that the test names. */
function environmentOf(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('MLFLOW_'))
  return { ...Object.fromEntries(own), ...env }
}

/** Runs `ridecast ...` to its end. */
export async function ridecast(
  args: readonly string[],
  { cwd = root, env = {} }: Surroundings = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: environmentOf(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => {
    stdout += data
  })
  child.stderr.on('data', (data) => {
    stderr += data
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** A server started by `ridecast serve` on a free port, ready to answer. */
export interface Serving {
  readonly url: string
  /** Sends SIGTERM and gives the exit code. */
  stop(): Promise<number | null>
}

/** Starts `ridecast serve` and waits until it says where it listens. */
export async function serve(
  args: readonly string[],
  { cwd = root, env = {} }: Surroundings = {},
): Promise<Serving> {
  const child: ChildProcess = spawn(process.execPath, [bin, 'serve', '--port', '0', ...args], {
    cwd,
    env: environmentOf(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  child.stderr?.on('data', (data) => said.push(String(data)))
  const ended = once(child, 'close') as Promise<[number | null]>
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const url = await new Promise<string>((found, lost) => {
    lines.on('line', (line) => {
      said.push(line)
      const { url: address } = JSON.parse(line) as { url?: string }
      if (address) found(address)
    })
    void ended.then(([code]) => lost(new Error(`serve ended with ${code}: ${said.join('\n')}`)))
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      return code
    },
  }
}

/** Asks a server for a prediction. */
export async function ask(
  url: string,
  ride: unknown,
  query = '',
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/predict${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ride),
  })
  return { status: response.status, ...((await response.json()) as object) }
}
