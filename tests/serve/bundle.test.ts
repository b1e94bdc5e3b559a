/** What the server is made of: the image holds this bundle and its pages, and nothing else. */

import { resolve } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'

let inputs: string[]
let imports: string[]
/** What is loaded before the server listens. */
const atStart = new Set<string>()

beforeAll(async () => {
  const { metafile } = await build({
    absWorkingDir: resolve(import.meta.dirname, '../..'),
    entryPoints: ['src/serve-main.ts'],
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    outdir: 'dist',
    logLevel: 'silent',
  })
  inputs = Object.keys(metafile.inputs)
  const outputs = Object.entries(metafile.outputs)
  imports = outputs.flatMap(([, output]) => output.imports.map(({ path }) => path))
  const start = outputs.find(([, { entryPoint }]) => entryPoint === 'src/serve-main.ts')?.[1]
  const seen = new Set<string>()
  const visit = (output: typeof start): void => {
    for (const path of Object.keys(output?.inputs ?? {})) atStart.add(path)
    for (const { path, kind } of output?.imports ?? []) {
      if (kind !== 'import-statement' || seen.has(path)) continue
      seen.add(path)
      visit(metafile.outputs[path])
    }
  }
  visit(start)
})

test('it holds the server, so that an empty bundle cannot pass', () => {
  expect(inputs).toContain('src/serve/app.ts')
  expect(inputs.some((path) => path.startsWith('node_modules/express/'))).toBe(true)
})

test('it holds nothing of training, export or the command line', () => {
  const folders = ['src/pipeline/', 'src/export/', 'src/commands/', 'src/tracking/ui/']
  expect(inputs.filter((path) => folders.some((folder) => path.startsWith(folder)))).toEqual([])
  const packages = /^node_modules\/(parquet-wasm|ml-[^/]+|commander|cli-table3|protobufjs|marked)\//
  expect(inputs.filter((path) => packages.test(path))).toEqual([])
})

test('Arrow is loaded with the first stream of it, not at the start', () => {
  const arrow = (path: string): boolean => path.startsWith('node_modules/apache-arrow/')
  expect(inputs.some(arrow)).toBe(true)
  expect([...atStart].filter(arrow)).toEqual([])
  expect(atStart.has('src/serve/app.ts')).toBe(true)
})

test('it needs nothing beside it but node', () => {
  const foreign = imports.filter(
    (path) => !/^(dist\/[\w.-]+|(node:)?[a-z_0-9]+(\/[a-z_]+)*)$/.test(path),
  )
  expect(foreign).toEqual([])
})
