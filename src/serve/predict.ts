/** `POST /predict`: a ride in, minutes out. Translates and delegates; the predictor decides. */

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
    const { ride, explain } = requestOf(body, request.url ?? '', model)
    const prediction = explain ? model.predictor.explain(ride) : model.predictor.predict(ride)
    sendJson(response, 200, answerOf(prediction, model.version))
  }
}

function requestOf(
  body: unknown,
  url: string,
  model: ServedModel,
): { ride: RideRequest; explain: boolean } {
  const explain = explainWanted(url)
  const parsed = model.schema.safeParse(body)
  if (parsed.success && typeof explain === 'boolean') return { ride: parsed.data, explain }
  const faults: Fault[] = [
    ...(parsed.success ? [] : faultsOf(body, model.fields, parsed.error)),
    ...(typeof explain === 'boolean' ? [] : [explain]),
  ]
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  throw new Problem('input_invalid', `ride cannot be predicted: ${count}, see errors`, {
    faults,
  })
}

/** Whether reasons are wanted: `?explain`, `?explain=true`; or what is wrong with the parameter. */
function explainWanted(url: string): boolean | Fault {
  const at = url.indexOf('?')
  if (at < 0) return false
  const values = new URLSearchParams(url.slice(at + 1)).getAll('explain')
  const [value] = values
  if (value === undefined) return false
  if (values.length === 1 && (value === 'true' || value === '')) return true
  if (values.length === 1 && value === 'false') return false
  const found = values.map((text) => JSON.stringify(text.slice(0, 40))).slice(0, 3)
  const message = `explain must be true or false, once, found ${found.join(' and ')}`
  return { code: 'malformed', parameter: 'explain', message }
}

/** What a client is told: `warnings` and `explanation` only where there are any. */
function answerOf(prediction: Prediction | Explanation, version: string): object {
  const { duration, warnings } = prediction
  return {
    duration,
    model_version: version,
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
