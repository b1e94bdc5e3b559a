import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folder = new URL('../data/', import.meta.url)
const lines = readFileSync(new URL('SHA256SUMS', folder), 'utf8').trimEnd().split('\n')

test('the sample months are the three that the checksums name', () => {
  expect(lines.map((line) => line.slice(66))).toEqual([
    'green_tripdata_2021-01.parquet',
    'green_tripdata_2021-02.parquet',
    'green_tripdata_2021-03.parquet',
  ])
})

test.each(lines)('the bytes in data/ match %s', (line) => {
  const bytes = readFileSync(new URL(line.slice(66), folder))
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(line.slice(0, 64))
})

test('data/README.md states the same checksums', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8')
  for (const line of lines) expect(readme).toContain(line.slice(0, 64))
})
