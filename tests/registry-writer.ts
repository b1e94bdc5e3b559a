/**
 * A process of its own that changes a registry: `registry-writer.ts <folder> <mode> <own> <count>
 * [no-links]`. `own` tells its documents from those of other processes; `no-links` makes it believe
 * that the file system has no hard links.
 *
 * - `loop`: saves and promotes until it is killed. Prints `saving`, `saved <version>` and
 *   `promoted <sequence> <version>` when that is done.
 * - `promote`, `first`, `save`: waits for a line, does it count times, prints what came of each.
 * - `die-<scenario>`: one scenario, in which it kills itself before its file-system call number
 *   `count`; prints `survived` when there were fewer.
 */

import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
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
  link: links === 'no-links' ? noLinks : (from, to) => fs.link(from, to),
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

/** From now on, the n-th call of the file system is not made: the process dies before it. */
async function dieBefore(n: number): Promise<void> {
  let calls = 0
  const counted = (owner: object, method: string): void => {
    const methods = owner as Record<string, (...args: unknown[]) => unknown>
    const original = methods[method] as (...args: unknown[]) => unknown
    methods[method] = function (this: unknown, ...args: unknown[]): unknown {
      calls++
      if (calls === n) process.kill(process.pid, 'SIGKILL')
      return original.apply(this, args)
    }
  }
  const handle = await fs.open(process.execPath)
  const handles = Object.getPrototypeOf(handle) as object
  await handle.close()
  for (const method of ['writeFile', 'sync', 'close']) counted(handles, method)
  const calledHere = [
    'mkdir',
    'open',
    'rename',
    'link',
    'rm',
    'stat',
    'lstat',
    'readdir',
    'readFile',
  ]
  for (const method of calledHere) counted(fs, method)
  syncBuiltinESMExports()
}

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  'die-first': async () => registry.setAliasIfAbsent(name, 'champion', await save(0)),
  'die-save-and-promote': async () => registry.promote(name, await save(1)),
  'die-rollback': () => registry.rollback(name),
  'die-repair': () => registry.save(name, documentsOf(0)),
  'die-sweep': async () => {
    const later = (): Date => new Date(Date.now() + 2 * 60 * 60 * 1000)
    await openRegistry(folder, { ...registryEffects, now: later }).save(name, documentsOf(1))
  },
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
  const scenario = scenarios[mode]
  if (scenario === undefined) throw new Error(`no mode ${mode} in here`)
  await dieBefore(Number(count))
  await scenario()
  say('survived')
}
