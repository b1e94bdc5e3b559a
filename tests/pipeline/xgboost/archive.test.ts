import { describe, expect, test } from 'vitest'
import { filesOf } from '../../../src/pipeline/xgboost/archive.ts'
import { zipOf } from './made-wheel.ts'

const files = [
  ['a/stored.txt', 'as it is'],
  ['a/packed.txt', 'again and again '.repeat(100)],
  ['other', 'not wanted'],
] as const

describe('a zip archive', () => {
  test('gives the files that are wanted, stored or packed', () => {
    const found = filesOf(zipOf(files), (name) => name.startsWith('a/'))
    expect([...found].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual(
      files.slice(0, 2),
    )
  })

  test('that is none, or is damaged, is refused', () => {
    const whole = zipOf(files)
    expect(() => filesOf(Buffer.from('no archive at all'), () => true)).toThrow(/no zip archive/)
    const damaged = Buffer.from(whole)
    damaged[damaged.readUInt32LE(damaged.length - 6)] = 0
    expect(() => filesOf(damaged, () => true)).toThrow(/directory is damaged/)
    const odd = Buffer.from(whole)
    odd[odd.readUInt32LE(odd.length - 6) + 10] = 12
    expect(() => filesOf(odd, () => true)).toThrow(/packed by method 12/)
  })
})
