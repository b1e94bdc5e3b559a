/** `ridecast evaluate`: a saved model on any month, end to end on real months. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluateCommand } from '../../src/commands/evaluate.ts'
import { trainCommand } from '../../src/commands/train.ts'
import { gateRefusal } from '../../src/commands/worst-gate.ts'
import type { SliceFamily } from '../../src/pipeline/judge/judgement.ts'
import type { ReportDocument } from '../../src/pipeline/report/document.ts'
import { fewTrees } from './few-trees.ts'
import { printedBy } from './run-command.ts'

const data = fileURLToPath(new URL('../../data', import.meta.url))
const months = ['--data', data, '--engine', 'arrow'] as const
let cwd = ''
let trained: { model_version: string; validation: { rmse: number; bias: number; n: number } }

const said = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, argv, cwd)

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-evaluate-'))
  writeFileSync(join(cwd, 'few.yaml'), fewTrees)
  trained = JSON.parse(
    await said(trainCommand, '2021-01', ...months, '--recipe', 'few.yaml', '--json'),
  )
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const evaluate = (...argv: string[]): Promise<string> =>
  said(evaluateCommand, 'green-duration', ...argv, ...months)

describe('ridecast evaluate', () => {
  test('measures what training measured, on the same month', async () => {
    const { rmse, bias, kept, known, model_version } = JSON.parse(
      await evaluate('2021-02', '--json'),
    )
    expect(rmse).toBe(trained.validation.rmse)
    expect(bias).toBe(trained.validation.bias)
    expect(kept).toBe(trained.validation.n)
    expect(model_version).toBe(trained.model_version)
    expect(known).toBe('calibrated')
  })

  test('measures every slice, and how often intervals hold on a later month', async () => {
    const found = JSON.parse(await evaluate('2021-03', '--json'))
    expect(found.known).toBeNull()
    expect(found.minimum_support).toBe(200)
    expect(found.slices.map(({ key }: SliceFamily) => key)).toEqual([
      'hour',
      'weekday',
      'distance',
      'predicted',
      'pickup_borough',
      'pickup_service',
      'airport',
    ])
    for (const { slices, gap } of found.slices as SliceFamily[]) {
      // Every ride is in one slice of each family: squared errors add up to those of all.
      const squares = slices.reduce((sum, { n, rmse }) => sum + n * rmse ** 2, 0)
      expect(Math.sqrt(squares / found.kept)).toBeCloseTo(found.rmse, 6)
      const able = slices.filter(({ n }) => n >= 200).map(({ rmse }) => rmse)
      expect(gap).toBe(able.length > 1 ? Math.max(...able) - Math.min(...able) : null)
    }
    const nine = found.intervals.find(({ nominal }: { nominal: number }) => nominal === 0.9)
    // February's errors, a month later.
    expect(Math.abs(nine.coverage - 0.9)).toBeLessThan(0.03)
  })

  test('says of each kind of slice which is best and worst, and the gap between them', async () => {
    const text = await evaluate('2021-03')
    const found = JSON.parse(await evaluate('2021-03', '--json'))
    const airport = found.slices.find(({ key }: SliceFamily) => key === 'airport') as SliceFamily
    const [best, worst] = [...airport.slices]
      .filter(({ n }) => n >= 200)
      .sort((a, b) => a.rmse - b.rmse)
    const line = text.split('\n').find((one) => one.startsWith('Airports'))
    expect(line?.split(/ {2,}/)).toEqual([
      'Airports',
      airport.gap?.toFixed(2),
      `${best?.rmse.toFixed(2)} ${best?.name}`,
      `${worst?.rmse.toFixed(2)} ${worst?.name}`,
    ])
    expect(text).toContain('of slices with 200 rides and more')
    expect(text).not.toContain('note:')
  })

  test('is a gate on the worst slice, which it prints before it refuses', async () => {
    const { worst } = JSON.parse(await evaluate('2021-03', '--json'))
    await evaluate('2021-03', '--worst', String(worst.rmse))
    const refused = evaluate('2021-03', '--worst', String(worst.rmse - 0.001))
    await expect(refused).rejects.toMatchObject({
      code: 'gate_refused',
      message: expect.stringMatching(
        /is refused: its worst slice, .* has an RMSE of [\d.]+ over \d+ rides, above/,
      ),
    })
  })

  test('lets no model pass where no slice has enough rides', () => {
    expect(gateRefusal(null, 5)).toBe('no slice has 200 rides to hold to 5 minutes')
    expect(gateRefusal(null, undefined)).toBeUndefined()
    expect(gateRefusal({ slice: 'hour 4', rmse: 5, n: 200 }, 5)).toBeUndefined()
  })

  test('says where rides are known to the model', async () => {
    const report = ['--report', 'known.html', '--no-learning'] as const
    const page = (): string => readFileSync(join(cwd, 'known.html'), 'utf8')
    expect(await evaluate('2021-01', ...report)).toContain('it was trained on some of these rides')
    expect(page()).toContain('"known":"trained"')
    const calibrated = await evaluate('2021-02', ...report)
    expect(calibrated).toContain('its intervals are made of errors on these rides')
    expect(page()).toContain('"known":"calibrated"')
    await evaluate('2021-03', ...report)
    expect(page()).not.toContain('"known":')
  })

  test('writes a page with all of it', async () => {
    expect(await evaluate('2021-03', '--report', 'march.html')).toMatch(/report {2}march\.html\n$/)
    const page = readFileSync(join(cwd, 'march.html'), 'utf8')
    const text = /<script id="report"[^>]*>(.*?)<\/script>/s.exec(page)?.[1] ?? ''
    const { rides, models } = JSON.parse(text) as ReportDocument
    expect(rides).toBe('green 2021-03')
    const [model] = models
    expect(model).toMatchObject({
      version: trained.model_version,
      trained_on: 'green 2021-01',
      calibrated_on: '2021-02',
    })
    expect(model?.terms?.[0]?.term).toBe('trip_distance')
    expect(model?.importance?.map(({ input }) => input)).toContain('PULocationID')
    // It does not look at weekdays.
    expect(model?.dependence?.map(({ input }) => input)).toEqual(['trip_distance', 'hour'])
  })
})
