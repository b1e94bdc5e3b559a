#!/usr/bin/env node
// Runs the bundled command line. In a clone (src/ is there) it first makes sure that the
// bundle was made from the sources as they are now; an installed package has only dist/.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

if (existsSync(join(root, 'src'))) {
  const { build, sourceStamp } = await import('../scripts/build.mjs')
  const stampFile = join(root, 'dist', 'stamp.json')
  const built = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')).stamp : ''
  if (built !== sourceStamp()) await build()
}

await import('../dist/cli.mjs')
