/**
 * The measures of `measures.ts` as doubles of an ONNX graph, to the bit what is computed there; NaN
 * where they are missing. Knows nothing about terms.
 */

import { isColumn, type MadeName, type MeasureName, measureOf, zoneDistance } from '../measures.ts'
import { tensor } from './onnx-proto.ts'
import { type OnnxRide, zoneRows } from './onnx-ride.ts'
import { timePart } from './onnx-time.ts'

/** A measure, a double; NaN where it is missing. */
export function measure(ride: OnnxRide, name: MeasureName): string {
  if (isColumn(name)) return name
  return ride.once(`measure ${name}`, () => made(ride, name))
}

function made(ride: OnnxRide, name: MadeName): string {
  switch (name) {
    case 'zone_distance':
      return betweenZones(ride)
    case 'distance_ratio':
      return distanceRatio(ride)
    case 'pickup_longitude':
    case 'pickup_latitude':
      return ride.byZone('PULocationID', name, 'double', measureOf(name).read)
    case 'dropoff_longitude':
    case 'dropoff_latitude':
      return ride.byZone('DOLocationID', name, 'double', measureOf(name).read)
    default:
      return asNumber(ride, timePart(ride, name), name)
  }
}

function betweenZones(ride: OnnxRide): string {
  const { graph } = ride
  const miles = Float64Array.from({ length: zoneRows * zoneRows }, (_, k) =>
    zoneDistance(Math.floor(k / zoneRows), k % zoneRows),
  )
  const table = graph.named(tensor('zone_distance/by_zones', 'double', [miles.length], miles))
  const row = graph.add('Mul', 'zone_distance/row', [
    ride.zone('PULocationID'),
    graph.int(zoneRows),
  ])
  const cell = graph.add('Add', 'zone_distance/cell', [row, ride.zone('DOLocationID')])
  return graph.add('Gather', 'zone_distance', [table, cell])
}

function distanceRatio(ride: OnnxRide): string {
  const { graph } = ride
  const straight = measure(ride, 'zone_distance')
  const ratio = graph.add('Div', 'distance_ratio/ratio', ['trip_distance', straight])
  const apart = graph.add('Greater', 'distance_ratio/is_apart', [straight, graph.double(0)])
  return graph.add('Where', 'distance_ratio', [apart, ratio, graph.double(Number.NaN)])
}

/** A code as a double, NaN where it is -1. */
function asNumber(ride: OnnxRide, code: string, name: string): string {
  const { graph } = ride
  const missing = graph.add('Less', `${name}/is_unknown`, [code, graph.int(0)])
  const number = ride.cast(code, 'double', `${name}/as_number`)
  return graph.add('Where', `${name}/number`, [missing, graph.double(Number.NaN), number])
}
