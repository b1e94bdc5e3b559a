import { describe, expect, test } from 'vitest'
import { RidecastError } from '../src/errors.ts'
import { findZone, zoneLabel, zones } from '../src/zones.ts'

function refusal(text: string): string {
  try {
    const { id, name } = findZone(text)
    throw new Error(`${JSON.stringify(text)} was taken for ${name} (${id})`)
  } catch (error) {
    if (error instanceof RidecastError) return `${error.code}: ${error.message}`
    throw error
  }
}

describe('zones', () => {
  test('are numbered 1 to 265 without a gap', () => {
    expect(zones.map(({ id }) => id)).toEqual(Array.from({ length: 265 }, (_, k) => k + 1))
  })

  test('are as the published lookup has them', () => {
    // Rows of taxi_zone_lookup.csv of the Taxi & Limousine Commission.
    expect([zones[0], zones[42], zones[150], zones[264]]).toMatchObject([
      { id: 1, name: 'Newark Airport', borough: 'EWR', service: 'EWR' },
      { id: 43, name: 'Central Park', borough: 'Manhattan', service: 'Yellow Zone' },
      { id: 151, name: 'Manhattan Valley', borough: 'Manhattan', service: 'Yellow Zone' },
      { id: 265, name: 'Outside of NYC', borough: 'N/A', service: 'N/A' },
    ])
  })

  test('have a centroid, but for the two that stand for no place', () => {
    expect(zones[42]).toMatchObject({ longitude: -73.96555, latitude: 40.78248 })
    const without = zones.filter(({ longitude }) => Number.isNaN(longitude))
    expect(without.map(({ id }) => id)).toEqual([264, 265])
    // The city lies within this.
    for (const { longitude, latitude } of zones.slice(0, 263)) {
      expect(longitude > -74.3 && longitude < -73.7).toBe(true)
      expect(latitude > 40.4 && latitude < 41).toBe(true)
    }
  })

  test('have a label, and so has a number that is none', () => {
    expect(zoneLabel(43)).toBe('Central Park (43)')
    expect(zoneLabel(999)).toBe('999')
  })
})

describe('findZone', () => {
  test.each([
    ['43', 43],
    [' 43 ', 43],
    ['043', 43],
    ['265', 265],
    ['Central Park', 43],
    ['central park', 43],
    ['  CENTRAL   PARK ', 43],
    ['Cèntral-Párk', 43],
    ['manhattan valley', 151],
    ['jfk', 132],
    ['n/a', 264],
    ["governor's island/ellis island/liberty island", 103],
    ['Corona', 56],
  ])('takes %j for zone %i', (text, id) => {
    expect(findZone(text).id).toBe(id)
  })

  test('takes every zone by its number, and by its name for the first that has it', () => {
    for (const zone of zones) {
      expect(findZone(String(zone.id))).toBe(zone)
      const first = zones.find(({ name }) => name === zone.name)
      expect(findZone(zone.name.toUpperCase())).toBe(first)
    }
  })

  test('prefers a whole name to names that contain it', () => {
    // Astoria (7) is also a part of Astoria Park (8) and Old Astoria (179).
    expect(findZone('astoria').id).toBe(7)
  })

  test('takes a part of a name that only one zone has', () => {
    expect(findZone('yorkville w').id).toBe(263)
    expect(findZone('outside of').id).toBe(265)
  })

  test.each(['0', '266', '-5', '+5', '4.0', '4,3', '1 2', '99999999999999999999'])(
    'refuses the number %j',
    (text) => {
      expect(refusal(text)).toBe(
        `zone_unknown: zone ${JSON.stringify(text)} does not exist: expected a number from 1 to 265 or a name`,
      )
    },
  )

  test.each(['', '  ', '\n', '?!'])('refuses %j, which says nothing', (text) => {
    expect(refusal(text)).toMatch(/^zone_unknown: .* expected a number from 1 to 265 or a name$/)
  })

  test.each([
    ['Centrl Park', 'Central Park (43)'],
    ['manhatan valley', 'Manhattan Valley (151)'],
    ['Laguardia Airprt', 'LaGuardia Airport (138)'],
    ['yorkvile', 'Yorkville East (262)'],
    ['Bushwik', 'Bushwick'],
  ])('suggests for the near miss %j the zone %s', (text, suggestion) => {
    const message = refusal(text)
    expect(message).toContain(`zone_unknown: zone "${text}" is unknown: did you mean `)
    expect(message).toContain(suggestion)
  })

  test('lists the zones that a part may mean', () => {
    expect(refusal('yorkville')).toBe(
      'zone_unknown: zone "yorkville" is not one zone: did you mean Yorkville East (262), Yorkville West (263)',
    )
  })

  test('lists at most five', () => {
    expect(refusal('park').split('did you mean ')[1]?.split(', ')).toHaveLength(5)
    expect(refusal('qqqqqqqq').split('did you mean ')[1]?.split(', ')).toHaveLength(5)
  })
})
