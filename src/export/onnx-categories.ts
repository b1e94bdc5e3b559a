/**
 * Categorical terms as ONNX operations on 64-bit integers: the codes of `atoms.ts` and of products
 * in `features.ts`, -1 where there is no level. Knows nothing about coefficients.
 */

import type { Atom } from '../atoms.ts'
import type { CategoricalTerm, Features } from '../features.ts'
import { isColumn } from '../measures.ts'
import type { BinSpec, Recipe } from '../recipe-schema.ts'
import { hourMicros, type InputName, maxId } from '../ride.ts'
import type { OnnxGraph } from './onnx-graph.ts'
import { dataTypes, intAttribute, type NumberType, tensor } from './onnx-proto.ts'

/** An input that holds this instead of a pickup time has none: what NumPy calls not a time. */
export const noTime = -(2n ** 63n)

/** The bins of a recipe's terms and of the factors of its products. */
export function binsOf(recipe: Recipe): BinSpec[] {
  return recipe.categorical
    .flatMap((spec) => (typeof spec === 'object' && 'product' in spec ? spec.product : [spec]))
    .filter((spec) => typeof spec === 'object' && 'bin' in spec)
}

/**
 * What of a model's terms cannot be written as ONNX, for people.
 *
 * @returns empty where all of it can
 */
export function unwritable({ categorical, numeric }: Features): string[] {
  const atoms = categorical.flatMap((term) => term.atoms)
  const odd = atoms.filter(({ spec, inputs }) => {
    if (spec.or_missing || spec.kind === 'zone' || inputs.length !== 1) return true
    return spec.kind === 'derived' && !(spec.name in timeParts)
  })
  const made = numeric.filter(({ of }) => !isColumn(of))
  return [...new Set([...odd.map(({ key }) => key), ...made.map(({ of }) => of)])]
}

/** Parts of the time that are written. */
const timeParts = { hour: true, weekday: true, hour_of_week: true }
type TimePart = keyof typeof timeParts

/**
 * What writes the codes of a model's categories into a graph. What several terms share, such as
 * the hour, is computed once.
 *
 * @param types the number type of each input by its name
 * @returns for a term, the name of the value that holds its codes: every level of a term has a code
 *   of its own, and what is no level has one outside of them
 */
export function categoryCodes(
  graph: OnnxGraph,
  types: ReadonlyMap<string, NumberType>,
): (term: CategoricalTerm) => string {
  const written = new Map<string, string>()
  const once = (key: string, write: () => string): string => {
    const name = written.get(key) ?? write()
    written.set(key, name)
    return name
  }
  const hours = (): string => once('hours of the week', () => weekHours(graph))

  const codeOf = (atom: Atom, term: CategoricalTerm): string =>
    once(atom.key, () => {
      const { spec } = atom
      const input = inputOf(atom)
      const alone = term.atoms.length === 1
      if (spec.kind === 'bin') {
        return binCode(graph, input, spec.edges, alone ? term.name : `${term.name}/${input}`)
      }
      if (input === 'pickup_datetime') return timeCode(graph, atom.key as TimePart, hours())
      return types.get(input) === 'int64' ? idCode(graph, input) : idCodeOfDouble(graph, input)
    })

  return (term) => {
    const [first, ...others] = term.atoms as [Atom, ...Atom[]]
    if (others.length > 0) return productCode(graph, term, codeOf)
    // Every 64-bit integer that is no id lies outside the codes as it is.
    const input = inputOf(first)
    const isId = input === first.key && types.get(input) === 'int64'
    return isId ? input : codeOf(first, term)
  }
}

/** The only input of an atom that is written. */
const inputOf = (atom: Atom): InputName => atom.inputs[0] as InputName

/** The code of a product, -1 where a factor has none: no factor that is unknown meets a level. */
function productCode(
  graph: OnnxGraph,
  term: CategoricalTerm,
  codeOf: (atom: Atom, term: CategoricalTerm) => string,
): string {
  const codes = term.atoms.map((atom) => codeOf(atom, term))
  // Each is at least -1 and below its levels, whose product is at most 2^53: this cannot overflow.
  const joined = codes.reduce((code, next, k) => {
    const levels = graph.int((term.atoms[k] as Atom).levels)
    const shifted = graph.add('Mul', `${term.name}/shifted`, [code, levels])
    return graph.add('Add', `${term.name}/joined`, [shifted, next])
  })
  const least = graph.add('Min', `${term.name}/least`, codes)
  const unknown = graph.add('Less', `${term.name}/is_unknown`, [least, graph.int(0)])
  return graph.add('Where', `${term.name}/code`, [unknown, graph.int(-1), joined])
}

function idCode(graph: OnnxGraph, input: string): string {
  const low = graph.add('GreaterOrEqual', `${input}/from_0`, [input, graph.int(0)])
  const high = graph.add('LessOrEqual', `${input}/to_last`, [input, graph.int(maxId)])
  const known = graph.add('And', `${input}/is_id`, [low, high])
  return graph.add('Where', `${input}/code`, [known, input, graph.int(-1)])
}

/** An id that a numeric term or a bin reads too, so that it comes as a double. */
function idCodeOfDouble(graph: OnnxGraph, input: string): string {
  const low = graph.add('GreaterOrEqual', `${input}/from_0`, [input, graph.double(0)])
  const high = graph.add('LessOrEqual', `${input}/to_last`, [input, graph.double(maxId)])
  const floor = graph.add('Floor', `${input}/floor`, [input])
  const whole = graph.add('Equal', `${input}/is_whole`, [floor, input])
  const inRange = graph.add('And', `${input}/in_range`, [low, high])
  const known = graph.add('And', `${input}/is_id`, [inRange, whole])
  // Chosen before the cast: that of NaN or of a huge number is not defined.
  const id = graph.add('Where', `${input}/id`, [known, input, graph.double(-1)])
  return toInteger(graph, `${input}/code`, id)
}

/**
 * Whole hours since the last Thursday 0:00, the weekday of 1970-01-01. Mod takes the sign of the
 * divisor, so this is right before 1970 too, where Div would round up.
 */
function weekHours(graph: OnnxGraph): string {
  const week = graph.int(168 * hourMicros)
  const micros = graph.add('Mod', 'pickup_datetime/micros_of_week', ['pickup_datetime', week])
  return graph.add('Div', 'pickup_datetime/hours', [micros, graph.int(hourMicros)])
}

function timeCode(graph: OnnxGraph, name: TimePart, hours: string): string {
  // Weeks begin on Monday, 72 hours before Thursday.
  const fromMonday = (): string => {
    const later = graph.add('Add', `${name}/hours_later`, [hours, graph.int(72)])
    return graph.add('Mod', `${name}/hours_from_monday`, [later, graph.int(168)])
  }
  const part = {
    hour: () => graph.add('Mod', 'hour/of_day', [hours, graph.int(24)]),
    weekday: () => graph.add('Div', 'weekday/from_monday', [fromMonday(), graph.int(24)]),
    hour_of_week: fromMonday,
  }[name]
  const missing = graph.add('Equal', `${name}/is_missing`, ['pickup_datetime', graph.int(noTime)])
  return graph.add('Where', `${name}/code`, [missing, graph.int(-1), part()])
}

/** How many edges lie at or below the value, -1 for NaN. */
function binCode(
  graph: OnnxGraph,
  input: string,
  edges: readonly number[],
  prefix: string,
): string {
  const limits = graph.named(tensor(`${prefix}/edges`, 'double', [edges.length], edges))
  const column = graph.add('Unsqueeze', `${prefix}/column`, [input, graph.axis(1)])
  const reached = graph.add('GreaterOrEqual', `${prefix}/edges_reached`, [column, limits])
  const counted = toInteger(graph, `${prefix}/ones`, reached)
  const bin = graph.add('ReduceSum', `${prefix}/bin`, [counted, graph.axis(1)], {
    attributes: [intAttribute('keepdims', 0)],
  })
  const missing = graph.add('IsNaN', `${prefix}/is_missing`, [input])
  return graph.add('Where', `${prefix}/code`, [missing, graph.int(-1), bin])
}

function toInteger(graph: OnnxGraph, name: string, value: string): string {
  return graph.add('Cast', name, [value], { attributes: [intAttribute('to', dataTypes.int64)] })
}
