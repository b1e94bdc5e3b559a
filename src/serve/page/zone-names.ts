/** The taxi zones by name, and how a person finds one. Knows nothing about their shapes. */

import zoneTable from '../../zones.json' with { type: 'json' }

/** A taxi zone as the page names it. */
export interface NamedZone {
  readonly id: number
  readonly name: string
  readonly borough: string
  /** Degrees; null for the two zones that are no place. */
  readonly longitude: number | null
  readonly latitude: number | null
  /** What a search looks through. */
  readonly text: string
}

type Row = [number, string, string, string, number | null, number | null]

/** Case, accents and punctuation do not tell zones apart. */
const plain = (text: string): string =>
  text
    .normalize('NFD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

/** All zones by name; those of one name by number. */
export const namedZones: readonly NamedZone[] = (zoneTable as Row[])
  .map(([id, name, borough, , longitude, latitude]) => ({
    ...{ id, name, borough, longitude, latitude },
    text: `${plain(name)} ${plain(borough)} ${id}`,
  }))
  .sort((a, b) => a.name.localeCompare(b.name, 'en') || a.id - b.id)

const byId = new Map(namedZones.map((zone) => [zone.id, zone]))

/** The zone of a number. */
export const namedZone = (id: number | undefined): NamedZone | undefined =>
  id === undefined ? undefined : byId.get(id)

/** `Central Park`, or the bare number of a zone that is not listed. */
export const nameOf = (id: number): string => byId.get(id)?.name ?? `zone ${id}`

/** `Central Park, Manhattan`; of the two zones that are no place, the name alone. */
export function placeOf(id: number): string {
  const zone = byId.get(id)
  if (!zone) return `zone ${id}`
  return zone.latitude === null ? zone.name : `${zone.name}, ${zone.borough}`
}

/**
 * The zones that a text may mean: every word of it begins one of theirs. Those whose name begins
 * with the text come first.
 */
export function searchZones(text: string): readonly NamedZone[] {
  const wanted = plain(text)
  if (wanted === '') return namedZones
  const words = wanted.split(' ')
  const found = namedZones.filter((zone) => {
    const own = ` ${zone.text}`
    return words.every((word) => own.includes(` ${word}`))
  })
  const isFirst = (zone: NamedZone): boolean =>
    zone.text.startsWith(wanted) || String(zone.id) === wanted
  return [...found.filter(isFirst), ...found.filter((zone) => !isFirst(zone))]
}
