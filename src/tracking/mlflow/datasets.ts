/**
 * Data that a run has read, as an MLflow server keeps it: shortened to what its page shows, with
 * all that was logged in tags of the input. Knows nothing about requests.
 */

import { z } from 'zod'
import type { Dataset } from '../tracker.ts'
import { type DatasetInput, pairsOf, recordOf } from './answers.ts'

const longestName = 500
const longestTag = 500
// The server takes 36 characters; the rest is for the context.
const digestDigits = 32
const contextTag = 'mlflow.data.context'
const wholeTag = 'ridecast.dataset.'

const wholeSchema = z.object({
  order: z.number(),
  name: z.string(),
  source: z.string(),
  digest: z.string(),
  context: z.enum(['training', 'validation']),
  rows: z.number(),
})

/** The name and digest that the server has for data, by which metrics refer to it. */
export type DatasetKey = Pick<DatasetInput['dataset'], 'name' | 'digest'>

/**
 * Data as an input of a run. The server has one input a name and digest, so data that a run uses
 * twice gets a second digest.
 *
 * @param before inputs that the run has
 * @returns null when the run has it already
 */
export function datasetInput(dataset: Dataset, before: readonly DatasetInput[]) {
  const { name, source, digest, context, rows } = dataset
  const known = before.map(datasetOf)
  const same = known.filter((other) => other.name === name && other.digest === digest)
  if (same.some((other) => other.context === context)) return null
  const short = digest.replace(/^[a-z0-9]+:/i, '').slice(0, digestDigits)
  const isUrl = /^(https?):\/\//i.test(source)
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(source)?.[1]?.toLowerCase()
  const whole = { order: before.length, name, source, digest, context, rows }
  const profile = JSON.stringify({ num_rows: rows })
  return {
    dataset: {
      name: name.slice(0, longestName),
      digest: same.length > 0 ? `${short}-${context[0]}` : short,
      source_type: isUrl ? 'http' : (scheme ?? 'local'),
      source: JSON.stringify(isUrl ? { url: source } : { uri: source }),
      profile,
    },
    tags: pairsOf({ [contextTag]: context, ...pieces(JSON.stringify(whole)) }),
  }
}

/** A text in tags that are long enough for a piece of it each. */
function pieces(text: string): Record<string, string> {
  // Plain ASCII: a piece may end anywhere.
  const ascii = text.replaceAll(/[^ -~]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  const parts = ascii.match(new RegExp(`.{1,${longestTag}}`, 'g')) ?? []
  return Object.fromEntries(parts.map((part, i) => [`${wholeTag}${i}`, part]))
}

/** Data of a run in order of logging; that of other programs as far as it is told. */
export function datasetsOf(inputs: readonly DatasetInput[]): Dataset[] {
  return inputs
    .map(datasetOf)
    .sort((a, b) => a.order - b.order)
    .map(({ order: _, ...dataset }) => dataset)
}

function datasetOf({ dataset, tags }: DatasetInput): z.infer<typeof wholeSchema> {
  const tag = recordOf(tags)
  const parts: string[] = []
  for (let i = 0; tag[`${wholeTag}${i}`] !== undefined; i++)
    parts.push(tag[`${wholeTag}${i}`] ?? '')
  const whole = wholeSchema.safeParse(fieldsOf(parts.join('')))
  if (whole.success) return whole.data
  const { uri, url, path } = fieldsOf(dataset.source)
  const { num_rows: rows } = fieldsOf(dataset.profile)
  return {
    order: Number.POSITIVE_INFINITY,
    name: dataset.name,
    source: String(uri ?? url ?? path ?? dataset.source),
    digest: dataset.digest,
    context: /valid|test|eval/i.test(tag[contextTag] ?? '') ? 'validation' : 'training',
    rows: Number.isSafeInteger(rows) ? Number(rows) : 0,
  }
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null ? { ...found } : {}
  } catch {
    return {}
  }
}

/**
 * The data that a metric was measured on, from its name: `train.*` on what the run was trained on,
 * `validation.*` and `rmse` on what it was validated on. Undefined where the name does not tell, or
 * several files were read for it.
 */
export function measuredOn(
  metric: string,
  inputs: readonly DatasetInput[],
): DatasetKey | undefined {
  const isValidation = metric === 'rmse' || metric.startsWith('validation.')
  if (!isValidation && !metric.startsWith('train.')) return undefined
  const context = isValidation ? 'validation' : 'training'
  const fitting = inputs.filter((input) => datasetOf(input).context === context)
  return fitting.length === 1 ? fitting[0]?.dataset : undefined
}
