/**
 * What is read of a ride, as values of an ONNX graph, each written once, however many terms read it;
 * ids and what zones have, as `atoms.ts` and `measures.ts` have them. Knows nothing about terms or models.
 */

import {
  type ColumnName,
  emptyRide,
  maxId,
  maxZone,
  type RideBatch,
  type ZoneColumn,
} from '../ride.ts'
import type { OnnxGraph } from './onnx-graph.ts'
import { dataTypes, intAttribute, type NumberType, tensor } from './onnx-proto.ts'

/** Rows of a table by zone; row 0, which is no zone, stands for every number that is none. */
export const zoneRows = maxZone + 1

/** Values of a ride in a graph. */
export class OnnxRide {
  readonly graph: OnnxGraph
  private readonly types: ReadonlyMap<string, NumberType>
  private readonly written = new Map<string, string>()

  /** @param types the number type of each input by its name */
  constructor(graph: OnnxGraph, types: ReadonlyMap<string, NumberType>) {
    this.graph = graph
    this.types = types
  }

  /** The name of a value; what writes it is called the first time only. */
  once(key: string, write: () => string): string {
    const name = this.written.get(key) ?? write()
    this.written.set(key, name)
    return name
  }

  /** True for an input of 64-bit integers, of which those that are no id lie outside all codes. */
  isInteger(column: ColumnName): boolean {
    return this.types.get(column) === 'int64'
  }

  /** The code of an id, an int64; -1 for what is none. */
  id(column: ColumnName): string {
    return this.once(`id ${column}`, () => {
      const { graph } = this
      if (!this.isInteger(column)) return this.idOfDouble(column)
      const low = graph.add('GreaterOrEqual', `${column}/from_0`, [column, graph.int(0)])
      const high = graph.add('LessOrEqual', `${column}/to_last`, [column, graph.int(maxId)])
      const known = graph.add('And', `${column}/is_id`, [low, high])
      return graph.add('Where', `${column}/code`, [known, column, graph.int(-1)])
    })
  }

  /** An id that can be missing, or that is read as a number too, so that it comes as a double. */
  private idOfDouble(column: ColumnName): string {
    const { graph } = this
    const low = graph.add('GreaterOrEqual', `${column}/from_0`, [column, graph.double(0)])
    const high = graph.add('LessOrEqual', `${column}/to_last`, [column, graph.double(maxId)])
    const floor = graph.add('Floor', `${column}/floor`, [column])
    const whole = graph.add('Equal', `${column}/is_whole`, [floor, column])
    const inRange = graph.add('And', `${column}/in_range`, [low, high])
    const known = graph.add('And', `${column}/is_id`, [inRange, whole])
    // Chosen before the cast: that of NaN or of a huge number is not defined.
    const id = graph.add('Where', `${column}/id`, [known, column, graph.double(-1)])
    return this.cast(id, 'int64', `${column}/code`)
  }

  /** The row of a zone in tables by zone, an int64: 0 for what is none. */
  zone(column: ZoneColumn): string {
    return this.once(`zone ${column}`, () => {
      const { graph } = this
      const id = this.id(column)
      const low = graph.add('GreaterOrEqual', `${column}/from_zone_0`, [id, graph.int(0)])
      const high = graph.add('Less', `${column}/to_last_zone`, [id, graph.int(zoneRows)])
      const known = graph.add('And', `${column}/is_zone`, [low, high])
      return graph.add('Where', `${column}/zone`, [known, id, graph.int(0)])
    })
  }

  /**
   * Looks up what a ride has by one of its zones.
   *
   * @param name of the table and of what is found
   * @param read the value of ride `i` from the zone alone; that of zone 0 stands for what is none
   */
  byZone(
    column: ZoneColumn,
    name: string,
    type: NumberType,
    read: (rides: RideBatch, i: number) => number,
  ): string {
    return this.once(`${name} by zone`, () => {
      const ids = Float64Array.from({ length: zoneRows }, (_, id) => id)
      const rides = { ...emptyRide([]), length: zoneRows, columns: { [column]: ids } }
      const values = Array.from(ids, (id) => read(rides, id))
      const table = this.graph.named(tensor(`${name}/by_zone`, type, [zoneRows], values))
      return this.graph.add('Gather', name, [table, this.zone(column)])
    })
  }

  /** A value in another number type. */
  cast(value: string, type: keyof typeof dataTypes, name: string): string {
    const attributes = [intAttribute('to', dataTypes[type])]
    return this.graph.add('Cast', name, [value], { attributes })
  }
}
