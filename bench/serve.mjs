// `npm run bench:serve`: POST /predict beside a bare Express handler and a bare node:http handler that
// parse the same JSON and answer a constant, and beside FastAPI with a pickled pair where there is a
// Python for it; in turns, in one run. Our server runs with its defaults: metrics, prediction log,
// limits, full validation. Writes docs/benchmarks-serve.md with --write.
// Needs a trained model (npm run train -- 2021-01).

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { closedLoop, openLoop, requestBytes } from './serve-load.mjs'

const root = join(import.meta.dirname, '..')
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '5' },
    python: { type: 'string' },
    models: { type: 'string', default: 'models' },
    write: { type: 'boolean', default: false },
  },
})
const seconds = Number(flags.seconds)
const rounds = Number(flags.rounds)
const connections = 32
const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.01 }
const timed = { ...ride, pickup_datetime: '2021-02-03T08:15' }

const bareExpress = `
import express from 'express'
const app = express()
app.use(express.json())
app.post('/predict', (request, response) => { response.json({ duration: 12.5, model_version: 'constant' }) })
const server = app.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: 'http://127.0.0.1:' + server.address().port })))
`
const bareNode = `
import { createServer } from 'node:http'
const server = createServer((request, response) => {
  let text = ''
  request.on('data', (chunk) => { text += chunk })
  request.on('end', () => {
    JSON.parse(text)
    const body = JSON.stringify({ duration: 12.5, model_version: 'constant' })
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) })
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: 'http://127.0.0.1:' + server.address().port })))
`
const state = mkdtempSync(join(tmpdir(), 'ridecast-bench-'))

const contenders = {
  ridecast: {
    title: 'ridecast, defaults on',
    args: ['bin/ridecast.mjs', 'serve', '--port', '0', '--state', state, '--models', flags.models],
  },
  node: { title: 'bare node:http', args: ['--input-type=module', '-e', bareNode] },
  express: {
    title: 'bare Express 5 with json()',
    args: ['--input-type=module', '-e', bareExpress],
  },
  ...(flags.python && {
    fastapi: {
      title: 'FastAPI + pydantic + pickled pair',
      program: flags.python,
      args: ['bench/peers/fastapi_pair.py', join(root, 'bench', '.build', 'pair.pickle')],
    },
  }),
}

// What is sent, to whom, and which answer is right.
const ways = [
  { name: 'plain', title: 'POST /predict', body: timed, to: Object.keys(contenders) },
  { name: 'timeless', title: 'without the pickup time', body: ride, to: ['ridecast'] },
  {
    name: 'charset',
    title: '; charset=utf-8',
    body: timed,
    type: 'application/json; charset=utf-8',
    to: ['ridecast'],
  },
  { name: 'explain', title: '?explain', body: timed, query: '?explain=true', to: ['ridecast'] },
  {
    name: 'invalid',
    title: 'invalid body (422)',
    body: { ...ride, PULocationID: 999 },
    status: 422,
    to: ['ridecast'],
  },
]

/** Starts a server and waits for the line that says where it listens. */
function start({ program = process.execPath, args }) {
  const began = performance.now()
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { url } = JSON.parse(line)
      if (!url) return
      const startMs = performance.now() - began
      resolve({ child, port: Number(new URL(url).port), startMs })
    })
    child.on('exit', (code) => reject(new Error(`server ended with ${code}: is there a model?`)))
  })
}

/** Seconds of processor that a process has taken, where the system tells. */
function cpuSeconds(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [utime, stime] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
    return (Number(utime) + Number(stime)) / 100
  } catch {
    return Number.NaN
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]

async function measure(server, way) {
  const { body, query, type, status = 200 } = way
  const bytes = requestBytes({ query, type, body: JSON.stringify(body) })
  const before = cpuSeconds(server.child.pid)
  const { port } = server
  const { rate, answers, bad } = await closedLoop({ port, bytes, status, connections, seconds })
  if (bad > 0) throw new Error(`${way.title}: ${bad} bad answers`)
  return { rate, cpu: ((cpuSeconds(server.child.pid) - before) / answers) * 1e6 }
}

// Who else was at work: ratios of a machine that is not alone vary.
const [loadBefore] = loadavg()
const servers = {}
for (const [name, contender] of Object.entries(contenders)) servers[name] = await start(contender)

const samples = {}
for (let round = -1; round < rounds; round++) {
  for (const way of ways) {
    for (const name of way.to) {
      const sample = await measure(servers[name], way)
      const key = `${way.name} ${name}`
      // The first round warms up.
      if (round >= 0) samples[key] = [...(samples[key] ?? []), sample]
    }
  }
}
const steady = { connections, seconds: Math.max(5, seconds), rate: 1000, status: 200 }
const bytes = requestBytes({ body: JSON.stringify(timed) })
const open = await openLoop({ ...steady, port: servers.ridecast.port, bytes })

for (const { child } of Object.values(servers)) {
  child.removeAllListeners('exit')
  child.kill()
}
await new Promise((resolve) => setTimeout(resolve, 500))
rmSync(state, { recursive: true, force: true })

const of = (key, what) => median(samples[key].map((sample) => sample[what]))
const ratio = (key, to) => median(samples[key].map(({ rate }, i) => rate / samples[to][i].rate))
const rows = ways.flatMap((way) =>
  way.to.map((name) => {
    const key = `${way.name} ${name}`
    const rates = samples[key].map(({ rate }) => Math.round(rate))
    return `| ${contenders[name].title} | ${way.title} | ${Math.round(of(key, 'rate'))} | ${Math.min(...rates)} to ${Math.max(...rates)} | ${of(key, 'cpu').toFixed(0)} |`
  }),
)
const held = [
  ['of bare Express 5 with json()', ratio('plain ridecast', 'plain express'), 4.5],
  ['of bare node:http', ratio('plain ridecast', 'plain node'), 0.8],
  ...(servers.fastapi
    ? [['of FastAPI + pydantic + pickled pair', ratio('plain ridecast', 'plain fastapi'), 10]]
    : []),
  ['; charset=utf-8, of bare node:http', ratio('charset ridecast', 'plain node'), 0.5],
  ['?explain, of bare node:http', ratio('explain ridecast', 'plain node'), 0.5],
  ['invalid bodies, of bare node:http', ratio('invalid ridecast', 'plain node'), 0.5],
]
const text = `# Serving

Written by \`npm run bench:serve -- --write\`: do not edit. POST /predict, closed loop, ${connections} connections,
${rounds} rounds of ${seconds} s in turns after one to warm up; the client shares the machine.
${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}; load of the machine in the minute before: ${loadBefore.toFixed(1)}.

| server | request | requests/s (median) | from, to | processor a request, us |
|---|---|---|---|---|
${rows.join('\n')}

| requests/s | ratio | held to |
|---|---|---|
${held.map(([what, found, least]) => `| ${what} | ${found.toFixed(2)} | at least ${least}${found >= least ? '' : ': not reached'} |`).join('\n')}

At a constant rate of ${steady.rate} requests/s for ${steady.seconds} s, counted from the intended sending: half within
${open.p50.toFixed(2)} ms, 99 % within ${open.p99.toFixed(2)} ms (held to 5 ms), the slowest ${open.max.toFixed(1)} ms; ${open.bad} bad answers.
Listening after ${Math.round(servers.ridecast.startMs)} ms.
`
console.log(text)
if (flags.write) writeFileSync(join(root, 'docs', 'benchmarks-serve.md'), text)
