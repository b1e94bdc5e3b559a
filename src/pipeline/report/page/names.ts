/** What models, slices and inputs are called on the page. Knows nothing about charts. */

import type { WorstSlice } from '../../judge/judgement.ts'
import type { ReportModel } from '../document.ts'

/** Minutes to a hundredth, with a real minus where there is one. */
export const minutesText = (minutes: number, places = 2): string =>
  minutes.toFixed(places).replace('-', '−')

/** Minutes with their sign: `+0.31`, `−1.22`, `0.00`. */
export function biasText(minutes: number, places = 2): string {
  const text = Math.abs(minutes).toFixed(places)
  if (Number(text) === 0) return text
  return `${minutes > 0 ? '+' : '−'}${text}`
}

/** What kinds of models are called. */
export const kindNames: Readonly<Record<ReportModel['kind'], string>> = {
  linear: 'linear',
  trees: 'boosted trees',
  forest: 'random forest',
  ensemble: 'ensemble',
}

/** A slice with what it is a slice of: `Distance: 10 to 20 miles`. */
export function worstText({ judgement }: ReportModel, { family, name }: WorstSlice): string {
  const title = judgement.slices.find(({ key }) => key === family)?.title ?? family
  return `${title}: ${name}`
}

const inputNames: Readonly<Record<string, string>> = {
  PULocationID: 'pickup zone',
  DOLocationID: 'drop-off zone',
  VendorID: 'vendor',
  RatecodeID: 'rate code',
  pickup_datetime: 'time of the pickup',
  hour: 'hour of the pickup',
  weekday: 'day of the week',
}

/** What an input or a term is called. */
export const inputName = (input: string): string => inputNames[input] ?? input.replaceAll('_', ' ')
