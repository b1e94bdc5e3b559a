import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { findContract } from '../../../src/commands/contracts.ts'
import { measureNames, parseContract } from '../../../src/contract.ts'
import { anomalyCodes } from '../../../src/pipeline/contract/anomaly.ts'
import { type Inspection, inspect } from '../../../src/pipeline/contract/inspect.ts'
import { learn } from '../../../src/pipeline/contract/learn.ts'
import { checkPage } from '../../../src/pipeline/contract/page.ts'
import { openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { noCache } from '../../../src/pipeline/moments-cache.ts'
import { planSources } from '../../../src/pipeline/sources.ts'
import { Summing } from '../../../src/pipeline/summing.ts'
import { hasShared, sharedPath, whyNot } from '../shared.ts'
import { samplePath } from './months.ts'

const summing = new Summing(openArrowEngine, noCache)
afterAll(() => summing.close())

async function inspected(path: string, contract?: ReturnType<typeof findContract>) {
  const options = { taxis: undefined, dataFolder: '.', cwd: '/', today: new Date('2026-06-01') }
  const [plan] = planSources([path], options)
  const { taxi } = plan as NonNullable<typeof plan>
  return inspect(
    plan as NonNullable<typeof plan>,
    contract ?? findContract(taxi, '/'),
    summing,
    true,
  )
}

const codesOf = ({ anomalies }: Inspection, severity: 'warn' | 'error'): string[] => [
  ...new Set(anomalies.filter((one) => one.severity === severity).map(({ code }) => code)),
]

describe.skipIf(!hasShared)(`official files (${whyNot})`, () => {
  const folder = sharedPath('tlc')
  const names = hasShared ? readdirSync(folder).filter((name) => name.endsWith('.parquet')) : []

  test('are there', () => expect(names.length).toBeGreaterThan(10))

  test.each(names)('%s passes', async (name) => {
    expect(codesOf(await inspected(join(folder, name)), 'error')).toEqual([])
  })

  test('with times as text are read, and warned of', async () => {
    const file = await inspected(join(folder, 'green_tripdata_2020-04.from-csv.parquet'))
    expect(codesOf(file, 'warn')).toContain('UNEXPECTED_DATA_TYPE')
    // 2020-04 has 35,612 rows; 96.3 % of them take 1 to 60 minutes (recomputed with pandas).
    expect(file.footer?.rows).toBe(35_612)
    expect(file.measures.kept).toBeCloseTo(0.963, 3)
  })

  // Medians of kept rides, and of those that move, recomputed with pandas.
  test.each([
    ['green_tripdata_2021-01.parquet', 14, 2.7, 12.12],
    ['green_tripdata_2023-03.parquet', 11.73, 1.93, 10.49],
    ['yellow_tripdata_2025-02.sample5000.parquet', 12.32, 1.75, 9.51],
  ])('%s has its medians within the width of a bin', async (name, minutes, miles, mph) => {
    const { measures } = await inspected(join(folder, name))
    expect(Math.abs((measures.median_minutes as number) - minutes)).toBeLessThan(0.5)
    expect(Math.abs((measures.median_miles as number) - miles)).toBeLessThan(0.25)
    expect(Math.abs((measures.median_mph as number) - mph)).toBeLessThan(0.25)
  })

  test('teach a contract that other official files pass', async () => {
    const known = names.filter((name) => /^green_tripdata_202[12]-\d\d\.parquet$/.test(name))
    const files: Inspection[] = []
    for (const name of known) files.push(await inspected(join(folder, name)))
    const text = learn('green', files)
    const contract = parseContract(text, 'learned')
    expect(contract.columns.ehail_fee?.required).toBe('no')
    expect(contract.columns.VendorID?.values).toEqual([1, 2, 5])
    for (const name of ['green_tripdata_2021-02.parquet', 'green_tripdata_2023-01.parquet']) {
      expect(codesOf(await inspected(join(folder, name), contract), 'error')).toEqual([])
    }
  }, 60_000)
})

test('the sample months pass, with the gaps that data/README.md tells of as warnings', async () => {
  for (const month of ['2021-01', '2021-02', '2021-03']) {
    const file = await inspected(samplePath(`green_tripdata_${month}.parquet`))
    expect(codesOf(file, 'error')).toEqual([])
    expect(codesOf(file, 'warn')).toEqual(['FEATURE_TYPE_LOW_FRACTION_PRESENT'])
    expect(file.anomalies.map(({ column }) => column)).toContain('passenger_count')
  }
})

describe('the page of a check', () => {
  test('shows every finding, needs nothing else, and obeys no text of a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ridecast-page-'))
    const path = join(folder, 'green_tripdata_2021-05.parquet')
    copyFileSync(samplePath('green_tripdata_2021-01.parquet'), path)
    const files = [await inspected(path), await inspected(join(folder, 'none.parquet'))]
    rmSync(folder, { recursive: true })
    const [first] = files
    const strange = { ...(first as Inspection), label: '<script>alert(1)</script>' }
    const page = checkPage([strange, ...files.slice(1)])
    expect(page).not.toContain('<script')
    expect(page).toContain('&lt;script&gt;')
    expect(page).not.toMatch(/(src|href)="(?!#)/)
    for (const { anomalies } of files)
      for (const { code } of anomalies) expect(page).toContain(code)
    expect(page).toContain('TIME_OUTSIDE_MONTH')
    expect(page).toContain('source_not_found')
    expect(page).toContain('2 of 2 trip files refused')
  })
})

describe('docs/contract.md', () => {
  const text = readFileSync(new URL('../../../docs/contract.md', import.meta.url), 'utf8')
  const names = new Set([...text.matchAll(/`([A-Za-z_]+)`/g)].map(([, name]) => name))

  test.each(Object.keys(anomalyCodes))('explains the code %s', (code) => {
    expect(names).toContain(code)
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
  })

  test.each(measureNames)('explains the measure %s', (name) => expect(names).toContain(name))
})
