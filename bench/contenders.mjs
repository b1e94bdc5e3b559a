// What is measured: our own command line in several ways, and its peers. A contender that cannot
// run here says why and is not measured.

import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { measure } from './process.mjs'

const root = join(import.meta.dirname, '..')
const peers = join(import.meta.dirname, 'peers')
const sumsScript = join(import.meta.dirname, 'sums.mjs')

/** Where the ridecast that is measured lies. */
let home = join(import.meta.dirname, '.build')

/**
 * Puts the package aside as it is installed: bundles without sources. A clone looks first whether
 * its bundle is as new as its sources; an installed ridecast, and so the bench, does not.
 *
 * @param other folder of another installed ridecast to measure in its place
 */
export function install(other) {
  if (other !== undefined) {
    home = resolve(other)
    return
  }
  execFileSync(process.execPath, [join(root, 'bin', 'ridecast.mjs'), '--version'])
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home)
  writeFileSync(join(home, '.gitignore'), '*\n')
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const part of ['package.json', ...files].filter((one) => existsSync(join(root, one)))) {
    cpSync(join(root, part), join(home, part), { recursive: true })
  }
}

const ridecast = () => join(home, 'bin', 'ridecast.mjs')

/** What this ridecast can do, told from its help. */
export function abilities() {
  const help = execFileSync(process.execPath, [ridecast(), 'train', '--help'], { encoding: 'utf8' })
  const engines = /--engine[^(]*\(choices: ([^)]*?)(?:, default[^)]*)?\)/.exec(
    help.replace(/\s+/g, ' '),
  )
  return {
    engines: [...(engines?.[1] ?? '').matchAll(/"(\w+)"/g)]
      .map(([, name]) => name)
      .filter((name) => name !== 'duckdb' || duckdbVersion()),
    contract: help.includes('--allow'),
    cache: help.includes('--cache'),
    ranges: /\d{4}-\d\d\.\.\d{4}/.test(help),
  }
}

/** The version of the optional package, undefined where it is not installed. */
export function duckdbVersion() {
  try {
    const path = join(root, 'node_modules', '@duckdb', 'node-api', 'package.json')
    return JSON.parse(readFileSync(path, 'utf8')).version
  } catch {
    return undefined
  }
}

const oddSizes = ['DATASET_LOW_NUM_EXAMPLES', 'DATASET_HIGH_NUM_EXAMPLES']

/** A training in folders of its own, which are gone afterwards. */
async function train(args, { data, can, cache, engine }) {
  const scratch = mkdtempSync(join(tmpdir(), 'ridecast-bench-'))
  const folders = [`--models=${scratch}/models`, `--runs=${scratch}/runs`]
  // Fewer rows than any month had, or more, is what a data contract refuses.
  if (can.contract) folders.push(...oddSizes.flatMap((code) => ['--allow', code]))
  if (engine) folders.push(`--engine=${engine}`)
  if (cache !== undefined) folders.push(`--cache=${cache || join(scratch, 'cache')}`)
  try {
    const all = [
      ridecast(),
      'train',
      ...args,
      '--taxi=yellow',
      `--data=${data}`,
      ...folders,
      '--json',
    ]
    return await measure(process.execPath, all, { cwd: scratch })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** Runs with a cache that earlier runs have filled; the first fills it and is not counted. */
function warmed(args, options) {
  const cache = mkdtempSync(join(tmpdir(), 'ridecast-bench-cache-'))
  process.once('exit', () => rmSync(cache, { recursive: true, force: true }))
  let filled
  return async () => {
    filled ??= train(args, { ...options, cache })
    await filled
    return train(args, { ...options, cache })
  }
}

const month = ['2023-01', '--validate=2023-02']

/**
 * The contenders of the two months.
 *
 * @param data folder of the months
 * @param files paths of the months
 * @param python as `findPython` gives it
 * @returns `{ name, title, answer, run, missing, slow }`; `missing` says why one cannot run;
 *   all with one `answer` must make one model
 */
export function contenders({ data, files, python, can }) {
  const lacks = (engine) => (can.engines.includes(engine) ? undefined : `no engine ${engine} here`)
  const cold = can.cache ? '' : undefined
  const best = can.engines.includes('duckdb') ? 'duckdb' : 'arrow'
  const ours = (name, title, recipe, engine) => ({
    name,
    title,
    answer: recipe,
    missing: lacks(engine),
    run: () => train([...month, `--recipe=${recipe}`], { data, can, cache: cold, engine }),
  })
  const again = (name, title, recipe) => ({
    name,
    title,
    answer: recipe,
    missing: can.cache ? undefined : 'no cache of sums in this ridecast',
    run: warmed([...month, `--recipe=${recipe}`], { data, can, engine: best }),
  })
  const peer = (name, title, script) => ({
    name,
    title,
    missing: python.missing,
    slow: name === 'classic',
    run: () => measure(python.path, ['-B', join(peers, script), ...files]),
  })
  const duckdb = (name, title, kind) => ({
    name,
    title,
    missing: duckdbVersion() ? undefined : '@duckdb/node-api is not installed',
    run: () => measure(process.execPath, [join(peers, 'duckdb.mjs'), kind, ...files]),
  })
  const alone = (name, title, engine, recipe, over, ...more) => ({
    name,
    title,
    missing: lacks(engine),
    run: () => measure(process.execPath, [sumsScript, engine, recipe, ...over, ...more]),
  })
  return [
    ours('plain-duckdb', 'ridecast plain, cold, engine duckdb', 'plain', 'duckdb'),
    ours('plain-arrow', 'ridecast plain, cold, engine arrow', 'plain', 'arrow'),
    again('plain-cached', 'ridecast plain, cached', 'plain'),
    ours('pairs-cold', `ridecast pairs, cold, engine ${best}`, 'pairs', best),
    again('pairs-cached', 'ridecast pairs, cached', 'pairs'),
    ours('standard-cold', `ridecast standard, cold, engine ${best}`, 'standard', best),
    again('standard-cached', 'ridecast standard, cached', 'standard'),
    {
      name: 'start',
      title: 'ridecast --version: what starting costs',
      run: () => measure(process.execPath, [ridecast(), '--version'], { text: true }),
    },
    ...['duckdb', 'arrow'].map((engine) =>
      alone(`sums-${engine}`, `sums of plain alone, engine ${engine}`, engine, 'plain', files),
    ),
    duckdb('scan', 'DuckDB alone, bare scan of five columns', 'scan'),
    duckdb('group', 'DuckDB alone, sums by pair of zones', 'group'),
    peer('expert', 'Python, expert: pyarrow, own CSR, LinearRegression', 'expert.py'),
    peer('classic', 'Python, classic: pandas, DictVectorizer, LinearRegression', 'classic.py'),
  ]
}

/**
 * What takes long, and is measured in fewer turns: a rich recipe, many strengths of a penalty, trees.
 *
 * @param rows rides that trees are grown on
 */
export function heavyContenders({ data, files, python, can, rows }) {
  const engine = can.engines.includes('duckdb') ? 'duckdb' : 'arrow'
  const [first] = files
  const sums = (recipe, ...more) => ({
    name: `${recipe}-sums`,
    title: `sums of ${recipe} alone, one month, engine ${engine}`,
    run: () => measure(process.execPath, [sumsScript, engine, recipe, first, ...more]),
  })
  const cache = mkdtempSync(join(tmpdir(), 'ridecast-bench-cache-'))
  process.once('exit', () => rmSync(cache, { recursive: true, force: true }))
  const strengths = () =>
    measure(process.execPath, [
      ...[ridecast(), 'penalty', '2023-01,2023-02', '--recipe=standard', '--count=200'],
      ...['--taxi=yellow', `--data=${data}`, `--cache=${cache}`, '--json'],
    ])
  let filled
  return [
    sums('plain'),
    sums('linear', '--solve'),
    {
      name: 'strengths',
      title: 'ridecast penalty: 200 strengths of standard, two cached months',
      missing: can.cache ? undefined : 'no cache of sums in this ridecast',
      async run() {
        filled ??= strengths()
        await filled
        return strengths()
      },
    },
    {
      name: 'trees',
      title: 'boosted trees, 200 of 31 leaves, and LightGBM before and after',
      missing: python.missing,
      run: () =>
        measure(process.execPath, [
          ...[join(import.meta.dirname, 'trees.mjs'), `--rows=${rows}`, '--python', python.path],
        ]),
    },
  ]
}

/** The exact answer by other code, to hold ours to; not timed. */
export function reference({ files, python }) {
  if (python.missing) return undefined
  return measure(python.path, ['-B', join(peers, 'expert.py'), ...files, '--exact'])
}

/** Plain and pairs over 24 cached months, the last of them to validate on. */
export function years({ data, can, rows }) {
  const missing =
    can.cache && can.ranges ? undefined : 'no ranges of cached months in this ridecast'
  return ['plain', 'pairs'].map((recipe) => ({
    name: `${recipe}-years`,
    title: `ridecast ${recipe}, 24 cached months of ${rows.toLocaleString('en-US')} rows`,
    answer: `${recipe} over 24 months`,
    missing,
    run: warmed(['2022-01..2023-11', '--validate=2023-12', `--recipe=${recipe}`], { data, can }),
  }))
}

/** Plain and pairs with every engine over months of any size, for their memory. */
export function atSize({ data, can, size }) {
  return ['plain', 'pairs'].flatMap((recipe) =>
    can.engines
      .filter((engine) => ['duckdb', 'arrow'].includes(engine))
      .map((engine) => ({
        name: `${recipe}-${engine}-${size}`,
        title: `ridecast ${recipe}, cold, engine ${engine}, ${size} rows`,
        answer: `${recipe} at ${size}`,
        run: () =>
          train([...month, `--recipe=${recipe}`], {
            data,
            can,
            engine,
            cache: can.cache ? '' : undefined,
          }),
      })),
  )
}
