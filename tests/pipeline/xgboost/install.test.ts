/** The library on disk, from wheels made here; the real one is in tests/real. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  installedIn,
  installLibrary,
  requireLibrary,
} from '../../../src/pipeline/xgboost/install.ts'
import { publishedAt, wheelFor } from '../../../src/pipeline/xgboost/release.ts'
import { wheelOf, zipOf } from './made-wheel.ts'

const library = 'xgboost/lib/libxgboost.so'
const bytes = zipOf([
  [library, 'the library'],
  ['xgboost_cpu.libs/libgomp-1.so', 'threads'],
  ['xgboost/core.py', 'not needed'],
])
const wheel = wheelOf(bytes)

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-trainers-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const trainers = (): string => join(folder, 'trainers')

/** A client that answers addresses with bodies, and says what it was asked. */
function client(answers: Readonly<Record<string, string | Buffer>>, asked: string[] = []) {
  return (async (input: string | URL) => {
    const url = String(input)
    asked.push(url)
    const body = answers[url]
    if (body === undefined) return new Response('nothing here', { status: 404 })
    return new Response(new Uint8Array(Buffer.from(body)))
  }) as unknown as typeof fetch
}

function onDisk(content: Buffer = bytes): string {
  const path = join(folder, 'given.whl')
  writeFileSync(path, content)
  return path
}

describe('the library', () => {
  test('is taken out of a wheel on disk, with what it needs and nothing else', async () => {
    const { path, isNew } = await installLibrary(trainers(), { from: onDisk() }, {}, wheel)
    expect(isNew).toBe(true)
    expect(path).toBe(join(trainers(), 'xgboost-cpu-3.2.0', library))
    expect(readFileSync(path, 'utf8')).toBe('the library')
    const home = join(trainers(), 'xgboost-cpu-3.2.0')
    expect(readdirSync(home).sort()).toEqual(['installed.json', 'xgboost', 'xgboost_cpu.libs'])
    expect(readdirSync(join(home, 'xgboost'))).toEqual(['lib'])
    expect(readdirSync(trainers())).toEqual(['xgboost-cpu-3.2.0'])
    expect((await installedIn(trainers()))?.bytes).toBe('the librarythreads'.length)
  })

  test('that is there is not installed again', async () => {
    await installLibrary(trainers(), { from: onDisk() }, {}, wheel)
    const again = await installLibrary(trainers(), { from: '/not/there.whl' }, {}, wheel)
    expect(again.isNew).toBe(false)
  })

  test('comes from the publisher, whose address is made of the hash', async () => {
    const fetch = client({ [publishedAt(wheel)]: bytes })
    const { path } = await installLibrary(trainers(), {}, { fetch }, wheel)
    expect(readFileSync(path, 'utf8')).toBe('the library')
    // The wheel itself is not kept.
    expect(readdirSync(trainers())).toEqual(['xgboost-cpu-3.2.0'])
  })

  test('comes from an index that is named, by the link of its page', async () => {
    const asked: string[] = []
    const page = `<a href="../../files/other.whl#sha256=1">x</a>
      <A HREF="../../files/${wheel.file}#sha256=${wheel.sha256}">x</A>`
    const answers = {
      'https://index.example/simple/xgboost-cpu/': page,
      [`https://index.example/files/${wheel.file}`]: bytes,
    }
    const source = { index: 'https://index.example/simple/' }
    await installLibrary(trainers(), source, { fetch: client(answers, asked) }, wheel)
    expect(asked).toEqual(Object.keys(answers))
  })

  test.each([
    ['does not have the wheel', '<a href="another.whl">x</a>', /does not have xgboost_cpu/],
    ['knows no such project', undefined, /answered 404/],
  ])('is refused where the index %s', async (_, page, message) => {
    const answers = page === undefined ? {} : { 'https://index.example/simple/xgboost-cpu/': page }
    const source = { index: 'https://index.example/simple' }
    const failure = installLibrary(trainers(), source, { fetch: client(answers) }, wheel)
    await expect(failure).rejects.toMatchObject({ code: 'source_unreachable' })
    await expect(failure).rejects.toThrow(message)
  })

  test.each(['https://me:secret@index.example/simple', 'ftp://index.example', 'index'])(
    'is not asked of %s, and no secret is told',
    async (index) => {
      const asked: string[] = []
      const failure = installLibrary(trainers(), { index }, { fetch: client({}, asked) }, wheel)
      await expect(failure).rejects.toMatchObject({ code: 'usage_invalid' })
      await expect(failure).rejects.toThrow(/^(?!.*secret)/)
      expect(asked).toEqual([])
    },
  )

  test('of another wheel than the pinned one is refused, and nothing is left of it', async () => {
    const other = zipOf([[library, 'something else']])
    const fetch = client({ [publishedAt(wheel)]: other })
    for (const source of [{}, { from: onDisk(other) }]) {
      const failure = installLibrary(trainers(), source, { fetch }, wheel)
      await expect(failure).rejects.toMatchObject({ code: 'trainer_mismatch' })
      await expect(failure).rejects.toThrow(wheel.sha256)
      expect(await installedIn(trainers())).toBeUndefined()
    }
    expect(readdirSync(folder).filter((name) => name !== 'given.whl')).toEqual(['trainers'])
    expect(readdirSync(trainers())).toEqual([])
  })

  test('that was changed after it was installed is refused', async () => {
    const { path } = await installLibrary(trainers(), { from: onDisk() }, {}, wheel)
    writeFileSync(path, 'the libelli')
    const failure = requireLibrary(trainers())
    await expect(failure).rejects.toMatchObject({ code: 'trainer_mismatch' })
    await expect(failure).rejects.toThrow(/libxgboost\.so/)
    writeFileSync(join(trainers(), 'xgboost-cpu-3.2.0/installed.json'), '{}')
    await expect(installedIn(trainers())).rejects.toMatchObject({ code: 'trainer_mismatch' })
  })

  test('that is not installed is asked for by the command that installs it', async () => {
    const failure = requireLibrary(trainers())
    await expect(failure).rejects.toMatchObject({ code: 'trainer_missing' })
    await expect(failure).rejects.toThrow(/ridecast trainer install xgboost/)
  })

  test('of a wheel that is not there is told so', async () => {
    await expect(
      installLibrary(trainers(), { from: join(folder, 'none.whl') }, {}, wheel),
    ).rejects.toMatchObject({ code: 'source_not_found' })
  })

  test('has a wheel for some platforms, and says for which', () => {
    expect(wheelFor('linux x64 glibc').file).toMatch(/x86_64\.whl$/)
    expect(() => wheelFor('linux x64')).toThrow(/linux x64 glibc/)
    expect(() => wheelFor('darwin arm64')).toThrow(/expected one of/)
  })
})
