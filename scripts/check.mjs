// `npm run check`: types, style, documented exports and the rules of the repository,
// side by side. Prints one line each and, of the ones that fail, everything they said.

import { spawn } from 'node:child_process'

const checks = ['check:types', 'check:style', 'check:docs', 'check:rules']

const run = (name) =>
  new Promise((resolve) => {
    const start = performance.now()
    const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (data) => {
      said += data
    })
    child.stderr.on('data', (data) => {
      said += data
    })
    child.on('close', (code) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      console.log(`${code === 0 ? 'ok    ' : 'failed'} ${name} (${seconds} s)`)
      if (code !== 0) console.log(said)
      resolve(code === 0)
    })
  })

const results = await Promise.all(checks.map(run))
const failed = results.filter((ok) => !ok).length
console.log(`${results.length - failed} of ${results.length} checks passed`)
process.exitCode = failed === 0 ? 0 : 1
