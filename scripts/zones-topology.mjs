// Makes src/pipeline/data-profile/zones.topo.json, the outlines of the taxi zones for the maps of
// `ridecast data profile`, from the city's GeoJSON:
//
//   node scripts/zones-topology.mjs taxi_zones.geojson
//
// Source: NYC Taxi & Limousine Commission, "NYC Taxi Zones", public (NYC Open Data, no licence
// fee, no restriction on use: https://opendata.cityofnewyork.us/overview/#termsofuse), WGS84.
// Neighbours share their borders as arcs, arcs are simplified by area and quantised.
//
// In the source two zones are drawn in parts: 56 (Corona) twice and 103 (the three islands)
// thrice, where the lookup table counts the further parts as 57, 104 and 105. Rides say either.
// The parts become one shape, whose `ids` are all the ids it stands for.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mergeArcs } from 'topojson-client'
import { topology } from 'topojson-server'
import { filter, filterWeight, presimplify, quantile, simplify } from 'topojson-simplify'
import { root } from './build.mjs'

/** Share of the points of the source that is left out, the least visible ones first. */
const left = 0.955

/** Steps across the whole city, in each direction: one is about 10 metres. */
const steps = 8000

const source = process.argv[2]
if (source === undefined) {
  console.error('usage: node scripts/zones-topology.mjs <taxi_zones.geojson>')
  process.exit(2)
}
const outlines = JSON.parse(readFileSync(source, 'utf8'))
const weighed = presimplify(topology({ zones: outlines }))
// A zone keeps its largest parts: specks of a few pixels go, whole zones never do.
const kept = parts(simplify(weighed, quantile(weighed, left)))
const merged = byZone(kept)
const quantised = topology({ zones: feature(merged) }, steps)
const path = join(root, 'src/pipeline/data-profile/zones.topo.json')
writeFileSync(path, `${JSON.stringify(quantised)}\n`)
