import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Documents,
  isVersion,
  readVersion,
  readVersionFrom,
  writeVersion,
} from '../src/artifact.ts'
import { sweep } from '../src/staging.ts'
import { documentsOf } from './documents-of-versions.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-artifact-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const files = ['lineage.json', 'metrics.json', 'model.json', 'profile.json']
const all = ['SHA256SUMS', ...files]
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const failing = (code: string, said: RegExp | string = '') =>
  expect.objectContaining({
    code: expect.stringMatching(code),
    message: expect.stringMatching(said),
  })

/** A folder whose checksums and name are right, whatever its files say. */
async function consistent(texts: Readonly<Record<string, string>>, extra = ''): Promise<string> {
  const sums = Object.entries(texts).map(([file, text]) => `${sha256(text)}  ${file}\n`)
  const text = sums.join('') + extra
  const path = join(folder, sha256(text).slice(0, 12))
  await mkdir(path)
  for (const [file, content] of Object.entries(texts)) await writeFile(join(path, file), content)
  await writeFile(join(path, 'SHA256SUMS'), text)
  return path
}

/** The texts of a version that is whole. */
async function wholeTexts(): Promise<Record<string, string>> {
  const { path } = await writeVersion(join(folder, 'whole'), documentsOf(1))
  const texts = files.map(async (file) => [file, await readFile(join(path, file), 'utf8')] as const)
  return Object.fromEntries(await Promise.all(texts))
}

describe('a version that is written', () => {
  it('comes back as it was, -0 included, and leaves nothing else behind', async () => {
    const { path, version, created } = await writeVersion(folder, documentsOf(1))
    expect(created).toBe(true)
    expect(path).toBe(join(folder, version))
    expect(isVersion(version)).toBe(true)
    expect(await readdir(folder)).toEqual([version])
    expect((await readdir(path)).sort()).toEqual(all)
    // toEqual tells -0 from 0.
    expect(await readVersion(path)).toEqual({ version, path, documents: documentsOf(1) })
  })

  it('has the bytes and the id that coreutils make of the same documents', async () => {
    const documents: Documents = {
      model: { format_version: 1 },
      metrics: {},
      profile: {},
      lineage: { format_version: 1 },
    }
    const { path, version } = await writeVersion(folder, documents)
    // By hand: printf '{\n  "format_version": 1\n}\n' | sha256sum; printf '{}\n' | sha256sum;
    // the four lines, in this order, | sha256sum | cut -c1-12.
    const one = '2fe527d0c978002628494fba1240285e21185c4fb2f6d6031ba3433954967a2e'
    const empty = 'ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356'
    expect(await readFile(join(path, 'SHA256SUMS'), 'utf8')).toBe(
      `${one}  lineage.json\n${empty}  metrics.json\n${one}  model.json\n${empty}  profile.json\n`,
    )
    expect(version).toBe('734be9725d63')
  })

  it('passes sha256sum -c', async ({ skip }) => {
    if (spawnSync('sha256sum', ['--version']).error) skip()
    const { path } = await writeVersion(folder, documentsOf(1))
    const check = (): string => {
      const { status, stdout } = spawnSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: path })
      return `${status} ${stdout.toString()}`
    }
    expect(check()).toBe(`0 ${files.map((file) => `${file}: OK\n`).join('')}`)
    await writeFile(join(path, 'model.json'), '{}')
    expect(check()).toContain('1 lineage.json: OK\nmetrics.json: OK\nmodel.json: FAILED')
  })

  it('is kept when it is there already, and the same anywhere', async () => {
    const first = await writeVersion(folder, documentsOf(1))
    const before = await stat(first.path)
    expect(await writeVersion(folder, documentsOf(1))).toEqual({ ...first, created: false })
    expect((await stat(first.path)).ino).toBe(before.ino)
    const elsewhere = await writeVersion(join(folder, 'a/b'), documentsOf(1))
    expect(elsewhere.version).toBe(first.version)
    for (const file of all) {
      expect(await readFile(join(elsewhere.path, file))).toEqual(
        await readFile(join(first.path, file)),
      )
    }
  })

  it('has another id when one bit of a document differs', async () => {
    const one = documentsOf(1)
    const ids = new Set<string>()
    for (const intercept of [1, 1 + Number.EPSILON, 0, -0]) {
      const model = { ...one.model, intercept }
      ids.add((await writeVersion(folder, { ...one, model })).version)
    }
    expect(ids.size).toBe(4)
  })

  it('is made by one of several writers of the same documents', async () => {
    for (let id = 0; id < 10; id++) {
      const writers = [1, 2, 3, 4].map(() => writeVersion(folder, documentsOf(id)))
      const written = await Promise.all(writers)
      expect(written.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(written.map(({ version }) => version)).size).toBe(1)
    }
    expect((await readdir(folder)).every(isVersion)).toBe(true)
  })

  it.each([
    [
      'a number that is none',
      { model: { format_version: 1, intercept: Number.NaN } },
      /NaN at int/,
    ],
    ['a typed array', { model: { format_version: 1, c: new Float64Array(1) } }, /Float64Array/],
    ['a model without a format', { model: {} }, /format_version 1, found undefined/],
    [
      'a lineage of another format',
      { lineage: { format_version: 2 } },
      /format_version 1, found 2/,
    ],
    ['no metrics', { metrics: undefined }, /metrics.json must be an object, found undefined/],
  ])('refuses %s and leaves nothing behind', async (_, part, said) => {
    const documents = { ...documentsOf(1), ...part }
    await expect(writeVersion(join(folder, 'm'), documents)).rejects.toThrow(
      failing('internal', said),
    )
    expect(await readdir(folder)).toEqual([])
  })

  it.each(['a changed file', 'a missing file', 'an empty folder', 'a file', 'a link'])(
    'replaces %s of its name',
    async (kind) => {
      const { path, version } = await writeVersion(folder, documentsOf(1))
      if (kind === 'a changed file') await writeFile(join(path, 'model.json'), '{}')
      else if (kind === 'a missing file') await rm(join(path, 'profile.json'))
      else await rm(path, { recursive: true })
      if (kind === 'an empty folder') await mkdir(path)
      if (kind === 'a file') await writeFile(path, '')
      if (kind === 'a link') await symlink('nowhere', path)
      await expect(readVersion(path)).rejects.toThrow(failing('artifact_'))
      const again = await writeVersion(folder, documentsOf(1))
      expect(again).toEqual({ version, path, created: true })
      expect((await readVersion(path)).documents).toEqual(documentsOf(1))
      expect(await readdir(folder)).toEqual([version])
      expect((await readdir(path)).sort()).toEqual(all)
    },
  )
})

describe('a version that is read', () => {
  it.each(all)('is refused without %s', async (file) => {
    const { path } = await writeVersion(folder, documentsOf(1))
    await rm(join(path, file))
    await expect(readVersion(path)).rejects.toThrow(failing('artifact_missing', `lacks ${file}`))
  })

  it('is refused when it is not there', async () => {
    const path = join(folder, '0123456789ab')
    await expect(readVersion(path)).rejects.toThrow(failing('artifact_missing', /0123456789ab/))
  })

  it.each(all)('is refused when one byte of %s is another, anywhere in it', async (file) => {
    const { path } = await writeVersion(folder, documentsOf(1))
    const bytes = await readFile(join(path, file))
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes)
      changed[at] = (bytes[at] as number) ^ 1
      await writeFile(join(path, file), changed)
      await expect(readVersion(path)).rejects.toThrow(failing('artifact_corrupt', path))
    }
    await writeFile(join(path, file), bytes)
    expect((await readVersion(path)).documents).toEqual(documentsOf(1))
  })

  it.each(all)('is refused when %s is cut off or goes on', async (file) => {
    const { path } = await writeVersion(folder, documentsOf(1))
    const bytes = await readFile(join(path, file))
    for (const changed of [bytes.subarray(0, 0), bytes.subarray(0, -1), [...bytes, 10]]) {
      await writeFile(join(path, file), Buffer.from(changed))
      await expect(readVersion(path)).rejects.toThrow(failing('artifact_corrupt'))
    }
  })

  it('is refused under another name, even with checksums that fit', async () => {
    const { path, version } = await writeVersion(folder, documentsOf(1))
    const other = join(folder, '0123456789ab')
    await rename(path, other)
    await expect(readVersion(other)).rejects.toThrow(
      failing('artifact_corrupt', `0123456789ab holds ${version}`),
    )
  })

  it('is refused when bytes that are no UTF-8 stand for a character that is expected', async () => {
    const text = '{\n  "format_version": 1,\n  "a": "\ufffd"\n}\n'
    const path = await consistent({ ...(await wholeTexts()), 'model.json': text })
    expect((await readVersion(path)).documents.model).toEqual({ format_version: 1, a: '\ufffd' })
    const [before, after] = text.split('\ufffd') as [string, string]
    const bytes = [Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)]
    await writeFile(join(path, 'model.json'), Buffer.concat(bytes))
    await expect(readVersion(path)).rejects.toThrow(failing('artifact_corrupt', /checksum/))
  })

  it('is refused when a document of it is no JSON', async () => {
    const path = await consistent({ ...(await wholeTexts()), 'metrics.json': '{"rmse": NaN}' })
    await expect(readVersion(path)).rejects.toThrow(
      failing('artifact_corrupt', /metrics.json is not JSON/),
    )
  })

  it.each(['model.json', 'lineage.json'])('is refused when %s has another format', async (file) => {
    const texts = await wholeTexts()
    for (const [text, found] of [
      ['{"format_version": 2}', '2'],
      ['{"format_version": "1"}', '"1"'],
      ['{}', 'of none'],
      ['null', 'of none'],
    ] as const) {
      const path = await consistent({ ...texts, [file]: text })
      await expect(readVersion(path)).rejects.toThrow(
        failing(
          'artifact_format',
          `${file} of ${path} has format_version ${found}, this ridecast reads 1: use`,
        ),
      )
    }
  })

  it('says that the format is another before it misses files that the format may not have', async () => {
    const path = await consistent({ 'model.json': '{"format_version": 2}', 'trees.bin': '' })
    await expect(readVersion(path)).rejects.toThrow(failing('artifact_format'))
  })

  it('is refused when its checksums name more than its documents', async () => {
    const more = await consistent({ ...(await wholeTexts()), 'run.js': 'process.exit()' })
    await expect(readVersion(more)).rejects.toThrow(failing('artifact_corrupt', /names 5 files/))
    for (const name of ['../model.json', '/etc/passwd', 'a/b', '..', '']) {
      const path = await consistent(await wholeTexts(), `${'0'.repeat(64)}  ${name}\n`)
      await expect(readVersion(path)).rejects.toThrow(
        failing('artifact_corrupt', /line that is no checksum/),
      )
    }
  })

  it.each(all)('is refused when %s is a link, a folder or too large', async (file) => {
    const { path } = await writeVersion(folder, documentsOf(1))
    const outside = join(folder, 'outside')
    await rename(join(path, file), outside)
    await symlink(outside, join(path, file))
    const refused = failing('artifact_corrupt', /plain file/)
    await expect(readVersion(path)).rejects.toThrow(refused)
    await rm(join(path, file))
    await mkdir(join(path, file))
    await expect(readVersion(path)).rejects.toThrow(refused)
    await rm(join(path, file), { recursive: true })
    await rename(outside, join(path, file))
    expect((await readVersion(path)).documents).toEqual(documentsOf(1))
    // A hole: 256 MiB and a byte that take no space and are not read.
    await truncate(join(path, file), 256 * 1024 * 1024 + 1)
    await expect(readVersion(path)).rejects.toThrow(refused)
  })
})

describe('a version that lies elsewhere', () => {
  it('is verified as one in a folder, whatever hands out its files', async () => {
    const { path, version } = await writeVersion(folder, documentsOf(1))
    const read = (file: string): Promise<Uint8Array> => readFile(join(path, file))
    const documents = documentsOf(1)
    expect(await readVersionFrom('there', version, read)).toEqual({ version, documents })
    const other = '0'.repeat(12)
    await expect(readVersionFrom('there', other, read)).rejects.toThrow(
      expect.objectContaining({
        code: 'artifact_corrupt',
        message: expect.stringContaining(`there holds ${version} by its SHA256SUMS`),
      }),
    )
    const damaged = async (file: string): Promise<Uint8Array> =>
      file === 'model.json' ? Buffer.from('{}') : read(file)
    await expect(readVersionFrom('there', version, damaged)).rejects.toThrow(
      expect.objectContaining({
        code: 'artifact_corrupt',
        message: expect.stringContaining('there/model.json does not match its checksum'),
      }),
    )
  })
})

describe('what belongs to a version', () => {
  it('is written before it is there, once', async () => {
    const before: [string, boolean][] = []
    const write = () =>
      writeVersion(folder, documentsOf(1), async (version) => {
        before.push([version, existsSync(join(folder, version))])
      })
    const { version } = await write()
    await write()
    await writeFile(join(folder, version, 'model.json'), '{}')
    expect(await write()).toMatchObject({ created: true })
    expect(before).toEqual([[version, false]])
  })
})

describe('what killed writers left', () => {
  it('goes when it was last written to over an hour ago, and nothing else does', async () => {
    const { version } = await writeVersion(folder, documentsOf(1))
    const now = Date.UTC(2021, 2, 1, 12)
    const age = async (name: string, minutes: number): Promise<void> => {
      const time = new Date(now - minutes * 60_000)
      await utimes(join(folder, name), time, time)
    }
    for (const name of ['.tmp-1-old', '.tmp-2-young', 'other']) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'model.json'), '')
    }
    await writeFile(join(folder, '.tmp-3-file'), '')
    for (const name of ['.tmp-1-old', '.tmp-3-file', 'other', version]) await age(name, 61)
    await age('.tmp-2-young', 59)
    await sweep(folder, now)
    expect((await readdir(folder)).sort()).toEqual(['.tmp-2-young', version, 'other'].sort())
  })

  it('never becomes a version without all its files, even when its writer only slept', async () => {
    const future = Date.now() + 2 * 60 * 60 * 1000
    /** True once the writer has only its last step to do: to give the folder its name. */
    const almost = async (): Promise<boolean> => {
      const paths = await readdir(folder, { recursive: true }).catch(() => [])
      return paths.some((path) => path.startsWith('.tmp-') && path.endsWith('SHA256SUMS'))
    }
    let failed = 0
    for (let id = 0; id < 60; id++) {
      let writing = true
      const writer = writeVersion(folder, documentsOf(id)).then(
        () => {
          writing = false
        },
        () => {
          writing = false
          failed++
        },
      )
      while (writing && !(await almost())) {}
      await sweep(folder, future)
      await writer
      for (const version of (await readdir(folder)).filter(isVersion)) {
        await readVersion(join(folder, version))
      }
    }
    // Otherwise the sweeps came too late each time and nothing was tried.
    expect(failed).toBeGreaterThan(0)
  })
})
