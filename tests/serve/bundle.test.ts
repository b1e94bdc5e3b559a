/** What the server is made of: the image holds this one file and nothing else. */

import { resolve } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'

let inputs: string[]
let imports: string[]

beforeAll(async () => {
  const { metafile } = await build({
    absWorkingDir: resolve(import.meta.dirname, '../..'),
    entryPoints: ['src/serve-main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    outdir: 'dist',
    logLevel: 'silent',
  })
  inputs = Object.keys(metafile.inputs)
  imports = Object.values(metafile.outputs).flatMap((output) =>
    output.imports.map(({ path }) => path),
  )
})

test('it holds the server, so that an empty bundle cannot pass', () => {
  expect(inputs).toContain('src/serve/app.ts')
  expect(inputs.some((path) => path.startsWith('node_modules/express/'))).toBe(true)
})

test('it holds nothing of training, export or the command line', () => {
  const folders = ['src/pipeline/', 'src/export/', 'src/commands/', 'src/tracking/ui/']
  expect(inputs.filter((path) => folders.some((folder) => path.startsWith(folder)))).toEqual([])
  const packages =
    /^node_modules\/(parquet-wasm|apache-arrow|ml-[^/]+|commander|cli-table3|protobufjs|marked)\//
  expect(inputs.filter((path) => packages.test(path))).toEqual([])
})

test('it needs nothing beside it but node', () => {
  const foreign = imports.filter((path) => !/^(node:)?[a-z_0-9]+(\/[a-z_]+)*$/.test(path))
  expect(foreign).toEqual([])
})
