import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactJson } from '../src/exact-json.ts'

/** The 64 bits of a double. */
const bits = (value: number): bigint => {
  return new BigUint64Array(new Float64Array([value]).buffer)[0] as bigint
}

describe('exact JSON', () => {
  it('gives back every finite number to the bit, -0 and the smallest included', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    const list = fc.array(fc.oneof(number, fc.constantFrom(-0, 0, 5e-324, Number.MAX_VALUE)))
    fc.assert(
      fc.property(list, (numbers) => {
        const back = JSON.parse(exactJson('a.json', { numbers })) as { numbers: number[] }
        expect(back.numbers.map(bits)).toEqual(numbers.map(bits))
      }),
    )
  })

  it('is what JSON.stringify says, apart from -0 and the spaces', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (document) => {
        // Written by JSON.stringify, -0 is 0 on both sides.
        expect(JSON.stringify(JSON.parse(exactJson('a.json', document)))).toBe(
          JSON.stringify(document),
        )
      }),
    )
  })

  it('keeps the order of keys and gives each top-level key a line of its own', () => {
    const text = exactJson('a.json', { z: 1, a: { y: [1, -0], b: 'x"\n' }, none: null })
    expect(text).toBe('{\n  "z": 1,\n  "a": {"y":[1,-0],"b":"x\\"\\n"},\n  "none": null\n}\n')
    expect(exactJson('a.json', {})).toBe('{}\n')
  })

  it('leaves out properties that are undefined, as JSON does', () => {
    expect(exactJson('a.json', { a: undefined, b: { c: undefined, d: 1 } })).toBe(
      '{\n  "b": {"d":1}\n}\n',
    )
  })

  it.each([
    [{ a: { b: [1, Number.NaN] } }, 'a.json cannot hold NaN at a.b[1]'],
    [{ a: Infinity }, 'a.json cannot hold Infinity at a'],
    [{ a: [undefined] }, 'a.json cannot hold undefined at a[0]'],
    [{ a: Array(1) }, 'a.json cannot hold undefined at a[0]'],
    [{ a: 1n }, 'a.json cannot hold bigint at a'],
    [{ a: () => 1 }, 'a.json cannot hold function at a'],
    [{ a: new Float64Array(1) }, 'a.json at a must be a plain object, found Float64Array'],
    [{ a: new Date(0) }, 'a.json at a must be a plain object, found Date'],
    [{ a: new Map() }, 'a.json at a must be a plain object, found Map'],
    [[1], 'a.json must be a plain object, found Array'],
  ])('refuses what JSON would change or drop in silence: case %#', (document, message) => {
    expect(() => exactJson('a.json', document)).toThrow(
      expect.objectContaining({ code: 'internal', message }),
    )
  })
})
