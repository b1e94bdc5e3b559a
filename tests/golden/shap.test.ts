/** Shapley values of trees beside those of Python's shap: `shap/make.py` says how they were made. */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { TreeContributions } from '../../src/tree-contributions.ts'
import { parseXgboost } from '../../src/xgboost-json.ts'

interface Golden {
  readonly shap: string
  readonly rows: readonly (readonly (number | null)[])[]
  readonly expected: number
  readonly values: readonly (readonly number[])[]
}

const read = (name: string): string =>
  readFileSync(new URL(`shap/${name}`, import.meta.url), 'utf8')

describe.each(['numbers', 'categories'])('trees on %s', (name) => {
  const ensemble = parseXgboost(read(`${name}.model.json`))
  const golden = JSON.parse(read(`${name}.shap.json`)) as Golden
  const contributions = new TreeContributions(ensemble)
  const rows = golden.rows.map((row) => row.map((value) => value ?? Number.NaN))

  test('have the values of shap, to what 32-bit floats hold', () => {
    expect(golden.values).toHaveLength(100)
    expect(Math.abs(contributions.intercept - golden.expected)).toBeLessThan(2e-5)
    const ours = new Float64Array(3)
    for (const [i, row] of rows.entries()) {
      contributions.explain(row, ours)
      for (const [f, value] of (golden.values[i] ?? []).entries()) {
        expect(Math.abs((ours[f] as number) - value)).toBeLessThan(2e-5)
      }
    }
    const largest = Math.max(...golden.values.flat().map(Math.abs))
    expect(largest).toBeGreaterThan(10)
  })

  test('have values that add up to the prediction to the bit', () => {
    const ours = new Float64Array(3)
    for (const row of rows) {
      const prediction = contributions.explain(row, ours)
      expect(prediction).toBe(ensemble.predict(row))
      expect(ours.reduce((sum, one) => sum + one, contributions.intercept)).toBe(prediction)
    }
  })
})
