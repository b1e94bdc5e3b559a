/**
 * A process of its own that changes a registry: `registry-writer.ts <folder> <mode> <own> <count>
 * [no-links]`. `own` tells its documents from those of other processes; `no-links` makes it believe
 * that the file system has no hard links.
 *
 * - `loop`: saves and promotes until it is killed. Prints `saving`, `saved <version>` and
 *   `promoted <sequence> <version>` when that is done.
 * - `promote`, `first`, `save`: waits for a line, does it count times, prints what came of each.
 */

import { createInterface } from 'node:readline'
import { openRegistry, registryEffects } from '../src/registry.ts'
import { documentsOf } from './documents-of-versions.ts'

const [folder = '', mode = '', own = '0', count = '0', links] = process.argv.slice(2)
const name = 'm'
const noLinks = async (): Promise<void> => {
  throw Object.assign(new Error('no hard links here'), { code: 'EPERM', syscall: 'link' })
}
const registry = openRegistry(folder, {
  ...registryEffects,
  ...(links === 'no-links' ? { link: noLinks } : {}),
})
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const id = (i: number): number => Number(own) * 100_000 + i
const save = async (i: number): Promise<string> =>
  (await registry.save(name, documentsOf(id(i)))).version

async function go(): Promise<void> {
  say('ready')
  const lines = createInterface({ input: process.stdin })
  for await (const _ of lines) break
}

if (mode === 'loop') {
  for (let i = 0; ; i++) {
    say('saving')
    const version = await save(i)
    say(`saved ${version}`)
    const { sequence } = await registry.promote(name, version)
    say(`promoted ${sequence} ${version}`)
  }
} else if (mode === 'promote') {
  const versions = [await save(0), await save(1)]
  await go()
  for (let i = 0; i < Number(count); i++) {
    const { changed, sequence, version } = await registry.promote(name, versions[i % 2] as string)
    say(`${changed} ${sequence} ${version}`)
  }
} else if (mode === 'first') {
  const version = await save(0)
  await go()
  for (let i = 0; i < Number(count); i++) {
    const set = await registry.setAliasIfAbsent(name, `a${i}`, version)
    say(`${set.changed} a${i} ${set.version}`)
  }
} else if (mode === 'save') {
  await go()
  for (let i = 0; i < Number(count); i++) {
    // The same documents in every process.
    const { created, version } = await registry.save(name, documentsOf(i))
    say(`${created} ${version}`)
  }
} else {
  throw new Error(`no mode ${mode} here`)
}
