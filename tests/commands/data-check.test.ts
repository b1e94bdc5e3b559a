import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shippedContract } from '../../src/commands/contracts.ts'
import { dataCheckCommand } from '../../src/commands/data-check.ts'
import { dataContractCommand } from '../../src/commands/data-contract.ts'
import { dataQuarantineCommand } from '../../src/commands/data-quarantine.ts'
import { parseContract } from '../../src/contract.ts'
import { RidecastError } from '../../src/errors.ts'
import { changed, readMonth, samplePath, writeMonth } from '../pipeline/contract/months.ts'
import { runCommand } from './run-command.ts'

let folder: string
const january = 'green_tripdata_2021-01.parquet'

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-check-'))
  mkdirSync(join(folder, 'data'))
  copyFileSync(samplePath(january), join(folder, 'data', january))
  const february = 'green_tripdata_2021-02.parquet'
  const dead = changed(readMonth(samplePath(february)), 'trip_distance', () => 0)
  writeMonth(join(folder, 'data', february), dead)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a command prints and throws. */
async function said(
  make: Parameters<typeof runCommand>[0],
  ...argv: string[]
): Promise<{ out: string; err: string; error: RidecastError | undefined }> {
  let [out, err] = ['', '']
  const writers = {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
  }
  try {
    await runCommand(make, argv, folder, writers)
    return { out, err, error: undefined }
  } catch (error) {
    if (!(error instanceof RidecastError)) throw error
    return { out, err, error }
  }
}

const check = (...argv: string[]) =>
  said(dataCheckCommand, ...argv, '--engine', 'arrow', '--no-cache')

describe('ridecast data check', () => {
  test('passes a good month, its warnings in a table', async () => {
    const { out, error } = await check('2021-01')
    expect(error).toBeUndefined()
    expect(out).toContain('green 2021-01: 76,518 rides, passed, 5 warnings')
    expect(out).toMatch(
      /warn +FEATURE_TYPE_LOW_FRACTION_PRESENT +passenger_count +47\.11 % +47\.1 % missing/,
    )
    expect(out).toContain('1 checked: 1 passed, 0 refused')
  })

  test('refuses a dead column by name, after the table', async () => {
    const { out, error } = await check('2021-01..2021-02')
    expect(out).toContain('column trip_distance is dead: 0 in 64,572 rows of 64,572 (100 %)')
    expect(out).toContain('2 checked: 1 passed, 1 refused')
    expect(error).toMatchObject({
      code: 'contract_refused',
      message: '1 of 2 breaks its data contract: green 2021-02 (FEATURE_TYPE_LOW_UNIQUE)',
    })
  })

  test('lets an error pass whose code is allowed, and says so', async () => {
    const { out, error } = await check('2021-02', '--allow', 'feature_type_low_unique')
    expect(error).toBeUndefined()
    expect(out).toMatch(/allowed +FEATURE_TYPE_LOW_UNIQUE/)
  })

  test('refuses warnings too when it is strict', async () => {
    const { error } = await check('2021-01', '--strict')
    expect(error?.code).toBe('contract_refused')
    const passed = await check(
      '2021-01',
      '--strict',
      '--allow',
      'FEATURE_TYPE_LOW_FRACTION_PRESENT',
    )
    expect(passed.error).toBeUndefined()
  })

  test('checks the others when one cannot be read', async () => {
    const path = join(folder, 'green_tripdata_2021-03.parquet')
    copyFileSync(samplePath('green_tripdata_2021-03.parquet'), path)
    truncateSync(path, 1_000_000)
    const { out, error } = await check(path, '2021-01')
    expect(out).toMatch(/error +source_truncated/)
    expect(out).toContain('green 2021-01: 76,518 rides, passed')
    expect(error?.message).toContain('green_tripdata_2021-03.parquet (source_truncated)')
  })

  test('says everything as JSON and as a page', async () => {
    const page = join(folder, 'page.html')
    const { out, error } = await check('2021-01', '2021-02', '--json', '--html', page)
    expect(error?.code).toBe('contract_refused')
    const { refused, files } = JSON.parse(out) as {
      refused: number
      files: { label: string; rows: number; kept: number; anomalies: { code: string }[] }[]
    }
    expect(refused).toBe(1)
    expect(files.map(({ label, rows }) => [label, rows])).toEqual([
      ['green 2021-01', 76_518],
      ['green 2021-02', 64_572],
    ])
    expect(files[0]?.kept).toBe(73_908)
    expect(files[1]?.anomalies[0]).toMatchObject({
      code: 'FEATURE_TYPE_LOW_UNIQUE',
      severity: 'error',
      column: 'trip_distance',
      count: 64_572,
      share: 1,
      examples: ['0'],
    })
    expect(readFileSync(page, 'utf8')).toContain('1 of 2 trip files refused')
  })

  test('goes by a contract of its own', async () => {
    const own = join(folder, 'own.yaml')
    const text = readFileSync(shippedContract('green'), 'utf8')
    writeFileSync(own, text.replace('below: 100 } # miles', 'below: 10 } # miles'))
    const { out, error } = await check('2021-01', '--contract', './own.yaml')
    expect(error?.code).toBe('contract_refused')
    expect(out).toMatch(/error +FLOAT_TYPE_BIG_FLOAT +trip_distance/)
  })

  test.each([
    [['2021-01', '--contract', 'yellow'], 'usage_invalid', /contract yellow is for yellow files/],
    [['2021-01', '--contract', 'none.yaml'], 'contract_not_found', /none\.yaml is not there/],
    [['2021-01', '--allow', 'NOTHING'], 'usage_invalid', /"NOTHING" is no anomaly/],
  ])('%j is %s', async (argv, code, message) => {
    const { error } = await check(...argv)
    expect(error?.code).toBe(code)
    expect(error?.message).toMatch(message)
  })
})

describe('ridecast data contract', () => {
  test('shows the contract in force, as its author wrote it', async () => {
    const { out } = await said(dataContractCommand, 'show', 'yellow')
    expect(out).toBe(readFileSync(shippedContract('yellow'), 'utf8'))
  })

  test('shows what a request can hold: nothing that is known only after the ride', async () => {
    const { out } = await said(dataContractCommand, 'show', 'green', '--environment', 'SERVING')
    expect(out).toContain('a taxi zone from 1 to 265')
    expect(out).not.toMatch(/fare_amount|dropoff/)
    const training = await said(dataContractCommand, 'show', '--environment', 'TRAINING')
    expect(training.out).toMatch(/fare_amount[\s\S]*dropoff|dropoff[\s\S]*fare_amount/)
  })

  test('learns one that the month it learned from passes, and never writes over a file', async () => {
    const out = join(folder, 'learned.yaml')
    const learn = () =>
      said(dataContractCommand, 'learn', '2021-01', '--out', out, '--engine', 'arrow', '--no-cache')
    expect((await learn()).error).toBeUndefined()
    expect(parseContract(readFileSync(out, 'utf8'), 'learned').fleet).toBe('green')
    expect((await check('2021-01', '--contract', out)).error).toBeUndefined()
    expect((await learn()).error?.message).toMatch(/is there already/)
  })
})

describe('ridecast data quarantine', () => {
  test('prints counts that add up to the rows of the file', async () => {
    const out = join(folder, 'q.parquet')
    const { out: text } = await said(dataQuarantineCommand, '2021-01', '--out', out, '--json')
    const found = JSON.parse(text) as Record<'rows' | 'clean' | 'flagged' | 'refused', number>
    expect(found.clean + found.flagged + found.refused).toBe(found.rows)
    // 76,518 rows of which 73,908 are kept, as truth.md has it.
    expect(found).toMatchObject({ rows: 76_518, refused: 2610 })
  })

  test('does not write over the file that it reads', async () => {
    const path = join('data', january)
    const { error } = await said(dataQuarantineCommand, path, '--out', path)
    expect(error?.message).toMatch(/is the file that is read/)
  })
})
