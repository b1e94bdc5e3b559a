/** `ridecast coefficients`, end to end; the digits are held in tests/pipeline/solve/inference.test.ts. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { coefficientsCommand } from '../../src/commands/coefficients.ts'
import { runCommand } from './run-command.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-coefficients-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

async function said(...argv: string[]): Promise<string> {
  let text = ''
  const out = (more: string): void => {
    text += more
  }
  await runCommand(coefficientsCommand, argv, cwd, { out, err: () => {} })
  return text
}

const plain = ['2021-01', '--data', data, '--engine', 'arrow'] as const

interface Row {
  readonly feature: string
  readonly value: number
  readonly estimable: boolean
  readonly standard_error: number | null
  readonly t: number | null
  readonly low: number | null
  readonly high: number | null
}

describe('ridecast coefficients', () => {
  test('tells the slope, differences of levels, and what the rides cannot tell', async () => {
    const found = JSON.parse(await said(...plain, '--json', '--csv', 'plain.csv'))
    // truth.md: 507 columns, rank 505 with the intercept, slope 0.000041773412334.
    expect([found.n, found.rank, found.degrees]).toEqual([73_908, 505, 73_908 - 505])
    const estimates = found.estimates as Row[]
    expect(estimates).toHaveLength(508)
    const told = estimates.filter(({ estimable }) => estimable)
    expect(told.map(({ feature }) => feature)).toEqual(['trip_distance'])
    const [slope] = told as [Row]
    expect(slope.value / 0.000041773412334).toBeCloseTo(1, 9)
    expect(slope.t).toBeCloseTo(slope.value / (slope.standard_error as number), 12)
    // 1.96 standard errors on either side, with so many degrees of freedom.
    const half = ((slope.high as number) - (slope.low as number)) / 2
    expect(half / (slope.standard_error as number)).toBeCloseTo(1.96, 3)
    for (const { estimable, standard_error: error } of estimates) {
      expect(error === null).toBe(!estimable)
    }
    const differences = found.differences as Row[]
    const value = new Map(estimates.map((row) => [row.feature, row.value]))
    const [first] = differences as [Row]
    const [level, common] = first.feature.split(' - ') as [string, string]
    expect(first.value).toBeCloseTo((value.get(level) as number) - (value.get(common) as number), 9)
    const lines = readFileSync(join(cwd, 'plain.csv'), 'utf8').trim().split('\n')
    expect(lines).toHaveLength(1 + estimates.length + differences.length)
  })

  test('prints the surest first', async () => {
    const printed = await said(...plain, '--top', '3', '--level', '0.9')
    expect(printed).toMatch(/plain on green 2021-01: 73,908 rides, rank 505/)
    expect(printed).toMatch(/90 % interval/)
    const values = [...printed.matchAll(/ {2}(-?\d+\.\d\d) {2,}\d/g)].map(([, t]) =>
      Math.abs(Number(t)),
    )
    expect(values.length).toBeGreaterThan(0)
  })

  test.each([
    ['a penalty', ['--recipe', 'standard'], /found l1 0, l2 3 in recipe standard/],
    ['trees', ['--recipe', 'trees'], /found trees in recipe trees/],
  ])('refuses %s', async (_, argv, why) => {
    await expect(said(...plain, ...argv)).rejects.toThrow(why)
  })
})
