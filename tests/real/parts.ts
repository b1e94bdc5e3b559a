/**
 * The programs that the tests in this folder need beside Node: a Python with MLflow, ONNX Runtime
 * and the rest, ONNX Runtime for Node, PostgreSQL, Chromium, Prometheus, kustomize. `scripts/real-parts.sh` installs them;
 * one that is missing is a failure here, never a skip.
 */

import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where `scripts/real-parts.sh` has put what it installed. */
export const partsFolder = process.env.RIDECAST_PARTS ?? join(homedir(), '.cache/ridecast/parts')

/** The path of a part, or a failure that says how to get it. */
function present(path: string): string {
  if (existsSync(path)) return path
  throw new Error(`${path} is not there: install the parts with bash scripts/real-parts.sh`)
}

/** A program of the Python environment: `python`, `mlflow`, `dvc` ... */
export const pythonProgram = (name: string): string =>
  present(join(partsFolder, 'python/bin', name))

/** The environment for Python programs: found before others, quiet, and kept on this machine. */
export const pythonEnvironment = (): Record<string, string | undefined> => ({
  ...process.env,
  PATH: `${join(partsFolder, 'python/bin')}:${process.env.PATH}`,
  MLFLOW_DISABLE_TELEMETRY: 'true',
  DO_NOT_TRACK: '1',
  // Workers that would outlive a server that is killed.
  MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
  DVC_NO_ANALYTICS: '1',
  GIT_PYTHON_REFRESH: 'quiet',
  PYTHONWARNINGS: 'ignore',
  TZ: 'UTC',
})

/** Debian's Chromium, for `playwright-core`'s `executablePath`. */
export const chromiumPath = (): string => present('/usr/bin/chromium')

/** A program of Debian's package `prometheus`: `prometheus` or `promtool`. */
export const prometheusProgram = (name: string): string =>
  present(join(partsFolder, 'prometheus/usr/bin', name))

/** kustomize, which puts Kubernetes manifests together; the newest version. */
export function kustomizePath(): string {
  const root = present(join(partsFolder, 'kustomize'))
  return present(join(root, readdirSync(root).sort().at(-1) ?? 'none', 'kustomize'))
}

/** The wheel of `xgboost-cpu`. */
export function xgboostWheel(): string {
  const folder = present(join(partsFolder, 'wheels'))
  return present(join(folder, readdirSync(folder).find((name) => name.endsWith('.whl')) ?? 'none'))
}

/** A package of Node that only these tests use, such as `onnxruntime-node`. */
export const nodePart = (name: string): unknown =>
  createRequire(join(partsFolder, 'node/package.json'))(name)

/** The folder of PostgreSQL's programs, the newest version. */
export function postgresPrograms(): string {
  const root = present('/usr/lib/postgresql')
  const newest = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0] ?? 'none'
  return present(join(root, newest, 'bin'))
}

/** Runs a Python script given as text; what it printed, parsed as JSON. */
export function python(script: string, args: readonly string[] = []): unknown {
  const said = execFileSync(pythonProgram('python'), ['-c', script, ...args], {
    encoding: 'utf8',
    env: pythonEnvironment() as NodeJS.ProcessEnv,
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Libraries print what they like before; the script's own answer is the last line.
  return JSON.parse(said.trimEnd().split('\n').at(-1) ?? '')
}

/** A port of the loopback address that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** A server in a process of its own. */
export interface ServerProcess {
  /** Its address. */
  readonly url: string
  /** What it printed so far. */
  said(): string
  /** Ends it and its children at once, as a power cut does. */
  kill(): Promise<void>
}

/**
 * Starts a program that serves, and waits until it answers.
 *
 * @param health the path that answers 200 once it is ready
 */
export async function startServerProcess(
  command: string,
  args: readonly string[],
  { url, health, env = {} }: { url: string; health: string; env?: Record<string, string> },
): Promise<ServerProcess> {
  const child = spawn(command, args, {
    // A group of its own, so that its workers end with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...pythonEnvironment(), ...env } as NodeJS.ProcessEnv,
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      said += data
    })
  }
  let ended = false
  const end = new Promise<void>((resolve) => {
    child.once('close', () => {
      ended = true
      resolve()
    })
  })
  const kill = async (): Promise<void> => {
    if (!ended && child.pid) process.kill(-child.pid, 'SIGKILL')
    await end
  }
  const deadline = Date.now() + 280_000
  while (!ended && Date.now() < deadline) {
    const ready = await fetch(`${url}${health}`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ready) return { url, said: () => said, kill }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await kill()
  throw new Error(`${command} ${args.join(' ')} did not become ready:\n${said}`)
}

/**
 * Starts a real MLflow server with artifacts through its proxy.
 *
 * @param folder where its database and artifacts lie, made before
 * @param options another database, artifact store, port or variables
 */
export async function startMlflow(
  folder: string,
  options: {
    database?: string
    artifacts?: string
    port?: number
    env?: Record<string, string>
    args?: readonly string[]
  } = {},
): Promise<ServerProcess> {
  const port = options.port ?? (await freePort())
  const args = [
    ...['server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'],
    ...['--backend-store-uri', options.database ?? `sqlite:///${join(folder, 'mlflow.db')}`],
    ...['--artifacts-destination', options.artifacts ?? join(folder, 'artifacts')],
    ...(options.args ?? []),
  ]
  return startServerProcess(pythonProgram('mlflow'), args, {
    url: `http://127.0.0.1:${port}`,
    health: '/health',
    env: options.env ?? {},
  })
}
