import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isRidecastError } from '../../src/errors.ts'
import { parseFilter, serverFilter } from '../../src/tracking/filter.ts'
import { parseField } from '../../src/tracking/filter-field.ts'
import { isLike } from '../../src/tracking/filter-like.ts'
import { matches } from '../../src/tracking/filter-match.ts'
import type { RunSummary } from '../../src/tracking/tracker.ts'

const run: RunSummary = {
  id: '20210301T081500-3fa2c1',
  experiment: 'nyc-green',
  name: 'a run',
  status: 'finished',
  startedAt: '2021-03-01T08:15:00.250Z',
  endedAt: '2021-03-01T08:15:01.750Z',
  error: null,
  parent: '20210301T081400-aaaaaa',
  commit: { hash: 'c0ffee', modified: true },
  user: 'me',
  source: 'ridecast train 2021-01',
  tags: { developer: 'you', 'team.name': 'Rides', '%': 'ünder_score' },
  parameters: { taxi: 'green', l2: '0.5', empty: '', quote: 'it\'s "so"', 'a b/c-d': 'x' },
  metrics: { rmse: 5.5, 'train.rmse': 4.25, bias: -0.001, nan: Number.NaN, up: Infinity },
  datasets: [
    { name: 'green 2021-01', source: 'a', digest: 'sha256:a1', context: 'training', rows: 1 },
    { name: 'green 2021-02', source: 'b', digest: 'sha256:b2', context: 'validation', rows: 1 },
  ],
  model: null,
  process: null,
  location: '/runs/20210301T081500-3fa2c1',
}
const fits = (filter: string): boolean => matches(parseFilter(filter), run)

/** What a filter is refused with. */
function refusal(filter: string): string {
  try {
    parseFilter(filter)
  } catch (error) {
    if (isRidecastError(error, 'filter_invalid')) return error.message
    throw error
  }
  throw new Error(`${filter} was not refused`)
}

describe('a filter holds', () => {
  it.each([
    '',
    'metrics.rmse < 8',
    'metrics.rmse<8',
    'metrics.rmse = 5.5 and metrics.rmse <= 5.5 AND metrics.rmse >= 5.5',
    'metrics.rmse != 5 and metrics.rmse > -3.5 and metrics.rmse > 5.',
    'metrics.train.rmse < 45e-1 and metrics.bias < .5 and metrics.bias > -.5',
    'metrics.bias = -1e-3 and metrics.up > 1E300',
    'metric."train.rmse" < 5 and metrics.`train.rmse` < 5',
    'metrics.nan != 0',
    "params.taxi = 'green' and param.taxi = \"green\" and parameter.l2 != '1'",
    "params.empty = ''",
    "params.`a b/c-d` = 'x' and params.'a b/c-d' = 'x'",
    "params.taxi LIKE 'gr%' and params.taxi like '%een' and params.taxi LIKE '_r__n'",
    "params.taxi ILIKE 'GR%'",
    "tags.developer = 'you' and tag.team.name ILIKE 'rides' and tags.`%` LIKE 'ünder_score'",
    "tags.`%` ILIKE 'ÜNDER%'",
    'params.gone IS NULL and tags.gone is null and params.taxi is  not  null',
    "status = 'FINISHED' and attributes.status = 'finished' and status LIKE 'fin%'",
    "run_id = '20210301T081500-3fa2c1' and attr.run_name = 'a run' and user_id = 'me'",
    "run.run_id IN ('x', \"20210301T081500-3fa2c1\",) and run_id not in ('x')",
    "attributes.`run name` = 'a run' and `Run name` LIKE 'a%'",
    // 2021-03-01T08:15:00.250Z in milliseconds, by `date -d ... +%s%3N`.
    'start_time = 1614586500250 and created <= 1614586500250.5',
    'attribute.end_time = 1614586501750',
    "artifact_uri LIKE '/runs/%/artifacts'",
    "dataset.name = 'green 2021-02' and dataset.name = 'green 2021-01'",
    "dataset.context != 'training' and datasets.digest IN ('sha256:b2')",
    "dataset.name NOT IN ('green 2021-01')",
    "tags.mlflow.parentRunId = '20210301T081400-aaaaaa' and tags.mlflow.user = 'me'",
    "tags.mlflow.source.git.commit = 'c0ffee' and tags.`mlflow.source.git.dirty` = 'true'",
    "tags.mlflow.runName = 'a run' and tags.mlflow.source.name LIKE '%train%'",
  ])('%s', (filter) => expect(fits(filter)).toBe(true))
})

describe('a filter does not hold', () => {
  it.each([
    'metrics.rmse > 8',
    'metrics.rmse < 8 and metrics.rmse < 5',
    'metrics.gone != 8',
    'metrics.nan < 1',
    'metrics.nan >= 0',
    'metrics.toString != 1',
    "params.gone != 'x'",
    "params.constructor != 'x'",
    "params.taxi = 'Green'",
    "params.taxi LIKE 'GREEN'",
    "params.taxi LIKE 'gree'",
    "params.l2 = '0.50'",
    "tags.gone LIKE '%'",
    'tags.developer IS NULL',
    'tags.constructor IS NOT NULL',
    "status = 'RUNNING'",
    "dataset.name = 'green 2021-03'",
    "dataset.name != 'green 2021-01' and dataset.name NOT IN ('green 2021-01','green 2021-02')",
    "run_id NOT IN ('20210301T081500-3fa2c1')",
  ])('%s', (filter) => expect(fits(filter)).toBe(false))

  it('for the end of a run that goes on', () => {
    const running: RunSummary = { ...run, status: 'running', endedAt: null }
    for (const filter of ['end_time > 0', 'end_time != 5']) {
      expect(matches(parseFilter(filter), running)).toBe(false)
    }
  })

  it('with datasets where there are none', () => {
    expect(matches(parseFilter("dataset.name != 'x'"), { ...run, datasets: [] })).toBe(false)
  })
})

describe('texts in quotes', () => {
  const value = (text: string) => parseFilter(`params.quote = ${text}`)[0]?.value

  it.each([
    [`"it's"`, "it's"],
    [`'say "so"'`, 'say "so"'],
    // As MLflow has them: nothing is taken out of the text.
    [`'it''s'`, "it''s"],
    [String.raw`'it\'s'`, String.raw`it\'s`],
    [String.raw`'ends in \'`, String.raw`ends in \ `.trimEnd()],
    [`'; -- /* and $$'`, '; -- /* and $$'],
    [`'é 😀\n%_'`, 'é 😀\n%_'],
  ])('%s', (text, expected) => expect(value(text)).toBe(expected))

  it('that do not end are refused where they begin', () => {
    expect(refusal("params.a = 'x' and params.b = 'y")).toContain('column 31')
    expect(refusal(String.raw`params.a = 'a\' and params.b = 'y'`)).toContain('column 33')
    expect(refusal('params.`a = 1')).toContain('column 1:')
  })
})

describe('a filter is refused with the place and what was expected', () => {
  it.each([
    ['metrics.rmse < 8 or metrics.bias < 1', 18, 'there is no or'],
    ['(metrics.rmse < 8)', 1, 'no parentheses'],
    ['metrics.rmse < 8 and', 21, 'found the end'],
    ['and metrics.rmse < 8', 1, 'found "and"'],
    ['metrics.rmse < 8 metrics.bias < 1', 18, 'expected "and" or the end'],
    ['metrics.rmse < 8;', 17, 'found ";"'],
    ['metrics.rmse == 8', 14, 'write ='],
    ['metrics.rmse <> 8', 14, 'write !='],
    ["metrics.rmse < '8'", 16, 'a number without quotes'],
    ['metrics.rmse < nan', 16, 'found "nan"'],
    ['metrics.rmse < 1e+5', 16, 'such as 8, -0.5 or 1e-3'],
    ['metrics.rmse < - 5', 16, 'found "-"'],
    ["metrics.rmse LIKE '8'", 14, 'found "LIKE"'],
    ['metrics.rmse IS NULL', 14, 'found "IS NULL"'],
    ['metrics.rmse', 13, 'found the end'],
    ['8 > metrics.rmse', 1, 'a name such as'],
    ['params.taxi = green', 15, 'single or double quotes'],
    ['params.l2 = 5', 13, 'single or double quotes'],
    ["params.l2 > '5'", 11, 'IS NOT NULL behind params.l2'],
    ["params.taxi NOT LIKE 'x'", 13, 'found "NOT LIKE"'],
    ["params.taxi IN ('x')", 13, 'found "IN"'],
    ['params.taxi IS 5', 13, 'found "IS"'],
    ["status IN ('FINISHED')", 8, 'found "IN"'],
    ['run_id IN ()', 12, 'a text in quotes'],
    ["run_id IN ('a'", 15, 'expected "," or ")"'],
    ["run_id IN 'a'", 11, 'expected "("'],
    ["run_id IN ('a\\n')", 12, 'in a list'],
    ["Metrics.rmse < '8'", 1, 'the nearest is metrics'],
    ["statu = 'x'", 1, 'the nearest is status'],
    ["attributes.end_tme = 'x'", 1, 'the nearest is end_time'],
    ["dataset.source = 'x'", 1, 'name, digest, context'],
    ["start_time > '2021-01-01'", 14, 'milliseconds since 1970'],
    ['metrics < 8', 1, 'a name behind metrics'],
    ['metrics.train-rmse < 8', 14, 'in backticks'],
    ["params.in = 'x'", 1, 'in backticks'],
    ['metrics.95th < 8', 1, 'in backticks'],
    ['   ', 4, 'found the end'],
  ])('%s', (filter, column, expected) => {
    const message = refusal(filter)
    expect(message).toContain(`filter is not understood at column ${column}: `)
    expect(message).toContain(expected)
    const [, line = '', caret = ''] = message.split('\n')
    expect(line.slice(2)).toBe(filter)
    expect(caret).toBe(`${' '.repeat(column + 1)}^`)
  })

  it('shows the part around the place when it is long, on one line', () => {
    const filter = `${Array(50).fill("tags.a = 'x'").join('\nand ')} or metrics.b < 1`
    const [, line = '', caret = ''] = refusal(filter).split('\n')
    expect(line.length).toBeLessThan(80)
    expect(line.slice(caret.indexOf('^'))).toMatch(/^or metrics/)
  })
})

describe('any text', () => {
  const piece = fc.constantFrom(
    ...['metrics.', 'params.a', 'status', '`', "'", '"', '\\', '.', '(', ')', ',', ' ', '<', '='],
    ...['and', 'is', 'not', 'null', 'in', 'like', '-', '5', '1e5', 'é', '😀', '\n', '%', ';'],
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece).map((pieces) => pieces.join('')),
  )

  it('is read or refused with filter_invalid, and nothing else happens', () => {
    fc.assert(
      fc.property(text, (filter) => {
        try {
          matches(parseFilter(filter), run)
        } catch (error) {
          if (!isRidecastError(error, 'filter_invalid')) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('in quotes is found again, unless it ends them', () => {
    const plain = fc.string().filter((value) => !/['\\]/.test(value))
    fc.assert(
      fc.property(plain, (value) => {
        const found = { ...run, parameters: { v: value } }
        expect(matches(parseFilter(`params.v = '${value}'`), found)).toBe(true)
        const other = { ...run, parameters: { v: `${value}.` } }
        expect(matches(parseFilter(`params.v = '${value}'`), other)).toBe(false)
      }),
    )
  })
})

describe('LIKE', () => {
  it('is what a regular expression of the same pattern says', () => {
    const letters = fc.array(fc.constantFrom('a', 'b', '😀', '.', '\n')).map((all) => all.join(''))
    const pattern = fc
      .array(fc.constantFrom('a', 'b', '😀', '.', '%', '_'))
      .map((all) => all.join(''))
    fc.assert(
      fc.property(letters, pattern, (value, like) => {
        const source = [...like]
          .map((one) => (one === '%' ? '.*' : one === '_' ? '.' : one === '.' ? '\\.' : one))
          .join('')
        const expected = new RegExp(`^${source}$`, 'su').test(value)
        expect(isLike(value, like, false)).toBe(expected)
      }),
      { numRuns: 5000 },
    )
  })

  // A matcher that goes back needs more than 10^1000 steps for these.
  it.each([
    ['%a'.repeat(2000).concat('%b'), 'a'.repeat(100_000)],
    ['%_'.repeat(5000).concat('b'), 'a'.repeat(100_000)],
    [`%${'a_'.repeat(100)}b%`, 'a'.repeat(100_000)],
    ['%'.repeat(100_000), 'a'.repeat(100_000).concat('b')],
  ])('ends on a long pattern that almost fits: case %#', (pattern, value) => {
    expect(isLike(value, pattern, false)).toBe(!pattern.includes('b'))
    expect(isLike(value, pattern, true)).toBe(!pattern.includes('b'))
  })
})

describe('hostile filters', () => {
  it.each([
    ["'".repeat(200_000), false],
    [`params.a = '${"\\'".repeat(100_000)}`, true],
    [`params.a = '${"''".repeat(100_000)}'`, true],
    [`metrics.${'a.'.repeat(100_000)}`, false],
    [`metrics.a < ${'1'.repeat(200_000)}`, true],
    [`metrics.a < 1${'e'.repeat(200_000)}`, false],
    [`${' '.repeat(200_000)}!`, false],
    [`run_id IN (${"'a',".repeat(50_000)})`, true],
    [Array(50_000).fill('metrics.a < 1').join(' and '), true],
  ])('of great length are read or refused: case %#', (filter, isRead) => {
    if (isRead) expect(parseFilter(filter).length).toBeGreaterThan(0)
    else expect(refusal(filter).length).toBeLessThan(1000)
  })
})

describe('a filter for a server', () => {
  it.each([
    ['', ''],
    ["status = 'finished'and metrics.a<1", "status = 'FINISHED' and metrics.a < 1"],
    ["tags.status = 'finished'", "tags.status = 'finished'"],
    ['params.a is\n not\tnull', 'params.a is not null'],
    ["run_id in('a','b')", "run_id in ( 'a' , 'b' )"],
  ])('%j is %j', (filter, expected) => expect(serverFilter(filter)).toBe(expected))

  it('is refused like any other', () => {
    expect(() => serverFilter('metrics.a')).toThrow('filter is not understood at column 10')
  })
})

describe('the name of a column', () => {
  it('is a field, and nothing behind it', () => {
    expect(parseField('params.`a b`')).toEqual({ entity: 'parameter', key: 'a b' })
    expect(parseField(' created ')).toEqual({ entity: 'attribute', key: 'start_time' })
    expect(() => parseField('params.a b')).toThrow('column is not understood at column 10')
    expect(() => parseField('')).toThrow('found the end')
  })
})
