/** What a model card says about measures, data and lineage: figures, each from a document. */

import type { LoadedModel } from '../loaded-model.ts'
import type { Filter } from '../recipe-schema.ts'
import type { CardFile, CardLineage, CardMeasures, CardMetrics } from './card-facts.ts'
import { code, markdownTable, plainText } from './markdown.ts'
import { versionFiles } from './version-files.ts'

/** A whole number with its thousands apart. */
export const countText = (n: number): string => n.toLocaleString('en-US')

/** A number to three decimals; -1e-16 is 0. */
export const decimalText = (value: number): string => value.toFixed(3).replace(/^-(0\.0+)$/, '$1')

/** Training, validation and the baseline side by side, and what they mean. */
export function measuresText(metrics: CardMetrics, lineage: CardLineage): string {
  const { train, validation, baseline } = metrics
  if (!train && !validation) return 'The version does not say.'
  const rows = [
    ...(validation ? [measuresRow(`validation${monthsOf(lineage.validation)}`, validation)] : []),
    ...(baseline ? [['always the mean of training', '', decimalText(baseline.rmse), '', '']] : []),
    ...(train ? [measuresRow(`training${monthsOf(lineage.train)}`, train)] : []),
  ]
  const header = ['rides of', 'number', 'RMSE', 'R²', 'bias']
  return [
    markdownTable(header, 'lrrrr', rows),
    'RMSE and bias in minutes. RMSE: root mean squared error. R²: share of the variance explained. ' +
      'Bias: mean of prediction minus actual, negative where rides took longer than predicted.',
    ...(validation && baseline ? [comparison(validation.rmse, baseline.rmse)] : []),
    splitText(lineage),
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

function measuresRow(label: string, { n, rmse, r2, bias }: CardMeasures): string[] {
  const optional = (value: number | null | undefined): string =>
    typeof value === 'number' ? decimalText(value) : ''
  return [label, countText(n), decimalText(rmse), optional(r2), optional(bias)]
}

function monthsOf(files: readonly CardFile[]): string {
  const months = [...new Set(files.flatMap(({ month }) => month ?? []))]
  return months.length > 0 ? `, ${months.map(plainText).join(', ')}` : ''
}

/** How a validation RMSE stands to that of the baseline. */
export function comparison(rmse: number, baseline: number): string {
  const share = (100 * Math.abs(1 - rmse / baseline)).toFixed(1)
  const side = rmse <= baseline ? 'below' : 'above'
  return (
    `On the validation rides its RMSE is ${share} % ${side} that of the mean of the training ` +
    'rides as the answer to every ride.'
  )
}

function splitText({ split }: CardLineage): string {
  if (split === 'month') return 'Training did not see the validation rides: they are another month.'
  if (split === 'holdout') return 'Validated on the last rides of the same file, by pickup time.'
  if (split === 'rest') return 'Trained on the first rows of the file, validated on the rest.'
  return ''
}

/** Files with rides taken and left, hashes, and what was left out. */
export function dataText(
  { predictor: { model } }: LoadedModel,
  { train, validation }: CardLineage,
  refused: Readonly<Record<string, number>>,
): string {
  const { target, filters } = model.recipe
  const files = [
    ...train.map((file) => ({ use: 'training', ...file })),
    ...validation.map((file) => ({ use: 'validation', ...file })),
  ]
  const rows = files.map(({ use, month, file, rows: all, kept }) => {
    return [use, plainText(month ?? ''), code(file), countText(all), countText(kept)]
  })
  const hashes = new Map(
    files.flatMap(({ file, sha256 }) => (sha256 === null ? [] : [[sha256, file] as const])),
  )
  const reasons = Object.entries(refused).filter(([, rides]) => rides > 0)
  return [
    rows.length > 0
      ? markdownTable(['used for', 'month', 'file', 'rides', 'taken'], 'lllrr', rows)
      : 'The version does not name its files.',
    `Taken are rides of ${target.min} to ${target.max} minutes, both included, that have both times ` +
      'and every value that the recipe needs' +
      (filters.length > 0 ? `, with ${filters.map(filterText).join(' and ')}.` : '.'),
    reasons.length > 0
      ? `Refused in training: ${reasons.map(([why, rides]) => `${countText(rides)} ${code(why)}`).join(', ')}.`
      : '',
    hashes.size > 0
      ? markdownTable(
          ['file', 'SHA-256'],
          'll',
          [...hashes].map(([hash, file]) => [code(file), code(hash)]),
        )
      : '',
  ]
    .filter((text) => text !== '')
    .join('\n\n')
}

function filterText({ column, ...bounds }: Filter): string {
  const words = { above: 'above', at_least: 'at least', below: 'below', at_most: 'at most' }
  const parts = Object.entries(bounds).map(([bound, value]) => {
    return `${words[bound as keyof typeof words]} ${value}`
  })
  return `${code(column)} ${parts.join(' and ')}`
}

/** Hashes by which the version is found again, and what they are of. */
export function lineageText(loaded: LoadedModel, { moments_sha256: moments }: CardLineage): string {
  const isLinear = loaded.predictor.model.kind === 'linear'
  const solved = 'from which the coefficients were solved'
  const measured = 'from which the measures were computed'
  const rows = [
    ['version, the first 12 digits of the SHA-256 of its `SHA256SUMS`', code(loaded.version)],
    ['`lineage.json`, SHA-256', code(versionFiles(loaded).lineageSha256)],
    ...(moments
      ? [
          [
            `training sums, ${isLinear ? solved : 'of the rides it was trained on'}`,
            code(moments.train),
          ],
          [
            `validation sums, ${isLinear ? measured : 'of the rides it was validated on'}`,
            code(moments.validation),
          ],
        ]
      : []),
  ]
  return [
    markdownTable(['of', 'hash'], 'll', rows),
    'With the same release of ridecast the same files and recipe give the same version again.',
  ].join('\n\n')
}
