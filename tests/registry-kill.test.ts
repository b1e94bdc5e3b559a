/**
 * Processes that change a registry are killed at many instants, or change it at once: real ones,
 * see registry-writer.ts. And every single step of a change is tried as its last one.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isVersion } from '../src/artifact.ts'
import {
  championAlias,
  openRegistry,
  type Registry,
  type RegistryEffects,
  registryEffects,
} from '../src/registry.ts'
import { documentsOf } from './documents-of-versions.ts'
import { haltBefore, patchCalls } from './halting-calls.ts'

const name = 'm'
const source = join(import.meta.dirname, 'registry-writer.ts')
const children = new Set<ChildProcess>()
let folder: string
let bundles: string
let bundle: string

// Many short processes: as a bundle each of them starts in a tenth of the time that tsx takes.
beforeAll(async () => {
  bundles = await mkdtemp(join(tmpdir(), 'ridecast-writer-'))
  bundle = join(bundles, 'writer.mjs')
  const common = { bundle: true, platform: 'node', format: 'esm', logLevel: 'error' } as const
  const banner = "import { createRequire } from 'node:module'; const require = createRequire('/')"
  await build({ ...common, entryPoints: [source], outfile: bundle, banner: { js: banner } })
})
afterAll(() => rm(bundles, { recursive: true, force: true }))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-kill-'))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** A process that changes the registry, what it printed, and how it ended. */
function start(script: readonly string[], root: string, ...args: (string | number)[]) {
  const child = spawn(process.execPath, [...script, root, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.add(child)
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const ended = closed.then(([code, signal]) => {
    children.delete(child)
    return signal ?? code
  })
  /** Resolves when so many lines were printed. */
  const printed = (count: number): Promise<void> => {
    return new Promise((done, failed) => {
      const look = (): void => {
        if (lines.length >= count) done()
      }
      reader.on('line', look)
      look()
      void ended.then((how) => failed(new Error(`ended by ${how} after ${lines.length} lines`)))
    })
  }
  return { child, lines, ended, printed }
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * What must hold whatever happened: every version that is seen is whole, the history has no gap
 * and each entry begins where the one before ended, and the champion loads.
 */
async function expectSound(root: string, damaged: readonly string[] = []) {
  const registry = openRegistry(root)
  const versions = (await registry.list()).flatMap((model) => model.versions)
  for (const { version } of versions) {
    if (!damaged.includes(version)) await registry.load(`${name}/${version}`)
  }
  const history = versions.length > 0 ? await registry.history(name) : []
  for (const [i, entry] of history.entries()) {
    expect(entry.sequence).toBe(i + 1)
    expect(entry.previous).toBe(history[i - 1]?.version ?? null)
  }
  const last = history.at(-1)?.version
  if (last !== undefined) expect((await registry.load(name)).version).toBe(last)
  return { registry, versions: new Set(versions.map(({ version }) => version)), history }
}

/** A registry goes on after whatever happened: the next save and promotion work. */
async function expectGoesOn(root: string, id: number): Promise<void> {
  const registry = openRegistry(root)
  const before = await registry.history(name).catch(() => [])
  const { version } = await registry.save(name, documentsOf(id))
  const change = await registry.promote(name, version)
  expect(change).toMatchObject({ changed: true, sequence: before.length + 1, version })
  expect((await registry.load(name)).documents).toEqual(documentsOf(id))
}

const temporaryIn = async (root: string): Promise<string[]> => {
  const all = await readdir(root, { recursive: true }).catch(() => [])
  return all.filter((path) => path.includes('.tmp-'))
}

/** Everything that is not whole is gone when it is swept two hours later. */
async function expectSwept(root: string): Promise<void> {
  const now = (): Date => new Date(Date.now() + 2 * 60 * 60 * 1000)
  const registry = openRegistry(root, { ...registryEffects, now })
  const { version } = await registry.save(name, documentsOf(-1))
  await registry.promote(name, version)
  expect(await temporaryIn(root)).toEqual([])
}

describe('a process that saves and promotes without end', () => {
  it('may be killed at any instant: the registry loads and keeps what was confirmed', async () => {
    let interrupted = 0
    let confirmed = 0
    // Eight kills a registry: what one left behind is there when the next comes.
    const killEight = async (lane: number): Promise<void> => {
      const next = random(20210131 + lane)
      const root = join(folder, String(lane))
      for (let kill = lane * 8; kill < lane * 8 + 8; kill++) {
        // Some of them as they are in development, the others as a bundle.
        const script = kill % 16 === 0 ? ['--import', 'tsx', source] : [bundle]
        const links = kill % 4 === 3 ? 'no-links' : 'links'
        const writer = start(script, root, 'loop', kill + 1, 0, links)
        // The instant: some lines into its work, and then some more milliseconds.
        await writer.printed(1 + Math.floor(next() * 6))
        await new Promise((done) => setTimeout(done, next() * 12))
        writer.child.kill('SIGKILL')
        expect(await writer.ended).toBe('SIGKILL')

        if ((await temporaryIn(root)).length > 0) interrupted++
        const { versions, history } = await expectSound(root)
        for (const line of writer.lines) {
          const [what, first = '', second] = line.split(' ')
          if (what === 'saved') expect(versions).toContain(first)
          if (what === 'promoted') expect(history[Number(first) - 1]?.version).toBe(second)
          if (what === 'promoted') confirmed++
        }
        await expectGoesOn(root, 90_000_000 + kill)
      }
      await expectSwept(root)
    }
    for (let lane = 0; lane < 8; lane += 2) await Promise.all([lane, lane + 1].map(killEight))
    // Otherwise nothing was tried.
    expect(confirmed).toBeGreaterThan(0)
    expect(interrupted).toBeGreaterThan(0)
  }, 300_000)
})

describe('whoever is stopped before any one of his file-system calls', () => {
  let unpatch: () => void
  beforeAll(async () => {
    unpatch = await patchCalls()
  })
  afterAll(() => unpatch())

  const first = async (registry: Registry): Promise<unknown> => {
    const { version } = await registry.save(name, documentsOf(0))
    return registry.setAliasIfAbsent(name, championAlias, version)
  }
  const promote = async (registry: Registry): Promise<unknown> => {
    return registry.promote(name, (await registry.save(name, documentsOf(1))).version)
  }
  const link = async (): Promise<void> => {
    throw Object.assign(new Error('no hard links here'), { code: 'EPERM', syscall: 'link' })
  }
  const now = (): Date => new Date(Date.now() + 2 * 60 * 60 * 1000)

  it.each<[string, (registry: Registry) => Promise<unknown>, Partial<RegistryEffects>]>([
    ['save and set the first alias', first, {}],
    ['save and promote', promote, {}],
    ['save and promote without hard links', promote, { link }],
    ['roll back', (registry) => registry.rollback(name), {}],
    ['replace a damaged version', (registry) => registry.save(name, documentsOf(0)), {}],
    ['sweep', (registry) => registry.save(name, documentsOf(1)), { now }],
  ])('leaves a registry that loads and goes on: %s', async (what, work, effects) => {
    const before = join(folder, 'before')
    const prepared = openRegistry(before)
    const damaged: string[] = []
    if (work !== first) {
      for (const id of [10, 11]) {
        await prepared.promote(name, (await prepared.save(name, documentsOf(id))).version)
      }
    }
    if (what === 'replace a damaged version') {
      const { path, version } = await prepared.save(name, documentsOf(0))
      await writeFile(join(path, 'model.json'), '{}')
      damaged.push(version)
    }
    if (what === 'sweep') {
      const { path } = await prepared.resolve(name)
      await cp(path, join(before, name, '.tmp-1-x'), { recursive: true })
    }
    const changes = work === first ? 0 : 2
    let stops = 0
    for (let call = 1; ; call++) {
      const root = join(folder, String(call))
      if (work !== first) await cp(before, root, { recursive: true })
      const stopped = await haltBefore(call, () => {
        return work(openRegistry(root, { ...registryEffects, ...effects }))
      })
      const { history, versions } = await expectSound(root, damaged)
      // What was there is there, and at most the one change was made.
      expect([changes, changes + 1]).toContain(history.length)
      for (const { version } of history) expect(versions).toContain(version)
      if (!stopped) {
        expect(await temporaryIn(root)).toEqual([])
        break
      }
      stops++
      await expectGoesOn(root, 12)
      if (damaged.length > 0) await openRegistry(root).save(name, documentsOf(0))
      await expectSwept(root)
      await expectSound(root)
      await rm(root, { recursive: true })
    }
    // A promotion flushes an entry and its folder: fewer calls were not all of them.
    expect(stops).toBeGreaterThan(10)
  })

  /** All that a registry says, but for times and paths of folders. */
  const saidBy = async (registry: Registry): Promise<unknown> => {
    const said: unknown[] = []
    for (const { versions, ...model } of await registry.list()) {
      const known = versions.map(({ path, created, ...version }) => version)
      for (const { version } of known) await registry.load(`${model.name}/${version}`)
      for (const alias of Object.keys(model.aliases)) await registry.load(`${model.name}@${alias}`)
      known.sort((a, b) => (a.version < b.version ? -1 : 1))
      said.push(model, known, await registry.history(model.name, 'other'))
    }
    return said
  }
  const at = (): Date => new Date('2021-03-01T08:15:00Z')
  const openAt = (root: string): Registry => openRegistry(root, { ...registryEffects, now: at })

  it.each<[string, (registry: Registry, versions: readonly string[]) => Promise<unknown>]>([
    ['rename', (registry) => registry.rename(name, 'renamed')],
    ['delete a version', (registry, [, version = '']) => registry.deleteVersion(name, version)],
    ['delete a model', (registry) => registry.deleteModel('spare')],
    ['delete an alias', (registry) => registry.deleteAlias(name, 'other')],
    ['set a tag', (registry) => registry.setTags(name, { team: 'city' })],
    ['set a first tag', (registry, [a]) => registry.setTags(`${name}/${a}`, { draft: 'yes' })],
    ['delete a tag', (registry) => registry.deleteTag(name, 'team')],
    ['describe', (registry) => registry.describe(name, 'another text')],
    [
      'save with notes',
      (registry) => registry.save(name, documentsOf(9), { description: 'new', tags: { a: 'b' } }),
    ],
  ])('leaves all as it was or as it is to be: %s', async (_, work) => {
    const before = join(folder, 'before')
    const prepared = openAt(before)
    const versions: string[] = []
    for (const id of [0, 1]) versions.push((await prepared.save(name, documentsOf(id))).version)
    await prepared.promote(name, versions[0] ?? '', { alias: 'other' })
    await prepared.setTags(`${name}/${versions[1]}`, { checked: 'yes' })
    await prepared.setTags(name, { team: 'airport' })
    await prepared.describe(name, 'a text')
    await prepared.save('spare', documentsOf(5), { tags: { a: 'b' } })
    await cp(before, join(folder, 'after'), { recursive: true })
    await work(openAt(join(folder, 'after')), versions)
    const [old, due] = [await saidBy(prepared), await saidBy(openAt(join(folder, 'after')))]
    expect(due).not.toEqual(old)
    let stops = 0
    for (let call = 1; ; call++) {
      const root = join(folder, String(call))
      await cp(before, root, { recursive: true })
      const stopped = await haltBefore(call, () => work(openAt(root), versions))
      const said = await saidBy(openAt(root))
      if (!stopped) {
        expect(said).toEqual(due)
        expect(await temporaryIn(root)).toEqual([])
        break
      }
      stops++
      const isOld = JSON.stringify(said) === JSON.stringify(old)
      expect(said).toEqual(isOld ? old : due)
      if (isOld) await work(openAt(root), versions)
      expect(await saidBy(openAt(root))).toEqual(due)
      await rm(root, { recursive: true })
    }
    expect(stops).toBeGreaterThan(1)
  })
})

describe('processes that change a registry at once', () => {
  /** Starts four, lets them go together, and gives the words of each line that each printed. */
  async function four(mode: string, count: number): Promise<string[][][]> {
    const kinds = ['links', 'no-links', 'links', 'no-links']
    const writers = kinds.map((kind, i) => start([bundle], folder, mode, i + 1, count, kind))
    for (const writer of writers) await writer.printed(1)
    for (const { child } of writers) child.stdin.end('go\n')
    for (const { ended } of writers) expect(await ended).toBe(0)
    return writers.map(({ lines }) => lines.slice(1).map((line) => line.split(' ')))
  }

  it('promote one after another: no gap in the history and no promotion lost', async () => {
    const said = await four('promote', 25)
    const { history } = await expectSound(folder)
    expect(history).toHaveLength(100)
    for (const [changed, sequence, version] of said.flat()) {
      expect(changed).toBe('true')
      expect(history[Number(sequence) - 1]?.version).toBe(version)
    }
    expect(new Set(said.flat().map(([, sequence]) => sequence)).size).toBe(100)
    await expectGoesOn(folder, 1)
  })

  it('set an alias that is absent: one of them does, the others learn what it is', async () => {
    const said = await four('first', 20)
    const { registry } = await expectSound(folder)
    for (let i = 0; i < 20; i++) {
      const answers = said.map((lines) => lines[i] as string[])
      expect(answers.filter(([changed]) => changed === 'true')).toHaveLength(1)
      expect(new Set(answers.map(([, , version]) => version)).size).toBe(1)
      expect(await registry.history(name, `a${i}`)).toHaveLength(1)
    }
  })

  it('save the same documents: one of them makes each version', async () => {
    const said = await four('save', 20)
    for (let i = 0; i < 20; i++) {
      const answers = said.map((lines) => lines[i] as string[])
      expect(answers.filter(([created]) => created === 'true')).toHaveLength(1)
      expect(new Set(answers.map(([, version]) => version)).size).toBe(1)
    }
    const { versions } = await expectSound(folder)
    expect(versions.size).toBe(20)
    expect((await readdir(join(folder, name))).every(isVersion)).toBe(true)
    expect(await openRegistry(folder).history(name, championAlias)).toEqual([])
  })
})
