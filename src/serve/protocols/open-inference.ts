/**
 * The Open Inference Protocol, version 2, over HTTP
 * (https://github.com/open-inference/open-inference-protocol), as KServe, Triton and MLServer speak
 * it: health, metadata and, in `infer.ts`, inference.
 */

import { version } from '../../package.ts'
import { sendJson } from '../answer.ts'
import { Problem } from '../problem.ts'
import type { Field } from '../ride-fields.ts'
import type { Route, RouteHandler, Service } from '../routes.ts'
import type { ServedModel, ServiceState, Turn } from '../state.ts'
import { type ForeignError, tellingErrors } from './foreign-errors.ts'
import { inferHandler } from './infer.ts'
import { faultsText } from './rows.ts'

/** The routes of the Open Inference Protocol. */
export function openInferenceRoutes(service: Service): Route[] {
  const { state } = service
  const get = (path: string, handler: RouteHandler, access: Route['access'] = 'open'): Route => ({
    path,
    method: 'GET',
    access,
    handler: tellingErrors(service, inferenceError, handler),
  })
  const infer = tellingErrors(
    service,
    inferenceError,
    inferHandler(service, (params, key) => turnOf(state, params, key)),
  )
  const model = '/v2/models/:name'
  const oneVersion = `${model}/versions/:version`
  return [
    get('/v2', (_request, response) => {
      const extensions = ['binary_tensor_data']
      sendJson(response, 200, { name: 'ridecast', version, extensions })
    }),
    get('/v2/health/live', (_request, response) => sendJson(response, 200, { live: true })),
    get('/v2/health/ready', (_request, response) => {
      requireReady(state)
      sendJson(response, 200, { live: true, ready: true })
    }),
    get(`${model}/ready`, modelReady(state)),
    get(`${oneVersion}/ready`, modelReady(state)),
    get(model, modelMetadata(state), 'clients'),
    get(oneVersion, modelMetadata(state), 'clients'),
    { path: `${model}/infer`, method: 'POST', access: 'clients', handler: infer },
    { path: `${oneVersion}/infer`, method: 'POST', access: 'clients', handler: infer },
  ]
}

function requireReady(state: ServiceState): ServedModel {
  if (state.draining) throw new Problem('not_ready', 'server is shutting down: ask another')
  return state.requireModel()
}

/** The served models of that name, and version where one is named; undefined when there is none. */
function find(
  state: ServiceState,
  { name, version: wanted }: Readonly<Record<string, string>>,
): Turn | undefined {
  const turns: Turn[] = [{ arm: 'champion', model: state.requireModel() }]
  const { challenger } = state
  if (challenger && challenger.mode !== 'shadow') {
    turns.push({ arm: 'challenger', model: challenger.model })
  }
  return turns.find(({ model }) => {
    return model.name === name && (wanted === undefined || model.version === wanted)
  })
}

/**
 * Who answers: the version that is named, else the champion or, by its share, the challenger.
 *
 * @throws Problem: not_ready, request_malformed for a model that is not served
 */
function turnOf(
  state: ServiceState,
  params: Readonly<Record<string, string>>,
  key: string | undefined,
): Turn {
  const found = find(state, params)
  if (found === undefined) throw unknownModel(state, params)
  return params.version === undefined ? state.turn(key) : found
}

/** The protocol's file knows 200 and 400 for these addresses, and nothing else. */
function unknownModel(
  state: ServiceState,
  { name = '', version: wanted }: Readonly<Record<string, string>>,
): Problem {
  const { name: own, version: served } = state.requireModel()
  const found = `${name.slice(0, 60)}${wanted === undefined ? '' : ` ${wanted.slice(0, 60)}`}`
  return new Problem(
    'request_malformed',
    `model ${found} is not served here: expected ${own}, version ${served}`,
  )
}

function modelReady(state: ServiceState): RouteHandler {
  return (_request, response, params) => {
    requireReady(state)
    const found = find(state, params)
    if (found) {
      sendJson(response, 200, { name: found.model.name, ready: true })
      return
    }
    sendJson(response, 404, { error: unknownModel(state, params).message })
  }
}

function modelMetadata(state: ServiceState): RouteHandler {
  return (_request, response, params) => {
    const found = find(state, params)
    if (found === undefined) throw unknownModel(state, params)
    const { model } = found
    const optional = model.fields.filter(({ required }) => !required).map(({ name }) => name)
    sendJson(response, 200, {
      name: model.name,
      versions: [model.version],
      platform: `ridecast_${model.predictor.model.kind}`,
      inputs: model.fields.map(({ name, type }) => tensor(name, datatypes[type])),
      outputs: [
        tensor('duration', 'FP64'),
        tensor('prediction_id', 'BYTES'),
        ...(model.predictor.model.intervals
          ? [tensor('interval_low', 'FP64'), tensor('interval_high', 'FP64')]
          : []),
      ],
      properties: { optional_inputs: optional.join(',') },
    })
  }
}

const datatypes: Readonly<Record<Field['type'], string>> = {
  integer: 'INT64',
  number: 'FP64',
  string: 'BYTES',
}

const tensor = (name: string, datatype: string): object => ({ name, datatype, shape: [-1] })

/** A failure as the protocol tells it: 400 for everything that is the client's. */
function inferenceError(problem: Problem): ForeignError {
  const kept = problem.status >= 500 || problem.status === 413
  return { status: kept ? problem.status : 400, document: { error: faultsText(problem) } }
}
