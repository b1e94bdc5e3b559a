import { describe, expect, it } from 'vitest'
import type { AliasEntry } from '../../../src/alias-log.ts'
import {
  extended,
  historyOf,
  historyText,
  readHistory,
} from '../../../src/tracking/mlflow/registry-history.ts'

const now = new Date('2021-03-01T08:15:00Z')
const at = '2021-03-01T08:15:00.000Z'

/** As many promotions, each to a version of its number, for a reason of that length. */
function promoted(count: number, length: number): AliasEntry[] {
  let entries: AliasEntry[] = []
  for (let i = 1; i <= count; i++) {
    const version = String(i).padStart(12, '0')
    entries = extended(entries, { version, kind: 'promote', reason: 'r'.repeat(length) }, now)
  }
  return entries
}

describe('the history of an alias in a tag', () => {
  it('comes back as it was written', () => {
    const entries = promoted(5, 3)
    expect(entries[4]).toEqual({
      sequence: 5,
      version: '000000000005',
      previous: '000000000004',
      kind: 'promote',
      at,
      reason: 'rrr',
    })
    expect(readHistory(historyText(entries))).toEqual(entries)
  })

  it('keeps the newest entries that fit 5,000 characters, and what was before them', () => {
    const text = historyText(promoted(200, 0))
    expect(text.length).toBeLessThanOrEqual(5000)
    const kept = readHistory(text) ?? []
    // About 115 characters each.
    expect(kept.length).toBeGreaterThan(35)
    expect(kept.at(-1)).toMatchObject({ sequence: 200, version: '000000000200' })
    const first = kept[0]?.sequence ?? 0
    expect(kept[0]?.previous).toBe(String(first - 1).padStart(12, '0'))
    expect(historyText(kept)).toBe(text)
  })

  it('keeps the last entry whatever its reason, without what is no character', () => {
    const [entry] = readHistory(historyText(promoted(1, 100_000))) ?? []
    expect(entry?.reason).toBe('r'.repeat(500))
    const odd = extended([], { version: 'a', kind: 'first', reason: `${'x'.repeat(499)}😀` }, now)
    expect(readHistory(historyText(odd))?.[0]?.reason).toBe('x'.repeat(499))
  })

  it('that says something else is none', () => {
    for (const text of ['', '{', '[]', '{}', '[{"sequence":0}]', 'null']) {
      expect(readHistory(text), text).toBeUndefined()
    }
  })
})

describe('a change made elsewhere', () => {
  const text = historyText(promoted(2, 0))

  it('is the last entry until another change is made', () => {
    expect(historyOf(text, '000000000002', now)).toHaveLength(2)
    expect(historyOf(text, 'ffffffffffff', now).slice(2)).toMatchObject([
      { sequence: 3, kind: 'elsewhere', version: 'ffffffffffff', previous: '000000000002', at },
    ])
    expect(historyOf(text, null, now)[2]).toMatchObject({ kind: 'elsewhere', version: null })
  })

  it('is the first entry of an alias without a history', () => {
    expect(historyOf(undefined, null, now)).toEqual([])
    for (const tag of [undefined, '{']) {
      expect(historyOf(tag, 'ffffffffffff', now)).toMatchObject([
        { sequence: 1, kind: 'elsewhere', previous: null },
      ])
    }
  })
})
