// `node bench/trees.mjs`: trains boosted trees on yellow-like rides (bench/yellow-rides.mjs), five
// features and minutes, and prints seconds, error on the first rides of the next month, memory and
// time per evaluated row as JSON. With `--python <path>` it trains LightGBM the same way before and
// afterwards, so that what else the machine does falls on both. Where others work on the same cores,
// seconds of the processor with --threads 1 are what can be compared: OpenMP's threads wait by spinning.
//   --rows n --rounds n --leaves n --threads n   3,000,000 rides, 200 trees of 31 leaves, all cores
//   --repeat n                                   trainings, of which the fastest is printed

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { yellowRides } from './yellow-rides.mjs'

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '3000000' },
    rounds: { type: 'string', default: '200' },
    leaves: { type: 'string', default: '31' },
    threads: { type: 'string', default: String(availableParallelism()) },
    repeat: { type: 'string', default: '1' },
    python: { type: 'string' },
  },
})
const [rides, rounds, leaves, threads, repeat] = [
  ...[flags.rows, flags.rounds, flags.leaves, flags.threads, flags.repeat].map(Number),
]
const names = ['PULocationID', 'DOLocationID', 'trip_distance', 'hour', 'weekday']
/** Rides of the next month that errors are measured on. */
const measured = 300_000

/** A file of doubles, made once: the features and minutes of kept rides, column after column. */
function fileOf(month, rows) {
  const folder = join(import.meta.dirname, '.data', 'trees')
  const path = join(folder, `seed1-${month}-${rows}.bin`)
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  // Made files are nobody's to commit.
  writeFileSync(join(import.meta.dirname, '.data', '.gitignore'), '*\n')
  const columns = Array.from({ length: 6 }, () => new Float64Array(rows))
  let kept = 0
  for (const { data, rows: size } of yellowRides({ seed: 1, month, rows, batchRows: 131_072 })) {
    for (let i = 0; i < size; i++) {
      const start = Number(data.tpep_pickup_datetime[i]) / 1e6
      const minutes = (Number(data.tpep_dropoff_datetime[i]) / 1e6 - start) / 60
      if (!(minutes >= 1 && minutes <= 60)) continue
      const hours = Math.floor(start / 3600)
      const values = [
        Number(data.PULocationID[i]),
        Number(data.DOLocationID[i]),
        data.trip_distance[i],
        hours % 24,
        // The first day of 1970 was a Thursday; 0 is Monday.
        (Math.floor(hours / 24) + 3) % 7,
        minutes,
      ]
      for (let f = 0; f < 6; f++) columns[f][kept] = values[f]
      kept++
    }
  }
  writeFileSync(path, Buffer.concat(columns.map((c) => Buffer.from(c.buffer, 0, kept * 8))))
  return path
}

const lightgbm = `
import json, resource, sys, time, numpy as np, lightgbm as lgb
x, held = (np.fromfile(path).reshape(6, -1) for path in sys.argv[1:3])
rounds, leaves, threads = map(int, sys.argv[3:6])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began, began_cpu = time.time(), time.process_time()
data = lgb.Dataset(x[:5].T, x[5], categorical_feature=[0, 1]).construct()
settings = {'objective': 'regression', 'num_leaves': leaves, 'learning_rate': 0.1, 'verbose': -1}
model = lgb.train({**settings, 'num_threads': threads}, data, rounds)
seconds, cpu = time.time() - began, time.process_time() - began_cpu
memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
rmse = float(np.sqrt(np.mean((model.predict(held[:5].T) - held[5]) ** 2)))
print(json.dumps({'seconds': seconds, 'cpu_seconds': cpu, 'rmse': rmse, 'memory_mb': round(memory)}))`

const askLightgbm = () => {
  const given = [train, next, rounds, leaves, threads].map(String)
  return JSON.parse(execFileSync(flags.python, ['-c', lightgbm, ...given]))
}

function tableOf(path) {
  const bytes = readFileSync(path)
  const all = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  const rows = all.length / 6
  const part = (f) => all.subarray(f * rows, (f + 1) * rows)
  const columns = names.map((name, f) => {
    if (f > 1) return { name, kind: 'number', values: part(f) }
    return { name, kind: 'category', codes: Int32Array.from(part(f)), levels: 266 }
  })
  return { columns, target: part(5) }
}

const train = fileOf('2023-01', rides)
const next = fileOf('2023-02', measured)
const folder = mkdtempSync(join(tmpdir(), 'ridecast-bench-trees-'))
try {
  await build({
    absWorkingDir: join(import.meta.dirname, '..'),
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
  const table = tableOf(train)
  const held = tableOf(next)
  const before = flags.python ? askLightgbm() : undefined
  const rss = process.memoryUsage.rss()
  let [seconds, cpu] = [Infinity, Infinity]
  let ensemble
  for (let i = 0; i < repeat; i++) {
    const [began, used] = [performance.now(), process.cpuUsage()]
    ensemble = (await trainBoosted(table, { threads, settings: { rounds, leaves } })).ensemble
    seconds = Math.min(seconds, (performance.now() - began) / 1000)
    const { user, system } = process.cpuUsage(used)
    cpu = Math.min(cpu, (user + system) / 1e6)
  }
  const peak = process.resourceUsage().maxRSS * 1024
  const after = flags.python ? askLightgbm() : undefined
  let microseconds = Infinity
  let minutes
  for (let i = 0; i < 3; i++) {
    const began = performance.now()
    minutes = ensemble.predictTable(held.columns)
    microseconds = Math.min(microseconds, ((performance.now() - began) * 1000) / minutes.length)
  }
  const squares = held.target.reduce((sum, y, i) => sum + (minutes[i] - y) ** 2, 0)
  const rmse = Math.sqrt(squares / minutes.length)
  console.log(
    JSON.stringify({
      ...{ rows: table.target.length, rounds, leaves, threads, seconds, cpu_seconds: cpu, rmse },
      ...{ memory_mb: Math.round((peak - rss) / 2 ** 20), microseconds_per_row: microseconds },
      ...(before && { lightgbm: [before, after] }),
    }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
