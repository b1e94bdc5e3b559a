import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RidecastError } from '../src/errors.ts'
import { compileFeatures } from '../src/features.ts'
import { checkRecipe, formatRecipe, parseRecipe, recipeColumns } from '../src/recipe.ts'
import type { Recipe } from '../src/recipe-schema.ts'
import { columnNames, rideColumns } from '../src/ride.ts'
import { everyTerm } from './random-rides.ts'

const folder = new URL('../recipes/', import.meta.url)
const shipped = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const textOf = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const standard = textOf('standard.yaml')
const shippedRecipe = (name: string): Recipe =>
  parseRecipe(textOf(`${name}.yaml`), name, [], shippedRecipe)

function refusal(text: string, overrides: readonly string[] = []): string {
  try {
    parseRecipe(text, 'x', overrides)
  } catch (error) {
    if (error instanceof RidecastError) return `${error.code}: ${error.message}`
    throw error
  }
  throw new Error('it was accepted')
}

/** The recipe of a few lines of YAML, named and with a term. */
const small = (...lines: string[]): Recipe =>
  parseRecipe(['name: x', 'categorical: [PULocationID]', ...lines].join('\n'), 'x')

const faultsOf = (...lines: string[]): string =>
  refusal(['name: x', ...lines].join('\n')).replace('recipe_invalid: recipe x is not valid: ', '')

describe('the shipped recipes', () => {
  test.each(shipped)('%s is valid, bears its name and compiles', (name) => {
    const recipe = parseRecipe(textOf(name), name, [], shippedRecipe)
    expect(`${recipe.name}.yaml`).toBe(name)
    expect(recipe.description).not.toBe('')
    expect(recipe.target).toEqual({ column: 'duration', min: 1, max: 60 })
    expect(recipe.allow_leakage).toBe(false)
    expect(compileFeatures(recipe).inputs.length).toBeGreaterThan(1)
  })

  test('the three that the documents speak of are there', () => {
    expect(shipped).toEqual(expect.arrayContaining(['pairs.yaml', 'plain.yaml', 'standard.yaml']))
  })

  test('plain and pairs are the classic ones', () => {
    const { categorical, numeric, l2, filters } = parseRecipe(textOf('plain.yaml'), 'plain')
    expect({ categorical, numeric, l2, filters }).toEqual({
      categorical: ['PULocationID', 'DOLocationID'],
      numeric: ['trip_distance'],
      l2: 0,
      filters: [],
    })
    const pairs = parseRecipe(textOf('pairs.yaml'), 'pairs')
    expect(pairs.categorical).toEqual([
      { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
    ])
  })
})

describe('defaults', () => {
  test('are filled in, every one', () => {
    expect(small()).toEqual({
      name: 'x',
      description: '',
      target: { column: 'duration', min: 1, max: 60 },
      filters: [],
      split: null,
      categorical: ['PULocationID'],
      numeric: [],
      model: 'linear',
      l2: 0,
      allow_leakage: false,
    })
  })

  test('are filled in within what is given', () => {
    const recipe = small('target: { max: 90 }', 'numeric: [{ of: trip_distance }]')
    expect(recipe.target).toEqual({ column: 'duration', min: 1, max: 90 })
    expect(recipe.numeric).toEqual([{ of: 'trip_distance', steps: [] }])
  })

  test('stand in the order of the schema, whatever the order of the file', () => {
    const one = parseRecipe('l2: 3\nnumeric: [trip_distance]\nname: x', 'x')
    const other = parseRecipe('name: x\nnumeric: [trip_distance]\nl2: 3', 'x')
    expect(JSON.stringify(one)).toBe(JSON.stringify(other))
  })
})

describe('faults', () => {
  test('are told all at once, with their places', () => {
    const message = refusal(
      [
        'name: 3x',
        'colour: red',
        'size: 5',
        'target: { min: 60, max: 1, unit: hours }',
        'categorical: [PULocationID, 5, { bin: nope, edges: [1, 1] }]',
        'numeric: [{ of: trip_distance, steps: [clop] }]',
        'filters: [{ column: passenger_count }]',
        'split: { first_rows: 0 }',
        'model: oracle',
        'l2: -1',
        'allow_leakage: maybe',
      ].join('\n'),
    )
    expect(message).toMatch(/^recipe_invalid: recipe x is not valid: /)
    for (const fault of [
      'name: a name has letters',
      'Unrecognized keys: "colour", "size"',
      'target: Unrecognized key: "unit"',
      'target: target.min must be below target.max',
      'categorical.1: ',
      'categorical.2.bin: ',
      'categorical.2.edges: edges must ascend',
      'numeric.0.steps.0: Invalid option: expected one of "log1p"|"sqrt"|"is_zero"',
      'filters.0: expected at least one of above, at_least, below, at_most',
      'split.first_rows: ',
      'model: ',
      'l2: ',
      'allow_leakage: ',
    ]) {
      expect(message).toContain(fault)
    }
  })

  test.each([
    ['', 'expected object'],
    ['[]', 'expected object'],
    ['5', 'expected object'],
    ['categorical: [PULocationID]', 'name: '],
  ])('the text %j is no recipe', (text, fault) => {
    expect(refusal(text)).toMatch(/^recipe_invalid: /)
    expect(refusal(text)).toContain(fault)
  })

  test('a recipe without terms is refused', () => {
    expect(refusal('name: x')).toBe(
      'recipe_invalid: recipe x has no terms: name at least one under categorical or numeric',
    )
  })

  test.each([
    // The branch of the union that is nearest to what was written is the one that complains.
    ['categorical: [{ bin: trip_distance }]', /^categorical\.0\.edges: [^;]*$/],
    ['categorical: [{ product: [PULocationID] }]', /^categorical\.0\.product: Too small[^;]*$/],
    ['categorical: [{ product: [a, { bin: extra }] }]', /^categorical\.0\.product\.1\.edges: /],
    ['numeric: [{ of: nope }]', /^numeric\.0\.of: Invalid option[^;]*$/],
    ['numeric: [nope]', /^numeric\.0: Invalid option[^;]*$/],
    ['numeric: [{ of: extra, steps: [{ clip: [3, 1] }] }]', /^numeric\.0\.steps\.0\.clip: [^;]*$/],
    ['numeric: [{ of: extra, steps: [{ clip: [3] }] }]', /^numeric\.0\.steps\.0\.clip: [^;]*$/],
    [
      'numeric: [{ of: extra, steps: [{ clip: [1, 2], hinge: 3 }] }]',
      /^numeric\.0\.steps\.0: Unrecognized key: "hinge"$/,
    ],
    ['numeric: [trip_distance]\nfilters: [{ column: extra, above: 1, at_least: 2 }]', /exclude/],
    ['numeric: [trip_distance]\nfilters: [{ column: extra, below: 1, at_most: 2 }]', /exclude/],
    ['numeric: [trip_distance]\nl2: .nan', /^l2: /],
    ['numeric: [trip_distance]\nl2: .inf', /^l2: /],
    ['numeric: [trip_distance]\ntarget: { max: .inf }', /^target\.max: /],
  ])('%s is told where it is wrong', (lines, fault) => {
    expect(faultsOf(lines)).toMatch(fault)
  })

  test('a name that is no column but a property of every object is refused on compiling', () => {
    for (const name of ['constructor', 'toString', 'valueOf', 'hasOwnProperty']) {
      for (const spec of [name, { product: ['PULocationID', name] }]) {
        const recipe = checkRecipe({ name: 'x', categorical: [spec] }, 'x')
        expect(recipeColumns(recipe)).not.toContain(name)
        expect(() => compileFeatures(recipe)).toThrow(`recipe x names ${name}, which is no id`)
      }
    }
  })
})

describe('YAML', () => {
  test('a fault of the text is told on one line, with its place', () => {
    expect(refusal('a: [')).toMatch(
      /^recipe_invalid: recipe x is not YAML: [^\n]* at line 1, \S+ 5$/,
    )
    expect(refusal('name: x\nname: y')).toMatch(/is not YAML: Map keys must be unique at line 2/)
    expect(refusal('name: x\n---\nname: y')).toMatch(/is not YAML: /)
  })

  test('aliases are off: ten lines that stand for ten thousand million items cost nothing', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (const [name, before] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg', 'ih', 'ji']) {
      lines.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`)
    }
    expect(refusal(lines.join('\n'))).toMatch(/^recipe_invalid: recipe x is not YAML: Alias/)
    expect(refusal(standard, ['numeric=[&a trip_distance, *a]'])).toMatch(/^usage_invalid: .*Alias/)
  })

  test('a text nested deeper than the stack is a fault like others', () => {
    expect(refusal('['.repeat(20_000))).toMatch(/^recipe_invalid: recipe x is not YAML: /)
  })

  test.each([
    'name: x\ncategorical: [PULocationID]\n__proto__: { l2: 5 }',
    'name: x\ncategorical: [PULocationID]\ntarget: { __proto__: { min: 5 } }',
    'name: x\ncategorical: [{ __proto__: { bin: trip_distance, edges: [1] } }]',
    'name: x\ncategorical: [PULocationID]\nconstructor: { prototype: { l2: 5 } }',
  ])('a key of the prototype is a key like any other: %j', (text) => {
    expect(refusal(text)).toMatch(/^recipe_invalid: .*(__proto__|constructor)/)
    expect(({} as Record<string, unknown>).l2).toBeUndefined()
  })
})

describe('leakage', () => {
  const after = columnNames.filter((name) => rideColumns[name].afterRide)

  test.each(after)(
    '%s is refused as a quantity, in a bin, in a product and in a filter',
    (name) => {
      const bin = { bin: name, edges: [1] }
      const base = { name: 'x', categorical: ['PULocationID'] }
      for (const parts of [
        { numeric: [name] },
        { numeric: [{ of: name, steps: ['log1p'] }] },
        { categorical: [bin] },
        { categorical: [{ product: ['PULocationID', bin] }] },
        { filters: [{ column: name, above: 0 }] },
      ]) {
        const recipe = { ...base, ...parts }
        const fault = expect.objectContaining({
          code: 'recipe_leakage',
          message: expect.stringContaining(`recipe x uses ${name}, known only after the ride`),
        })
        expect(() => checkRecipe(recipe, 'x')).toThrow(fault)
        expect(checkRecipe({ ...recipe, allow_leakage: true }, 'x').allow_leakage).toBe(true)
      }
    },
  )

  test('payment_type as a category is refused too', () => {
    expect(refusal('name: x\ncategorical: [payment_type]')).toMatch(/^recipe_leakage: /)
    expect(refusal('name: x\ncategorical: [{ product: [hour, payment_type] }]')).toMatch(
      /^recipe_leakage: recipe x uses payment_type, /,
    )
  })

  test('all names are told at once, each once', () => {
    expect(
      refusal(
        'name: x\ncategorical: [payment_type]\nnumeric: [tip_amount, fare_amount]\nfilters: [{ column: tip_amount, above: 0 }]',
      ),
    ).toMatch(/^recipe_leakage: recipe x uses payment_type, tip_amount, fare_amount, known only/)
  })

  test('what is known before is not', () => {
    const before = columnNames.filter((name) => !rideColumns[name].afterRide)
    expect(checkRecipe({ name: 'x', numeric: before }, 'x').numeric).toEqual(before)
  })
})

describe('overrides', () => {
  const overridden = (...overrides: string[]): Recipe => parseRecipe(standard, 'x', overrides)

  test('replace a value at any depth', () => {
    expect(overridden('l2=5').l2).toBe(5)
    expect(overridden('target.max=90').target).toEqual({ column: 'duration', min: 1, max: 90 })
    expect(overridden('split.first_rows=10').split).toEqual({ first_rows: 10 })
    expect(overridden('split.first_rows=10', 'split=null').split).toBeNull()
    expect(overridden('numeric.0=trip_distance').numeric[0]).toBe('trip_distance')
    expect(overridden('numeric.0.steps.0.clip.1=40').numeric[0]).toEqual({
      name: 'distance',
      of: 'trip_distance',
      steps: [{ clip: [0, 40] }],
    })
    expect(overridden('description=a = b').description).toBe('a = b')
    expect(overridden('categorical=[hour, weekday]').categorical).toEqual(['hour', 'weekday'])
  })

  test('append to a list at its end', () => {
    expect(overridden('categorical.4=VendorID').categorical.at(-1)).toBe('VendorID')
    expect(
      overridden('categorical.4=VendorID', 'categorical.5=trip_type').categorical,
    ).toHaveLength(6)
  })

  test('are applied in order', () => {
    expect(overridden('l2=5', 'l2=6').l2).toBe(6)
  })

  test('leave everything else as it was', () => {
    expect({ ...overridden('l2=5'), l2: 3 }).toEqual(parseRecipe(standard, 'x'))
  })

  test.each([
    'l2',
    '',
    '=5',
    'l2=[',
    'l2={a',
    'numeric.=trip_distance',
    'numeric.5=trip_distance',
    'numeric.-1=trip_distance',
    'numeric.0x1=trip_distance',
    'numeric.1e0=trip_distance',
    'numeric. 1=trip_distance',
    'numeric.first=trip_distance',
  ])('%j is wrong usage', (override) => {
    expect(refusal(standard, [override])).toMatch(/^usage_invalid: override "/)
    expect(refusal(standard, [override])).not.toContain('\n')
  })

  test.each([
    'l2=-1',
    'l2=five',
    'l2=',
    'l2.x=5',
    'lambda=5',
    'target.min=100',
    '__proto__.l2=5',
    'target.__proto__.min=5',
    'constructor.prototype.l2=5',
  ])('%j gives a recipe that is not valid', (override) => {
    expect(refusal(standard, [override])).toMatch(/^recipe_invalid: /)
    expect(({} as Record<string, unknown>).l2).toBeUndefined()
  })

  test('cannot bring in leakage unseen', () => {
    expect(refusal(standard, ['numeric.0=fare_amount'])).toMatch(/^recipe_leakage: /)
  })
})

describe('formatRecipe', () => {
  test.each([
    ...shipped.map((name) => parseRecipe(textOf(name), name, [], shippedRecipe)),
    everyTerm,
  ])('what it writes of $name reads as the same recipe', (recipe) => {
    expect(parseRecipe(formatRecipe(recipe), 'again')).toEqual(recipe)
  })

  test('writes no aliases, even where parts are one object', () => {
    const steps = ['log1p']
    const term = { of: 'trip_distance', steps }
    const recipe = checkRecipe(
      { name: 'x', numeric: [{ of: 'trip_distance' }, { of: 'extra' }], allow_leakage: true },
      'x',
    )
    const shared = { ...recipe, numeric: [term, term] } as Recipe
    for (const given of [recipe, shared]) {
      expect(parseRecipe(formatRecipe(given), 'again')).toEqual(given)
    }
  })

  test('keeps any text and any number', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom('null', 'true', 'y', 'NaN', 'e1', 'x'),
        (description, l2, name) => {
          // JSON has no -0, and neither has a recipe that was stored.
          const recipe = checkRecipe(
            { name, description, l2: l2 + 0, numeric: ['trip_distance'] },
            name,
          )
          expect(parseRecipe(formatRecipe(recipe), 'again')).toEqual(recipe)
        },
      ),
      { numRuns: 150, seed: 2 },
    )
  })
})
