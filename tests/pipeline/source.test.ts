import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RidecastError } from '../../src/errors.ts'
import {
  obtain,
  planNext,
  planSource,
  publisherUrl,
  type SourceOptions,
  type SourcePlan,
} from '../../src/pipeline/source.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const today = new Date('2024-05-17T12:00:00Z')
const january = 'green_tripdata_2021-01.parquet'
const february = 'green_tripdata_2021-02.parquet'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-source-'))
  mkdirSync(join(cwd, 'data'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function options(changes: Partial<SourceOptions> = {}): SourceOptions {
  return { taxi: 'green', dataFolder: 'data', cwd, today, ...changes }
}

/** A file framed as Parquet around a text. */
function parquet(text: string): Buffer {
  return Buffer.from(`PAR1${text}footer\x06\0\0\0PAR1`, 'latin1')
}

function write(path: string, content: string | Uint8Array): string {
  writeFileSync(join(cwd, path), content)
  return join(cwd, path)
}

function planFault(argument: string, changes: Partial<SourceOptions> = {}): string {
  try {
    planSource(argument, options(changes))
  } catch (error) {
    if (error instanceof RidecastError) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error(`${argument} was planned`)
}

async function obtainFault(plan: SourcePlan): Promise<string> {
  const error = await obtain(plan).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof RidecastError) return `${error.code}: ${error.message}`
  throw error ?? new Error('it was obtained')
}

describe('planning a month', () => {
  test('means the file of the fleet in the data folder, when it is there', () => {
    const path = write(`data/${january}`, 'anything')
    expect(planSource('2021-01', options())).toEqual({
      kind: 'local',
      path,
      url: `${publisherUrl}/${january}`,
      label: 'green 2021-01',
      month: '2021-01',
      taxi: 'green',
    })
  })

  test('means a download from the publisher, when it is not', () => {
    write(`data/${january}`, 'the file of another fleet')
    expect(planSource('2021-01', options({ taxi: 'yellow' }))).toEqual({
      kind: 'download',
      path: join(cwd, 'data', 'yellow_tripdata_2021-01.parquet'),
      url: 'https://d37ci6vzurychx.cloudfront.net/trip-data/yellow_tripdata_2021-01.parquet',
      label: 'yellow 2021-01',
      month: '2021-01',
      taxi: 'yellow',
    })
  })

  test('takes another base URL, with or without a slash, with a query', () => {
    const url = (baseUrl: string): string | undefined =>
      planSource('2021-01', options({ baseUrl })).url
    expect(url('http://mirror:8080/tlc')).toBe(`http://mirror:8080/tlc/${january}`)
    expect(url('http://mirror:8080/tlc//')).toBe(`http://mirror:8080/tlc/${january}`)
    expect(url('https://mirror')).toBe(`https://mirror/${january}`)
    expect(url('https://mirror/tlc?sig=1')).toBe(`https://mirror/tlc/${january}?sig=1`)
  })

  test('refuses a base URL that cannot be one', () => {
    for (const baseUrl of ['mirror/tlc', 'ftp://mirror', 'https://me:secret@mirror', '']) {
      const fault = planFault('2021-01', { baseUrl })
      expect(fault).toMatch(/^config_invalid: base URL/)
      expect(fault).not.toContain('secret')
    }
  })

  test('refuses months that do not exist, lie ahead or are written otherwise', () => {
    expect(planFault('2021-13')).toMatch(/^month_invalid: month 2021-13 does not exist/)
    expect(planFault('2024-06')).toMatch(/^month_invalid: month 2024-06 lies in the future/)
    expect(planFault('2021-1')).toMatch(/^month_invalid: .*such as 2021-01$/)
    expect(planFault('2021/01')).toMatch(/^month_invalid: .*such as 2021-01$/)
  })

  test('says what is accepted when the argument is none of it', () => {
    for (const argument of ['', 'january', 'green']) {
      expect(planFault(argument)).toMatch(
        /^usage_invalid: .*expected a month such as 2021-01, a path such as .*, or an http/,
      )
    }
  })
})

describe('planning a path', () => {
  test('means that file, relative to the folder that it is typed in', () => {
    expect(planSource('rides.parquet', options())).toEqual({
      kind: 'local',
      path: join(cwd, 'rides.parquet'),
      url: undefined,
      label: 'rides.parquet',
      month: undefined,
      taxi: undefined,
    })
    expect(planSource('./rides', options()).path).toBe(join(cwd, 'rides'))
    expect(planSource('/srv/rides.PARQUET', options()).path).toBe('/srv/rides.PARQUET')
  })

  test.each([
    ['yellow_tripdata_2022-01.parquet', 'yellow', '2022-01'],
    ['yellow_tripdata_2022-01.first100000.parquet', 'yellow', '2022-01'],
    ['Green_Tripdata_2020-04.from-csv.parquet', 'green', '2020-04'],
    ['green_tripdata_2021-13.parquet', undefined, undefined],
    ['green_tripdata_2021-01 (1).parquet', undefined, undefined],
    ['fhv_tripdata_2021-01.parquet', 'fhv', '2021-01'],
    ['orange_tripdata_2021-01.parquet', undefined, undefined],
    ['my_green_tripdata_2021-01.parquet', undefined, undefined],
  ])('%s states fleet %s and month %s', (name, taxi, month) => {
    const plan = planSource(`some/${name}`, options())
    expect([plan.taxi, plan.month]).toEqual([taxi, month])
  })
})

describe('planning an address', () => {
  test('of the publisher means the month', () => {
    const plan = planSource(`${publisherUrl}/${january}#top`, options({ taxi: 'yellow' }))
    expect(plan).toEqual(planSource('2021-01', options()))
  })

  test('from elsewhere never means the file of the month that lies in the data folder', () => {
    const path = write(`data/${january}`, 'the published month')
    const plan = planSource(`https://elsewhere.example/${january}`, options())
    expect(plan.kind).toBe('download')
    expect(plan.path).not.toBe(path)
    expect(plan.path).toMatch(/\/data\/green_tripdata_2021-01\.[0-9a-f]{12}\.parquet$/)
    expect([plan.taxi, plan.month]).toEqual(['green', '2021-01'])
  })

  test('is used again for the same address only', () => {
    const first = planSource('https://a.example/rides.parquet?v=1', options())
    writeFileSync(first.path, 'kept')
    expect(planSource('https://a.example/rides.parquet?v=1#x', options())).toEqual({
      ...first,
      kind: 'local',
    })
    for (const other of [
      'https://b.example/rides.parquet?v=1',
      'https://a.example/rides.parquet?v=2',
      'http://a.example/rides.parquet?v=1',
      'https://a.example/old/rides.parquet?v=1',
    ]) {
      expect(planSource(other, options()).kind).toBe('download')
    }
  })

  test('keeps its file inside the data folder whatever the address says', () => {
    for (const address of [
      'https://a.example/..%2f..%2fetc%2fpasswd',
      'https://a.example/%2e%2e/%2e%2e',
      'https://a.example/.hidden',
      'https://a.example',
      'https://a.example/%00%0a%e2%80%ae',
      `https://a.example/${'long'.repeat(500)}.parquet`,
    ]) {
      const { path } = planSource(address, options())
      expect(path.startsWith(join(cwd, 'data/'))).toBe(true)
      expect(path.slice(join(cwd, 'data/').length)).toMatch(/^[\w-][\w.-]{0,120}\.parquet$/)
    }
  })

  test('shows no query in its label', () => {
    const plan = planSource('https://a.example/rides.parquet?sig=secret', options())
    expect(plan.label).toBe('https://a.example/rides.parquet?...')
    expect(plan.url).toContain('sig=secret')
  })

  test('refuses other protocols, passwords and what cannot be read', () => {
    expect(planFault('ftp://host/rides.parquet')).toMatch(
      /^usage_invalid: address "ftp:.*expected http/,
    )
    expect(planFault('s3://bucket')).toMatch(/^usage_invalid: address "s3:.*expected s3:/)
    expect(planFault('file:///rides.parquet')).toMatch(/or the path of a local file$/)
    expect(planFault('http://')).toMatch(/^usage_invalid/)
    const fault = planFault('https://me:secret@a.example/rides.parquet')
    expect(fault).toMatch(/^usage_invalid: address of a.example holds a user name or password/)
    expect(fault).not.toContain('secret')
  })
})

describe('planning the next month', () => {
  test('means the month after, downloaded when it is not there', () => {
    const plan = planSource('2021-01', options())
    expect(planNext(plan, options())).toEqual(planSource('2021-02', options()))
    const yellow = planSource('./yellow_tripdata_2021-12.parquet', options())
    expect(planNext(yellow, options())).toEqual(planSource('2022-01', options({ taxi: 'yellow' })))
  })

  test('prefers the file beside the one that was named', () => {
    mkdirSync(join(cwd, 'mine'))
    const beside = write(`mine/${february}`, 'beside')
    write(`data/${february}`, 'in the data folder')
    expect(planNext(planSource(`mine/${january}`, options()), options())).toEqual({
      kind: 'local',
      path: beside,
      url: undefined,
      label: 'green 2021-02',
      month: '2021-02',
      taxi: 'green',
    })
  })

  test('is not known for a file whose name states no month, or ahead of today', () => {
    expect(planNext(planSource('rides.parquet', options()), options())).toBeUndefined()
    expect(planNext(planSource('2024-05', options()), options())).toBeUndefined()
    expect(planNext(planSource('2024-04', options()), options())?.month).toBe('2024-05')
  })
})

describe('obtaining a local file', () => {
  test('gives its size and hash, those of SHA256SUMS for a sample month', async () => {
    const plan = planSource('2021-01', options({ cwd: repository }))
    expect(await obtain(plan)).toEqual({
      path: join(repository, 'data', january),
      label: 'green 2021-01',
      month: '2021-01',
      taxi: 'green',
      downloaded: false,
      bytes: 1_333_519,
      sha256: 'b8e2c9496c5eada0f10adbd88f98d91721ec6fe2787a2b355cf0ccfa9678ee7b',
    })
  })

  test('names the folder and what lies near when the file is not there', async () => {
    for (const name of [january, february, 'notes.txt', 'yellow_tripdata_2021-01.parquet']) {
      write(`data/${name}`, '')
    }
    write('data/zzzz.parquet', '')
    const fault = await obtainFault(planSource('data/gren_tripdata_2021-01.parquet', options()))
    expect(fault).toBe(
      `source_not_found: ${cwd}/data/gren_tripdata_2021-01.parquet is not there, expected a trip ` +
        `file; the folder ${cwd}/data holds ${january}, ${february}, ` +
        'yellow_tripdata_2021-01.parquet and 1 more',
    )
  })

  test('offers the download when the name states a month', async () => {
    const fault = await obtainFault(planSource('data/green_tripdata_2021-05.parquet', options()))
    expect(fault).toMatch(/holds no Parquet files; or name the month 2021-05 to download it$/)
  })

  test('says when the folder is missing too, or a part of the path is a file', async () => {
    const missing = await obtainFault(planSource('dta/rides.parquet', options()))
    expect(missing).toMatch(/^source_not_found: .*the folder .*\/dta is not there either$/)
    write('file', '')
    const through = await obtainFault(planSource('file/rides.parquet', options()))
    expect(through).toMatch(/^source_not_found: .*is not there, expected/)
  })

  test('refuses a folder and says what it holds', async () => {
    write(`data/${january}`, '')
    const fault = await obtainFault(planSource('./data', options()))
    expect(fault).toBe(
      `source_not_found: ${cwd}/data is a folder, expected a trip file; it holds ${january}`,
    )
  })

  test('refuses a device without reading it', async () => {
    if (!existsSync('/dev/zero')) return
    expect(await obtainFault(planSource('/dev/zero', options()))).toMatch(
      /^source_not_found: \/dev\/zero is a device or pipe.*regular files only$/,
    )
  })

  test('names a file that the system does not let be read', async () => {
    // A link to itself: unlike missing permissions, it stops root too.
    symlinkSync('rides.parquet', join(cwd, 'rides.parquet'))
    const fault = await obtainFault(planSource('rides.parquet', options()))
    expect(fault).toMatch(/^source_io: .*rides\.parquet cannot be read: ELOOP/)
  })

  test.each([
    ['source_html', '<!DOCTYPE html><title>403 Forbidden</title>', 'says "403 Forbidden"'],
    ['source_lfs_pointer', 'version https://git-lfs.github.com/spec/v1\nsize 1\n', 'git lfs pull'],
    ['source_truncated', parquet('rides').subarray(0, 12), 'cut off after 12 bytes'],
    ['source_truncated', '', 'an empty file'],
    ['source_not_parquet', 'VendorID,trip_distance,x\n', 'CSV-like text'],
  ] as const)('refuses it as %s', async (code, content, found) => {
    const path = write('rides.parquet', content)
    const fault = await obtainFault(planSource('rides.parquet', options()))
    expect(fault.startsWith(`${code}: ${path} is not a whole Parquet file: found `)).toBe(true)
    expect(fault).toContain(found)
  })

  test('says that a broken download can be fetched again', async () => {
    write(`data/${january}`, parquet('rides').subarray(0, 12))
    expect(await obtainFault(planSource('2021-01', options()))).toMatch(
      /get it again, or remove it to have https:.*\/green_tripdata_2021-01\.parquet downloaded$/,
    )
  })
})

describe('obtaining a download', () => {
  let server: Server
  let asked: string[] = []
  let baseUrl = ''
  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      asked.push(request.url ?? '')
      if (request.url?.endsWith(february)) response.writeHead(404).end()
      else response.end(parquet(request.url ?? ''))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/trip-data`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  test('fetches a month once and uses it from then on', async () => {
    const first = await obtain(planSource('2021-01', options({ baseUrl })))
    const again = await obtain(planSource('2021-01', options({ baseUrl })))
    expect(first.downloaded).toBe(true)
    expect(again).toEqual({ ...first, downloaded: false })
    expect(asked).toEqual([`/trip-data/${january}`])
    expect(readdirSync(join(cwd, 'data'))).toEqual([january, 'manifest.json'])
    const bytes = parquet(`/trip-data/${january}`)
    expect(readFileSync(first.path).equals(bytes)).toBe(true)
    expect(first.bytes).toBe(bytes.length)
    expect(first.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  test('keeps namesakes from two addresses apart', async () => {
    const other = baseUrl.replace('trip-data', 'other')
    const one = await obtain(planSource(`${baseUrl}/${january}`, options({ baseUrl })))
    const two = await obtain(planSource(`${other}/${january}`, options({ baseUrl })))
    expect(readFileSync(one.path).equals(parquet(`/trip-data/${january}`))).toBe(true)
    expect(readFileSync(two.path).equals(parquet(`/other/${january}`))).toBe(true)
  })

  test('fails with the code of the download and leaves nothing', async () => {
    const fault = await obtainFault(planSource('2021-02', options({ baseUrl })))
    expect(fault).toMatch(
      /^source_not_published: http.*green_tripdata_2021-02\.parquet answered 404/,
    )
    expect(readdirSync(join(cwd, 'data'))).toEqual([])
  })
})

describe('files met in the wild', () => {
  const wild = fileURLToPath(new URL('../shared/broken/', new URL('../../', import.meta.url)))
  const absent = !existsSync(wild)
  if (absent) process.stderr.write(`files met in the wild: skipped, there is no folder ${wild}\n`)

  test.skipIf(absent).each([
    ['yellow_tripdata_2022-01.403-html.parquet', 'source_html', 'ERROR: The request could not be'],
    ['yellow_tripdata_2024-01.truncated.parquet', 'source_truncated', 'after 2471291 bytes'],
    ['fhv_tripdata_2021-01.lfs-pointer.parquet', 'source_lfs_pointer', 'of 11886281 bytes'],
  ])('%s is refused as %s', async (name, code, found) => {
    const before = readdirSync(wild)
    const fault = await obtainFault(planSource(join(wild, name), options()))
    expect(fault.startsWith(`${code}: `)).toBe(true)
    expect(fault).toContain(found)
    expect(readdirSync(wild)).toEqual(before)
  })
})
