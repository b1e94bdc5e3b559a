import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { indexProfile, type Profile, profileSchema } from '../src/profile.ts'

/** A profile of 10 rides, Mondays at 8 and Sundays at 23. */
const profile: Profile = {
  rides: 10,
  duration: { mean: 12, std: 3, minutes: [0, 4, 6] },
  hour_of_week: Array.from({ length: 168 }, (_, hour) => ({ 8: 7, 167: 3 })[hour] ?? 0),
  pickups: [
    [43, 6],
    [74, 4],
  ],
  dropoffs: [[151, 10]],
  trip_distance: { mean: 2.5, plausible_up_to: 100, edges: [1, 2, 5], counts: [0, 8, 2, 0] },
  pairs: [
    [43, 151, 6, 1.75],
    [74, 151, 4, null],
  ],
}

describe('profileSchema', () => {
  test('takes a profile through JSON', () => {
    expect(profileSchema.parse(JSON.parse(JSON.stringify(profile)))).toEqual(profile)
    const blind = { ...profile, trip_distance: null }
    expect(profileSchema.parse(JSON.parse(JSON.stringify(blind)))).toEqual(blind)
  })

  test.each([
    ['a count below 0', { rides: -1 }],
    ['a count that is no integer', { rides: 1.5 }],
    ['hours that are not 168', { hour_of_week: [1, 2, 3] }],
    ['a mean that is null, as JSON writes NaN', { duration: { ...profile.duration, mean: null } }],
    ['a pair without its distance', { pairs: [[43, 151, 6]] }],
  ])('refuses %s', (_, change) => {
    expect(profileSchema.safeParse({ ...profile, ...change }).success).toBe(false)
  })
})

describe('the distance to expect', () => {
  const index = indexProfile(profile)

  test('is the mean of the pair', () => {
    expect(index.typicalDistance(43, 151)).toEqual({ miles: 1.75, of: 'pair' })
  })

  test('is the mean of all rides for the pair backwards, unseen, or never driven plausibly', () => {
    for (const [from, to] of [
      [151, 43],
      [1, 2],
      [74, 151],
    ] as const) {
      expect(index.typicalDistance(from, to)).toEqual({ miles: 2.5, of: 'all' })
    }
  })

  test('is not known where the model knows nothing of distances', () => {
    const blind = indexProfile({ ...profile, trip_distance: null })
    expect(blind.typicalDistance(43, 151)).toBeUndefined()
    expect(blind.usualDistance).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the usual distance', () => {
  const usual = (edges: number[], counts: number[]): number =>
    indexProfile({ ...profile, trip_distance: { mean: 1, plausible_up_to: 9, edges, counts } })
      .usualDistance

  test.each([
    // By hand: the lowest edge with at most a thousandth of the rides at or above it.
    [[1, 2, 5], [0, 8, 2, 0], 5],
    [[1, 2, 5], [500, 499, 1, 0], 2],
    [[1, 2, 5], [500, 498, 2, 0], 5],
    [[1, 2, 5], [999, 0, 0, 1], 1],
    [[1, 2, 5], [998, 0, 0, 2], Number.POSITIVE_INFINITY],
    [[1, 2, 5], [1000, 0, 0, 0], 1],
    [[1], [999, 1], 1],
  ])('of edges %j and counts %j is %d', (edges, counts, expected) => {
    expect(usual(edges, counts)).toBe(expected)
  })

  test('is passed by at most one ride in a thousand, and no lower edge is', () => {
    const counts = fc.array(fc.oneof(fc.nat(3), fc.nat(3000)), { minLength: 2, maxLength: 9 })
    fc.assert(
      fc.property(counts, (given) => {
        const edges = given.slice(1).map((_, k) => k + 1)
        const all = given.reduce((sum, rides) => sum + rides, 0)
        const above = (edge: number): number =>
          given.slice(edge).reduce((sum, rides) => sum + rides, 0)
        const allowed = edges.filter((edge) => above(edge) <= all / 1000)
        expect(usual(edges, given)).toBe(allowed[0] ?? Number.POSITIVE_INFINITY)
      }),
      { numRuns: 500, seed: 1 },
    )
  })
})

describe('the shares of the hours', () => {
  test('are the rides of each hour of the week over all', () => {
    const { hourShares } = indexProfile(profile)
    expect(hourShares).toHaveLength(168)
    expect([hourShares[8], hourShares[167], hourShares[0]]).toEqual([0.7, 0.3, 0])
    expect(hourShares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
  })
})
