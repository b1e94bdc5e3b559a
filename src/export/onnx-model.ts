/**
 * What a model of each kind says of a ride, as values of an ONNX graph: the sum of a linear model in
 * its own order, trees over codes and numbers, the weighted sum of an ensemble. Knows nothing about
 * the file around it.
 */

import type { CategoricalTerm } from '../features.ts'
import type { Effect, EnsembleModel, LinearModel, Model, TreeModel } from '../model.ts'
import { readXgboost } from '../xgboost-json.ts'
import { categoryCode } from './onnx-categories.ts'
import { mlDomain } from './onnx-graph.ts'
import { numericMinutes, numericValue } from './onnx-numbers.ts'
import { intAttribute, tensor, tensorAttribute } from './onnx-proto.ts'
import type { OnnxRide } from './onnx-ride.ts'
import { treeAttributes, treesOperator } from './onnx-trees.ts'

/**
 * Writes a model.
 *
 * @param scope before the names of what is written; empty, or `member/`
 * @returns the name of its minutes, a double; not raised to the lower bound
 */
export function modelMinutes(ride: OnnxRide, model: Model, scope: string): string {
  if (model.kind === 'linear') return linearMinutes(ride, model, scope)
  return model.kind === 'ensemble'
    ? ensembleMinutes(ride, model, scope)
    : treeMinutes(ride, model, scope)
}

/** The intercept and every contribution, added one by one as `model.predict` adds them. */
function linearMinutes(ride: OnnxRide, model: LinearModel, scope: string): string {
  const { graph } = ride
  const { categorical, numeric } = model.features
  const effects = new Map<string, Effect[]>()
  for (const effect of model.effects()) {
    const group = effects.get(effect.term)
    if (group) group.push(effect)
    else effects.set(effect.term, [effect])
  }
  const contributions = [
    ...categorical.map((term) => {
      const own = effects.get(term.name) ?? []
      const codes = own.map(({ level = '' }) => term.parse(level))
      const minutes = own.map((effect) => effect.minutes)
      const name = `${scope}${term.name}`
      return { name, minutes: writeLookup(ride, term, `${name}/minutes`, codes, minutes, 0) }
    }),
    ...numeric.map((term) => {
      const name = `${scope}${term.name}`
      const slope = effects.get(term.name)?.[0]?.minutes ?? 0
      return { name, minutes: numericMinutes(ride, term, name, slope) }
    }),
  ]
  const intercept = graph.named(tensor(`${scope}intercept`, 'double', [], [model.intercept]))
  return contributions.reduce(
    (sum, { name, minutes }) => graph.add('Add', `${name}/sum`, [sum, minutes]),
    intercept,
  )
}

/** Trees see codes as places among the levels of the training; what is none of them is missing. */
function treeMinutes(ride: OnnxRide, model: TreeModel, scope: string): string {
  const { graph } = ride
  const { levels, ensemble } = model.toJSON()
  const { categorical, numeric } = model.features
  const texts = categorical.map(({ name }) => levels[name] ?? [])
  const values = [
    ...categorical.map((term, k) => {
      const codes = (texts[k] as readonly string[]).map((text) => term.parse(text))
      const places = codes.map((_, place) => place)
      return writeLookup(ride, term, `${scope}${term.name}/place`, codes, places, Number.NaN)
    }),
    ...numeric.map((term) => numericValue(ride, term, `${scope}${term.name}`)),
  ]
  const columns = values.map((value) => {
    return graph.add('Unsqueeze', `${value}/column`, [value, graph.axis(1)])
  })
  const name = `${scope}trees`
  const rows = graph.add('Concat', `${name}/rows`, columns, {
    attributes: [intAttribute('axis', 1)],
  })
  const floats = ride.cast(rows, 'float', `${name}/floats`)
  const sums = graph.add(treesOperator, `${name}/sums`, [floats], {
    domain: mlDomain,
    attributes: treeAttributes(
      readXgboost(ensemble),
      values.map((_, k) => texts[k]?.length ?? 0),
    ),
  })
  const flat = graph.add('Squeeze', `${name}/flat`, [sums, graph.axis(1)])
  return ride.cast(flat, 'double', `${name}/minutes`)
}

/** Added in the order of the members and rounded to 32 bits, as `model.predict` does. */
function ensembleMinutes(ride: OnnxRide, model: EnsembleModel, scope: string): string {
  const { graph } = ride
  // What counts for nothing needs no room.
  const members = model.members.filter(({ weight }) => weight > 0)
  const [first, ...others] = members.map(({ weight, model: member }) => {
    const name = `${scope}${member.recipe.name}`
    const minutes = modelMinutes(ride, member, `${name}/`)
    const factor = graph.named(tensor(`${name}/weight`, 'double', [], [weight]))
    return graph.add('Mul', `${name}/weighted`, [minutes, factor])
  })
  const sum = others.reduce(
    (total, minutes) => graph.add('Add', `${scope}members/sum`, [total, minutes]),
    first ?? graph.double(0),
  )
  const rounded = ride.cast(sum, 'float', `${scope}members/float`)
  return ride.cast(rounded, 'double', `${scope}members/minutes`)
}

/** What stands for each code of a term in a table, and something else for every other. */
function writeLookup(
  ride: OnnxRide,
  term: CategoricalTerm,
  name: string,
  codes: readonly number[],
  values: readonly number[],
  otherwise: number,
): string {
  // A table must not be empty; -1 is the code of no level.
  const [keys, found] = codes.length > 0 ? [codes, values] : [[-1], [otherwise]]
  return ride.graph.add('LabelEncoder', name, [categoryCode(ride, term)], {
    domain: mlDomain,
    attributes: [
      tensorAttribute('keys_tensor', tensor('keys', 'int64', [keys.length], keys)),
      tensorAttribute('values_tensor', tensor('values', 'double', [found.length], found)),
      tensorAttribute('default_tensor', tensor('default', 'double', [1], [otherwise])),
    ],
  })
}
