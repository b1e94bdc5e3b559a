import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareByCodePoint } from '../src/code-point.ts'
import { type ErrorCode, isRidecastError } from '../src/errors.ts'
import type { SparseRows } from '../src/sparse-rows.ts'
import { DictVectorizer, type FeatureRow, type FeatureValue } from '../src/vectorizer.ts'

/** The matrix with its zeros. */
function dense(matrix: SparseRows): number[][] {
  return Array.from({ length: matrix.rows }, (_, row) => {
    const cells = new Array<number>(matrix.columns).fill(0)
    for (let k = matrix.indptr[row]!; k < matrix.indptr[row + 1]!; k++) {
      cells[matrix.indices[k]!]! += matrix.values[k]!
    }
    return cells
  })
}

/** The message of the error of that code which `act` throws. */
function refusal(code: ErrorCode, act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (isRidecastError(error, code)) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}

/** What TypeScript refuses, as it comes out of a JSON body. */
const untyped = (row: unknown): FeatureRow => row as FeatureRow

describe("scikit-learn's documented examples", () => {
  // https://scikit-learn.org/stable/modules/generated/sklearn.feature_extraction.DictVectorizer.html
  test('numbers: the example of the class', () => {
    const vectorizer = new DictVectorizer()
    const matrix = vectorizer.fitTransform([
      { foo: 1, bar: 2 },
      { foo: 3, baz: 1 },
    ])
    expect(dense(matrix)).toEqual([
      [2, 0, 1],
      [0, 1, 3],
    ])
    expect(vectorizer.inverseTransform(matrix)).toEqual([
      { bar: 2, foo: 1 },
      { baz: 1, foo: 3 },
    ])
    expect(dense(vectorizer.transform({ foo: 4, unseen_feature: 3 }))).toEqual([[0, 0, 4]])
  })

  test('numbers: the example of restrict keeps what a selector chose', () => {
    const vectorizer = new DictVectorizer().fit([
      { foo: 1, bar: 2 },
      { foo: 3, baz: 1 },
    ])
    expect(vectorizer.restrict([true, false, true])).toBe(vectorizer)
    expect(vectorizer.featureNames()).toEqual(['bar', 'foo'])
  })

  // https://scikit-learn.org/stable/modules/feature_extraction.html#loading-features-from-dicts
  test('a category and a number: the measurements of the user guide', () => {
    const vectorizer = new DictVectorizer()
    const matrix = vectorizer.fitTransform([
      { city: 'Dubai', temperature: 33 },
      { city: 'London', temperature: 12 },
      { city: 'San Francisco', temperature: 18 },
    ])
    expect(dense(matrix)).toEqual([
      [1, 0, 0, 33],
      [0, 1, 0, 12],
      [0, 0, 1, 18],
    ])
    expect(vectorizer.featureNames()).toEqual([
      'city=Dubai',
      'city=London',
      'city=San Francisco',
      'temperature',
    ])
  })

  test('several categories of one feature: the movies of the user guide', () => {
    const vectorizer = new DictVectorizer()
    const matrix = vectorizer.fitTransform([
      { category: ['thriller', 'drama'], year: 2003 },
      { category: ['animation', 'family'], year: 2011 },
      { year: 1974 },
    ])
    expect(dense(matrix)).toEqual([
      [0, 1, 0, 1, 2003],
      [1, 0, 1, 0, 2011],
      [0, 0, 0, 0, 1974],
    ])
    expect(vectorizer.featureNames()).toEqual([
      'category=animation',
      'category=drama',
      'category=family',
      'category=thriller',
      'year',
    ])
    const unseen = vectorizer.transform({ category: ['thriller'], unseen_feature: '3' })
    expect(dense(unseen)).toEqual([[0, 0, 0, 1, 0]])
  })

  test('texts only: the window of words of the user guide', () => {
    const vectorizer = new DictVectorizer()
    const window = {
      'word-2': 'the',
      'pos-2': 'DT',
      'word-1': 'cat',
      'pos-1': 'NN',
      'word+1': 'on',
      'pos+1': 'PP',
    }
    expect(dense(vectorizer.fitTransform([window]))).toEqual([[1, 1, 1, 1, 1, 1]])
    expect(vectorizer.featureNames()).toEqual([
      'pos+1=PP',
      'pos-1=NN',
      'pos-2=DT',
      'word+1=on',
      'word-1=cat',
      'word-2=the',
    ])
  })
})

interface GoldenMatrix {
  readonly rows: number
  readonly columns: number
  readonly indptr: readonly number[]
  readonly indices: readonly number[]
  readonly values: readonly (number | string)[]
}

interface Golden {
  readonly options: { readonly separator: string; readonly sort: boolean }
  readonly fit: readonly FeatureRow[]
  readonly transform: readonly FeatureRow[]
  readonly feature_names: readonly string[]
  readonly vocabulary: readonly (readonly [string, number])[]
  readonly fitted: GoldenMatrix
  readonly transformed: GoldenMatrix
  readonly fitted_inverse: readonly Record<string, number>[] | { readonly error: string }
  readonly transformed_inverse: readonly Record<string, number>[] | { readonly error: string }
  readonly restrict?: boolean[] | number[]
  readonly restricted_names?: readonly string[]
  readonly restricted?: GoldenMatrix
}

function expectMatrix(actual: SparseRows, golden: GoldenMatrix): void {
  expect(actual).toEqual({
    rows: golden.rows,
    columns: golden.columns,
    indptr: Int32Array.from(golden.indptr),
    indices: Int32Array.from(golden.indices),
    // Only NaN and infinities are written as text there.
    values: Float64Array.from(golden.values, Number),
  })
}

function expectInverse(
  vectorizer: DictVectorizer,
  matrix: SparseRows,
  golden: Golden['fitted_inverse'],
): void {
  if (!('error' in golden)) expect(vectorizer.inverseTransform(matrix)).toEqual(golden)
  else if (golden.error.includes('0 feature(s)')) {
    // The one place where scikit-learn refuses and we need not: rows without features.
    expect(vectorizer.inverseTransform(matrix)).toEqual(Array(matrix.rows).fill({}))
  } else refusal('input_invalid', () => vectorizer.inverseTransform(matrix))
}

describe('what scikit-learn answers (tests/golden/vectorizer)', () => {
  const folder = new URL('./golden/vectorizer/', import.meta.url)
  const cases = readdirSync(folder).filter((file) => file.endsWith('.json'))

  test('has its cases', () => {
    expect(cases).toContain('unicode.json')
  })

  test.each(cases)('%s', (file) => {
    const golden = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden
    const vectorizer = new DictVectorizer(golden.options)
    const fitted = vectorizer.fitTransform(golden.fit)
    expect(vectorizer.featureNames()).toEqual(golden.feature_names)
    expect(new Map(vectorizer.vocabulary)).toEqual(new Map(golden.vocabulary))
    expectMatrix(fitted, golden.fitted)
    expectInverse(vectorizer, fitted, golden.fitted_inverse)

    const apart = new DictVectorizer(golden.options).fit(golden.fit)
    expect(apart.featureNames()).toEqual(golden.feature_names)
    expectMatrix(apart.transform(golden.fit), golden.fitted)
    const transformed = apart.transform(golden.transform)
    expectMatrix(transformed, golden.transformed)
    expectInverse(apart, transformed, golden.transformed_inverse)

    if (golden.restrict && golden.restricted) {
      apart.restrict(golden.restrict)
      expect(apart.featureNames()).toEqual(golden.restricted_names)
      expectMatrix(apart.transform(golden.transform), golden.restricted)
    }
  })
})

describe('columns', () => {
  const zones = [
    { PULocationID: '9' },
    { PULocationID: '43' },
    { PULocationID: '10', trip_distance: 1.01 },
  ]

  test('zones sort as text, not as numbers', () => {
    const vectorizer = new DictVectorizer().fit(zones)
    expect(vectorizer.featureNames()).toEqual([
      'PULocationID=10',
      'PULocationID=43',
      'PULocationID=9',
      'trip_distance',
    ])
    expect(vectorizer.columnOf('PULocationID=43')).toBe(1)
    expect(vectorizer.columnOf('PULocationID')).toBeUndefined()
    expect(vectorizer.columnOf('constructor')).toBeUndefined()
  })

  test('known names make the vectorizer that fitting on rows makes, whatever their order', () => {
    const fitted = new DictVectorizer().fit(zones)
    const names = ['trip_distance', ...fitted.featureNames()].reverse()
    const known = DictVectorizer.fromFeatureNames(new Set(names))
    expect(known.toJSON()).toEqual(fitted.toJSON())
    expect(DictVectorizer.fromFeatureNames(names).featureNames()).toEqual(fitted.featureNames())
  })

  test('known names keep their order when asked to, and take a separator', () => {
    const options = { sort: false, separator: ':' }
    const vectorizer = DictVectorizer.fromFeatureNames(['z', 'a:x', 'z', 'b'], options)
    expect(vectorizer.featureNames()).toEqual(['z', 'a:x', 'b'])
    expect(dense(vectorizer.transform({ a: 'x', b: 2 }))).toEqual([[0, 1, 2]])
  })

  test('fitting again forgets the columns learned before, and the names given out stay', () => {
    const vectorizer = new DictVectorizer().fit(zones)
    const before = vectorizer.featureNames()
    vectorizer.fit({ other: 1 })
    expect(vectorizer.featureNames()).toEqual(['other'])
    expect(before).toHaveLength(4)
    expect(Object.isFrozen(before)).toBe(true)
  })

  test('indices restrict in the order given, out of any array of numbers', () => {
    const vectorizer = new DictVectorizer().fit(zones).restrict(Int32Array.of(3, 0))
    expect(vectorizer.featureNames()).toEqual(['trip_distance', 'PULocationID=10'])
    expect([...vectorizer.vocabulary]).toEqual([
      ['trip_distance', 0],
      ['PULocationID=10', 1],
    ])
    expect(vectorizer.restrict([]).featureNames()).toEqual([])
  })

  test('a support that does not fit is refused, and the columns stay', () => {
    const vectorizer = new DictVectorizer().fit(zones)
    for (const support of [[true], [4], [-1], [0.5], [0, 0], [Number.NaN]]) {
      const message = refusal('internal', () => vectorizer.restrict(support as number[]))
      expect(message).toMatch(/support does not fit the 4 columns/)
    }
    expect(vectorizer.featureNames()).toHaveLength(4)
  })

  test('nothing is fitted by constructing', () => {
    const vectorizer = new DictVectorizer()
    const matrix = new DictVectorizer().fitTransform(zones)
    for (const act of [
      () => vectorizer.transform(zones),
      () => vectorizer.inverseTransform(matrix),
      () => vectorizer.restrict([0]),
      () => vectorizer.featureNames(),
      () => vectorizer.vocabulary,
      () => vectorizer.columnOf('a'),
      () => JSON.stringify(vectorizer),
    ]) {
      expect(refusal('internal', act)).toMatch(/vectorizer is not fitted/)
    }
  })
})

describe('rows', () => {
  test('an object, an undefined, a bigint or a function as a value is refused by name', () => {
    const values = [{ a: 1 }, undefined, 10n, () => 1, Symbol('s'), new Date(0), new Map()]
    for (const value of values) {
      const rows = [{ a: 1 }, untyped({ a: 1, 'the zone': value })]
      const vectorizer = DictVectorizer.fromFeatureNames(['a'])
      for (const act of [
        () => vectorizer.fit(rows),
        () => vectorizer.transform(rows),
        () => vectorizer.fitTransform(rows),
      ]) {
        expect(refusal('input_invalid', act)).toMatch(
          /^feature "the zone" of row 1 is (an? |undefined)/,
        )
      }
      expect(vectorizer.featureNames()).toEqual(['a'])
    }
  })

  test('an array with anything but texts is refused by name', () => {
    for (const value of [[1, 'three'], ['a', null], [['a']], [undefined], new Array(1), [true]]) {
      const row = untyped({ foo: value })
      for (const act of [
        () => new DictVectorizer().fit(row),
        () => new DictVectorizer().fitTransform(row),
        () => DictVectorizer.fromFeatureNames([]).transform(row),
      ]) {
        expect(refusal('input_invalid', act)).toMatch(/^feature "foo" of row 0 has .* in its array/)
      }
    }
  })

  test('a row that is no object of features is refused by number', () => {
    for (const row of [null, 'text', 3, undefined, ['a'], new Map([['a', 1]])]) {
      const rows = [{}, untyped(row)]
      expect(refusal('input_invalid', () => new DictVectorizer().fit(rows))).toMatch(/^row 1 is /)
    }
  })

  test('no rows at all can be fitted but not transformed', () => {
    const vectorizer = new DictVectorizer().fit([])
    expect(vectorizer.featureNames()).toEqual([])
    expect(dense(vectorizer.transform({ a: 1 }))).toEqual([[]])
    expect(refusal('input_invalid', () => vectorizer.transform([]))).toMatch(/rows are empty/)
    expect(refusal('input_invalid', () => new DictVectorizer().fitTransform([]))).toMatch(/empty/)
  })

  test('a generator is read once', () => {
    let made = 0
    function* rides(): Generator<FeatureRow> {
      for (const zone of ['b', 'a', 'b']) {
        made++
        yield { zone }
      }
    }
    const matrix = new DictVectorizer().fitTransform(rides())
    expect(made).toBe(3)
    expect(dense(matrix)).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
    ])
  })

  test('inherited properties are no features', () => {
    const row = Object.assign(Object.create({ inherited: 1 }), { own: 2 }) as FeatureRow
    expect(new DictVectorizer().fit(row).featureNames()).toEqual(['own'])
  })

  test('a given zero is stored, and not found again by the inverse', () => {
    const vectorizer = new DictVectorizer()
    const matrix = vectorizer.fitTransform({ a: 0, b: false, c: 1 })
    expect(matrix.values).toEqual(Float64Array.of(0, 0, 1))
    expect(vectorizer.inverseTransform(matrix)).toEqual([{ c: 1 }])
  })

  test('what is missing or infinite cannot be inverted, as in scikit-learn', () => {
    const vectorizer = DictVectorizer.fromFeatureNames(['a', 'b'])
    for (const b of [null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const matrix = vectorizer.transform([{ a: 1 }, { a: 1, b }])
      const message = refusal('input_invalid', () => vectorizer.inverseTransform(matrix))
      expect(message).toMatch(/^column "b" of row 1 is (NaN|-?Infinity):/)
    }
  })

  test('a matrix of another width cannot be inverted', () => {
    const narrow = DictVectorizer.fromFeatureNames(['a']).transform({ a: 1 })
    const wide = DictVectorizer.fromFeatureNames(['a', 'b'])
    expect(refusal('internal', () => wide.inverseTransform(narrow))).toMatch(/has 1 columns/)
  })
})

describe('JSON', () => {
  test('the document has the kind, the separator and the names in order', () => {
    const vectorizer = new DictVectorizer({ sort: false }).fit([{ b: 1, a: '43' }])
    expect(JSON.stringify(vectorizer)).toBe(
      '{"kind":"dict-vectorizer","separator":"=","feature_names":["b","a=43"]}',
    )
  })

  test('the order of a document is kept, sorted or not', () => {
    const document = { kind: 'dict-vectorizer', separator: '::', feature_names: ['b', 'a::43'] }
    const vectorizer = DictVectorizer.fromJSON(document)
    expect(vectorizer.toJSON()).toEqual(document)
    expect(dense(vectorizer.transform({ a: '43', b: 2 }))).toEqual([[2, 1]])
  })

  test('a document that changes afterwards does not change the vectorizer', () => {
    const names = ['a', 'b']
    const document = { kind: 'dict-vectorizer', separator: '=', feature_names: names }
    const vectorizer = DictVectorizer.fromJSON(document)
    names[0] = 'c'
    expect(vectorizer.featureNames()).toEqual(['a', 'b'])
  })

  test('anything else is refused, and where it is wrong is said', () => {
    const good = { kind: 'dict-vectorizer', separator: '=', feature_names: ['a'] }
    const faults: [unknown, RegExp][] = [
      [null, /its root/],
      ['{}', /its root/],
      [[], /its root/],
      [{ ...good, kind: 'pickle' }, /at kind/],
      [{ kind: good.kind, feature_names: [] }, /at separator/],
      [{ ...good, feature_names: { 0: 'a' } }, /at feature_names/],
      [{ ...good, feature_names: ['a', 7] }, /at feature_names\.1/],
      [{ ...good, feature_names: ['a', 'b', 'a'] }, /has column "a" twice/],
      [{ ...good, sort: true }, /sort/],
    ]
    for (const [document, expected] of faults) {
      const message = refusal('artifact_corrupt', () => DictVectorizer.fromJSON(document))
      expect(message).toMatch(/^vectorizer document /)
      expect(message).toMatch(expected)
    }
  })
})

describe('properties', () => {
  // Awkward on purpose, few enough to meet again in other rows; none holds the separator, so two
  // features never meet in one column and sums of fractions do not depend on the order of keys.
  const awkward = [
    '__proto__',
    'constructor',
    '',
    '0',
    '9',
    '10',
    'é',
    'ﬁ',
    '😀',
    '\ud83d',
    '\uffff',
  ]
  const text = fc.oneof(
    fc.constantFrom(...awkward),
    fc.string({ unit: 'binary', maxLength: 3 }).map((s) => s.replaceAll('=', '')),
  )
  const finite = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  const value = (number: fc.Arbitrary<number | null>): fc.Arbitrary<FeatureValue> =>
    fc.oneof(text, number, fc.boolean(), fc.array(text, { maxLength: 4 }))
  const pairs = (of: fc.Arbitrary<FeatureValue>): fc.Arbitrary<[string, FeatureValue][]> =>
    fc.uniqueArray(fc.tuple(text, of), { selector: ([name]) => name, maxLength: 6 })
  const anyNumber = fc.oneof(finite, fc.constantFrom(null, Number.NaN, Infinity))
  const rowPairs = fc.array(pairs(value(anyNumber)), { minLength: 1, maxLength: 8 })
  const rows = rowPairs.map((all): FeatureRow[] => all.map((row) => Object.fromEntries(row)))
  const finiteRows = fc
    .array(pairs(value(finite)), { minLength: 1, maxLength: 8 })
    .map((all): FeatureRow[] => all.map((row) => Object.fromEntries(row)))

  test('fitTransform is fit and then transform', () => {
    fc.assert(
      fc.property(rows, fc.boolean(), (given, sort) => {
        const apart = new DictVectorizer({ sort }).fit(given)
        const together = new DictVectorizer({ sort })
        expect(together.fitTransform(given)).toEqual(apart.transform(given))
        expect(together.toJSON()).toEqual(apart.toJSON())
      }),
    )
  })

  test('the matrix is well formed: each column of a row once, ascending, within the width', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const { indptr, indices, values, columns, ...rest } = new DictVectorizer().fitTransform(
          given,
        )
        expect(rest.rows).toBe(given.length)
        expect(indptr[0]).toBe(0)
        expect(indptr.at(-1)).toBe(values.length)
        expect(indices.length).toBe(values.length)
        for (let row = 0; row < given.length; row++) {
          const inRow = [...indices.slice(indptr[row], indptr[row + 1])]
          expect(inRow).toEqual([...new Set(inRow)].sort((a, b) => a - b))
          expect(inRow.every((column) => column >= 0 && column < columns)).toBe(true)
        }
      }),
    )
  })

  test('a row sums to its numbers and the count of its texts', () => {
    const small: fc.Arbitrary<FeatureValue> = value(fc.integer({ min: -1000, max: 1000 }))
    fc.assert(
      fc.property(pairs(small), (given) => {
        const row = Object.fromEntries(given)
        const expected = Object.keys(row).reduce((sum, name) => {
          const cell = row[name] as FeatureValue
          if (typeof cell === 'string') return sum + 1
          return sum + (typeof cell === 'object' ? (cell?.length ?? 0) : Number(cell))
        }, 0)
        const { values } = new DictVectorizer().fitTransform(row)
        expect(values.reduce((sum, cell) => sum + cell, 0)).toBe(expected)
      }),
    )
  })

  test('the order of the keys of a row does not matter', () => {
    fc.assert(
      fc.property(rowPairs, (given) => {
        const forward = given.map((row): FeatureRow => Object.fromEntries(row))
        const backward = given.map((row): FeatureRow => Object.fromEntries(row.toReversed()))
        const one = new DictVectorizer()
        const two = new DictVectorizer()
        expect(one.fitTransform(forward)).toEqual(two.fitTransform(backward))
        expect(one.toJSON()).toEqual(two.toJSON())
      }),
    )
  })

  test('fitting on shuffled rows gives the same names', () => {
    const shuffled = rows.chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.shuffledSubarray(given, { minLength: given.length, maxLength: given.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([given, other]) => {
        expect(new DictVectorizer().fit(other).featureNames()).toEqual(
          new DictVectorizer().fit(given).featureNames(),
        )
      }),
    )
  })

  test('names ascend by code point, as the bytes of UTF-32 do', () => {
    const points = (name: string): Buffer => {
      const all = Array.from(name, (character) => character.codePointAt(0) as number)
      const bytes = Buffer.alloc(4 * all.length)
      for (const [i, point] of all.entries()) bytes.writeUInt32BE(point, 4 * i)
      return bytes
    }
    fc.assert(
      fc.property(fc.array(text), (names) => {
        const expected = [...new Set(names)].sort((a, b) => Buffer.compare(points(a), points(b)))
        expect(DictVectorizer.fromFeatureNames(names).featureNames()).toEqual(expected)
      }),
    )
  })

  test('the comparison agrees with UTF-32 on any units, halves of pairs included', () => {
    const unit = fc.constantFrom('a', '\ud800', '\ud801', '\udc00', '\udc01', '\ue000', '\uffff')
    const units = fc.array(unit, { maxLength: 4 }).map((all) => all.join(''))
    const reference = (a: string, b: string): number => {
      const [left, right] = [Array.from(a), Array.from(b)]
      const at = left.findIndex((character, i) => character !== right[i])
      if (at < 0) return left.length - right.length
      return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1)
    }
    fc.assert(
      fc.property(units, units, (a, b) => {
        expect(Math.sign(compareByCodePoint(a, b))).toBe(Math.sign(reference(a, b)))
      }),
      { numRuns: 2000 },
    )
  })

  test('what the inverse gives back transforms to the same numbers', () => {
    fc.assert(
      fc.property(finiteRows, (given) => {
        const vectorizer = new DictVectorizer()
        const matrix = vectorizer.fitTransform(given)
        const back = vectorizer.inverseTransform(matrix)
        // Zeros that were given are left out by the inverse, and a -0 comes back as 0.
        const plain = (cells: number[][]) => cells.map((row) => row.map((cell) => cell + 0))
        expect(plain(dense(vectorizer.transform(back)))).toEqual(plain(dense(matrix)))
        expect(vectorizer.inverseTransform(vectorizer.transform(back))).toEqual(back)
      }),
    )
  })

  test('unseen features change nothing', () => {
    fc.assert(
      fc.property(rows, rows, (given, more) => {
        const vectorizer = new DictVectorizer().fit(given)
        const known = new Set(vectorizer.featureNames())
        const { values } = vectorizer.transform(more)
        const seen = new DictVectorizer().fit(more)
        seen.restrict(seen.featureNames().map((name) => known.has(name)))
        expect(seen.transform(more).values).toEqual(values)
        const extended = more.map((row): FeatureRow => ({ ...row, 'unseen=': 1, unseen: ['x'] }))
        expect(vectorizer.transform(extended)).toEqual(vectorizer.transform(more))
      }),
    )
  })

  test('JSON brings back the same vectorizer, to the byte', () => {
    fc.assert(
      fc.property(rows, fc.boolean(), fc.string(), (given, sort, separator) => {
        const vectorizer = new DictVectorizer({ sort, separator }).fit(given)
        const json = JSON.stringify(vectorizer)
        const loaded = DictVectorizer.fromJSON(JSON.parse(json))
        expect(JSON.stringify(loaded)).toBe(json)
        expect(loaded.featureNames()).toEqual(vectorizer.featureNames())
        expect(loaded.transform(given)).toEqual(vectorizer.transform(given))
      }),
    )
  })

  test('rows are not changed', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const before = structuredClone(given)
        for (const row of given) {
          for (const cell of Object.values(row)) if (typeof cell === 'object') Object.freeze(cell)
          Object.freeze(row)
        }
        const vectorizer = new DictVectorizer()
        vectorizer.fitTransform(Object.freeze(given))
        vectorizer.fit(given).transform(given)
        expect(given).toEqual(before)
      }),
    )
  })
})
