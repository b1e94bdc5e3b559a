/** `POST /predict`: a ride in, minutes out. Translates and delegates; the predictor decides. */

import type { ServerResponse } from 'node:http'
import type { Explanation, Prediction, RideRequest } from '../predictor.ts'
import { sendJsonText, sendProblem } from './answer.ts'
import { jsonBody } from './body.ts'
import { exchangeOf } from './exchange.ts'
import { checkDeadline } from './limits.ts'
import type { Answer } from './predictions.ts'
import { invalidInput, Problem } from './problem.ts'
import { isRide, rideOf } from './ride-fields.ts'
import type { Route, Service } from './routes.ts'
import type { ServedModel } from './state.ts'
import { keyOf, type QueryWishes, queryWishes } from './wishes.ts'

/**
 * The route of `POST /predict`. Fails with a Problem where there is no prediction: not_ready,
 * deadline_exceeded, input_invalid with all faults, and the codes of {@link jsonBody}.
 */
export function predictRoute({ state, predictions, config, now }: Service): Route {
  return {
    path: '/predict',
    method: 'POST',
    access: 'clients',
    steps: [
      // Nobody reads a body that cannot be answered.
      (_request, _response, next) => {
        state.requireModel()
        next()
      },
      jsonBody(config.bodyLimitBytes),
    ],
    handler(request, response) {
      const exchange = exchangeOf(response)
      const key = keyOf(request)
      const turn = state.turn(key)
      const found = checked(exchange.body, request.url ?? '', turn.model)
      // Answered here: throwing it would cost a tenth of the answer.
      if (found instanceof Problem) return sendProblem(response, found)
      checkDeadline(request, response, now)
      const { ride, wishes } = found
      const { explain, coverage } = wishes
      const answer = predictions.answer(turn, ride, { explain, coverage, key })
      exchange.version = answer.model.version
      send(response, answer)
    },
  }
}

/** The ride of a body and what is wanted of it; every fault of both at once. */
function checked(
  body: unknown,
  url: string,
  model: ServedModel,
): { ride: RideRequest; wishes: QueryWishes } | Problem {
  const wishes = queryWishes(url, model)
  const ride = rideOf(body, model)
  if (isRide(ride) && 'explain' in wishes) return { ride, wishes }
  return invalidInput([...(isRide(ride) ? [] : ride), ...('explain' in wishes ? [] : wishes)])
}

function send(response: ServerResponse, { prediction, model, id, arm }: Answer): void {
  sendJsonText(response, 200, answerText(prediction, model.version), [
    'Ridecast-Prediction-Id',
    id,
    'Ridecast-Arm',
    arm,
  ])
}

/** The text of {@link answerDocument}; the usual one is put together by hand. */
function answerText(prediction: Prediction | Explanation, version: string): string {
  const { duration, warnings, interval } = prediction
  if (warnings.length === 0 && interval === undefined && !('contributions' in prediction)) {
    return `{"duration":${duration},"model_version":${JSON.stringify(version)}}`
  }
  return JSON.stringify(answerDocument(prediction, version))
}

/** What a client is told: `warnings` and `explanation` only where there are any. */
export function answerDocument(prediction: Prediction | Explanation, version: string): object {
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
