// Bundles src/ into dist/: cli.mjs with lazily loaded chunks, and serve.mjs, one file
// that holds the whole server process, and page/: serve/, the page of the server, runs/, the page of
// `ridecast runs ui`, docs/, Swagger UI, profile/, what `ridecast data profile` puts into its pages, and
// report/, the same for reports of models.
// dist/stamp.json records what was bundled, so that
// bin/ridecast.mjs can tell a stale bundle from a fresh one.

import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

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

/** Pages for browsers beside that of the server: their sources, the folder that holds what they load, files copied to it. */
const pages = [
  { from: 'src/tracking/ui/page', to: 'page/runs', files: ['index.html', 'icon.svg'] },
  { from: 'src/pipeline/data-profile/page', to: 'page/profile', files: [] },
  { from: 'src/pipeline/report/page', to: 'page/report', files: [] },
]

const pageOptions = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'browser',
  target: ['chrome111', 'firefox121', 'safari16.4'],
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
}

async function buildPage(bundle, page, outdir, files) {
  await bundle({ ...pageOptions, entryPoints: [`${page}/main.tsx`, `${page}/main.css`], outdir })
  for (const file of files) copyFileSync(join(root, page, file), join(outdir, file))
}

/**
 * The page of the server. Its files are named by their content, so that a browser keeps them for
 * good, and lie beside themselves compressed; index.html names them in place of {{main.js}} and the
 * like.
 */
export async function buildServePage(bundle, outdir) {
  const page = 'src/serve/page'
  const { metafile } = await bundle({
    ...pageOptions,
    entryPoints: [`${page}/main.tsx`, `${page}/main.css`],
    outdir,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    splitting: true,
    metafile: true,
    plugins: [leanPackages],
  })
  const names = new Map()
  for (const [path, { entryPoint, imports }] of Object.entries(metafile.outputs)) {
    if (entryPoint) names.set(basename(entryPoint).replace('.tsx', '.js'), basename(path))
    if (entryPoint !== `${page}/main.tsx`) continue
    // What the script imports at once is asked for together with it.
    const first = imports.filter(({ kind }) => kind === 'import-statement')
    const links = first.map((one) => {
      return `<link rel="modulepreload" href="/page/${basename(one.path)}" />`
    })
    names.set('preloads', links.join('\n    '))
  }
  const copy = (from, name) => {
    const text = name.endsWith('.json')
      ? JSON.stringify(JSON.parse(readFileSync(join(root, from), 'utf8')))
      : readFileSync(join(root, from))
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase()
    names.set(name, name.replace('.', `-${hash}.`))
    writeFileSync(join(outdir, names.get(name)), text)
  }
  copy('src/pipeline/data-profile/zones.topo.json', 'zones.json')
  copy(`${page}/icon.svg`, 'icon.svg')
  const html = readFileSync(join(root, page, 'index.html'), 'utf8')
  const named = html.replace(/\{\{(.+?)\}\}/g, (_, name) => {
    if (!names.has(name)) throw new Error(`index.html names ${name}, which was not built`)
    return names.get(name)
  })
  writeFileSync(join(outdir, 'index.html'), named)
  for (const name of readdirSync(outdir)) {
    const bytes = readFileSync(join(outdir, name))
    const compressed = gzipSync(bytes, { level: 9 })
    if (compressed.length < bytes.length) writeFileSync(join(outdir, `${name}.gz`), compressed)
  }
}

/**
 * Leaves out of the page what model versions do not need: the words of zod's faults in all languages
 * but English, and the YAML that recipes are written in.
 */
const leanPackages = {
  name: 'lean-packages',
  setup(build) {
    build.onResolve({ filter: /locales\/index\.js$/ }, ({ path }) => ({ path, namespace: 'empty' }))
    build.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export {}' }))
    // It does nothing by being imported, but does not say so.
    build.onResolve({ filter: /^yaml$/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === 'resolving') return undefined
      const found = await build.resolve(path, { kind, resolveDir, pluginData: 'resolving' })
      return { ...found, sideEffects: false }
    })
  },
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
      'chunks/search-worker': 'src/pipeline/search-worker.ts',
      'chunks/trees-worker': 'src/pipeline/trees/worker.ts',
    },
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // Resolved from node_modules at run time: they find their native parts beside themselves.
    external: ['parquet-wasm', '@duckdb/node-api'],
  })
  await bundle({
    ...common,
    entryPoints: { serve: 'src/serve-main.ts' },
    // What few requests need, such as Arrow, is loaded with the first of them.
    splitting: true,
    chunkNames: 'serve/[name]-[hash]',
  })
  for (const { from, to, files } of pages) await buildPage(bundle, from, join(folder, to), files)
  await buildServePage(bundle, join(folder, 'page/serve'))
  mkdirSync(join(folder, 'page/docs'))
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']) {
    copyFileSync(join(root, 'node_modules/swagger-ui-dist', name), join(folder, 'page/docs', name))
  }
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
