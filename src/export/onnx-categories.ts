/**
 * Categorical terms as ONNX operations on 64-bit integers: the codes of `atoms.ts` and of products
 * in `features.ts`, a negative number where there is no level. Knows nothing about coefficients.
 */

import { type Atom, type AtomSpec, atomOf, baseKey, type Measured } from '../atoms.ts'
import { RidecastError } from '../errors.ts'
import type { CategoricalTerm } from '../features.ts'
import { type MeasureName, measureNames } from '../measures.ts'
import { measure } from './onnx-measures.ts'
import { intAttribute, tensor } from './onnx-proto.ts'
import type { OnnxRide } from './onnx-ride.ts'
import { timePart } from './onnx-time.ts'

const isMeasure = (of: Measured): of is MeasureName =>
  (measureNames as readonly string[]).includes(of)

/**
 * Writes the codes of a term. What several terms share, such as the hour, is computed once.
 *
 * @returns the name of the value that holds the codes: every level of a term has a code of its own,
 *   and what is no level has one outside of them
 * @throws export_unsupported when it is made of what is known only after the ride
 */
export function categoryCode(ride: OnnxRide, term: CategoricalTerm): string {
  const [first, ...others] = term.atoms as [Atom, ...Atom[]]
  if (others.length > 0) return productCode(ride, term)
  // Every 64-bit integer that is no id lies outside the codes as it is.
  const { spec } = first
  if (spec.kind === 'id' && !spec.or_missing && ride.isInteger(spec.column)) return spec.column
  return atomCode(ride, first, term.name)
}

/** The code of a product, -1 where a factor has none: no factor that is unknown meets a level. */
function productCode(ride: OnnxRide, term: CategoricalTerm): string {
  return ride.once(`product ${term.atoms.map(({ key }) => key).join(' ')}`, () => {
    const { graph } = ride
    const codes = term.atoms.map((atom) => atomCode(ride, atom, `${term.name}/${nameOf(atom)}`))
    // Each is at least -1 and below its levels, whose product is at most 2^53: this cannot overflow.
    const joined = codes.reduce((code, next, k) => {
      const levels = graph.int((term.atoms[k] as Atom).levels)
      const shifted = graph.add('Mul', `${term.name}/shifted`, [code, levels])
      return graph.add('Add', `${term.name}/joined`, [shifted, next])
    })
    const least = graph.add('Min', `${term.name}/least`, codes)
    const unknown = graph.add('Less', `${term.name}/is_unknown`, [least, graph.int(0)])
    return graph.add('Where', `${term.name}/code`, [unknown, graph.int(-1), joined])
  })
}

/** What an atom is of, short. */
function nameOf({ spec, key }: Atom): string {
  return spec.kind === 'bin' ? spec.of : key
}

/** The code of an atom, -1 where it has none; `or_missing` makes 0 of that and lifts the others. */
function atomCode(ride: OnnxRide, atom: Atom, prefix: string): string {
  const present = ride.once(baseKey(atom), () => presentCode(ride, atom.spec, prefix))
  if (!atom.spec.or_missing) return present
  return ride.once(atom.key, () => {
    return ride.graph.add('Add', `${prefix}/or_missing`, [present, ride.graph.int(1)])
  })
}

function presentCode(ride: OnnxRide, spec: AtomSpec, prefix: string): string {
  if (spec.kind === 'id') return ride.id(spec.column)
  if (spec.kind === 'derived') return timePart(ride, spec.name)
  if (spec.kind === 'zone') {
    const { column, part } = spec
    const { code } = atomOf({ kind: 'zone', column, part })
    return ride.byZone(column, `${column}.${part}`, 'int64', code)
  }
  if (spec.kind === 'bin' && isMeasure(spec.of)) {
    return binCode(ride, measure(ride, spec.of), spec.edges, prefix)
  }
  throw new RidecastError(
    'export_unsupported',
    `term ${prefix} is of ${spec.kind === 'bin' ? spec.of : spec.kind}: expected ids, zones, parts of the time and bins of measures, which alone can be written as ONNX`,
  )
}

/** How many edges lie at or below the value, -1 for NaN. */
function binCode(ride: OnnxRide, value: string, edges: readonly number[], prefix: string): string {
  const { graph } = ride
  const limits = graph.named(tensor(`${prefix}/edges`, 'double', [edges.length], edges))
  const column = graph.add('Unsqueeze', `${prefix}/column`, [value, graph.axis(1)])
  const reached = graph.add('GreaterOrEqual', `${prefix}/edges_reached`, [column, limits])
  const counted = ride.cast(reached, 'int64', `${prefix}/ones`)
  const bin = graph.add('ReduceSum', `${prefix}/bin`, [counted, graph.axis(1)], {
    attributes: [intAttribute('keepdims', 0)],
  })
  const missing = graph.add('IsNaN', `${prefix}/is_missing`, [value])
  return graph.add('Where', `${prefix}/code`, [missing, graph.int(-1), bin])
}
