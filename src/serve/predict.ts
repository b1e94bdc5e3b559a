/** `POST /predict`: one ride to minutes. */

import type { Request, RequestHandler } from 'express'
import { Problem } from './problem.ts'
import type { ServedModel } from './served-model.ts'

/** Refuses bodies that the JSON parser would pass over in silence. */
export const requireJson: RequestHandler = (request, _response, next): void => {
  // Without a body `is` answers null, with another media type false.
  const type = request.is('application/json')
  if (type === null || request.headers['content-length'] === '0') {
    throw new Problem(
      'body_missing',
      'expected a JSON object with the fields of a ride, found no body',
    )
  }
  if (type === false) {
    const found = request.headers['content-type'] ?? 'none'
    throw new Problem(
      'media_type_unsupported',
      `expected content type application/json, found ${found.slice(0, 100)}`,
    )
  }
  next()
}

function explainAsked(request: Request): boolean {
  const { explain } = request.query
  if (explain === undefined || explain === 'false') return false
  if (explain === 'true' || explain === '') return true
  const message = 'explain: expected true or false'
  throw new Problem('input_invalid', 'the query has a parameter that is wrong', [
    { code: 'malformed', parameter: 'explain', message },
  ])
}

/** The handler; the body has been parsed by then. */
export function predictHandler(current: () => ServedModel): RequestHandler {
  return (request, response): void => {
    const { predictor, fields, version } = current()
    const explain = explainAsked(request)
    const ride = fields.parse(request.body)
    if (Array.isArray(ride)) {
      throw new Problem('input_invalid', 'the ride has missing or wrong fields: see errors', ride)
    }
    const answer = predictor.explain(ride as Exclude<typeof ride, readonly unknown[]>)
    const { duration, warnings, intercept, contributions, raised } = answer
    if (!Number.isFinite(duration)) {
      throw new Problem(
        'input_invalid',
        'the ride has values so large that the answer is no number',
      )
    }
    response.json({
      duration,
      model_version: version,
      ...(warnings.length > 0 ? { warnings } : {}),
      ...(explain ? { explanation: { intercept, contributions, raised } } : {}),
    })
  }
}
