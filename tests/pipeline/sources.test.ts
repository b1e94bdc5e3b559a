import { describe, expect, test } from 'vitest'
import { isRidecastError } from '../../src/errors.ts'
import {
  type FleetPlan,
  fleetsOf,
  lastMonths,
  planSources,
  type SourcesOptions,
  sourcesLabel,
} from '../../src/pipeline/sources.ts'

const options: SourcesOptions = {
  taxis: undefined,
  dataFolder: 'data',
  cwd: '/project',
  today: new Date('2023-06-15T12:00:00Z'),
}
const paths = (plans: readonly FleetPlan[]): string[] => plans.map(({ plan }) => plan.path)
const file = (taxi: string, month: string): string =>
  `/project/data/${taxi}_tripdata_${month}.parquet`

describe('several sources', () => {
  test('are every month of every fleet, green where nobody says', () => {
    expect(paths(planSources(['2023-01..2023-02'], options))).toEqual([
      file('green', '2023-01'),
      file('green', '2023-02'),
    ])
    const both = planSources(['2023-01..2023-02'], { ...options, taxis: ['yellow', 'fhv'] })
    expect(paths(both)).toEqual([
      file('fhv', '2023-01'),
      file('fhv', '2023-02'),
      file('yellow', '2023-01'),
      file('yellow', '2023-02'),
    ])
    expect(fleetsOf(both)).toBe('fhv,yellow')
  })

  test('come in one order, however they are named', () => {
    const named = ['2023-02', './elsewhere/yellow_tripdata_2022-01.parquet', '2023-01']
    const plans = planSources(named, options)
    expect(plans).toEqual(planSources([...named].reverse(), options))
    expect(plans.map(({ taxi }) => taxi)).toEqual(['green', 'green', 'yellow'])
  })

  test.each([
    [['2023-01', '2023-01'], undefined, /named twice/],
    [['2023-01', 'data/green_tripdata_2023-01.parquet'], undefined, /named twice/],
    [['yellow_tripdata_2023-01.parquet'], ['green'], /does not fit .*, whose name says yellow/],
    [
      ['mine.parquet'],
      ['green', 'yellow'],
      /does not say in its name whether it is green or yellow/,
    ],
  ] as const)('%j of %j are refused', (named, taxis, why) => {
    try {
      planSources(named, { ...options, taxis })
    } catch (error) {
      expect(isRidecastError(error, 'usage_invalid') && error.message).toMatch(why)
      return
    }
    throw new Error('they were planned')
  })

  test('are called by their months', () => {
    const label = (...named: string[]): string => sourcesLabel(planSources(named, options))
    expect(label('2023-01')).toBe('green 2023-01')
    expect(label('2023-01..2023-03,2023-05')).toBe('green 2023-01..2023-03, 2023-05')
    expect(label('2023-01', 'yellow_tripdata_2023-01.parquet')).toBe(
      'green 2023-01, yellow 2023-01',
    )
    expect(label('2023-01', 'mine.parquet')).toBe('mine.parquet, green 2023-01')
  })
})

describe('the last months', () => {
  const today = new Date('2023-06-15T12:00:00Z')

  test('end with the one that is named', () => {
    expect(lastMonths(3, '2022-02', undefined, today)).toEqual(['2021-12', '2022-01', '2022-02'])
  })

  test('else with the one before the month to validate on', () => {
    expect(lastMonths(1, undefined, '2022-02', today)).toEqual(['2022-01'])
  })

  test('else leave the newest published month to validate on', () => {
    // In June, March is the newest month that is two months past its end.
    expect(lastMonths(2, undefined, undefined, today)).toEqual(['2023-01', '2023-02'])
  })
})
