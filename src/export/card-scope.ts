/** What a model card says about what a model is for, and where it ends. */

import type { LoadedModel } from '../loaded-model.ts'
import type { Model } from '../model.ts'
import { indexProfile } from '../profile.ts'
import { maxZone, rideColumns } from '../ride.ts'
import { countText } from './card-evidence.ts'
import type { CardLineage } from './card-facts.ts'
import { code, plainText } from './markdown.ts'
import { partsOf } from './onnx-inputs.ts'

/** What it is for and what it is not for. */
export function purposeText(loaded: LoadedModel): string {
  const { model, inputs } = loaded.predictor
  const { taxi } = model.toJSON()
  const later = inputs.filter((name) => name !== 'pickup_datetime' && rideColumns[name].afterRide)
  const asked =
    later.length > 0
      ? `It uses ${later.map(code).join(', ')}, known only after the ride: it cannot be asked beforehand, and its measures do not compare with those of models that can.`
      : 'For estimates before a ride begins: expected arrivals, plans, a yardstick for other models.'
  return [
    asked,
    [
      'Not for:',
      '',
      `- rides by anything but ${taxi} taxis, or outside New York's ${maxZone} taxi zones`,
      '- fares, pay, or judging drivers and passengers: it knows nothing of people',
      '- promises that a ride must keep: it gives one number, the mean of rides that differ',
    ].join('\n'),
  ].join('\n\n')
}

/** Where its answers are worth less, with figures from the training rides. */
export function limitsText(loaded: LoadedModel, lineage: CardLineage): string {
  const { model, inputs } = loaded.predictor
  const { target } = model.recipe
  const timeless = !inputs.includes('pickup_datetime')
  return [
    ...categoryLimits(loaded),
    ...(inputs.includes('trip_distance') ? distanceLimits(loaded) : []),
    `**Durations.** Rides shorter than ${target.min} or longer than ${target.max} minutes were left ` +
      `out of training and of the measures. A number below ${target.min} is raised to it; there is ` +
      'no upper bound.',
    timeless
      ? '**Time.** It does not use the time of the pickup: the answer is the same at every hour.'
      : `**Time.** Without a pickup time ridecast averages over the hours of the training rides; in exports it ${unknownText(model)}.`,
    ...missingLimits(loaded),
    driftLimit(lineage),
    '**Unknown to it.** The route, the weather, events and the traffic of the day.',
  ]
    .map((text) => `- ${text}`)
    .join('\n')
}

/** What becomes of a level that is not known, or of a value that is missing. */
function unknownText({ kind }: Model): string {
  if (kind === 'linear') return 'adds nothing'
  return kind === 'ensemble'
    ? 'adds nothing in linear members and goes the way of missing values in trees'
    : 'goes the way that the trees have for missing values'
}

/** Inputs without which a ride can be asked about. */
function missingLimits({ predictor: { model, inputs } }: LoadedModel): string[] {
  const optional = inputs.filter((input) => !model.features.required.includes(input))
  if (optional.length === 0) return []
  return [
    `**Missing values.** ${optional.map(code).join(', ')} may be missing, as they were in some of ` +
      'the training rides; exports take NaN for them, and want the column all the same.',
  ]
}

function categoryLimits({ predictor: { model, inputs, profile } }: LoadedModel): string[] {
  const zones = (counts: readonly (readonly [number, number])[]): number =>
    counts.filter(([zone, rides]) => zone >= 1 && zone <= maxZone && rides > 0).length
  const single = profile.pairs.filter(([, , rides]) => rides === 1).length
  const parts = [
    ...(inputs.includes('PULocationID') ? [`${zones(profile.pickups)} as the pickup`] : []),
    ...(inputs.includes('DOLocationID') ? [`${zones(profile.dropoffs)} as the drop-off`] : []),
  ]
  const terms = partsOf(model).flatMap(({ features }) => features.categorical)
  const paired = terms.some(({ atoms }) => {
    const ids = atoms.flatMap(({ spec }) => (spec.kind === 'id' ? spec.column : []))
    return ids.includes('PULocationID') && ids.includes('DOLocationID')
  })
  return [
    `**Unseen categories**: a level that was not in training ${unknownText(model)}; ridecast warns of it, exports do not.` +
      (parts.length > 0
        ? ` Of ${maxZone} zones the training rides have ${parts.join(' and ')}.`
        : ''),
    ...(paired
      ? [
          `**Rare pairs.** Of ${countText(profile.pairs.length)} pairs of zones in training ` +
            `${countText(single)} have a single ride.`,
        ]
      : []),
  ]
}

function distanceLimits({ predictor: { model, profile } }: LoadedModel): string[] {
  const texts = [
    '**Missing distance.** ridecast takes the training mean of the pair of zones, or of all rides, ' +
      `and says so. In exports a missing distance (NaN) ${unknownText(model)}: give the ` +
      'distance of the route.',
  ]
  const distance = profile.trip_distance
  if (!distance) return texts
  const usual = indexProfile(profile).usualDistance
  // Trees compare distances, however large; a slope multiplies them.
  const raw = partsOf(model).some(({ kind, features }) => {
    return (
      kind === 'linear' &&
      features.numeric.some(({ of, steps }) => of === 'trip_distance' && steps.length === 0)
    )
  })
  const far = distance.counts.at(-1) ?? 0
  const last = distance.edges.at(-1) ?? 0
  if (Number.isFinite(usual)) {
    texts.push(
      `**Long rides.** 99.9 % of the training rides are shorter than ${usual} miles.` +
        (raw && far > 0
          ? ` ${countText(far)} are recorded with ${last} miles or more, errors of the meter among ` +
            'them, and the recipe takes them as they are.'
          : ''),
    )
  }
  return texts
}

function driftLimit({ train }: CardLineage): string {
  const months = [...new Set(train.flatMap(({ month }) => month ?? []))]
  const when = months.length > 0 ? `It knows ${months.map(plainText).join(', ')} only. ` : ''
  return (
    `**Drift.** ${when}Traffic and trips change with season and year: measure it on each new month ` +
    `(${code('ridecast evaluate')}) and train again when RMSE or bias grow.`
  )
}
