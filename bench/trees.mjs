// `node bench/trees.mjs <rows.bin>`: trains boosted trees on a file of doubles, five features and
// minutes as one column after the other (PULocationID, DOLocationID, trip_distance, hour, weekday,
// minutes; what tests/real/trees.test.ts extracts), and prints seconds, memory and time per row as
// JSON. With `--python <path>` it trains LightGBM the same way before and afterwards, so that what
// else the machine does falls on both.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '200' },
    threads: { type: 'string', default: String(availableParallelism()) },
    python: { type: 'string' },
  },
})
const [file] = positionals
if (!file) throw new Error('usage: node bench/trees.mjs <rows.bin> [--rounds n] [--threads n]')
const rounds = Number(flags.rounds)
const threads = Number(flags.threads)

const lightgbm = `
import sys, time, numpy as np, lightgbm as lgb
x = np.fromfile(sys.argv[1]).reshape(6, -1)
began = time.time()
data = lgb.Dataset(x[:5].T, x[5], categorical_feature=[0, 1]).construct()
settings = {'objective': 'regression', 'num_leaves': 31, 'learning_rate': 0.1, 'verbose': -1}
lgb.train({**settings, 'num_threads': int(sys.argv[3])}, data, int(sys.argv[2]))
print(time.time() - began)`

const timeLightgbm = () =>
  Number(execFileSync(flags.python, ['-c', lightgbm, file, flags.rounds, flags.threads]))

const folder = mkdtempSync(join(tmpdir(), 'ridecast-bench-trees-'))
try {
  const root = join(import.meta.dirname, '..')
  await build({
    absWorkingDir: root,
    entryPoints: {
      train: 'src/pipeline/trees/train.ts',
      'trees-worker': 'src/pipeline/trees/worker.ts',
    },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
  })
  const { trainBoosted } = await import(pathToFileURL(join(folder, 'train.mjs')).href)
  const bytes = readFileSync(file)
  const all = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  const rows = all.length / 6
  const part = (f) => all.subarray(f * rows, (f + 1) * rows)
  const columns = ['PULocationID', 'DOLocationID', 'trip_distance', 'hour', 'weekday'].map(
    (name, f) => {
      if (f > 1) return { name, kind: 'number', values: part(f) }
      return { name, kind: 'category', codes: Int32Array.from(part(f)), levels: 266 }
    },
  )
  const before = flags.python ? timeLightgbm() : undefined
  const rss = process.memoryUsage.rss()
  let began = performance.now()
  const options = { threads, settings: { rounds } }
  const { ensemble } = await trainBoosted({ columns, target: part(5) }, options)
  const seconds = (performance.now() - began) / 1000
  const peak = process.resourceUsage().maxRSS * 1024
  const after = flags.python ? timeLightgbm() : undefined
  began = performance.now()
  const some = columns.map((column) => {
    const cut = (array) => array.subarray(0, 100_000)
    return column.kind === 'number'
      ? { ...column, values: cut(column.values) }
      : { ...column, codes: cut(column.codes) }
  })
  ensemble.predictTable(some)
  const microseconds = ((performance.now() - began) * 1000) / Math.min(rows, 100_000)
  console.log(
    JSON.stringify({
      ...{ rows, rounds, threads, seconds, lightgbm_seconds: before && [before, after] },
      ...{ memory_mb: Math.round((peak - rss) / 2 ** 20), microseconds_per_row: microseconds },
    }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
