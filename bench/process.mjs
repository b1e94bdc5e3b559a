// Whole processes: how long one lives, how much memory it takes at most, what it prints.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The largest resident size of a running process so far, MiB; 0 where the system does not say. */
function highWater(pid) {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line ? Math.round(Number(line[1]) / 1024) : 0
  } catch {
    return 0
  }
}

/**
 * Runs a command that prints JSON, from its start to the end of its output.
 * The peak is the larger of what the process says of itself (`peak_rss_mb`) and of what the
 * system said while it ran, asked every 20 ms.
 *
 * @param options as for `spawn`; `text: true` where it prints no JSON
 * @returns `{ seconds, peakMb, output }`
 * @throws Error with all that the command said when it fails or prints something else
 */
export function measure(file, args, options = {}) {
  const began = performance.now()
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let [peak, out, err] = [0, '', '']
  const timer = setInterval(() => {
    peak = Math.max(peak, highWater(child.pid))
  }, 20)
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    err += data
  })
  return new Promise((resolve, reject) => {
    const fail = (reason) =>
      reject(new Error(`${file} ${args.join(' ')}\n${reason}\n${err}${out}`.trim()))
    child.on('error', (error) => {
      clearInterval(timer)
      fail(error.message)
    })
    child.on('close', (code, signal) => {
      clearInterval(timer)
      const seconds = (performance.now() - began) / 1000
      if (code !== 0) return fail(`ended with ${code ?? signal}`)
      try {
        const output = options.text ? { text: out } : JSON.parse(out)
        resolve({ seconds, peakMb: Math.max(peak, output.peak_rss_mb ?? 0), output })
      } catch {
        fail('expected JSON on the standard output')
      }
    })
  })
}
