/** Search spaces: reading, places of settings, grids. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkSpace,
  type Dimension,
  gridOf,
  namesOf,
  placesOf,
  settingAt,
} from '../../../src/pipeline/search/space.ts'
import { bowl } from './functions.ts'

const read = (dimension: object): Dimension => checkSpace({ x: dimension }, 'one').x as Dimension

describe('reading a space', () => {
  test('defaults are filled in and names put in order', () => {
    const space = checkSpace(
      {
        leaves: { kind: 'whole', low: 2, high: 9 },
        'model.l2': { kind: 'number', low: 0.1, high: 10, log: true },
        Bins: { kind: 'choice', options: [63, 255] },
      },
      'some',
    )
    expect(Object.keys(space)).toEqual(['Bins', 'leaves', 'model.l2'])
    expect(space.leaves).toEqual({ kind: 'whole', low: 2, high: 9, log: false, step: 1 })
  })

  test.each([
    [{ kind: 'number', low: 2, high: 1 }, 'x: low must not be above high, found 2 and 1'],
    [{ kind: 'number', low: 0, high: 1, log: true }, 'x: log needs low above 0, found 0'],
    [{ kind: 'number', low: 0 }, 'x.high: '],
    [{ kind: 'number', low: 0, high: Number.NaN }, 'x.high: '],
    [{ kind: 'number', low: -1e308, high: 1e308 }, 'x: high - low is too large for a number'],
    [{ kind: 'whole', low: 0.5, high: 3 }, 'x.low: '],
    [{ kind: 'whole', low: 1, high: 9, step: 0 }, 'x.step: '],
    [{ kind: 'whole', low: 1, high: 9, step: 2, log: true }, 'x: log and step exclude each other'],
    [{ kind: 'choice', options: [] }, 'x.options: '],
    [{ kind: 'choice', options: ['a', 'a'] }, 'x: options must differ from each other'],
    [{ kind: 'choice', options: [null] }, 'x.options.0: expected text, a number or true or false'],
    [{ kind: 'any' }, 'x.kind: expected a mapping with kind: number, whole or choice'],
    [{ kind: 'number', low: 0, high: 1, extra: 1 }, 'extra'],
    [7, 'x: expected a mapping with kind: number, whole or choice'],
  ])('%j is refused with what is wrong', (dimension, fault) => {
    expect(() => checkSpace({ x: dimension }, 'some')).toThrowError(
      expect.objectContaining({
        code: 'recipe_invalid',
        message: expect.stringContaining(fault),
      }),
    )
  })

  test('every fault is told at once', () => {
    const wrong = { a: { kind: 'number', low: 2, high: 1 }, '9': { kind: 'choice', options: [1] } }
    expect(() => checkSpace(wrong, 'some')).toThrowError(/9: names begin.*a: low|a: low.*9: names/)
  })

  test.each([[{}], [null], [[]], ['text']])('%j is no space', (value) => {
    expect(() => checkSpace(value, 'some')).toThrowError(
      expect.objectContaining({ code: 'recipe_invalid' }),
    )
  })
})

describe('places', () => {
  const kinds: Dimension[] = [
    ...Object.values(bowl.space),
    read({ kind: 'number', low: 3, high: 3 }),
    read({ kind: 'whole', low: -7, high: 8, step: 4 }),
    read({ kind: 'choice', options: [true] }),
  ]

  test('a setting lies at the places that it is the setting of, of every kind of dimension', () => {
    const place = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom(...kinds), place, (one, u) => {
        const [from, to] = placesOf(one, settingAt(one, u))
        expect(from).toBeLessThanOrEqual(u + 1e-9)
        expect(to).toBeGreaterThanOrEqual(u - 1e-9)
        expect(settingAt(one, (from + to) / 2)).toSatisfy((again: unknown) => {
          const first = settingAt(one, u)
          if (one.kind !== 'number') return again === first
          return Math.abs(Number(again) - Number(first)) <= 1e-9 * Math.abs(Number(first)) + 1e-9
        })
      }),
    )
  })

  test('whole numbers share the interval evenly, steps that do not fit end below high', () => {
    const one = read({ kind: 'whole', low: -7, high: 8, step: 4 })
    const settings = [0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1].map((u) => settingAt(one, u))
    expect(settings).toEqual([-7, -7, -3, -3, 1, 1, 5, 5])
  })

  test('with log equal ratios share it evenly', () => {
    const one = read({ kind: 'number', low: 1e-4, high: 1, log: true })
    expect(settingAt(one, 0.25)).toBeCloseTo(1e-3, 12)
    expect([settingAt(one, 0), settingAt(one, 1)]).toEqual([1e-4, 1])
  })
})

describe('grids', () => {
  test('hold every combination once, the last name fastest', () => {
    const space = checkSpace(
      {
        b: { kind: 'whole', low: 1, high: 3 },
        a: { kind: 'choice', options: ['x', 'y'] },
        c: { kind: 'number', low: 0.001, high: 0.1, log: true },
      },
      'some',
    )
    const grid = gridOf(space, 3)
    expect(grid.size).toBe(18)
    const points = Array.from({ length: grid.size }, (_, i) => grid.at(i))
    expect(points.slice(0, 4)).toEqual([
      { a: 'x', b: 1, c: 0.001 },
      { a: 'x', b: 1, c: 0.01 },
      { a: 'x', b: 1, c: 0.1 },
      { a: 'x', b: 2, c: 0.001 },
    ])
    expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(18)
    expect(Object.keys(points[0] ?? {})).toEqual(namesOf(space))
  })

  test.each([
    [{ kind: 'number', low: 2, high: 2 }, 5, [2]],
    [{ kind: 'number', low: 0, high: 4 }, 1, [2]],
    [{ kind: 'whole', low: 0, high: 100 }, 3, [0, 50, 100]],
    [{ kind: 'whole', low: 1, high: 64, log: true }, 2, [1, 64]],
    [{ kind: 'whole', low: 0, high: 9, step: 4 }, 9, [0, 4, 8]],
  ])('of %j with %i points are %j', (dimension, count, expected) => {
    const grid = gridOf(checkSpace({ x: dimension }, 'some'), count)
    expect(Array.from({ length: grid.size }, (_, i) => grid.at(i).x)).toEqual(expected)
  })

  test('of very many points are made one at a time', () => {
    const axis = { kind: 'number', low: 0, high: 1 }
    const names = Array.from({ length: 12 }, (_, i) => `x${i}`)
    const grid = gridOf(checkSpace(Object.fromEntries(names.map((n) => [n, axis])), 'some'), 10)
    expect(grid.size).toBe(1e12)
    expect(grid.at(1e12 - 1)).toEqual(Object.fromEntries(names.map((n) => [n, 1])))
  })

  test.each([0, 1.5, Number.NaN])('of %d points per dimension are refused', (count) => {
    expect(() => gridOf(bowl.space, count)).toThrowError(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })
})
