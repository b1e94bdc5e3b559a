/** The page as one file, and the smooth that it draws. */

import { describe, expect, test } from 'vitest'
import type { ReportDocument } from '../../../src/pipeline/report/document.ts'
import { reportAssets, reportPage } from '../../../src/pipeline/report/report-page.ts'
import { smooth } from '../../../src/pipeline/report/smooth.ts'
import { randomNumbers } from '../../random-rides.ts'

const hostile = '</script><script>alert(1)</script><!-- \u2028 & "'
const report = {
  format: 'ridecast-report',
  version: 1,
  rides: hostile,
  models: [{ name: hostile, kind: 'trees' }],
} as unknown as ReportDocument
const assets = { script: 'const end = "</script>"', style: 'p::after { content: "</style>" }' }

describe('reportPage', () => {
  const page = reportPage(report, assets)

  test('holds the document as it is, whatever names a model has', () => {
    const text = /<script id="report" type="application\/json">(.*?)<\/script>/.exec(page)?.[1]
    expect(JSON.parse(text ?? '')).toEqual(report)
    expect(text).not.toContain('<')
  })

  test('ends its elements nowhere but at their end', () => {
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page.match(/<\/script/g)).toHaveLength(2)
    expect(page.match(/<\/style/g)).toHaveLength(1)
    expect(/<title>([\s\S]*)<\/title>/.exec(page)?.[1]).not.toMatch(/[<>"]/)
  })

  test('may fetch nothing from anywhere', () => {
    expect(page).toContain(
      `content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"`,
    )
    expect(page).not.toMatch(/(src|href)="/)
  })

  test('is named by its models and rides', () => {
    const named = { ...report, rides: 'green 2021-02', models: [{ name: 'a' }, { name: 'b' }] }
    expect(reportPage(named as unknown as ReportDocument, assets)).toContain(
      '<title>a, b on green 2021-02: model report</title>',
    )
  })

  test('says what to do where the page was not built', async () => {
    await expect(reportAssets('/nowhere')).rejects.toMatchObject({
      code: 'internal',
      message: 'page of the report is not in /nowhere: make it with npm run build',
    })
  })
})

describe('smooth', () => {
  const xs = Array.from({ length: 60 }, (_, x) => x + 0.5)

  test('leaves a line as it is, whatever the weights', () => {
    const random = randomNumbers(2)
    const points = xs.map((x) => ({ x, y: 4 - 0.3 * x, weight: 1 + 100 * random() }))
    for (const { x, y } of smooth(points)) expect(y).toBeCloseTo(4 - 0.3 * x, 9)
  })

  test('follows a bend and flattens noise', () => {
    const random = randomNumbers(7)
    const truth = (x: number): number => Math.sin(x / 20)
    const points = xs.map((x) => ({ x, y: truth(x) + random() - 0.5, weight: 1 }))
    const miss = (values: readonly { x: number; y: number }[]): number =>
      Math.sqrt(values.reduce((sum, { x, y }) => sum + (y - truth(x)) ** 2, 0) / values.length)
    expect(miss(smooth(points))).toBeLessThan(miss(points) / 2)
  })

  test('trusts heavy points: a light outlier moves little', () => {
    const points = xs.map((x, k) => ({ x, y: k === 30 ? 100 : 0, weight: k === 30 ? 1 : 1000 }))
    expect(Math.max(...smooth(points).map(({ y }) => Math.abs(y)))).toBeLessThan(0.05)
  })

  test('gives a point alone, or without neighbours in reach, its own value', () => {
    expect(smooth([])).toEqual([])
    expect(smooth([{ x: 3, y: 5, weight: 2 }])).toEqual([{ x: 3, y: 5 }])
    const far = [0, 10].map((x) => ({ x, y: x, weight: 1 }))
    expect(smooth(far)).toEqual([
      { x: 0, y: 0 },
      { x: 10, y: 10 },
    ])
  })
})
