/**
 * The protocol of MLflow's scoring server (https://mlflow.org/docs/latest/ml/deployment/),
 * so that its clients and load balancers set up for it need no change: `POST /invocations`, `/ping`,
 * `/health`, `/version`. Translates and delegates; `rows.ts` answers.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf } from '../../errors.ts'
import { version } from '../../package.ts'
import { sendJson } from '../answer.ts'
import { exchangeOf } from '../exchange.ts'
import { checkDeadline } from '../limits.ts'
import type { Problem } from '../problem.ts'
import type { Field } from '../ride-fields.ts'
import type { Route, RouteHandler, Service } from '../routes.ts'
import { keyOf, wishesOf } from '../wishes.ts'
import { wholeBody } from './body-bytes.ts'
import { type ForeignError, tellingErrors } from './foreign-errors.ts'
import { refuseEncoding } from './formats.ts'
import { scoringFault, scoringRows } from './mlflow-rows.ts'
import { csvRows } from './read-csv.ts'
import { answerAll, faultsText, type Row } from './rows.ts'

/** The routes of MLflow's scoring protocol. */
export function mlflowRoutes(service: Service): Route[] {
  const invocations = tellingErrors(service, scoringError, invocationsHandler(service))
  const ping = pingHandler(service)
  return [
    { path: '/invocations', method: 'POST', access: 'clients', handler: invocations },
    { path: '/ping', method: 'GET', access: 'open', handler: ping },
    { path: '/health', method: 'GET', access: 'open', handler: ping },
    {
      path: '/version',
      method: 'GET',
      access: 'open',
      handler: (_, out) => sendText(out, 200, version),
    },
  ]
}

function invocationsHandler(service: Service): RouteHandler {
  const { state, config, now } = service
  return async (request, response) => {
    const format = scoringFormat(request)
    if (typeof format === 'object') {
      request.resume()
      sendText(response, 415, format.refused)
      return
    }
    const bytes = await wholeBody(request, config.batchLimitBytes)
    const key = keyOf(request)
    const turn = state.turn(key)
    const wishes = wishesOf(request.url ?? '', turn.model)
    const rows = await rowsOf(format, bytes, turn.model.fields)
    const answers = await answerAll(service, { turn, wishes, key }, rows, () => {
      checkDeadline(request, response, now)
    })
    exchangeOf(response).version = turn.model.version
    response.setHeader('Ridecast-Arm', turn.arm)
    const [only] = answers
    if (only && answers.length === 1) response.setHeader('Ridecast-Prediction-Id', only.id)
    sendJson(response, 200, { predictions: answers.map(({ prediction }) => prediction.duration) })
  }
}

/** The format of a body, or what a client is told whose format is none. */
function scoringFormat({ headers }: IncomingMessage): 'json' | 'csv' | { refused: string } {
  refuseEncoding(headers['content-encoding'])
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((text) => text.trim())
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.toLowerCase().split('=', 2)
    if (name !== 'charset') {
      return { refused: `Unrecognized content type parameters: ${name.slice(0, 40)}` }
    }
    if (value.replaceAll('"', '') !== 'utf-8') {
      return { refused: 'The scoring server only supports UTF-8' }
    }
  }
  const format = { 'application/json': 'json', 'text/csv': 'csv' } as const
  const known = format[type.toLowerCase() as keyof typeof format]
  if (known) return known
  return {
    refused: `This predictor only supports the following content types: application/json, text/csv. Got '${type.slice(0, 100)}'`,
  }
}

async function rowsOf(
  format: 'json' | 'csv',
  bytes: Buffer,
  fields: readonly Field[],
): Promise<Row[]> {
  if (format === 'json') return scoringRows(parsed(bytes))
  const rows: Row[] = []
  for await (const some of csvRows(single(bytes), fields, bytes.length)) rows.push(...some)
  return rows
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (error) {
    throw scoringFault(
      `Invalid input. Ensure that input is a valid JSON formatted string. Error: '${messageOf(error)}'`,
    )
  }
}

/** What MLflow calls failures, by status; others are bad requests. */
const scoringCodes: Readonly<Record<number, string>> = {
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** A failure as MLflow's scoring server tells it. */
function scoringError(problem: Problem): ForeignError {
  const error_code = scoringCodes[problem.status] ?? 'BAD_REQUEST'
  const kept = problem.status >= 500 || problem.code === 'body_too_large'
  return {
    status: kept ? problem.status : 400,
    document: { error_code, message: faultsText(problem) },
  }
}

/** 200 where there is a model, as load balancers for MLflow ask; 404 where there is none. */
function pingHandler({ state }: Service): RouteHandler {
  return (_request, response) => {
    sendText(response, state.model && !state.draining ? 200 : 404, '\n')
  }
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(text)
}
