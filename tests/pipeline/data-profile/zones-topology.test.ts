/** The outlines of the zones that the repository holds, against the list of zones and real areas. */

import { readFileSync, statSync } from 'node:fs'
import type { Position } from 'geojson'
import { feature, neighbors } from 'topojson-client'
import type { GeometryCollection, Topology } from 'topojson-specification'
import { describe, expect, test } from 'vitest'
import { zones } from '../../../src/zones.ts'
import { hasShared, sharedPath, whyNot } from '../shared.ts'

const path = new URL('../../../src/pipeline/data-profile/zones.topo.json', import.meta.url)
type Shapes = GeometryCollection<{ ids: number[] }>
const topology = JSON.parse(readFileSync(path, 'utf8')) as Topology<{ zones: Shapes }>
const shapes = topology.objects.zones.geometries
const idsOf = (k: number): number[] =>
  (shapes[k] as { properties: { ids: number[] } }).properties.ids
const shapeOf = (id: number): number => shapes.findIndex((_, k) => idsOf(k).includes(id))

/** Square kilometres of a ring of longitudes and latitudes, near enough for one city. */
function ringArea(ring: readonly Position[]): number {
  const radians = Math.PI / 180
  let twice = 0
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x1 = 0, y1 = 0] = ring[i] as Position
    const [x2 = 0, y2 = 0] = ring[i + 1] as Position
    twice += (x1 * y2 - x2 * y1) * Math.cos(40.7 * radians) * (111.32 * 111.05)
  }
  return Math.abs(twice) / 2
}

const areas = feature(topology, topology.objects.zones).features.map(({ geometry }) => {
  const polygons: Position[][][] =
    geometry.type === 'Polygon'
      ? [geometry.coordinates]
      : geometry.type === 'MultiPolygon'
        ? geometry.coordinates
        : []
  return polygons.reduce((sum, [outer = [], ...holes]) => {
    return sum + ringArea(outer) - holes.reduce((inner, hole) => inner + ringArea(hole), 0)
  }, 0)
})

describe('zones.topo.json', () => {
  test('has an outline for every zone from 1 to 263, each once, and for no other', () => {
    const ids = shapes.flatMap((_, k) => idsOf(k)).sort((a, b) => a - b)
    // 264 and 265 stand for unknown and outside the city.
    expect(ids).toEqual(zones.map(({ id }) => id).filter((id) => id <= 263))
    expect(Math.min(...areas)).toBeGreaterThan(0.01)
  })

  test('gives one outline to zones that the source numbers alike', () => {
    const several = shapes.map((_, k) => idsOf(k)).filter((ids) => ids.length > 1)
    expect(several).toEqual([
      [56, 57],
      [103, 104, 105],
    ])
  })

  test('has neighbours that share their borders', () => {
    const near = neighbors(shapes)
    const names = (id: number): number[] =>
      (near[shapeOf(id)] ?? []).flatMap(idsOf).sort((a, b) => a - b)
    // Zones around Central Park on any map: Upper West and East Side, Harlem, Midtown.
    expect(names(43)).toEqual(expect.arrayContaining([24, 41, 75, 142, 163, 236, 237, 238, 239]))
    // Islands and Newark Airport have no neighbour by land.
    const alone = shapes.flatMap((_, k) => (near[k]?.length === 0 ? idsOf(k) : []))
    expect(alone.sort((a, b) => a - b)).toEqual([1, 46, 103, 104, 105, 202])
  })

  test('is small enough to lie in every page', () => {
    expect(statSync(path).size).toBeLessThan(150_000)
  })

  test.skipIf(!hasShared)(
    `keeps the area of every zone (${hasShared ? 'checked' : whyNot})`,
    () => {
      const lines = readFileSync(sharedPath('zones/zones.csv'), 'utf8').trim().split('\n').slice(1)
      const off = lines.flatMap((line) => {
        const [id, real] = [Number(line.split(',')[0]), Number(line.split(',').at(-1))]
        if (!(real > 0)) return []
        const drawn = areas[shapeOf(id)] ?? 0
        // A tenth, or five hectares: more would be seen on a map.
        return Math.abs(drawn - real) > Math.max(0.05, real / 10) ? [{ id, real, drawn }] : []
      })
      expect(lines.length).toBeGreaterThan(260)
      expect(off).toEqual([])
    },
  )
})
