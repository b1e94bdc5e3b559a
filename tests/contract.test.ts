import { describe, expect, test } from 'vitest'
import { findContract } from '../src/commands/contracts.ts'
import { measureNames, parseContract, periodFor } from '../src/contract.ts'
import { taxis } from '../src/ride.ts'

const small = `
format: 1
fleet: green
columns: { PULocationID: { type: id } }
`

describe('a contract', () => {
  test('has its defaults filled in', () => {
    expect(parseContract(small, 'small')).toEqual({
      format: 1,
      fleet: 'green',
      description: '',
      columns: {
        PULocationID: {
          type: 'id',
          required: 'warn',
          missing: {},
          range: {},
          unexpected: {},
          most_common: {},
        },
      },
      measures: {},
    })
  })

  test('that is not valid is refused with every fault', () => {
    const bad = `${small}measures: { kept: [{ error: [2, 1] }], speed: [{}] }\nextra: 1\n`
    expect(() => parseContract(bad, 'bad')).toThrow(
      /^contract bad is not valid: .*measures\.kept\.0\.error: expected \[low, high\].*/,
    )
    expect(() => parseContract(bad, 'bad')).toThrow(/extra/)
    expect(() => parseContract(bad, 'bad')).toThrow(/speed/)
  })

  test('of another format is refused', () => {
    expect(() => parseContract(small.replace('format: 1', 'format: 2'), 'new')).toThrow(/format/)
  })

  test('that is not YAML is refused', () => {
    expect(() => parseContract('columns: [', 'broken')).toThrow(/^contract broken is not YAML/)
  })

  test('does not expand aliases', () => {
    const bomb = 'a: &a [1,1,1]\nb: [*a,*a,*a]\n'
    expect(() => parseContract(bomb, 'bomb')).toThrow(/^contract bomb is not YAML/)
  })
})

describe('a period', () => {
  const periods = [{ to: '2020-03' }, { from: '2020-04', to: '2020-06' }, {}] as const
  test.each([
    ['2019-01', 0],
    ['2020-03', 0],
    ['2020-04', 1],
    ['2020-07', 2],
  ] as const)('of %s is the first that contains it', (month, k) => {
    expect(periodFor(periods, month)).toBe(periods[k])
  })

  test('of no known month is the one without ends', () => {
    expect(periodFor(periods, undefined)).toBe(periods[2])
    expect(periodFor([{ from: '2020-01' }], undefined)).toBeUndefined()
    expect(periodFor(undefined, '2020-01')).toBeUndefined()
  })
})

describe('the contract that comes with ridecast', () => {
  test.each(taxis)('for %s is valid, of that fleet, and bounds months to come', (taxi) => {
    const contract = findContract(taxi, '/')
    expect(contract.fleet).toBe(taxi)
    for (const name of measureNames) {
      const periods = contract.measures[name]
      if (periods) expect(periodFor(periods, '2030-01'), `${taxi} ${name}`).toBeDefined()
    }
  })
})
