/** The page as one file: what is in it, and what cannot get out of its place. */

import { describe, expect, test } from 'vitest'
import type { DataProfile } from '../../../src/pipeline/data-profile/document.ts'
import {
  countText,
  listText,
  shareText,
  valueText,
} from '../../../src/pipeline/data-profile/number-text.ts'
import { pageAssets, profilePage } from '../../../src/pipeline/data-profile/profile-page.ts'
import { wallClock } from '../../../src/pipeline/data-profile/wall-clock.ts'
import { parseWallClock } from '../../../src/ride.ts'

const hostile = '</script><script>alert(1)</script><!-- \u2028 & "'
const profile = {
  format: 'ridecast-data-profile',
  version: 1,
  months: [{ label: hostile, file: hostile }],
  comparison: null,
} as unknown as DataProfile
const assets = { script: 'const end = "</script>"', style: 'p::after { content: "</style>" }' }

describe('profilePage', () => {
  const page = profilePage(profile, assets)

  test('holds the document as it is, whatever names a file has', () => {
    const text = /<script id="profile" type="application\/json">(.*?)<\/script>/.exec(page)?.[1]
    expect(JSON.parse(text ?? '')).toEqual(profile)
    expect(text).not.toContain('<')
    expect(text).not.toContain('\u2028')
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

  test('says what to do where the page was not built', async () => {
    await expect(pageAssets('/nowhere')).rejects.toMatchObject({
      code: 'internal',
      message: 'page of the profile is not in /nowhere: make it with npm run build',
    })
  })
})

describe('texts', () => {
  test('shares never round to nothing or to all', () => {
    expect([0, 0.00001, 0.0002, 0.034, 0.47, 0.9999, 1].map(shareText)).toEqual([
      '0 %',
      'under 0.01 %',
      '0.02 %',
      '3.4 %',
      '47 %',
      'over 99.9 %',
      '100 %',
    ])
  })

  test('numbers are short, with a real minus', () => {
    expect([12.3456, 244152.01, -0.5, 0.0004567, 7, 1e12].map((value) => valueText(value))).toEqual(
      ['12.35', '244,152', '−0.5', '0.000457', '7', '1,000,000,000,000'],
    )
    expect(countText(76518)).toBe('76,518')
    expect([listText([]), listText(['a']), listText(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a, b and c',
    ])
  })

  test.each(['2021-01-01T00:15:56', '1969-12-31T23:59:59.000001', '2008-12-31T23:03:01'])(
    'the time %s is written as it is read',
    (text) => {
      expect(wallClock(parseWallClock(text))).toBe(text)
    },
  )
})
