/** The built server as a process under load: what it keeps up when it is ended, fed nonsense or starved. */

import { execFile } from 'node:child_process'
import type { Agent } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { root } from '../command-line.ts'
import {
  askOn,
  type BuiltServer,
  NotTold,
  oneConnection,
  rideOf,
  startBuilt,
  until,
} from './built-server.ts'
import { malformed, sendRaw } from './malformed-requests.ts'
import { pythonEnvironment, pythonProgram } from './parts.ts'

const running: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.close()
})

async function start(settings: Record<string, string> = {}): Promise<BuiltServer> {
  const server = await startBuilt(settings)
  running.push(server)
  return server
}

function kept(): Agent {
  const agent = oneConnection()
  running.push({ close: () => agent.destroy() })
  return agent
}

const note = (text: string): unknown => process.stdout.write(`${text}\n`)

/** What one client of a load has seen. */
interface Seen {
  answers: number
  refused: number
  /** Everything else: answers that are wrong, cut off or missing. */
  readonly faults: string[]
}

/**
 * Clients that keep a connection each and ask their next question when the last one is answered:
 * single rides, and batches of 50, whose answers are streamed.
 *
 * @param endsWithRefusal a client stops when it is refused, as after the end of the server
 */
function load(url: string, count: number, { endsWithRefusal }: { endsWithRefusal: boolean }) {
  let going = true
  const seen: Seen[] = []
  const client = async (own: Seen, seed: number): Promise<void> => {
    const agent = kept()
    for (let i = seed; going; i++) {
      const miles = 0.5 + (i % 40) / 4
      // By hand: 10 + 2 - 0.5 + 3 a mile.
      const minutes = 11.5 + 3 * miles
      const batch = i % 20 === 0
      try {
        const body = batch ? Array.from({ length: 50 }, () => rideOf(miles)) : rideOf(miles)
        const { status, text } = await askOn(
          agent,
          url,
          batch ? '/predict/batch' : '/predict',
          body,
        )
        const said = [JSON.parse(text)].flat() as { duration: number }[]
        const right = said.length === (batch ? 50 : 1) && said.every((s) => s.duration === minutes)
        if (status === 200 && right) own.answers++
        else own.faults.push(`${status} ${text.slice(0, 200)}`)
      } catch (error) {
        if (error instanceof NotTold && error.how === 'refused') own.refused++
        else own.faults.push(String(error))
        if (own.refused > 0 && endsWithRefusal) return
      }
    }
  }
  const ends = Array.from({ length: count }, (_, i) => {
    const own: Seen = { answers: 0, refused: 0, faults: [] }
    seen.push(own)
    return client(own, i)
  })
  running.push({
    close() {
      going = false
    },
  })
  return {
    seen,
    answers: () => seen.reduce((sum, { answers }) => sum + answers, 0),
    faults: () => seen.flatMap(({ faults }) => faults),
    /** Resolves when all clients have ended; they end by themselves with `endsWithRefusal`. */
    ended: () => Promise.all(ends),
    stop() {
      going = false
      return Promise.all(ends)
    },
  }
}

test.each(['1', '2'])(
  'SIGTERM under the load of 64 connections breaks no answer, with %s worker(s)',
  async (workers) => {
    const server = await start({ RIDECAST_WORKERS: workers })
    const loading = load(server.url, 64, { endsWithRefusal: true })
    await until(() => (loading.answers() > 2000 ? true : undefined))
    const before = loading.answers()
    const code = await server.stop()
    await loading.ended()
    expect(loading.faults()).toEqual([])
    expect(code).toBe(0)
    expect(loading.answers()).toBeGreaterThan(before)
    note(
      `SIGTERM, ${workers} worker(s): ${loading.answers()} whole answers, ` +
        `${loading.answers() - before} of them after the signal, 0 broken, exit code ${code}`,
    )
  },
)

test('the load scenario that is delivered runs, and nothing in it fails', async () => {
  const server = await start()
  const scenario = join(root, 'deploy/load/locustfile.py')
  const run = async (more: string[]): Promise<{ code: number; said: string }> => {
    const args = ['-f', scenario, '--headless', '--only-summary', '-u', '4', '-r', '4', ...more]
    return new Promise((resolve) => {
      const options = { env: pythonEnvironment() as NodeJS.ProcessEnv }
      execFile(pythonProgram('locust'), args, options, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr })
      })
    })
  }
  const { code, said } = await run(['-t', '5s', '-H', server.url])
  expect(code, said).toBe(0)
  for (const name of ['/predict', '/predict?explain', '/predict/batch of 1000']) {
    expect(said).toContain(`POST     ${name} `)
  }
  // Where nothing answers, it fails: Locust ends with 1 when a request has.
  await server.stop()
  expect((await run(['-t', '1s', '-H', server.url])).code).toBe(1)
})

// --- nonsense ----------------------------------------------------------------------------------

test('10,000 malformed requests over all routes: no fault of the server, and it goes on', async () => {
  const server = await start({ RIDECAST_LOG_LEVEL: 'info' })
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{[^}]*\}/g, 'green-duration'),
    })),
  )
  expect(routes.length).toBeGreaterThan(15)
  const requests = fc.sample(malformed(routes), { seed: 20210101, numRuns: 10_000 })
  const statuses = new Map<number, number>()
  const bad: string[] = []
  let next = 0
  let silent = 0
  const lane = async (): Promise<void> => {
    for (let i = next++; i < requests.length; i = next++) {
      const bytes = requests[i] as Buffer
      const found = await sendRaw(server.port, bytes)
      if (found.length === 0) silent++
      for (const status of found) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status >= 500) bad.push(`${status}: ${bytes.toString('latin1')}`)
      }
    }
  }
  await Promise.all(Array.from({ length: 64 }, lane))
  expect(bad.slice(0, 5)).toEqual([])
  // The generator reaches what it is for.
  for (const status of [200, 400, 404, 405, 413, 415, 422, 431]) {
    expect([...statuses.keys()]).toContain(status)
  }
  // Nothing that nobody has foreseen.
  expect(server.log.filter(({ level }) => level === 'fatal' || level === 'error')).toEqual([])
  const { status, text } = await askOn(kept(), server.url, '/predict', rideOf(1.5))
  expect([status, JSON.parse(text).duration]).toEqual([200, 16])
  const table = [...statuses].sort(([a], [b]) => a - b).map((pair) => pair.join(': '))
  note(`10,000 malformed requests over ${routes.length} routes, statuses ${table.join(', ')}`)
  note(`${silent} got no answer: half a request, or a connection that was only closed`)
  expect(await server.stop()).toBe(0)
})

// --- memory ------------------------------------------------------------------------------------

/** A metric of the server, without labels. */
async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

test('memory is flat from 40,000 to 120,000 requests', async () => {
  // A small old space: what is no longer needed is collected many times over within the test.
  const server = await start({ NODE_OPTIONS: '--max-old-space-size=64 --max-semi-space-size=2' })
  const megabytes: number[] = []
  let sent = 0
  const lane = async (limit: number): Promise<void> => {
    const agent = kept()
    while (sent < limit) {
      const i = sent++
      // One in 10 with reasons, one in 10 wrong, every one with a key of its own.
      const path = i % 10 === 0 ? '/predict?explain' : '/predict'
      const body = i % 10 === 1 ? { PULocationID: i } : rideOf((i % 100) / 10)
      const { status } = await askOn(agent, server.url, path, body, { 'Ridecast-Key': `key-${i}` })
      expect(status).toBe(i % 10 === 1 ? 422 : 200)
    }
    agent.destroy()
  }
  for (const limit of [40_000, 80_000, 120_000]) {
    await Promise.all(Array.from({ length: 16 }, () => lane(limit)))
    megabytes.push((await metric(server.url, 'process_resident_memory_bytes')) / 1e6)
  }
  note(
    `resident after 40,000, 80,000, 120,000 requests: ${megabytes.map((m) => m.toFixed(1)).join(', ')} MB`,
  )
  // By 40,000 everything bounded is full: the 20,000 latest predictions are kept for feedback. 200
  // bytes kept of each request would be 16 MB more.
  const [first = 0, , last = Number.POSITIVE_INFINITY] = megabytes
  expect(last - first).toBeLessThan(16)
  expect(await server.stop()).toBe(0)
})

// --- slow clients ------------------------------------------------------------------------------

test('200 clients that send a byte a second get 408, and others are served meanwhile', async () => {
  const server = await start()
  const head = 'POST /predict HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n'
  const slow = (text: string, fast: number): Promise<string> =>
    new Promise((resolve) => {
      let said = ''
      let at = fast
      const socket = connect(server.port, '127.0.0.1')
      socket.write(text.slice(0, fast))
      const drip = setInterval(() => {
        socket.write(text[at % text.length] ?? '')
        at++
      }, 1000)
      socket.on('data', (data) => {
        said += data
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        clearInterval(drip)
        resolve(said)
      })
    })
  // Half of them slow in their head (10 s), half in their body (30 s).
  const long = `${head}Content-Length: 1000\r\n\r\n`
  const slowOnes = Array.from({ length: 200 }, (_, i) => {
    return i % 2 === 0 ? slow(long, 5) : slow(`${long}${' '.repeat(1000)}`, long.length)
  })
  const loading = load(server.url, 4, { endsWithRefusal: false })
  const answers = await Promise.all(slowOnes)
  await loading.stop()
  expect(answers.filter((text) => !text.startsWith('HTTP/1.1 408 '))).toEqual([])
  expect(loading.faults()).toEqual([])
  expect(loading.seen.every(({ answers: n, refused }) => n > 0 && refused === 0)).toBe(true)
  note(`200 slow clients: 200 times 408; meanwhile ${loading.answers()} answers to 4 others`)
  expect(await server.stop()).toBe(0)
})

// --- a worker that dies ------------------------------------------------------------------------

test('a worker that is killed is replaced, and connections to the other notice nothing', async () => {
  const server = await start({ RIDECAST_WORKERS: '2' })
  const loading = load(server.url, 16, { endsWithRefusal: false })
  await until(() => (loading.seen.every(({ answers }) => answers > 20) ? true : undefined))
  const [killed = 0, other] = server.workers()
  process.kill(killed, 'SIGKILL')
  await until(() => {
    const now = server.workers()
    return now.length === 2 && !now.includes(killed) ? now : undefined
  })
  // Both workers said so at the start, and the first process for all of them.
  const listening = (): number => server.log.filter(({ event }) => event === 'listening').length
  await until(
    () => listening() === 4 || undefined,
    () => JSON.stringify(server.log.filter(({ event }) => event !== 'request').slice(-10)),
  )
  const replaced = loading.answers()
  await until(() => (loading.answers() > replaced + 500 ? true : undefined))
  await loading.stop()
  expect(server.workers()).toContain(other)
  // A connection breaks for the request that was in the killed process, and at most once more: a new
  // one may be handed to that process before its end is noticed, and stays silent.
  const broken = loading.seen.map(({ faults, refused }) => faults.length + refused)
  expect(Math.max(...broken)).toBeGreaterThan(0)
  expect(Math.max(...broken)).toBeLessThanOrEqual(2)
  expect(Math.min(...broken)).toBe(0)
  expect(server.log.filter(({ event }) => event === 'worker ended')).toHaveLength(1)
  const count = broken.filter((n) => n > 0).length
  note(`a worker killed under load: ${count} of 16 connections broke; the others went on`)
  expect(await server.stop()).toBe(0)
})
