// `npm run bench`: ridecast beside its peers, as whole processes in turns, on months that are made
// for it. Prints two tables and writes docs/benchmarks.md (not with other rows, --quick, --package or --no-write). No
// time is asserted: it fails only when a process fails or answers disagree.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareAnswers } from './answers.mjs'
import {
  abilities,
  atSize,
  contenders,
  duckdbVersion,
  heavyContenders,
  install,
  reference,
  years,
} from './contenders.mjs'
import { heldTo } from './held.mjs'
import { measure } from './process.mjs'
import { findPython, setUpPython } from './python.mjs'
import { documentOf, heldTable, measuredTable, printed } from './report.mjs'
import { bundleSums } from './sums.mjs'

const usage = `npm run bench -- [flags]
  --rows <n>        rows of a month (default 3000000)
  --rounds <n>      turns of all contenders (default 5)
  --slow-rounds <n> turns of the slowest peer (default 2)
  --python <path>   a python with pandas, pyarrow, scikit-learn and scipy
  --setup-python    make bench/.venv with these, once
  --with-10x        memory at ten times the rows too (minutes, 1 GB of disk)
  --no-years        leave out the 24 cached months
  --no-heavy        leave out rich recipes, strengths of a penalty and trees
  --no-write        do not write docs/benchmarks.md
  --only <names>    these contenders, with commas; what else was measured by earlier runs with
                    this flag is taken from them
  --package <dir>   another installed ridecast to measure, nothing written
  --quick           100000 rows, one turn, no python, nothing written`

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string' },
    rounds: { type: 'string' },
    'slow-rounds': { type: 'string', default: '2' },
    python: { type: 'string' },
    'setup-python': { type: 'boolean', default: false },
    'with-10x': { type: 'boolean', default: false },
    'no-years': { type: 'boolean', default: false },
    'no-heavy': { type: 'boolean', default: false },
    'no-write': { type: 'boolean', default: false },
    only: { type: 'string' },
    package: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (flags.help) {
  console.log(usage)
  process.exit(0)
}

const { quick } = flags
/** Rows of a month that the numbers are held at; others are not written down. */
const heldRows = 3_000_000
const rows = Number(flags.rows ?? (quick ? 100_000 : heldRows))
const rounds = Number(flags.rounds ?? (quick ? 1 : 5))
const slowRounds = Math.min(rounds, Number(flags['slow-rounds']))
const yearRows = quick ? 10_000 : 300_000
const only = flags.only === undefined ? undefined : new Set(flags.only.split(','))
const root = join(import.meta.dirname, '..')
const say = (text) => process.stderr.write(`${text}\n`)

async function make(...args) {
  say(`months: ${args.join(' ') || 'as usual'}`)
  const { output } = await measure(process.execPath, [
    join(import.meta.dirname, 'generate.mjs'),
    ...args,
  ])
  return output
}

/** All contenders in turns, so that what else the machine does meets them alike. */
async function inTurns(all, turns) {
  const samples = Object.fromEntries(all.map(({ name }) => [name, []]))
  for (let turn = 1; turn <= turns; turn++) {
    for (const contender of all) {
      const { name, missing, slow, run } = contender
      if (missing || (only && !only.has(name)) || (slow && turn > slowRounds)) continue
      const sample = await run().catch((error) => {
        if (!error.message.includes('[engine_missing]')) throw error
        contender.missing = 'its engine is not installed'
      })
      if (sample === undefined) continue
      samples[name].push(sample)
      say(`  ${turn}/${turns} ${name.padEnd(18)} ${sample.seconds.toFixed(2)} s`)
    }
  }
  return samples
}

const monthNames = (year) =>
  Array.from({ length: 12 }, (_, i) => `${year}-${String(i + 1).padStart(2, '0')}`)

if (flags['setup-python']) setUpPython()
const python = quick ? { missing: 'quick' } : findPython(flags.python)
const load = loadavg()[0].toFixed(1)
if (Number(load) > 0.5) say(`the machine is not idle: load ${load}`)
install(flags.package)
await bundleSums()
const can = abilities()

const months = await make('--rows', String(rows))
const files = months.files.map(({ path }) => path)
// Read once, so that the first contender does not pay for all.
for (const file of files) readFileSync(file)

const all = contenders({ data: months.folder, files, python, can })
const samples = await inTurns(all, rounds)
const exact = (await reference({ files, python }))?.output

if (!flags['no-heavy']) {
  const heavy = heavyContenders({ data: months.folder, files, python, can, rows })
  all.push(...heavy)
  Object.assign(samples, await inTurns(heavy, Math.min(2, rounds)))
}
if (!flags['no-years']) {
  const names = [...monthNames(2022), ...monthNames(2023)].join(',')
  const { folder } = await make('--rows', String(yearRows), '--months', names)
  const over = years({ data: folder, can, rows: yearRows })
  all.push(...over)
  Object.assign(samples, await inTurns(over, rounds))
}
if (flags['with-10x']) {
  const large = await make('--rows', String(rows), '--scale', '10')
  const sizes = [
    ...atSize({ data: months.folder, can, size: '1x' }),
    ...atSize({ data: large.folder, can, size: '10x' }),
  ]
  all.push(...sizes)
  Object.assign(samples, await inTurns(sizes, Math.min(2, rounds)))
}

const results = join(import.meta.dirname, '.results')
mkdirSync(results, { recursive: true })
writeFileSync(join(results, '.gitignore'), '*\n')
if (only) {
  const parts = join(results, 'parts.json')
  const before = existsSync(parts) ? JSON.parse(readFileSync(parts, 'utf8')) : {}
  for (const [name, own] of Object.entries(samples)) {
    if (own.length === 0) samples[name] = before[name] ?? []
  }
  for (const one of all) if (samples[one.name].length === 0) one.missing ??= 'not asked for'
  writeFileSync(parts, JSON.stringify({ ...before, ...samples }))
}
const { faults, notes } = compareAnswers(all, samples, exact)
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const facts = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}`,
  versions: Object.entries({
    ridecast: version,
    node: process.versions.node,
    '@duckdb/node-api': duckdbVersion() ?? 'none',
    ...python.versions,
  })
    .map(([name, value]) => `${name} ${value}`)
    .join(', '),
  rounds: `${rounds}; ${slowRounds} of the classic pipeline${only ? '; in parts, one after another' : ''}`,
  rows: rows.toLocaleString('en-US'),
  load,
  bytes: Math.round(Math.max(...months.files.map(({ bytes }) => bytes)) / 1e6),
  rowGroup: months.rowGroup.toLocaleString('en-US'),
}
const held = heldTo(samples)
const tables = { measured: measuredTable(all, samples), held: heldTable(held) }

say('')
console.log(`${facts.machine}\n${facts.versions}\n${facts.rows} rows a month, ${rounds} rounds`)
console.log(printed(tables.measured))
console.log(printed(tables.held))
for (const note of notes) console.log(note)
for (const fault of faults) console.log(`DISAGREES: ${fault}`)

const raw = { facts, rows, samples, exact, held, faults }
const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '')
writeFileSync(join(results, `${stamp}.json`), JSON.stringify(raw, null, 1))
const writes = rows === heldRows && !quick && !flags.package && !flags['no-write']
if (writes && faults.length === 0) {
  writeFileSync(join(root, 'docs', 'benchmarks.md'), documentOf({ facts, tables, notes }))
}
process.exitCode = faults.length > 0 ? 1 : 0
