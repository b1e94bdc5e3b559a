/** What a model card says about what the model is and which terms it adds up. */

import type { CategoricalTerm } from '../features.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { isColumn, measureOf } from '../measures.ts'
import type { Effect, LinearModel, Model, TreeModel } from '../model.ts'
import { penaltyText } from '../recipe.ts'
import type { NumericSpec, Recipe, Step } from '../recipe-schema.ts'
import { type InputName, rideColumns } from '../ride.ts'
import { countText, decimalText } from './card-evidence.ts'
import type { CardLineage, CardMetrics } from './card-facts.ts'
import { code, markdownTable, plainText } from './markdown.ts'

/** What it predicts, from what, and how it was made, in a few lines. */
export function summaryText(loaded: LoadedModel, { train }: CardLineage): string {
  const { model, inputs, profile } = loaded.predictor
  const { recipe } = model
  const { taxi } = model.toJSON()
  const months = [...new Set(train.flatMap(({ month }) => month ?? []))]
  const of = months.length > 0 ? ` of ${months.map(plainText).join(', ')}` : ''
  const asked = (input: InputName): string => {
    const missing = model.features.required.includes(input) ? '' : '; may be missing'
    return `${code(input)} (${unitOf(input)}${missing})`
  }
  const description = recipe.description === '' ? '' : `: ${plainText(recipe.description)}`
  return [
    `How long a ride by ${taxi} taxi in New York takes, in minutes from pickup to drop-off. ${kinds[model.kind]}`,
    [
      `- **Trained on** ${countText(profile.rides)} rides by ${taxi} taxi${of}`,
      `- **Asked with** ${inputs.map(asked).join(', ')}`,
      `- **Answers** minutes, at least ${recipe.target.min}`,
      `- **Recipe** ${code(recipe.name)}${description}`,
    ].join('\n'),
  ].join('\n\n')
}

const kinds: Readonly<Record<Model['kind'], string>> = {
  linear:
    'A linear model: each category adds a number of minutes, each quantity a number of minutes per ' +
    'unit, so that every prediction can be taken apart into what its terms have added.',
  trees: 'Boosted trees: each one lowers the error that those before it have left.',
  forest: 'A random forest: the mean of many trees, each grown on a sample of the rides.',
  ensemble: 'An ensemble: a weighted sum of the answers of several models.',
}

function unitOf(input: InputName): string {
  return input === 'pickup_datetime' ? 'on the local clock' : plainText(rideColumns[input].unit)
}

/** Every term with what it is made of, how many levels it has and what it adds. */
export function termsText({ predictor: { model } }: LoadedModel, metrics: CardMetrics): string {
  if (model.kind === 'linear') return linearText(model, metrics)
  if (model.kind !== 'ensemble') return treesText(model)
  const rows = model.members.map(({ weight, model: member }) => {
    return [code(member.recipe.name), kindText(member), weight.toFixed(3)]
  })
  return [
    'A weighted sum of models, weights found on training rides that members had not seen:',
    markdownTable(['member', 'kind', 'weight'], 'llr', rows),
    ...model.members.flatMap(({ model: member }) => {
      if (member.kind === 'ensemble') return []
      const terms = member.kind === 'linear' ? linearText(member, {}) : treesText(member)
      return [`### ${plainText(member.recipe.name)}`, terms]
    }),
  ].join('\n\n')
}

function kindText(model: Model): string {
  if (model.kind === 'linear') return `linear, ${countText(model.columns)} coefficients`
  if (model.kind === 'ensemble') return `${model.members.length} models`
  return `${countText(model.trees)} ${model.kind === 'trees' ? 'boosted trees' : 'trees of a forest'}`
}

function treesText(model: TreeModel): string {
  const { features, recipe } = model
  const made = new Map([
    ...features.categorical.map((term): [string, string] => [term.name, madeOf(term)]),
    ...features.numeric.map(({ name }, p): [string, string] => {
      return [name, stepsText(recipe.numeric[p] as NumericSpec)]
    }),
  ])
  const rows = model.importance().map(({ term, share, splits }) => {
    return [code(term), made.get(term) ?? '', `${(100 * share).toFixed(1)} %`, countText(splits)]
  })
  return [
    markdownTable(['term', 'made of', 'share of the gain', 'splits'], 'llrr', rows),
    `${kindText(model)}${settingsText(recipe)}; a prediction is taken apart by Shapley values of the trees.`,
  ].join('\n\n')
}

function settingsText({ trees = {} }: Recipe): string {
  const stated = Object.entries(trees).map(([name, value]) => {
    return code(`${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
  })
  return stated.length > 0 ? `, grown with ${stated.join(', ')}` : ''
}

function linearText(model: LinearModel, metrics: Pick<CardMetrics, 'rank'>): string {
  const { recipe, features } = model
  const byTerm = new Map<string, Effect[]>()
  for (const effect of model.effects()) {
    const group = byTerm.get(effect.term)
    if (group) group.push(effect)
    else byTerm.set(effect.term, [effect])
  }
  const rows = [
    ['intercept', '', '', decimalText(model.intercept)],
    ...features.categorical.map((term) => {
      const effects = byTerm.get(term.name) ?? []
      return [code(term.name), madeOf(term), countText(effects.length), rangeText(effects)]
    }),
    ...features.numeric.map(({ name }, p) => {
      const slope = byTerm.get(name)?.[0]?.minutes ?? 0
      const spec = recipe.numeric[p] as NumericSpec
      return [code(name), stepsText(spec), '', `${decimalText(slope)} a unit`]
    }),
  ]
  const rank =
    metrics.rank === undefined ? '' : `, rank ${countText(metrics.rank)} with the intercept`
  return [
    markdownTable(['term', 'made of', 'levels', 'adds, minutes'], 'llrr', rows),
    `${methodText(recipe)}: ` + `${countText(model.columns)} coefficients${rank}.`,
  ].join('\n\n')
}

function methodText(recipe: Recipe): string {
  const { l1 = 0, l2 } = recipe
  if (l1 > 0) {
    const name = l2 > 0 ? 'Elastic net' : 'Lasso'
    return `${name} (${penaltyText(recipe)}) on every coefficient but the intercept`
  }
  if (l2 > 0) {
    return `Ridge regression with the penalty ${l2} on every coefficient but the intercept`
  }
  return 'Ordinary least squares, of all solutions the one of the smallest norm'
}

function madeOf({ atoms }: CategoricalTerm): string {
  return atoms
    .map(({ spec }) => {
      const missing = spec.or_missing ? ' or missing' : ''
      if (spec.kind === 'id') return `${code(spec.column)}${missing}`
      if (spec.kind === 'derived') return `${code(spec.name)} of the pickup`
      if (spec.kind === 'zone') return `${spec.part} of ${code(spec.column)}${missing}`
      if (spec.kind === 'bin') {
        return `${code(spec.of)} in ${spec.edges.length + 1} bins${missing}`
      }
      return code(spec.kind)
    })
    .join(' × ')
}

function rangeText(effects: readonly Effect[]): string {
  if (effects.length === 0) return ''
  const minutes = effects.map((effect) => effect.minutes)
  const low = minutes.reduce((a, b) => Math.min(a, b))
  const high = minutes.reduce((a, b) => Math.max(a, b))
  return `${decimalText(low)} to ${decimalText(high)}`
}

function stepsText(spec: NumericSpec): string {
  const { of, steps } = typeof spec === 'string' ? { of: spec, steps: [] } : spec
  const measured = isColumn(of) ? code(of) : `${code(of)}: ${plainText(measureOf(of).unit)}`
  return [measured, ...steps.map(stepText)].join(', ')
}

function stepText(step: Step): string {
  if (step === 'log1p') return 'log of 1 + it'
  if (step === 'sqrt') return 'its root'
  if (step === 'is_zero') return '1 where it is 0'
  if ('clip' in step) return `clipped to ${step.clip.join(' to ')}`
  if ('hinge' in step) return `what is above ${step.hinge}`
  if ('between' in step) return `where it is ${step.between.join(' to ')}, else 0`
  return `1 where it is ${step.is_between.join(' to ')}`
}
