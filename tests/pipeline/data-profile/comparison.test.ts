/** How far columns moved between two files: by hand, and a real pair against SciPy. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Vector } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countMonth } from '../../../src/pipeline/data-profile/count-month.ts'
import type { ColumnDrift, DataProfile } from '../../../src/pipeline/data-profile/document.ts'
import { profileOf } from '../../../src/pipeline/data-profile/profile-of.ts'
import { makeParquet, nulls, numbers, texts } from '../make-parquet.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-drift-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function compared(...files: Record<string, Vector>[]): Promise<DataProfile> {
  const paths = files.map((columns, k) => makeParquet(join(folder, `${k}.parquet`), columns))
  return profileOf(await Promise.all(paths.map((path) => countMonth({ ...facts, path }, 'green'))))
}

const facts = { label: 'a file', bytes: 0, sha256: '', month: undefined }
const drift = ({ comparison }: DataProfile, key: string): ColumnDrift | undefined =>
  comparison?.drift.find((one) => one.key === key)
const repeated = <T>(value: T, times: number): T[] => new Array<T>(times).fill(value)

describe('drift', () => {
  test('is zero between a file and itself', async () => {
    const columns = { x: numbers.float64([1, 2.5, null, 7]), flag: texts(['N', 'Y', 'N', null]) }
    const profile = await compared(columns, columns)
    expect(profile.comparison?.drift).toMatchObject([
      { key: 'flag', psi: 0, js: 0 },
      { key: 'x', psi: 0, js: 0 },
    ])
    expect(profile.comparison?.findings).toContain(
      'No column moved noticeably: every index is at or below 0.1',
    )
  })

  test('of two values is what the formula says', async () => {
    const flags = (yes: number): Vector =>
      texts([...repeated('Y', yes), ...repeated('N', 100 - yes)])
    const profile = await compared({ flag: flags(50) }, { flag: flags(20) })
    // By hand: (0.2 - 0.5) ln(0.2 / 0.5) + (0.8 - 0.5) ln(0.8 / 0.5).
    expect(drift(profile, 'flag')?.psi).toBeCloseTo(-0.3 * Math.log(0.4) + 0.3 * Math.log(1.6), 12)
    // scipy.spatial.distance.jensenshannon([.5, .5], [.2, .8], 2)
    expect(drift(profile, 'flag')?.js).toBeCloseTo(0.27037752852596664, 12)
  })

  test('is greatest where nothing is in common, and sorts by itself', async () => {
    const profile = await compared(
      { far: numbers.float64(repeated(0.3, 50)), near: numbers.float64(repeated(1, 50)) },
      { far: numbers.float64(repeated(1, 50)), near: numbers.float64(repeated(1, 50)) },
    )
    expect(profile.comparison?.drift.map(({ key }) => key)).toEqual(['far', 'near'])
    expect(drift(profile, 'far')?.js).toBe(1)
    // (1 - 0.0001) ln(10,000), twice.
    expect(drift(profile, 'far')?.psi).toBeCloseTo(2 * 0.9999 * Math.log(1e4), 9)
  })

  test('sees a column that loses its values, and columns that come and go', async () => {
    const profile = await compared(
      { fee: numbers.float64([1, 2, 3, 4]), old: texts(['a', 'b', 'c', 'd']) },
      { fee: nulls(4), New: texts(['a', 'b', 'c', 'd']) },
    )
    expect(drift(profile, 'fee')).toMatchObject({ js: 1, bins: 2, over: 'with a value or without' })
    expect(profile.comparison).toMatchObject({ only_first: ['old'], only_second: ['New'] })
    expect(profile.comparison?.findings).toEqual(
      expect.arrayContaining([
        'old is gone',
        'New is new',
        'fee is missing in 100 % of rows, 0 % before',
      ]),
    )
  })

  test('matches columns that two years spell differently, and shares the bins of histograms', async () => {
    const profile = await compared(
      { airport_fee: numbers.float64([0, 1.25, 0]) },
      { Airport_fee: numbers.float64([0, 1.75, 0]) },
    )
    expect(drift(profile, 'airport_fee')?.name).toBe('Airport_fee')
    const [first, second] = profile.months.map(({ columns: [one] }) =>
      one?.kind === 'number' ? one.histogram : null,
    )
    expect(first?.start).toBe(second?.start)
    expect(first?.counts.length).toBe(second?.counts.length)
  })

  test('of January and February 2021 is what SciPy and pandas find', async () => {
    const path = (month: string): string =>
      fileURLToPath(new URL(`../../../data/green_tripdata_${month}.parquet`, import.meta.url))
    const profile = profileOf([
      await countMonth({ ...facts, path: path('2021-01'), month: '2021-01' }, 'green'),
      await countMonth({ ...facts, path: path('2021-02'), month: '2021-02' }, 'green'),
    ])
    expect(drift(profile, 'store_and_fwd_flag')?.psi).toBeCloseTo(0.0016578005657028278, 12)
    expect(drift(profile, 'store_and_fwd_flag')?.js).toBeCloseTo(0.01728992233413664, 9)
    // 27 % of January's tips are 2.75 dollars to the cent, and none of February's.
    expect(profile.comparison?.drift[0]).toMatchObject({ key: 'tip_amount' })
    expect(profile.comparison?.drift[0]?.psi).toBeGreaterThan(1)
  })
})
