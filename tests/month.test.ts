import { describe, expect, test } from 'vitest'
import { isRidecastError } from '../src/errors.ts'
import { isMonth, monthOf, nextMonth, parseMonth, previousMonth } from '../src/month.ts'

const today = new Date('2024-05-17T12:00:00Z')

function refusal(text: string): string {
  try {
    parseMonth(text, today)
  } catch (error) {
    if (isRidecastError(error, 'month_invalid')) return error.message
    throw error
  }
  throw new Error(`${text} was accepted`)
}

describe('parseMonth', () => {
  test('accepts the first month, an ordinary one and the current one', () => {
    expect(parseMonth('2009-01', today)).toBe('2009-01')
    expect(parseMonth('2021-12', today)).toBe('2021-12')
    expect(parseMonth('2024-05', today)).toBe('2024-05')
  })

  test('refuses what is not written YYYY-MM, and says what is', () => {
    for (const text of [
      '',
      'january',
      '21-01',
      '2021-01-01',
      ' 2021-01',
      '2021-01\n',
      '２０２１-01',
    ]) {
      expect(refusal(text)).toMatch(
        /is not written YYYY-MM: expected YYYY-MM from 2009-01 to 2024-05/,
      )
    }
  })

  test('offers the month that was probably meant', () => {
    expect(refusal('2021-1')).toMatch(/such as 2021-01$/)
    expect(refusal('202307')).toMatch(/such as 2023-07$/)
    expect(refusal('2023/7')).toMatch(/such as 2023-07$/)
  })

  test('refuses months 00 and 13', () => {
    expect(refusal('2021-13')).toMatch(/month 2021-13 does not exist/)
    expect(refusal('2021-00')).toMatch(/month 2021-00 does not exist/)
  })

  test('refuses months before the first trip files and after today', () => {
    expect(refusal('2008-12')).toMatch(/before the first trip files.*such as 2009-01$/)
    expect(refusal('2024-06')).toMatch(/2024-06 lies in the future.*such as 2024-05$/)
    expect(refusal('9999-12')).toMatch(/lies in the future/)
  })

  test('counts today by the calendar of New York, not of the machine', () => {
    // 03:00 UTC on the first of March is 22:00 on the last of February in New York.
    const night = new Date('2021-03-01T03:00:00Z')
    expect(monthOf(night)).toBe('2021-02')
    expect(() => parseMonth('2021-03', night)).toThrow(/in the future/)
    expect(parseMonth('2021-03', new Date('2021-03-01T05:00:00Z'))).toBe('2021-03')
  })
})

describe('isMonth', () => {
  test('tells months from other text', () => {
    expect(isMonth('2021-01')).toBe(true)
    expect(isMonth('2021-13')).toBe(false)
    expect(isMonth('2008-12')).toBe(false)
    expect(isMonth('2021-1')).toBe(false)
  })
})

describe('neighbours of a month', () => {
  test('stay inside a year', () => {
    expect(nextMonth('2021-01')).toBe('2021-02')
    expect(previousMonth('2021-10')).toBe('2021-09')
    expect(nextMonth('2021-09')).toBe('2021-10')
  })

  test('cross the turn of the year', () => {
    expect(nextMonth('2021-12')).toBe('2022-01')
    expect(previousMonth('2021-01')).toBe('2020-12')
  })
})
