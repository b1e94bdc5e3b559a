/** Several files at once: order, bounds, the first fault, and what is written down. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hashMemory } from '../../src/pipeline/hash-memory.ts'
import { readManifest } from '../../src/pipeline/manifest.ts'
import { identify } from '../../src/pipeline/parquet-file.ts'
import { obtain, obtainAll, planSource, type SourcePlan } from '../../src/pipeline/source.ts'
import { acceptFiles, verifyFile, verifyRemote } from '../../src/pipeline/verify.ts'
import {
  type Answer,
  accessDenied,
  file,
  type Publisher,
  page,
  parquet,
  publish,
} from './faulty-publisher.ts'

let cwd = ''
let publisher: Publisher
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-all-'))
})
afterEach(() => {
  publisher?.close()
  rmSync(cwd, { recursive: true, force: true })
})

const months = ['2021-01', '2021-02', '2021-03', '2021-04', '2021-05', '2021-06']
const today = new Date('2024-05-17T12:00:00Z')
const now = (): Date => today

function plans(of: readonly string[] = months): SourcePlan[] {
  const baseUrl = publisher.url
  return of.map((month) =>
    planSource(month, { taxi: 'green', dataFolder: 'data', cwd, today, baseUrl }),
  )
}

const data = (name = ''): string => join(cwd, 'data', name)
/** A file that says which month it is. */
const bytesOf = (path: string): Buffer => parquet(20_000, basename(path).slice(15, 22))

/** Answers every path with its own file, and counts how many are under way. */
function each(answers: Record<string, Answer> = {}): Answer & { most: () => number } {
  let [open, most] = [0, 0]
  const answer: Answer = (request, response, of) => {
    most = Math.max(most, ++open)
    response.on('close', () => open--)
    const path = request.url ?? ''
    const one = answers[basename(path).slice(15, 22)] ?? file(bytesOf(path))
    // Later, so that others get under way.
    setImmediate(() => setImmediate(() => one(request, response, of)))
  }
  return Object.assign(answer, { most: () => most })
}

describe('obtaining several files', () => {
  test('gives them in the order of the plans, each whole, and lists all in the manifest', async () => {
    publisher = await publish(each())
    const labels = new Set<string | undefined>()
    const files = await obtainAll(plans(), { now, progress: (_r, _t, label) => labels.add(label) })
    expect(files.map(({ month, downloaded }) => [month, downloaded])).toEqual(
      months.map((month) => [month, true]),
    )
    for (const { path, sha256, bytes } of files) {
      expect(readFileSync(path).equals(bytesOf(path))).toBe(true)
      expect({ sha256, bytes }).toEqual(await identify(path))
    }
    expect([...labels].sort()).toEqual(months.map((month) => `green ${month}`))
    const manifest = await readManifest(data())
    expect(Object.keys(manifest)).toEqual(files.map(({ path }) => basename(path)))
    expect(manifest['green_tripdata_2021-03.parquet']).toEqual({
      url: `${publisher.url}/green_tripdata_2021-03.parquet`,
      bytes: 20_018,
      sha256: files[2]?.sha256,
      etag: '"one"',
      last_modified: null,
      downloaded_at: '2024-05-17T12:00:00.000Z',
    })
  })

  test.each([1, 3])('holds to %i connections', async (connections) => {
    const answer = each()
    publisher = await publish(answer)
    await obtainAll(plans(), { connections })
    expect(answer.most()).toBeLessThanOrEqual(connections)
    expect(answer.most()).toBeGreaterThan(connections - 2)
  })

  test('ends with the first fault; what the others have got is kept for the next time', async () => {
    const bytes = bytesOf('green_tripdata_2021-01.parquet')
    let refuse = (): void => {}
    const denied: Answer = (request, response, of) => {
      refuse = () => page(403, accessDenied)(request, response, of)
    }
    publisher = await publish(
      each({ '2021-01': file(bytes, { stallAfter: 9000 }), '2021-02': denied }),
    )
    const notes: string[] = []
    const running = obtainAll(plans(['2021-01', '2021-02', '2021-03']), {
      connections: 2,
      note: (text) => notes.push(text),
      progress: (received) => {
        if (received === 9000) refuse()
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'source_not_published' })
    // The third had not begun; the first is gone on with.
    expect(publisher.asked).toHaveLength(2)
    expect(notes).toEqual([
      expect.stringMatching(/2021-01\.parquet: 0\.0 MB are kept, the rest comes next time$/),
    ])
    expect(readdirSync(data()).filter((name) => name.endsWith('.lock'))).toEqual([])
    publisher.answers = [file(bytes)]
    const [first] = await obtainAll(plans(['2021-01']))
    expect(publisher.asked.at(-1)?.range).toBe('bytes=9000-')
    expect(readFileSync(first?.path ?? '').equals(bytes)).toBe(true)
  })

  test('obtains a file once that is meant twice', async () => {
    publisher = await publish(each())
    const [one, two] = await obtainAll(plans(['2021-01', '2021-01']))
    expect(one).toEqual(two)
    expect(publisher.asked).toHaveLength(1)
  })

  test('ends with the reason of its signal', async () => {
    publisher = await publish(() => {})
    const stop = new AbortController()
    const running = obtainAll(plans(), { signal: stop.signal })
    setImmediate(() => stop.abort(new Error('enough')))
    await expect(running).rejects.toThrow('enough')
  })

  test('asks the memory of hashes for files that are there', async () => {
    publisher = await publish(each())
    await obtainAll(plans(['2021-01']))
    const asked: string[] = []
    const memory = hashMemory(join(cwd, 'cache'), {
      identify: async (path) => {
        asked.push(basename(path))
        return identify(path)
      },
    })
    const [file1] = await obtainAll(plans(['2021-01']), { memory })
    expect(asked).toEqual(['green_tripdata_2021-01.parquet'])
    expect(file1?.downloaded).toBe(false)
  })
})

describe('the manifest', () => {
  test('that cannot be read stops no download: it is set aside with a note', async () => {
    publisher = await publish(each())
    await obtainAll(plans(['2021-01']))
    writeFileSync(data('manifest.json'), '{')
    const notes: string[] = []
    const note = (text: string): void => void notes.push(text)
    const files = await obtainAll(plans(['2021-01', '2021-02']), { note, now })
    expect(files).toHaveLength(2)
    expect(notes).toEqual([expect.stringMatching(/is set aside as .*manifest\.json\.damaged-/)])
    expect(Object.keys(await readManifest(data()))).toEqual(['green_tripdata_2021-02.parquet'])
  })

  test('tells of a file that is not the one that was downloaded', async () => {
    publisher = await publish(each())
    const [plan] = plans(['2021-01'])
    await obtain(plan as SourcePlan)
    writeFileSync(plan?.path ?? '', parquet(64, 'by hand'))
    const notes: string[] = []
    await obtain(plans(['2021-01'])[0] as SourcePlan, { note: (text) => notes.push(text) })
    expect(notes).toEqual([
      `${plan?.path} is not the file that was downloaded from ${publisher.url}/green_tripdata_2021-01.parquet: see ridecast data verify`,
    ])
  })

  test('holds neither a token in the address nor a password', async () => {
    publisher = await publish(each())
    const options = { taxi: 'green', dataFolder: 'data', cwd, today } as const
    const address = `${publisher.url}/green_tripdata_2021-01.parquet?sig=secret`
    await obtain(planSource(address, options))
    expect(readFileSync(data('manifest.json'), 'utf8')).not.toContain('secret')
  })
})

describe('verifying', () => {
  const name = 'green_tripdata_2021-01.parquet'
  const look = async () => verifyFile(data(name), (await readManifest(data()))[name] ?? null)

  test('tells what became of a file, and accepts what lies there', async () => {
    publisher = await publish(each())
    await obtainAll(plans(['2021-01']))
    const good = readFileSync(data(name))
    expect((await look()).state).toBe('ok')
    const flipped = Buffer.from(good)
    flipped[5000] = 0
    const changes: [string, () => void][] = [
      ['missing', () => rmSync(data(name))],
      ['damaged', () => writeFileSync(data(name), good.subarray(0, 1000))],
      ['size', () => writeFileSync(data(name), parquet(64))],
      ['hash', () => writeFileSync(data(name), flipped)],
    ]
    for (const [state, change] of changes) {
      change()
      expect((await look()).state).toBe(state)
    }
    const before = await look()
    expect(await acceptFiles([before], { now })).toEqual([before])
    expect(await look()).toMatchObject({
      state: 'ok',
      entry: { url: `${publisher.url}/${name}`, etag: null, downloaded_at: null },
    })
    rmSync(data(name))
    await acceptFiles([await look()])
    expect(await readManifest(data())).toEqual({})
    writeFileSync(data(name), good)
    expect((await look()).state).toBe('unlisted')
  })

  test('asks the publisher whether it has another file by now', async () => {
    publisher = await publish(each())
    await obtainAll(plans(['2021-01']))
    const entry = (await readManifest(data()))[name] ?? null
    const heads: (string | undefined)[] = []
    const head =
      (headers: object, status = 200): Answer =>
      (request, response) => {
        heads.push(request.method)
        response.writeHead(status, { ...headers }).end()
      }
    const states: string[] = []
    for (const answer of [
      head({ etag: '"one"', 'content-length': 20_018 }),
      head({ etag: '"two"', 'content-length': 20_018 }),
      head({ etag: '"one"', 'content-length': 20_019 }),
      head({ 'content-length': 20_018 }),
      head({}, 403),
    ]) {
      publisher.answers = [answer]
      states.push((await verifyRemote(entry)).state)
    }
    expect(states).toEqual(['same', 'changed', 'changed', 'unknown', 'unknown'])
    expect(new Set(heads)).toEqual(new Set(['HEAD']))
    expect(await verifyRemote(null)).toMatchObject({ state: 'unknown' })
  })
})
