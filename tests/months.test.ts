import { describe, expect, test } from 'vitest'
import {
  areMonths,
  monthsText,
  monthsUpTo,
  namesText,
  parseMonths,
  parseTaxis,
} from '../src/months.ts'

const today = new Date('2023-06-15T12:00:00Z')

describe('months in one word', () => {
  test.each([
    ['2021-01', ['2021-01']],
    ['2022-11..2023-02', ['2022-11', '2022-12', '2023-01', '2023-02']],
    ['2023-03,2021-01', ['2023-03', '2021-01']],
    ['2023-01..2023-02, 2023-05', ['2023-01', '2023-02', '2023-05']],
    ['2023-04..2023-04', ['2023-04']],
  ])('%s', (text, months) => {
    expect(parseMonths(text, today)).toEqual(months)
    expect(areMonths(text)).toBe(true)
  })

  test.each([
    ['2023-04..2023-01', /end before they begin: expected such as 2023-01\.\.2023-04/],
    ['2023-01..2023-09', /lies in the future/],
    ['2023-01..', /not written YYYY-MM/],
    ['2023-01..2023-02..2023-03', /more than two ends/],
    ['2023-1..2023-03', /such as 2023-01$/],
    ['2023-01..2023-03,2023-02', /named twice/],
  ])('%s is refused', (text, why) => {
    expect(() => parseMonths(text, today)).toThrow(why)
  })

  test('files and addresses are not months', () => {
    expect(['green_tripdata_2021-01.parquet', './2021-01.parquet', 'abc'].map(areMonths)).toEqual([
      false,
      false,
      false,
    ])
  })

  test('the last months end with the one named', () => {
    expect(monthsUpTo('2023-02', 4)).toEqual(['2022-11', '2022-12', '2023-01', '2023-02'])
  })

  test('months are told as runs, whatever their order', () => {
    expect(monthsText(['2023-05', '2023-02', '2023-01'])).toBe('2023-01..2023-02, 2023-05')
  })

  test('names are months where all of them are', () => {
    // Of two fleets each month comes twice.
    expect(namesText(['2023-01', '2023-02', '2023-01'])).toBe('2023-01..2023-02')
    expect(namesText(['2023-01', 'mine.parquet'])).toBe('2023-01, mine.parquet')
    expect(namesText([])).toBe('')
  })
})

describe('fleets in one word', () => {
  test('are listed in their own order, each once', () => {
    expect(parseTaxis('yellow, green,yellow')).toEqual(['green', 'yellow'])
    expect(() => parseTaxis('green,blue')).toThrow(/"blue" is not known: expected green, yellow/)
  })
})
