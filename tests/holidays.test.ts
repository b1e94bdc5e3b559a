import { expect, test } from 'vitest'
import { isHoliday } from '../src/holidays.ts'

const dayOf = (text: string): number => Date.parse(`${text}T00:00Z`) / 86_400_000

// The dates that the Office of Personnel Management lists for these years, weekends on their own day.
test.each([
  [2021, '01-01 01-18 02-15 05-31 06-19 07-04 09-06 10-11 11-11 11-25 12-25'],
  [2023, '01-01 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-11 11-23 12-25'],
  [2020, '01-01 01-20 02-17 05-25 07-04 09-07 10-12 11-11 11-26 12-25'],
])('the holidays of %d are those of the law, and no other day is one', (year, days) => {
  const first = dayOf(`${year}-01-01`)
  const last = dayOf(`${year}-12-31`)
  const found: string[] = []
  for (let day = first; day <= last; day++) {
    if (isHoliday(day)) found.push(new Date(day * 86_400_000).toISOString().slice(5, 10))
  }
  expect(found.join(' ')).toBe(days)
})
