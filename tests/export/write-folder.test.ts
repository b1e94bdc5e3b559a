import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { writeFileWhole, writeFolder } from '../../src/export/write-folder.ts'
import { haltBefore, patchCalls } from '../halting-calls.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-write-folder-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const bytes = (text: string): Uint8Array => Buffer.from(text)
const files = (text: string): { path: string; content: Uint8Array }[] => [
  { path: 'a.txt', content: bytes(text) },
  { path: 'inner/b.txt', content: bytes(text) },
]
const at = (...parts: string[]): string => join(folder, ...parts)
const read = (...parts: string[]): Promise<string> => readFile(at(...parts), 'utf8')

describe('writing a folder', () => {
  it('makes the folders above and inside it, and leaves nothing else', async () => {
    await writeFolder(at('x/y/out'), files('one'))
    expect(await read('x/y/out/a.txt')).toBe('one')
    expect(await read('x/y/out/inner/b.txt')).toBe('one')
    expect(await readdir(at('x/y'))).toEqual(['out'])
  })

  it('replaces nothing unasked, and an earlier export when asked to', async () => {
    await writeFolder(at('out'), files('one'))
    await expect(writeFolder(at('out'), files('two'))).rejects.toMatchObject({
      code: 'usage_invalid',
      message: expect.stringContaining('--force'),
    })
    expect(await read('out/a.txt')).toBe('one')
    await writeFolder(at('out'), files('two'), { force: true })
    expect(await read('out/inner/b.txt')).toBe('two')
    expect(await readdir(folder)).toEqual(['out'])
  })

  it('never replaces what an export did not write', async () => {
    await mkdir(at('out'))
    await writeFile(at('out/thesis.tex'), 'years')
    await writeFile(at('file'), 'years')
    await symlink(at('out'), at('link'))
    for (const name of ['out', 'file', 'link']) {
      await expect(writeFolder(at(name), files('one'), { force: true })).rejects.toMatchObject({
        code: 'usage_invalid',
        message: expect.stringContaining('is not replaced'),
      })
    }
    expect(await read('out/thesis.tex')).toBe('years')
    expect((await readdir(folder)).sort()).toEqual(['file', 'link', 'out'])
  })

  it('leaves the earlier export and nothing half when writing fails', async () => {
    await writeFolder(at('out'), files('one'))
    const broken = [...files('two'), { path: 'a.txt/impossible', content: bytes('') }]
    await expect(writeFolder(at('out'), broken, { force: true })).rejects.toMatchObject({
      code: 'model_io',
    })
    expect(await read('out/a.txt')).toBe('one')
    expect(await readdir(folder)).toEqual(['out'])
  })
})

describe('writing a file', () => {
  it('replaces a file when asked to, and never a folder', async () => {
    await writeFileWhole(at('x/model.onnx'), bytes('one'))
    await expect(writeFileWhole(at('x/model.onnx'), bytes('two'))).rejects.toMatchObject({
      code: 'usage_invalid',
    })
    await writeFileWhole(at('x/model.onnx'), bytes('two'), { force: true })
    expect(await read('x/model.onnx')).toBe('two')
    await expect(writeFileWhole(at('x'), bytes('three'), { force: true })).rejects.toMatchObject({
      code: 'usage_invalid',
    })
    expect(await readdir(at('x'))).toEqual(['model.onnx'])
  })

  it('says what is wrong with a path below a file', async () => {
    await writeFile(at('file'), '')
    await expect(writeFileWhole(at('file/out'), bytes(''))).rejects.toMatchObject({
      code: 'model_io',
    })
  })
})

describe('an export that is killed', () => {
  let undo: () => void
  beforeAll(async () => {
    undo = await patchCalls()
  })
  afterAll(() => undo())

  const contents = async (): Promise<string> => {
    const names = (await readdir(folder)).filter((name) => !name.startsWith('.tmp-'))
    if (names.length === 0) return 'nothing'
    const [a, b] = [await read('out/a.txt'), await read('out/inner/b.txt')]
    expect(names).toEqual(['out'])
    expect(a).toBe(b)
    return a
  }

  it.each([
    ['beside nothing', false, ['nothing', 'two']],
    // Between two renames the earlier one is aside: neither is in its place, and neither is lost.
    ['in the place of an earlier one', true, ['one', 'nothing', 'two']],
  ])('at any step %s leaves all of it or none', async (_, force, expected) => {
    const seen = new Set<string>()
    for (let step = 1; ; step++) {
      if (force) await writeFolder(at('out'), files('one'))
      const stopped = await haltBefore(step, () => writeFolder(at('out'), files('two'), { force }))
      seen.add(await contents())
      if (!stopped) break
      for (const name of await readdir(folder)) await rm(at(name), { recursive: true })
    }
    expect([...seen]).toEqual(expected)
    expect(await readdir(folder)).toEqual(['out'])
  })
})
