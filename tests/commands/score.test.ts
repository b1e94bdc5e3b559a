import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Interrupts } from '../../src/commands/interrupt.ts'
import { scoreCommand } from '../../src/commands/score.ts'
import { RidecastError } from '../../src/errors.ts'
import { openRegistry } from '../../src/registry.ts'
import { ridecast } from '../command-line.ts'
import { samplePath } from '../pipeline/contract/months.ts'
import { objectsOf } from '../pipeline/score/scoring.ts'
import { zonesAndDistance } from '../serve/small-model.ts'
import { runCommand } from './run-command.ts'

let folder: string
let version: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-score-command-'))
  const registry = openRegistry(join(folder, 'models'))
  version = (await registry.save('green-duration', zonesAndDistance)).version
  await registry.setAliasIfAbsent('green-duration', 'champion', version, { reason: 'the first' })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Said {
  readonly out: string
  readonly err: string
  readonly pipe: string
  readonly error: RidecastError | undefined
}

const noSignals: Interrupts = { once: () => undefined, off: () => undefined }

/** What the command prints, writes to its pipe and throws. */
async function score(
  argv: readonly string[],
  stdin: Readable = Readable.from([]),
  interrupts = noSignals,
): Promise<Said> {
  let [out, err, pipe] = ['', '', '']
  const stdout = new PassThrough()
  stdout.on('data', (data) => {
    pipe += data
  })
  const writers = {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
  }
  let error: RidecastError | undefined
  try {
    const make = (io: Parameters<typeof scoreCommand>[0]) =>
      scoreCommand(io, { stdin, stdout, interrupts })
    await runCommand(make, argv, folder, writers)
  } catch (thrown) {
    if (!(thrown instanceof RidecastError)) throw thrown
    error = thrown
  }
  return { out, err, pipe, error }
}

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return name
}
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
/** What is in the folder beside the registry. */
const names = (): string[] => readdirSync(folder).filter((name) => name !== 'models')

// 10 + 2 (from 43) - 0.5 (to 151) + 3 a mile.
const header = 'PULocationID,DOLocationID,trip_distance\n'
const good = '43,151,1\n'
const bad = '0,151,1\n'

describe('ridecast score', () => {
  test('writes a file and says how fast', async () => {
    write('in.csv', header + good.repeat(3))
    const { err, out, error } = await score(['in.csv', 'out.csv'])
    expect(error).toBe(undefined)
    expect(out).toBe('')
    expect(err).toMatch(
      new RegExp(`^3 rows scored by green-duration/${version}, [\\d,]+ rows/s: out.csv\n$`),
    )
    expect(read('out.csv')).toBe(`${header.trim()},duration,fault\n${'43,151,1,14.5,\n'.repeat(3)}`)
    expect(names().sort()).toEqual(['in.csv', 'out.csv'])
  })

  test('--json says it for machines, --faults keeps the faults with their rows', async () => {
    write('in.csv', `${header}${good}${bad}43,151,\n${bad}`)
    const { err, out } = await score(['in.csv', 'out.ndjson', '--faults', 'bad.ndjson', '--json'])
    expect(err).toBe('')
    const { seconds, rows_per_second, ...rest } = JSON.parse(out) as Record<string, unknown>
    expect(rest).toEqual({
      rows: 4,
      scored: 2,
      faults: 2,
      assumed: { trip_distance: 1, pickup_datetime: 0 },
      name: 'green-duration',
      model_version: version,
      out: 'out.ndjson',
    })
    expect(seconds).toBeGreaterThan(0)
    expect(rows_per_second).toBeGreaterThan(0)
    const fault = 'PULocationID must be a taxi zone, an integer from 1 to 265, found the text "0"'
    expect(objectsOf(read('bad.ndjson'))).toEqual([
      { row: 2, fault },
      { row: 4, fault },
    ])
    expect(objectsOf(read('out.ndjson')).map(({ duration }) => duration)).toEqual([
      // The pair's typical distance is 1.25 miles.
      ...[14.5, null, 15.25, null],
    ])
  })

  test('counts faults by what is wrong, whatever was found', async () => {
    write('in.csv', `${header}0,151,1\n266,151,1\n43,151,\n`)
    const { err } = await score(['in.csv', 'out.csv'])
    expect(err.split('\n').slice(1)).toEqual([
      '1 without trip_distance: assumed from the training rides',
      '2 without a prediction:',
      '  2, the first in row 1 of in.csv: PULocationID must be a taxi zone, an integer from 1 to 265',
      '',
    ])
  })

  test('--strict refuses a file with a fault, and writes down its faults', async () => {
    write('in.csv', header + good + bad)
    write('out.csv', 'as it was')
    const { error } = await score(['in.csv', 'out.csv', '--strict', '--faults', 'bad.ndjson'])
    expect(error).toMatchObject({ code: 'contract_refused' })
    expect(read('out.csv')).toBe('as it was')
    expect(objectsOf(read('bad.ndjson')).map(({ row }) => row)).toEqual([2])
    expect(names().sort()).toEqual(['bad.ndjson', 'in.csv', 'out.csv'])
    write('in.csv', header + good)
    expect((await score(['in.csv', 'out.csv', '--strict'])).error).toBe(undefined)
    expect(read('out.csv')).toContain('14.5')
  })

  test('reads and writes pipes, where formats are said', async () => {
    const input = Readable.from([Buffer.from(header + good)])
    const { pipe, err } = await score(['-', '-', '--from', 'csv', '--to', 'ndjson'], input)
    expect(objectsOf(pipe)).toEqual([
      {
        PULocationID: '43',
        DOLocationID: '151',
        trip_distance: '1',
        duration: 14.5,
        fault: null,
      },
    ])
    expect(err).toMatch(/^1 rows scored by .* rows\/s\n$/)
  })

  test('takes Parquet from a pipe too', async () => {
    const bytes = readFileSync(samplePath('green_tripdata_2021-02.parquet'))
    const input = Readable.from([bytes])
    const { out } = await score(['-', 'out.parquet', '--from', 'parquet', '--json'], input)
    // The rows of the file.
    expect(JSON.parse(out)).toMatchObject({ rows: 64_572, faults: 0 })
    expect(names()).toEqual(['out.parquet'])
  })

  test('scores the files of a folder one by one, and numbers faults by file', async () => {
    mkdirSync(join(folder, 'in'))
    write('in/b.csv', header + bad)
    write('in/a.csv', header + good + bad)
    write('in/notes.txt', 'not a file of rides')
    const argv = ['in', 'scored', '--from', 'csv', '--to', 'ndjson', '--faults', 'bad.ndjson']
    const { err, error } = await score(argv)
    expect(error).toBe(undefined)
    expect(err).toContain('3 rows scored')
    expect(readdirSync(join(folder, 'scored')).sort()).toEqual(['a.ndjson', 'b.ndjson'])
    expect(objectsOf(read('bad.ndjson')).map(({ file, row }) => [file, row])).toEqual([
      ['a.csv', 2],
      ['b.csv', 1],
    ])
  })

  test('a column that is there already is refused, and another name is taken', async () => {
    write('in.csv', 'PULocationID,DOLocationID,duration\n43,151,7\n')
    const { error } = await score(['in.csv', 'out.csv'])
    expect(error).toMatchObject({ code: 'usage_invalid' })
    expect(error?.message).toContain('--column')
    expect(names()).toEqual(['in.csv'])
    await score(['in.csv', 'out.csv', '--column', 'eta'])
    expect(read('out.csv')).toBe(
      'PULocationID,DOLocationID,duration,eta,eta_fault\n43,151,7,15.25,\n',
    )
  })

  test.each([
    ['a file that is not there', ['none.csv', 'out.csv'], 'source_not_found'],
    ['a name that does not tell its format', ['in.txt', 'out.csv'], 'usage_invalid'],
    ['a pipe without a format', ['-', 'out.csv'], 'usage_invalid'],
    ['the same file', ['in.csv', './in.csv'], 'usage_invalid'],
    ['a folder that is not there', ['in.csv', 'none/out.csv'], 'usage_invalid'],
    ['faults in such a folder', ['in.csv', 'out.csv', '--faults', 'none/f'], 'usage_invalid'],
    ['a folder into a pipe', ['models', '-', '--to', 'csv'], 'usage_invalid'],
    ['a folder without Parquet files', ['models', 'out'], 'source_not_found'],
    ['JSON and rides on one pipe', ['in.csv', '-', '--to', 'csv', '--json'], 'usage_invalid'],
    ['a model that is not there', ['in.csv', 'out.csv', '--model', 'x'], 'model_not_found'],
    ['an interval of a model without', ['in.csv', 'o.csv', '--interval', '.9'], 'input_invalid'],
    ['a torn file', ['torn.csv', 'out.csv'], 'source_truncated'],
  ])('%s is refused and nothing is left', async (_, argv, code) => {
    write('in.csv', header + good)
    write('in.txt', header + good)
    write('torn.csv', `${header}${good}43,"151`)
    const { error } = await score(argv)
    expect(error).toMatchObject({ code })
    expect(names().sort()).toEqual(['in.csv', 'in.txt', 'torn.csv'])
  })

  test('Ctrl-C ends it while it waits for rows, and nothing is left', async () => {
    write('out.csv', 'as it was')
    const input = new PassThrough()
    input.write(header + good)
    let interrupt: (() => void) | undefined
    const interrupts: Interrupts = {
      once: (event, listener) => {
        if (event === 'SIGINT') interrupt = listener
      },
      off: () => undefined,
    }
    const argv = ['-', 'out.csv', '--from', 'csv', '--faults', 'bad.ndjson']
    const said = score(argv, input, interrupts)
    await expect.poll(() => names().filter((name) => name.startsWith('.tmp-')).length).toBe(2)
    interrupt?.()
    expect((await said).error).toMatchObject({ code: 'source_interrupted' })
    expect(names()).toEqual(['out.csv'])
    expect(read('out.csv')).toBe('as it was')
  })
})

describe('the process', () => {
  test('ends with 3 when --strict refuses', async () => {
    write('in.csv', header + bad)
    const { code, stderr } = await ridecast(['score', 'in.csv', 'out.csv', '--strict'], {
      cwd: folder,
    })
    expect(code).toBe(3)
    expect(stderr).toContain('[contract_refused]')
    expect(existsSync(join(folder, 'out.csv'))).toBe(false)
  })

  test('writes bytes to its own pipes and ends', async () => {
    const bin = resolve(import.meta.dirname, '../../bin/ridecast.mjs')
    const argv = ['score', '-', '-', '--from', 'csv', '--to', 'csv']
    const child = spawn(process.execPath, [bin, ...argv], { cwd: folder })
    let text = ''
    child.stdout.on('data', (data) => {
      text += data
    })
    child.stdin.end(header + good.repeat(50_000))
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(0)
    expect(text.split('\n')).toHaveLength(50_002)
    expect(text.endsWith('43,151,1,14.5,\n')).toBe(true)
  })
})
