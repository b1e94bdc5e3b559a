// Bundles src/ into dist/: cli.mjs with lazily loaded chunks, and serve.mjs, one file
// that holds the whole server process, and page/: runs/, the page of `ridecast runs ui`,
// profile/, what `ridecast data profile` puts into its pages, and report/, the same for reports of
// models.
// dist/stamp.json records what was bundled, so that
// bin/ridecast.mjs can tell a stale bundle from a fresh one.

import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** A hash over names, sizes and times of everything the bundle is made from. */
export function sourceStamp() {
  const hash = createHash('sha256')
  const visit = (path) => {
    const stat = statSync(path)
    if (!stat.isDirectory()) return hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`)
    for (const name of readdirSync(path).sort()) visit(join(path, name))
  }
  for (const name of ['src', 'scripts/build.mjs', 'package.json', 'package-lock.json']) {
    if (existsSync(join(root, name))) visit(join(root, name))
  }
  return hash.digest('hex')
}

/** Pages for browsers: their sources, the folder that holds what they load, files copied to it. */
const pages = [
  { from: 'src/tracking/ui/page', to: 'page/runs', files: ['index.html', 'icon.svg'] },
  { from: 'src/pipeline/data-profile/page', to: 'page/profile', files: [] },
  { from: 'src/pipeline/report/page', to: 'page/report', files: [] },
]

async function buildPage(bundle, page, outdir, files) {
  await bundle({
    absWorkingDir: root,
    entryPoints: [`${page}/main.tsx`, `${page}/main.css`],
    outdir,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: ['chrome111', 'firefox121', 'safari16.4'],
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  })
  for (const file of files) copyFileSync(join(root, page, file), join(outdir, file))
}

/** Builds into a folder of its own and renames it, so that a reader never sees half a bundle. */
export async function build() {
  const { build: bundle } = await import('esbuild')
  const stamp = sourceStamp()
  const folder = join(root, `dist.${process.pid}.tmp`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // CommonJS packages inside an ES module bundle still ask for these three.
  const banner = [
    "import { createRequire as __createRequire } from 'node:module'",
    'const require = __createRequire(import.meta.url)',
    'const __filename = import.meta.filename, __dirname = import.meta.dirname',
  ].join(';')
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    banner: { js: banner },
    legalComments: 'none',
    logLevel: 'warning',
    sourcemap: 'linked',
    sourcesContent: false,
  }
  await bundle({
    ...common,
    // The worker is started by its file name, beside the chunks that start it.
    entryPoints: {
      cli: 'src/cli.ts',
      'chunks/arrow-worker': 'src/pipeline/engines/arrow-worker.ts',
      'chunks/lane-worker': 'src/pipeline/engines/lane-worker.ts',
      'chunks/trees-worker': 'src/pipeline/trees/worker.ts',
    },
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Resolved from node_modules at run time: they find their native parts beside themselves.
    external: ['parquet-wasm', '@duckdb/node-api'],
  })
  await bundle({ ...common, entryPoints: { serve: 'src/serve-main.ts' } })
  for (const { from, to, files } of pages) await buildPage(bundle, from, join(folder, to), files)
  writeFileSync(join(folder, 'stamp.json'), `${JSON.stringify({ stamp })}\n`)
  const old = join(root, `dist.${process.pid}.old`)
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old)
  renameSync(folder, join(root, 'dist'))
  rmSync(old, { recursive: true, force: true })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  // An installed package has dist/ and no src/: there is nothing to build.
  if (existsSync(join(root, 'src'))) await build()
}
