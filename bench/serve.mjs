// `npm run bench:serve`: requests per second of POST /predict beside a bare Express handler that
// parses the same JSON and answers a constant, in turns, in one run. Closed loop: every connection
// sends its next request when the last is answered. Needs a trained model (npm run train -- 2021-01).

import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..')
const connections = 32
const seconds = Number(process.env.BENCH_SECONDS ?? 4)
const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const ride = JSON.stringify({ PULocationID: 43, DOLocationID: 151, trip_distance: 1.01 })

const bare = `
import express from 'express'
const app = express()
app.use(express.json())
app.post('/predict', (request, response) => { response.json({ duration: 12.5, model_version: 'constant' }) })
const server = app.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: 'http://127.0.0.1:' + server.address().port })))
`

/** Starts a server and waits for the line that says where it listens. */
function start(args, env = {}) {
  const began = performance.now()
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      const { url } = JSON.parse(line)
      if (url)
        resolve({ child, port: Number(new URL(url).port), startMs: performance.now() - began })
    })
    child.on('exit', (code) => reject(new Error(`server ended with ${code}: is there a model?`)))
  })
}

// A parser of its own, as small as can be: what the client costs is taken from both servers.
function load(port) {
  const request = Buffer.from(
    `POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${ride.length}\r\n\r\n${ride}`,
  )
  let answers = 0
  let bad = 0
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.setNoDelay(true)
    let text = ''
    socket.on('data', (data) => {
      text += data.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (text.length < end + 4 + length) return
      if (!text.startsWith('HTTP/1.1 200')) bad++
      answers++
      text = text.slice(end + 4 + length)
      socket.write(request)
    })
    socket.on('error', () => bad++)
    return socket
  })
  return new Promise((resolve) => {
    const began = performance.now()
    setTimeout(() => {
      const rate = answers / ((performance.now() - began) / 1000)
      for (const socket of sockets)
        socket
          .removeAllListeners('error')
          .on('error', () => {})
          .destroy()
      resolve({ rate, bad })
    }, seconds * 1000)
  })
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1]
const servers = {
  ridecast: await start(['bin/ridecast.mjs', 'serve', '--port', '0']),
  express: await start(['--input-type=module', '-e', bare]),
}
const rates = { ridecast: [], express: [] }
for (const { port } of Object.values(servers)) await load(port) // warm-up
for (let round = 0; round < rounds; round++) {
  for (const [name, { port }] of Object.entries(servers)) {
    const { rate, bad } = await load(port)
    if (bad > 0) throw new Error(`${name}: ${bad} bad answers`)
    rates[name].push(rate)
  }
}
for (const { child } of Object.values(servers)) {
  child.removeAllListeners('exit')
  child.kill()
}
console.log(
  `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, ${connections} connections, ${rounds} rounds of ${seconds} s`,
)
for (const [name, all] of Object.entries(rates)) {
  const [low, middle, high] = [Math.min(...all), median(all), Math.max(...all)].map(Math.round)
  console.log(
    `${name.padEnd(9)} ${middle} requests/s (${low} to ${high}), listening after ${Math.round(servers[name].startMs)} ms`,
  )
}
const ratios = rates.ridecast.map((rate, i) => rate / rates.express[i])
console.log(
  `ratio     ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
)
