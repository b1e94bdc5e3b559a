/** docs/walkthroughs.md, run as it stands: its commands, and the answers that it shows. */

import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../command-line.ts'
import {
  freePort,
  postgresPrograms,
  pythonEnvironment,
  pythonProgram,
  type ServerProcess,
  startServerProcess,
} from './parts.ts'

interface Section {
  readonly title: string
  /** Commands, and the lines that must stand in what they print. */
  readonly steps: readonly { readonly commands: string; readonly answers: readonly string[] }[]
}

/** The sections of the page that hold commands. */
function sections(): Section[] {
  const page = readFileSync(join(root, 'docs/walkthroughs.md'), 'utf8')
  return page
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const steps = [...text.matchAll(/^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```)?/gm)]
      return {
        title: text.split('\n')[0] ?? '',
        steps: steps.map(([, commands = '', answers = '']) => ({
          commands,
          answers: answers.split('\n').filter((line) => line !== ''),
        })),
      }
    })
    .filter(({ steps }) => steps.length > 0)
}

let folder: string
const servers: ServerProcess[] = []
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-walk-'))
  // PostgreSQL runs as another user, who must get in.
  chmodSync(folder, 0o755)
})
afterAll(async () => {
  for (const server of servers) await server.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** A folder in which the commands of the page find what a clone has. */
function clone(name: string): string {
  // Of its own for each attempt: what a failed one left behind is not to be found by the next.
  const place = mkdtempSync(join(folder, `${name}-`))
  for (const part of ['package.json', 'bin', 'dist', 'src', 'scripts', 'recipes', 'node_modules']) {
    symlinkSync(join(root, part), join(place, part))
  }
  symlinkSync(join(root, 'data'), join(place, 'data'))
  symlinkSync(join(root, 'package-lock.json'), join(place, 'package-lock.json'))
  return place
}

/**
 * Runs the steps of a section in one shell, with free ports in the place of the page's own.
 *
 * @returns what each step printed
 */
async function walk(
  section: Section,
  name: string,
  ports: Readonly<Record<string, number>>,
): Promise<string[]> {
  const mark = '== step '
  const script = section.steps
    .map(({ commands }, i) => `printf '\\n${mark}${i}\\n'\n${commands}`)
    .join('\n')
    .replaceAll(/\b\d{4}\b/g, (port) => String(ports[port] ?? port))
  // The page waits for servers without a deadline; one that does not come must end the test.
  const shell = ['540', 'bash', '-c', `set -euo pipefail; set -m\n${script}`]
  const child = spawn('timeout', shell, {
    cwd: clone(name),
    // A session of its own: what the page leaves running ends with it.
    detached: true,
    env: { ...pythonEnvironment(), NO_COLOR: '1', CI: '1' } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      said += data
    })
  }
  // Servers that the page starts keep the output open: the shell's own end counts.
  const code = await new Promise((resolve) => child.once('exit', resolve))
  endSession(child.pid)
  expect(code, said).toBe(0)
  return said.split(new RegExp(`^${mark}\\d+$`, 'm')).slice(1)
}

/** Ends every process of a session. */
function endSession(leader: number | undefined): void {
  if (leader === undefined) return
  const table = execFileSync('ps', ['-eo', 'pid=,sess='], { encoding: 'utf8' })
  for (const line of table.trim().split('\n')) {
    const [pid, session] = line.trim().split(/\s+/).map(Number)
    if (session === leader && pid) process.kill(pid, 'SIGKILL')
  }
}

/** A PostgreSQL server with a user `mlflow` who needs no password on this machine. */
async function startPostgres(port: number): Promise<void> {
  const programs = postgresPrograms()
  const data = join(folder, 'postgres')
  const asPostgres = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : []
  const run = (program: string, ...args: string[]): string => {
    const [command = '', ...rest] = [...asPostgres, join(programs, program), ...args]
    return execFileSync(command, rest, { encoding: 'utf8', cwd: '/' })
  }
  mkdirSync(data)
  if (asPostgres.length > 0) execFileSync('chown', ['postgres', data])
  run('initdb', '-D', data, '--username', 'mlflow', '--auth', 'trust', '--no-sync')
  const settings = `-h 127.0.0.1 -p ${port} -c unix_socket_directories='' -c fsync=off`
  run('pg_ctl', '-D', data, '-o', settings, '-l', join(data, 'log'), '-w', 'start')
  servers.push({
    url: `postgresql://mlflow@127.0.0.1:${port}`,
    said: () => readFileSync(join(data, 'log'), 'utf8'),
    kill: async () => {
      run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop')
    },
  })
}

const [alone, team, teams] = sections()

describe('docs/walkthroughs.md', () => {
  it('has three sections with commands', () => {
    expect(sections().map(({ title }) => title)).toHaveLength(3)
  })

  const cases: [string, Section | undefined][] = [
    ['alone', alone],
    ['team', team],
    ['teams', teams],
  ]
  it.each(cases)(
    '%s: every command succeeds, and answers as shown',
    async (name, section) => {
      if (!section) throw new Error(`the page lacks a section for ${name}`)
      const wanted = ['5000', '9696', '5432', '4566']
      const ports: Record<string, number> = {}
      for (const port of wanted) ports[port] = await freePort()
      if (name === 'teams') {
        await startPostgres(ports['5432'] ?? 0)
        const moto = ['-H', '127.0.0.1', '-p', String(ports['4566'])]
        const url = `http://127.0.0.1:${ports['4566']}`
        const options = { url, health: '/moto-api/' }
        servers.push(await startServerProcess(pythonProgram('moto_server'), moto, options))
      }
      const printed = await walk(section, name, ports)
      for (const [i, { answers }] of section.steps.entries()) {
        for (const answer of answers) expect(printed[i]).toContain(answer)
      }
    },
    600_000,
  )
})
