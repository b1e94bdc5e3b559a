/** `ridecast explain`: what a model has learned, by its largest effects. */

import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { Effect, EnsembleModel, Model, TreeModel } from '../model.ts'
import { zoneLabel } from '../zones.ts'
import { type Io, printJson, table } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'
import { hourText } from './predict.ts'

interface Flags {
  top: string
  term?: string
  models: string
  registryUri?: string
  json?: true
}

const examples = `
Examples:
  ridecast explain                                the champion of green-duration
  ridecast explain green-duration --term PULocationID --top 20
  ridecast explain green-duration/3f9c2a71b0de --json
`

/** The command. */
export function explainCommand(io: Io): Command {
  return new Command('explain')
    .summary('the largest effects of a model, by zone name')
    .description('Show what a model has learned: its largest effects, by term, zones by name.')
    .argument('[reference]', 'name, name@alias, name/version or a folder', 'green-duration')
    .option('--top <n>', 'effects shown of each term and direction', '5')
    .option('--term <name>', 'only this term')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action(async (reference: string, flags: Flags) => {
      const top = Number(flags.top)
      if (!Number.isInteger(top) || top < 1) {
        throw new RidecastError(
          'usage_invalid',
          `--top is not a count: expected a whole number from 1, found "${flags.top}"`,
        )
      }
      const { name, version, predictor } = await openModel(
        io,
        flags.models,
        reference,
        flags.registryUri,
      )
      const { model, profile } = predictor
      if (model.kind !== 'linear') return explainOther(io, { name, version }, model, flags)
      const terms = [...model.features.categorical, ...model.features.numeric].map(
        (term) => term.name,
      )
      if (flags.term !== undefined && !terms.includes(flags.term)) {
        throw new RidecastError(
          'usage_invalid',
          `model ${name} has no term ${flags.term}: expected one of ${terms.join(', ')}`,
        )
      }
      const shown = terms.filter((term) => flags.term === undefined || term === flags.term)
      const groups = shown.map((term) => {
        const effects = model.effects().filter((effect) => effect.term === term)
        return { term, columns: effects.length, effects: extremes(effects, top) }
      })
      if (flags.json) {
        printJson(io, { name, model_version: version, intercept: model.intercept, terms: groups })
        return
      }
      io.out(`${io.colors.bold(`${name}/${version}`)}, recipe ${model.recipe.name}\n`)
      io.out(
        `every ride starts from ${model.intercept.toFixed(2)} minutes; the training rides took ${profile.duration.mean.toFixed(2)} on average\n`,
      )
      for (const { term, columns, effects } of groups) {
        io.out(
          `\n${io.colors.bold(term)}${columns > 1 ? ` (${columns.toLocaleString('en-US')} levels)` : ', minutes per unit'}\n`,
        )
        const rows = effects.map((effect) => [
          `  ${labelOf(effect)}`,
          effect.minutes.toPrecision(4),
        ])
        io.out(table(io, ['', 'minutes'], rows, ['left', 'right']))
      }
    })
}

/** What trees make of their terms, and how members are weighed. */
function explainOther(
  io: Io,
  { name, version }: { readonly name: string; readonly version: string },
  model: TreeModel | EnsembleModel,
  flags: Flags,
): void {
  const members = model.kind === 'ensemble' ? model.members : [{ weight: 1, model: model as Model }]
  const groups = members.map(({ weight, model: member }) => ({
    recipe: member.recipe.name,
    kind: member.kind,
    weight,
    importance: member.kind === 'trees' || member.kind === 'forest' ? member.importance() : null,
  }))
  if (flags.json) {
    printJson(io, { name, model_version: version, intercept: model.intercept, members: groups })
    return
  }
  io.out(`${io.colors.bold(`${name}/${version}`)}, recipe ${model.recipe.name}\n`)
  io.out(`every ride starts from ${model.intercept.toFixed(2)} minutes\n`)
  for (const { recipe, kind, weight, importance } of groups) {
    io.out(
      `\n${io.colors.bold(recipe)} (${kind})${groups.length > 1 ? `, weight ${weight.toFixed(3)}` : ''}\n`,
    )
    if (!importance) continue
    const rows = importance
      .filter(({ term }) => flags.term === undefined || term === flags.term)
      .map(({ term, share, splits }) => [
        `  ${term}`,
        `${(100 * share).toFixed(1)} %`,
        splits.toLocaleString('en-US'),
      ])
    io.out(table(io, ['', 'of the gain', 'splits'], rows, ['left', 'right', 'right']))
  }
  io.out(
    io.colors.dim(
      '\nwhy one ride takes as long as it does: ridecast predict says it term by term\n',
    ),
  )
}

/** The `top` largest and the `top` smallest, largest first. */
function extremes(effects: readonly Effect[], top: number): Effect[] {
  const sorted = [...effects].sort((a, b) => b.minutes - a.minutes)
  return sorted.length <= 2 * top ? sorted : [...sorted.slice(0, top), ...sorted.slice(-top)]
}

function labelOf({ term, level, feature }: Effect): string {
  if (level === undefined) return feature
  if (/^(PU|DO)LocationID$/.test(term)) return zoneLabel(Number(level))
  if (term === 'hour_of_week') return hourText(Number(level))
  if (term === 'PU_DO')
    return level
      .split('_')
      .map((id) => zoneLabel(Number(id)))
      .join(' to ')
  return level
}
