/** The shapes of the taxi zones as paths on a plane. Knows nothing about what they show. */

import { feature, mesh } from 'topojson-client'
import { namedZone } from './zone-names.ts'

type Topology = Parameters<typeof feature>[0]
type Collection = Extract<ReturnType<typeof feature>, { readonly features: unknown }>
type Ring = readonly (readonly number[])[]

/** The outline of a zone, or of several that the city draws as one. */
export interface Outline {
  /** The ids that it stands for, ascending; the first is what a click on it means. */
  readonly ids: readonly number[]
  /** Path data in the units of the plane. */
  readonly path: string
  /** Where its middle lies. */
  readonly middle: Point
}

/** A point of the plane: to the east and to the south. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** The city. */
export interface Outlines {
  readonly zones: readonly Outline[]
  /** Between zones. */
  readonly borders: string
  /** Where zones meet the water or another state. */
  readonly shore: string
}

/** Size of the plane; the city fills it. */
export const plane = { width: 1000, height: 1000 } as const

// The corner of the city's outlines in the north-west, and degrees to units: a degree of longitude
// is shorter by the cosine of the latitude.
const west = -74.2556
const north = 40.9156
const across = plane.width / 0.5556
const along = across / Math.cos((40.7 * Math.PI) / 180)

/** Where a place lies on the plane. */
export function onPlane(longitude: number, latitude: number): Point {
  return { x: (longitude - west) * across, y: (north - latitude) * along }
}

/**
 * Reads the outlines of the zones.
 *
 * @throws when they cannot be had
 */
export async function loadOutlines(address: string): Promise<Outlines> {
  const answer = await fetch(address)
  if (!answer.ok) throw new Error(`outlines of the zones are not there: ${answer.status}`)
  const topology = (await answer.json()) as Topology
  const shapes = topology.objects.zones as NonNullable<Parameters<typeof mesh>[1]>
  const { features } = feature(topology, shapes) as Collection
  const lines = (filter: (a: unknown, b: unknown) => boolean): string =>
    mesh(topology, shapes, filter)
      .coordinates.map((line) => pathOf(line, ''))
      .join('')
  return {
    zones: features.map(({ properties, geometry }) => {
      const { ids } = properties as unknown as { ids: readonly number[] }
      const { coordinates } = geometry as unknown as { coordinates: unknown }
      const isOne = (geometry as { type: string }).type === 'Polygon'
      const polygons = (isOne ? [coordinates] : coordinates) as readonly (readonly Ring[])[]
      const path = polygons.flatMap((rings) => rings.map((ring) => pathOf(ring, 'Z'))).join('')
      return { ids, path, middle: middleOf(ids) }
    }),
    borders: lines((a, b) => a !== b),
    shore: lines((a, b) => a === b),
  }
}

/** Corners a tenth of a unit apart: some 4 metres. */
function pathOf(line: Ring, end: string): string {
  const corners = line.map(([longitude = 0, latitude = 0]) => {
    const { x, y } = onPlane(longitude, latitude)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return `M${corners.join('L')}${end}`
}

/** The middle of the first of the zones. */
function middleOf(ids: readonly number[]): Point {
  const zone = namedZone(ids[0])
  return onPlane(zone?.longitude ?? west, zone?.latitude ?? north)
}
