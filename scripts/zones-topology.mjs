// Makes src/pipeline/data-profile/zones.topo.json, the outlines of the taxi zones for the maps of
// `ridecast data profile`, from the city's GeoJSON in WGS84:
//
//   node scripts/zones-topology.mjs taxi_zones.geojson
//
// Source and licence are in docs/profile.md. Neighbours share their borders as arcs; arcs are
// simplified by area and quantised. Some zones are drawn in parts that the list of zones counts
// apart, while the outlines give one number to all of them: 56 (Corona) is there twice, for 56
// and 57, and 103 (the islands of the harbour) thrice, for 103 to 105. Nothing says which part is
// which and rides name any of the numbers, so that the parts become one shape that stands for
// all: `ids` of its properties.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mergeArcs, quantize } from 'topojson-client'
import { topology } from 'topojson-server'
import { filter, filterAttachedWeight, presimplify, simplify } from 'topojson-simplify'
import { root } from './build.mjs'

/** Borders of neighbours differ in the last digits: on this grid, a few centimetres, they meet. */
const meeting = 1e6

/** Corners of less than this are smoothed away, square degrees: 1e-6 is about one hectare. */
const corner = 4e-7

/** Rocks and piers below this have no use on a map, square degrees. */
const speck = 2e-6

/** Steps of the written grid across the city, in each direction: one is about 10 metres. */
const written = 6000

const source = process.argv[2]
if (source === undefined) {
  console.error('usage: node scripts/zones-topology.mjs <taxi_zones.geojson>')
  process.exit(2)
}

const outlines = JSON.parse(readFileSync(source, 'utf8'))
const weighed = presimplify(topology({ zones: outlines }, meeting))
const simple = simplify(weighed, corner)
simple.objects.zones = joined(simple)
const isSeen = filterAttachedWeight(simple, speck)
const tidy = filter(simple, isSeen)
const lost = simple.objects.zones.geometries.filter((_, i) => {
  return tidy.objects.zones.geometries[i].type === null
})
if (lost.length > 0) throw new Error(`lost: ${JSON.stringify(lost.map((one) => one.properties))}`)
const small = quantize(tidy, written)
const path = join(root, 'src/pipeline/data-profile/zones.topo.json')
writeFileSync(path, `${JSON.stringify(small, withoutNoise)}\n`)
const size = readFileSync(path).length
console.log(
  `${small.objects.zones.geometries.length} shapes, ${small.arcs.length} arcs, ${size} bytes`,
)

/** One shape a zone number, ascending; OBJECTID counts the parts as the list of zones does. */
function joined(topo) {
  const parts = new Map()
  for (const shape of topo.objects.zones.geometries) {
    const { LocationID } = shape.properties
    parts.set(LocationID, [...(parts.get(LocationID) ?? []), shape])
  }
  const geometries = [...parts.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, shapes]) => {
      const ids = shapes.map(({ properties }) => properties.OBJECTID).sort((a, b) => a - b)
      const { type, arcs } = shapes.length > 1 ? mergeArcs(topo, shapes) : shapes[0]
      return { type, arcs, properties: { ids } }
    })
  return { type: 'GeometryCollection', geometries }
}

/** Numbers of the frame to 12 digits; arcs are whole numbers already. */
function withoutNoise(_key, value) {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(12))
    : value
}
