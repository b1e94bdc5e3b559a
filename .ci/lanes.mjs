// The lanes of the continuous integration, side by side: tests, checks, the README's main job, the
// container images, real servers and programs. Each writes its output to a file and is printed
// whole when it ends; the last line adds up what all of them counted.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'ridecast-ci-'))

/** Runs a command; resolves to its exit code and everything it said. */
function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    let said = ''
    child.stdout.on('data', (data) => {
      said += data
    })
    child.stderr.on('data', (data) => {
      said += data
    })
    child.on('error', (error) => resolve({ code: 127, said: `${said}${error}` }))
    child.on('close', (code) => resolve({ code: code ?? 1, said }))
  })
}

/** A script that runs vitest; a skipped test is a missing part, and fails here. */
async function vitest(script) {
  const report = join(folder, `${script.replace(':', '-')}.json`)
  const args = [
    ...['run', script, '--', '--reporter=default', '--reporter=json'],
    `--outputFile.json=${report}`,
  ]
  const { code, said } = await run('npm', args)
  try {
    const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    const broken = testResults.filter(
      (r) => r.status === 'failed' && r.assertionResults.length === 0,
    )
    const failed = numFailedTests + numPendingTests + broken.length
    const odd = code !== 0 && failed === 0 ? 1 : 0
    if (numPendingTests > 0) console.log(`${numPendingTests} tests were skipped: counted as failed`)
    return { passed: numPassedTests, failed: failed + odd, said }
  } catch (error) {
    return { passed: 0, failed: 1, said: `${said}\n${error}` }
  }
}

/** The README's test command. */
const tests = () => vitest('test')

/** The tests against real servers and programs, once those are installed. */
async function real() {
  const parts = await run('bash', ['scripts/real-parts.sh'])
  if (parts.code !== 0) return { passed: 0, failed: 1, said: parts.said }
  const { passed, failed, said } = await vitest('test:real')
  return { passed, failed, said: `${parts.said}${said}` }
}

/** `npm run check` prints a line for each of its checks. */
async function checks() {
  const { code, said } = await run('npm', ['run', 'check'])
  const passed = (said.match(/^ok /gm) ?? []).length
  const failed = (said.match(/^failed /gm) ?? []).length
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed, said }
}

/** The README's first command, and the digits that it must print. */
async function mainJob() {
  const place = ['--models', join(folder, 'models'), '--runs', join(folder, 'runs')]
  let passed = 0
  let failed = 0
  let said = ''
  const check = (name, holds) => {
    said += `${holds ? 'ok' : 'NOT OK'} ${name}\n`
    if (holds) passed++
    else failed++
  }
  const near = (found, expected) => Math.abs(found - expected) <= 1e-9 * Math.abs(expected)
  const train = async (...args) => {
    const result = await run('npm', [
      'run',
      '--silent',
      'train',
      '--',
      '2021-01',
      ...place,
      ...args,
    ])
    said += result.said
    return result
  }
  const first = await train()
  check('train 2021-01 exits 0', first.code === 0)
  check(
    'train names the next commands',
    /npm run predict/.test(first.said) && /npm run serve/.test(first.said),
  )
  const json = async (...args) => {
    const { said: text } = await train('--json', ...args)
    try {
      return JSON.parse(text)
    } catch {
      return {}
    }
  }
  const plain = await json('--recipe', 'plain')
  check(
    'plain: rows, kept, columns, rank',
    [plain.rows, plain.kept, plain.columns, plain.rank].join() === '76518,73908,507,505',
  )
  check('plain: intercept', near(plain.intercept, 24.044519211856))
  check('plain: train RMSE', near(plain.train?.rmse, 9.775258694528304))
  check('plain: validation rides', plain.validation?.n === 61921)
  const pairs = await json('--recipe', 'pairs')
  check('pairs: columns', pairs.columns === 13221)
  check('pairs: validation RMSE', near(pairs.validation?.rmse, 7.480826943045791))
  check('pairs: train RMSE', near(pairs.train?.rmse, 4.640696266933454))
  check('pairs: intercept', near(pairs.intercept, 26.423095398379598))
  const standard = await json()
  check('standard: validation RMSE at most 5.85', standard.validation?.rmse <= 5.85)
  return { passed, failed, said }
}

/** What a person gets who installs the package: it trains, from any folder, without the sources. */
async function installed() {
  const place = join(folder, 'installed')
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{ "private": true }')
  const pack = await run('npm', ['pack', '--ignore-scripts', '--pack-destination', place])
  const file = /ridecast-\S+\.tgz/.exec(pack.said)?.[0] ?? 'ridecast.tgz'
  const install = await run('npm', ['install', '--prefix', place, join(place, file)])
  const month = resolve('data/green_tripdata_2021-01.parquet')
  const bin = join(place, 'node_modules/.bin/ridecast')
  const where = ['--models', join(place, 'models'), '--runs', join(place, 'runs')]
  const train = await run(bin, ['train', month, '--recipe', 'plain', ...where])
  const ok = install.code === 0 && train.code === 0 && /9\.775/.test(train.said)
  const said = `${pack.said}${install.said}${train.said}`
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, said }
}

/** The container images; the script ends with its own counts. */
async function images() {
  const { code, said } = await run('npm', ['run', 'image:test'])
  const [, passed = 0, failed = 0] = /^(\d+) passed, (\d+) failed$/m.exec(said) ?? []
  return { passed: Number(passed), failed: Number(failed) || (code === 0 ? 0 : 1), said }
}

/** The example for danfojs: installs its own packages, and counts the kept rides of a month. */
async function example() {
  const install = await run('npm', ['ci', '--ignore-scripts', '--prefix', 'examples/danfo'])
  const check = await run('npm', ['test', '--prefix', 'examples/danfo'])
  const ok = install.code === 0 && check.code === 0
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, said: `${install.said}${check.said}` }
}

/** The benchmark on few rows: its answers agree, and it can still be run. */
async function bench() {
  const { code, said } = await run('npm', ['run', 'bench', '--', '--quick'])
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, said }
}

// Side by side, but not all at once: two processors that everybody wants make each start of a server
// a matter of minutes. The lanes of a row run one after another; the longest row is `real`.
const rows = [
  { tests },
  { images, example, checks, 'main job': mainJob, installed, bench },
  { real },
]
const start = performance.now()

/** Runs a lane and prints what it said; what broke it counts as a failure, too. */
async function runLane(name, lane) {
  const result = await lane().catch((error) => ({
    passed: 0,
    failed: 1,
    said: String(error.stack ?? error),
  }))
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  const ended = `${name}: ${result.passed} ok, ${result.failed} not ok, after ${seconds} s`
  writeFileSync(join(folder, `${name.replace(' ', '-')}.log`), result.said)
  const lines = result.said.split('\n').slice(-(result.failed ? 400 : 40))
  console.log(`==== ${ended}\n${lines.join('\n')}\n==== ${ended}`)
  return { name, ended, said: result.said, passed: result.passed, failed: result.failed }
}

const results = []
await Promise.all(
  rows.map(async (row) => {
    for (const [name, lane] of Object.entries(row)) results.push(await runLane(name, lane))
  }),
)
// What failed stands once more at the end, where it is found.
for (const { ended, said, failed } of results) {
  if (failed === 0) continue
  const telling = said
    .split('\n')
    .filter((line) => /FAIL|Error:|^failed|^not ok|^NOT OK/.test(line))
  console.log(`==== failed: ${ended}\n${telling.slice(0, 40).join('\n')}`)
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 ? 0 : 1
