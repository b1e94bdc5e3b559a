import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configVariables } from '../../src/config.ts'
import { RidecastError } from '../../src/errors.ts'
import { faultCodes, Problem, problemCodes, problemOf } from '../../src/serve/problem.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

/** First cells, in backquotes, of the table under a header line. */
function codesUnder(header: string): string[] {
  const [, table = ''] = read('docs/http.md').split(`${header}\n`)
  const [rows = ''] = table.split('\n\n')
  return [...rows.matchAll(/^\| `(\w+)` \|/gm)].map(([, code = '']) => code)
}

describe('docs/http.md', () => {
  test('lists every problem with its status', () => {
    const rows = [...read('docs/http.md').matchAll(/^\| `(\w+)` \| (\d{3}) \|/gm)]
    const listed = Object.fromEntries(rows.map(([, code = '', status]) => [code, Number(status)]))
    expect(listed).toEqual(problemCodes)
  })

  test('lists every code of a fault', () => {
    const [, section = ''] = read('docs/http.md').split('names a `parameter`')
    for (const code of faultCodes) expect(section).toContain(`| \`${code}\` |`)
    expect(codesUnder('| code | when |')).toEqual([...faultCodes])
  })

  test('lists every warning', () => {
    const source = read('src/predictor.ts')
    const [, union = ''] = /export type WarningCode =([^/]*)/.exec(source) ?? []
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
    expect(codes.length).toBeGreaterThan(3)
    expect(codesUnder('| code | meaning |').sort()).toEqual(codes.sort())
  })
})

test('example.env lists every setting', () => {
  const listed = [...read('example.env').matchAll(/^#?(RIDECAST_\w+)=/gm)].map(([, name]) => name)
  expect(listed.sort()).toEqual([...configVariables].sort())
})

describe('problemOf', () => {
  test('keeps a problem as it is', () => {
    const problem = new Problem('not_ready', 'server sleeps')
    expect(problemOf(problem)).toBe(problem)
    expect(JSON.parse(JSON.stringify(problem))).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'server sleeps',
      code: 'not_ready',
    })
  })

  test('tells nothing of what was not foreseen, of ours or not', () => {
    for (const error of [
      new Error('secret'),
      new RidecastError('artifact_corrupt', 'secret'),
      'secret',
      undefined,
    ]) {
      const problem = problemOf(error)
      expect(problem.status).toBe(500)
      expect(JSON.stringify(problem)).not.toContain('secret')
    }
  })
})
