/** `POST /predict`: a ride in, minutes out. Translates and delegates; the predictor decides. */

import { coverages } from '../intervals.ts'
import type { Explanation, Prediction, RideRequest } from '../predictor.ts'
import { type Handler, sendJson } from './answer.ts'
import { readJson } from './body.ts'
import { type Fault, Problem } from './problem.ts'
import { faultsOf } from './ride-fields.ts'
import type { ServedModel, ServiceState } from './state.ts'

/**
 * The handler of `POST /predict`. Rejects with a Problem where there is no prediction:
 * not_ready, input_invalid with all faults, and the codes of {@link readJson}.
 *
 * @param limitBytes the largest body that is read
 */
export function predictHandler(state: ServiceState, limitBytes: number): Handler {
  return async (request, response) => {
    const model = state.requireModel()
    const body = await readJson(request, limitBytes)
    const { ride, explain, coverage } = requestOf(body, request.url ?? '', model)
    const { predictor } = model
    const prediction = explain
      ? predictor.explain(ride, coverage)
      : predictor.predict(ride, coverage)
    sendJson(response, 200, answerOf(prediction, model.version))
  }
}

function requestOf(
  body: unknown,
  url: string,
  model: ServedModel,
): { ride: RideRequest; explain: boolean; coverage: number | undefined } {
  const explain = explainWanted(url)
  const coverage = coverageWanted(url, model)
  const parsed = model.schema.safeParse(body)
  if (parsed.success && typeof explain === 'boolean' && typeof coverage !== 'object') {
    return { ride: parsed.data, explain, coverage }
  }
  const faults: Fault[] = [
    ...(parsed.success ? [] : faultsOf(body, model.fields, parsed.error)),
    ...(typeof explain === 'boolean' ? [] : [explain]),
    ...(typeof coverage === 'object' ? [coverage] : []),
  ]
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  throw new Problem('input_invalid', `ride cannot be predicted: ${count}, see errors`, {
    faults,
  })
}

/** Whether reasons are wanted: `?explain`, `?explain=true`; or what is wrong with the parameter. */
function explainWanted(url: string): boolean | Fault {
  const values = parameters(url, 'explain')
  const [value] = values
  if (value === undefined) return false
  if (values.length === 1 && (value === 'true' || value === '')) return true
  if (values.length === 1 && value === 'false') return false
  const found = values.map((text) => JSON.stringify(text.slice(0, 40))).slice(0, 3)
  const message = `explain must be true or false, once, found ${found.join(' and ')}`
  return { code: 'malformed', parameter: 'explain', message }
}

/** The coverage of `?interval=0.9`, undefined without one; or what is wrong with the parameter. */
function coverageWanted(url: string, { predictor }: ServedModel): number | undefined | Fault {
  const values = parameters(url, 'interval')
  const [value] = values
  if (value === undefined) return undefined
  const { least, most } = coverages
  const refuse = (message: string): Fault => ({
    code: 'malformed',
    parameter: 'interval',
    message,
  })
  if (!predictor.model.intervals) {
    return refuse('interval cannot be given: the model was trained without intervals')
  }
  const coverage = value.trim() === '' ? Number.NaN : Number(value)
  if (values.length === 1 && coverage >= least && coverage <= most) return coverage
  const found = values.map((text) => JSON.stringify(text.slice(0, 40))).slice(0, 3)
  return refuse(
    `interval must be a coverage from ${least} to ${most}, once, found ${found.join(' and ')}`,
  )
}

function parameters(url: string, name: string): string[] {
  const at = url.indexOf('?')
  return at < 0 ? [] : new URLSearchParams(url.slice(at + 1)).getAll(name)
}

/** What a client is told: `warnings` and `explanation` only where there are any. */
function answerOf(prediction: Prediction | Explanation, version: string): object {
  const { duration, warnings, interval } = prediction
  return {
    duration,
    model_version: version,
    ...(interval && { interval }),
    ...(warnings.length > 0 && { warnings }),
    ...('contributions' in prediction && {
      explanation: {
        intercept: prediction.intercept,
        contributions: prediction.contributions,
        total: prediction.total,
      },
    }),
  }
}
