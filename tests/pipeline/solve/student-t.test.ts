import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  incompleteBeta,
  logGamma,
  studentQuantile,
  twoSidedP,
} from '../../../src/pipeline/solve/student-t.ts'

const relative = (found: number, expected: number): number => Math.abs(found / expected - 1)

// SciPy 1.17.1: 2 * stats.t.sf(t, degrees).
const tails: [number, number[]][] = [
  [
    1,
    [
      0.936548965138893, 0.5000000000000001, 0.2951672353008665, 0.1256659163780024,
      0.052929352119179755,
    ],
  ],
  [
    2,
    [
      0.9294654384141402, 0.4226497308103742, 0.18350341907227397, 0.037749551350623724,
      0.00687293367715846,
    ],
  ],
  [
    5,
    [
      0.9242301411546604, 0.3632174676491229, 0.10193947882985835, 0.004104715980053323,
      7.089492517161522e-5,
    ],
  ],
  [
    10,
    [
      0.9223207185644082, 0.34089313230206, 0.07338803477074037, 0.0005373336027564527,
      2.921408824769984e-7,
    ],
  ],
  [
    30,
    [
      0.9210096117902712, 0.3253086154260302, 0.054625044962983094, 2.32966854670078e-5,
      5.580185415199261e-13,
    ],
  ],
  [
    120,
    [
      0.9205111993156699, 0.31932272386442107, 0.047758527340328406, 1.97819058045396e-6,
      2.7847497704371016e-22,
    ],
  ],
  [
    73_404,
    [
      0.9203445985382706, 0.31731380427592165, 0.04550394157849245, 5.746208676582583e-7,
      3.81633127054856e-33,
    ],
  ],
]

// SciPy 1.17.1: stats.t.ppf((1 + level) / 2, degrees); the first two digits stand in every table.
const quantiles: [number, number[]][] = [
  [
    1,
    [
      1.0000000000000002, 6.313751514675037, 12.706204736174694, 63.656741162871526,
      636.6192487687897,
    ],
  ],
  [
    2,
    [
      0.8164965809277261, 2.9199855803537242, 4.302652729749462, 9.924843200918287,
      31.599054576445365,
    ],
  ],
  [
    5,
    [
      0.7266868438004226, 2.0150483733330233, 2.5705818356363146, 4.032142983555228,
      6.868826625881276,
    ],
  ],
  [
    10,
    [
      0.6998120613124317, 1.8124611228116756, 2.228138851986274, 3.16927267261695,
      4.586893858702708,
    ],
  ],
  [
    30,
    [
      0.6827556933212927, 1.697260886593957, 2.0422724563012378, 2.7499956535672254,
      3.6459586350420627,
    ],
  ],
  [
    120,
    [
      0.6765397249125205, 1.6576508993552352, 1.9799304050824402, 2.6174211451068654,
      3.373453768562533,
    ],
  ],
  [
    73_404,
    [
      0.6744930924663812, 1.6448743858814423, 1.9599963030742256, 2.5758962844758106,
      3.2906592867571627,
    ],
  ],
]

describe("Student's t", () => {
  test.each(tails)('with %d degrees of freedom has the tails of SciPy', (degrees, expected) => {
    ;[0.1, 1, 2, 5, 12].forEach((t, k) => {
      expect(relative(twoSidedP(t, degrees), expected[k] as number)).toBeLessThan(1e-11)
      expect(twoSidedP(-t, degrees)).toBe(twoSidedP(t, degrees))
    })
  })

  test.each(quantiles)('with %d degrees of freedom has its quantiles', (degrees, expected) => {
    ;[0.5, 0.9, 0.95, 0.99, 0.999].forEach((level, k) => {
      expect(relative(studentQuantile(level, degrees), expected[k] as number)).toBeLessThan(1e-11)
    })
  })

  test('has quantiles that leave what lies outside the level', () => {
    const levels = fc.double({ min: 0.01, max: 0.9999, noNaN: true })
    fc.assert(
      fc.property(levels, fc.integer({ min: 1, max: 1_000_000 }), (level, degrees) => {
        const outside = twoSidedP(studentQuantile(level, degrees), degrees)
        expect(relative(outside, 1 - level)).toBeLessThan(1e-8)
      }),
      { seed: 1, numRuns: 300, endOnFailure: true },
    )
  })

  test('has the ends right', () => {
    expect([twoSidedP(0, 5), twoSidedP(Number.POSITIVE_INFINITY, 5)]).toEqual([1, 0])
    expect([twoSidedP(Number.NaN, 5), twoSidedP(1, 0)]).toEqual([Number.NaN, Number.NaN])
  })
})

describe('the incomplete beta function', () => {
  // SciPy 1.17.1: special.betainc; the second is 0.5248 by hand.
  test.each([
    [0.5, 0.5, 0.3, 0.36901011956554536],
    [2, 3, 0.4, 0.5248],
    [10, 0.5, 0.99, 0.6579281751567845],
    [100, 200, 0.3, 0.10884306564490986],
    [1e5, 0.5, 0.9999, 7.74036967094646e-6],
  ])('with a = %d, b = %d at %d is that of SciPy', (a, b, x, expected) => {
    expect(relative(incompleteBeta(a, b, x), expected)).toBeLessThan(1e-10)
    expect(incompleteBeta(b, a, 1 - x)).toBeCloseTo(1 - expected, 10)
  })

  test('is 0 and 1 at its ends', () => {
    expect([incompleteBeta(2, 3, 0), incompleteBeta(2, 3, 1)]).toEqual([0, 1])
  })
})

// SciPy 1.17.1: special.gammaln.
test.each([
  [0.1, 2.252712651734206],
  [0.5, 0.5723649429247],
  [1.5, -0.12078223763524526],
  [4, 1.791759469228055],
  [10, 12.801827480081469],
  [25, 54.78472939811232],
  [1000, 5905.220423209181],
])('the logarithm of Gamma(%d) is that of SciPy', (x, expected) => {
  expect(relative(logGamma(x), expected)).toBeLessThan(1e-12)
})
