/**
 * The city's taxi zones by number and by name, as the Taxi & Limousine Commission lists them.
 * Knows nothing about models.
 */

import { distance } from 'fastest-levenshtein'
import { RidecastError } from './errors.ts'
import table from './zones.json' with { type: 'json' }

/** A taxi zone. */
export interface Zone {
  /** 1 to 265; 264 and 265 stand for unknown and outside the city. */
  readonly id: number
  readonly name: string
  readonly borough: string
  /** `Yellow Zone`, `Boro Zone`, `Airports` or `EWR`. */
  readonly service: string
  /** Longitude of the centroid, degrees east; NaN for 264 and 265. */
  readonly longitude: number
  /** Latitude of the centroid, degrees north; NaN for 264 and 265. */
  readonly latitude: number
}

type Row = [number, string, string, string, number | null, number | null]

/** All zones, ascending by id. */
export const zones: readonly Zone[] = (table as Row[]).map(
  ([id, name, borough, service, longitude, latitude]) => ({
    id,
    name,
    borough,
    service,
    longitude: longitude ?? Number.NaN,
    latitude: latitude ?? Number.NaN,
  }),
)

const byId = new Map(zones.map((zone) => [zone.id, zone]))

/** The zone of an id, undefined for a number that is none. */
export function zoneOf(id: number): Zone | undefined {
  return byId.get(id)
}

/** `Central Park (43)`, or the bare number of a zone that is not listed. */
export function zoneLabel(id: number): string {
  const zone = byId.get(id)
  return zone ? `${zone.name} (${id})` : String(id)
}

// Case, accents and punctuation do not tell zones apart.
const plain = (text: string): string =>
  text
    .normalize('NFD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

/**
 * The zone that a person means by a number, a name, or an unambiguous part of a name.
 *
 * @throws zone_unknown, with the nearest names
 */
export function findZone(text: string): Zone {
  const wanted = plain(text)
  // A sign or a point is not punctuation: -5 is not zone 5.
  if (wanted === '' || /^[-+.,\d\s]+$/.test(text)) {
    const digits = text.trim()
    const zone = /^\d+$/.test(digits) ? byId.get(Number(digits)) : undefined
    if (zone) return zone
    throw new RidecastError(
      'zone_unknown',
      `zone ${JSON.stringify(text)} does not exist: expected a number from 1 to ${zones.length} or a name`,
    )
  }
  const same = zones.filter(({ name }) => plain(name) === wanted)
  const part = same.length > 0 ? same : zones.filter(({ name }) => plain(name).includes(wanted))
  // Some names stand for several ids (two of Corona, three of islands): the first is meant.
  if (part.length > 0 && new Set(part.map(({ name }) => name)).size === 1) {
    return part[0] as Zone
  }
  const near = part.length > 0 ? part : nearest(wanted)
  const listed = near.slice(0, 5).map(({ id, name }) => `${name} (${id})`)
  throw new RidecastError(
    'zone_unknown',
    `zone ${JSON.stringify(text)} is ${part.length > 1 ? 'not one zone' : 'unknown'}: did you mean ${listed.join(', ')}`,
  )
}

function nearest(wanted: string): Zone[] {
  // A person rarely types the whole name: compare with its beginning too.
  const cost = ({ name }: Zone): number => {
    const full = plain(name)
    return Math.min(distance(wanted, full), 0.5 + distance(wanted, full.slice(0, wanted.length)))
  }
  return [...zones].sort((a, b) => cost(a) - cost(b) || a.id - b.id)
}
