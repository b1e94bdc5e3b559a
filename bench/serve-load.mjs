// Load on a server over bare sockets, so that the client costs as little as can be. Closed loop: every
// connection sends its next request when the last is answered. Open loop: requests go out at a
// constant rate whatever comes back, and time is counted from when each was meant to be sent.

import { connect } from 'node:net'

/** The bytes of a POST /predict. */
export function requestBytes({ query = '', type = 'application/json', body }) {
  return Buffer.from(
    `POST /predict${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** A connection that sends a request and calls back with the status of its answer. */
function connection(port, onAnswer, onError) {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let text = ''
  socket.on('data', (data) => {
    text = text === '' ? data.latin1Slice() : text + data.latin1Slice()
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
    if (text.length < end + 4 + length) return
    const status = Number(text.slice(9, 12))
    text = ''
    onAnswer(status)
  })
  socket.on('error', onError)
  return socket
}

const destroy = (socket) =>
  socket
    .removeAllListeners('error')
    .on('error', () => {})
    .destroy()

/** Requests per second of `connections` in a closed loop over `seconds`. */
export function closedLoop({ port, bytes, status, connections, seconds }) {
  let answers = 0
  let bad = 0
  const sockets = Array.from({ length: connections }, () => {
    const socket = connection(
      port,
      (found) => {
        if (found !== status) bad++
        answers++
        socket.write(bytes)
      },
      () => bad++,
    )
    socket.once('connect', () => socket.write(bytes))
    return socket
  })
  return new Promise((resolve) => {
    const began = performance.now()
    setTimeout(() => {
      const rate = answers / ((performance.now() - began) / 1000)
      for (const socket of sockets) destroy(socket)
      resolve({ rate, answers, bad })
    }, seconds * 1000)
  })
}

/** Milliseconds from the intended sending to the answer, at a constant rate over `seconds`. */
export async function openLoop({ port, bytes, status, connections, seconds, rate }) {
  const times = []
  let bad = 0
  const idle = []
  const due = []
  const serve = (worker) => {
    const meant = due.shift()
    if (meant === undefined) {
      idle.push(worker)
      return
    }
    worker.meant = meant
    worker.socket.write(bytes)
  }
  for (let i = 0; i < connections; i++) {
    const worker = { meant: 0 }
    worker.socket = connection(
      port,
      (found) => {
        if (found !== status) bad++
        times.push(performance.now() - worker.meant)
        serve(worker)
      },
      () => bad++,
    )
    await new Promise((resolve) => worker.socket.once('connect', resolve))
    idle.push(worker)
  }
  const began = performance.now()
  const total = rate * seconds
  let sent = 0
  await new Promise((resolve) => {
    const tick = () => {
      const now = performance.now()
      while (sent < total && began + (sent * 1000) / rate <= now) {
        due.push(began + (sent * 1000) / rate)
        sent++
        const worker = idle.pop()
        if (worker) serve(worker)
      }
      if (times.length >= total || now > began + seconds * 1000 + 10_000) resolve()
      else setImmediate(tick)
    }
    tick()
  })
  for (const { socket } of idle) destroy(socket)
  times.sort((a, b) => a - b)
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))]
  return { p50: at(0.5), p99: at(0.99), max: times.at(-1), answers: times.length, bad }
}
