// `node bench/sums.mjs <engine> <recipe> <files>`: the sums of a recipe over trip files and nothing
// else: no hash, no cache, no contract, no profile. `seconds.sum` counts from opening the engine to
// the last sum, as `seconds.query` of bench/peers/duckdb.mjs does. With --solve the first file's sums
// are solved as well: to what training asks for (`fit`), and by conjugate gradients to a relative
// residual of 1e-8 (`solve`), normal equations included both times. Prints one JSON object. Needs what `bundleSums` has made.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const folder = join(import.meta.dirname, '.build-sums')

const entry = `
export { findRecipe } from './src/commands/recipes.ts'
export { compileFeatures } from './src/features.ts'
export { openEngine } from './src/pipeline/engines/engines.ts'
export { fit } from './src/pipeline/fit.ts'
export { planOf } from './src/pipeline/plan.ts'
export { zeroSums } from './src/pipeline/double-double.ts'
export { conjugateGradients } from './src/pipeline/solve/cg.ts'
export { gramOf } from './src/pipeline/solve/gram.ts'
export { rareSystemOf } from './src/pipeline/solve/rare-columns.ts'
export { residual, systemOf } from './src/pipeline/solve/system.ts'
`

/** Bundles what this calls, so that the time of a process is not that of a compiler. */
export async function bundleSums() {
  const { build } = await import('esbuild')
  const { bundleOptions } = await import('../scripts/build.mjs')
  rmSync(folder, { recursive: true, force: true })
  const options = { ...bundleOptions, outdir: folder, splitting: true }
  await build({
    ...options,
    stdin: { contents: entry, resolveDir: bundleOptions.absWorkingDir, sourcefile: 'sums.ts' },
    entryNames: 'sums',
  })
  await build({
    ...options,
    entryPoints: {
      'arrow-worker': 'src/pipeline/engines/arrow-worker.ts',
      'lane-worker': 'src/pipeline/engines/lane-worker.ts',
    },
  })
  writeFileSync(join(folder, '.gitignore'), '*\n')
}

/** Entries of the moments that a solver meets: levels, numeric sums by level, pairs of levels. */
const entriesOf = ({ blocks, crosses, numeric }) =>
  blocks.reduce((sum, { codes }) => sum + codes.length * (1 + numeric.length), 0) +
  crosses.reduce((sum, { counts }) => sum + counts.length, 0)

const bytesOf = ({ blocks, crosses }) => {
  const size = (array) => array.byteLength
  const ofBlocks = blocks.map(({ codes, counts, target, numeric }) =>
    [codes, counts, target.hi, target.lo, numeric.hi, numeric.lo].map(size),
  )
  const ofCrosses = crosses.map(({ rows, columns, counts }) => [rows, columns, counts].map(size))
  return [...ofBlocks, ...ofCrosses].flat().reduce((sum, bytes) => sum + bytes, 0)
}

const length = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))

async function run() {
  const { values: flags, positionals } = parseArgs({
    allowPositionals: true,
    options: { solve: { type: 'boolean', default: false } },
  })
  const [engineName, recipeName, ...files] = positionals
  const library = await import(pathToFileURL(join(folder, 'sums.mjs')).href)
  const recipe = library.findRecipe(recipeName, [], process.cwd())
  const plan = library.planOf(recipe, library.compileFeatures(recipe))
  let began = performance.now()
  const lap = () => {
    const seconds = Math.round(performance.now() - began) / 1000
    began = performance.now()
    return seconds
  }
  const engine = await library.openEngine(engineName)
  const sums = []
  for (const file of files) sums.push(...(await engine.sum(file, 'yellow', [plan])))
  const seconds = { sum: lap() }
  await engine.close()
  const [first] = sums
  const facts = { rides: first.n, entries: entriesOf(first), bytes: bytesOf(first) }
  if (flags.solve) {
    lap()
    const { solution } = await library.fit(first, recipe, 'yellow', 'auto')
    seconds.fit = lap()
    const { method, effort } = solution
    const system = library.systemOf(first, recipe.l2)
    const rhs = system.rhs.hi
    const rare = library.rareSystemOf(library.gramOf(system), system.l2)
    const { delta, iterations } = library.conjugateGradients(rare, rhs, 1e-8)
    seconds.solve = lap()
    const left = library.residual(system, system.rhs, {
      ...library.zeroSums(rhs.length),
      hi: delta,
    })
    const residual = length(left) / length(rhs)
    Object.assign(facts, {
      method,
      fit: { ...effort, residual: solution.residual },
      iterations,
      residual,
    })
  }
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(JSON.stringify({ ...facts, seconds, peak_rss_mb: peak }))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await run()
