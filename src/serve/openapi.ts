/**
 * The OpenAPI 3.1 document of a service: its routes as they are mounted, its requests by the schemas
 * that check them. The ride is that of the served model, so that the document changes with it.
 */

import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi'
import { version } from '../package.ts'
import { operations } from './openapi-operations.ts'
import type { Operation } from './openapi-parts.ts'
import { problem } from './openapi-schemas.ts'
import { type ProblemCode, problemCodes } from './problem.ts'
import { type Field, fieldsOf, rideSchema } from './ride-fields.ts'
import type { Route, Service } from './routes.ts'
import { exampleRide } from './served-model.ts'
import type { ServedModel } from './state.ts'

/** Problems that any route may answer with. */
const always: readonly ProblemCode[] = [
  'request_malformed',
  'rate_limited',
  'headers_too_large',
  'internal',
  'overloaded',
]

/** What is added where only some may ask. */
const guarded: readonly ProblemCode[] = ['unauthorized', 'forbidden']

type Document = ReturnType<OpenApiGeneratorV31['generateDocument']>

/**
 * The document of mounted routes.
 *
 * @param config whether clients need a token
 * @returns the document, and the routes (`METHOD path`) of which nothing is known
 */
export function openapiDocument(
  routes: readonly Route[],
  served: ServedModel | undefined,
  config: Pick<Service['config'], 'tokens'>,
): { document: Document; unknown: readonly string[] } {
  const fields = served?.fields ?? fieldsOf([])
  const ride = rideSchema(fields).meta({ id: 'Ride' })
  const known = operations(ride, served)
  const registry = new OpenAPIRegistry()
  registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  const unknown: string[] = []
  for (const route of routes) {
    const name = `${route.method} ${route.path}`
    const operation = known[name]
    if (operation === undefined) unknown.push(name)
    else registry.registerPath(pathOf(route, operation, config.tokens.length > 0))
  }
  const document = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'ridecast',
      version,
      description: served
        ? `How long a New York taxi ride takes, by ${served.name} ${served.version}.`
        : 'How long a New York taxi ride takes. There is no model yet.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
  })
  describeRide(document, fields, served)
  return { document: withPlainPatterns(document), unknown }
}

function pathOf(route: Route, operation: Operation, withTokens: boolean): RouteConfig {
  const { summary, tag, request, answers, problems } = operation
  const isGuarded = route.access === 'admin' || (route.access === 'clients' && withTokens)
  const codes = [...always, ...(isGuarded ? guarded : []), ...problems]
  return {
    method: route.method.toLowerCase() as RouteConfig['method'],
    path: route.path.replace(/:(\w+)/g, '{$1}'),
    operationId: operationId(route),
    summary,
    tags: [tag],
    ...(request && { request }),
    ...(isGuarded && { security: [{ token: [] }] }),
    responses: responsesOf(answers, codes),
  }
}

function operationId({ method, path }: Route): string {
  const words = path.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '')
  return `${method.toLowerCase()}_${words === '' ? 'index' : words}`
}

/** Answers by status, each with the codes of the problems that it may be. */
function responsesOf(
  answers: Operation['answers'],
  codes: readonly ProblemCode[],
): Record<string, ResponseConfig> {
  const responses: Record<string, ResponseConfig> = { ...answers }
  for (const status of new Set(codes.map((code) => problemCodes[code]))) {
    const own = answers[status]
    const names = codes.filter((code) => problemCodes[code] === status)
    const description = [own?.description, `Problem ${names.join(' or ')}.`]
    responses[status] = {
      ...own,
      description: description.filter(Boolean).join(' '),
      content: { ...own?.content, 'application/problem+json': { schema: problem } },
    }
  }
  return responses
}

/** Units of the fields, and a ride to try. */
function describeRide(
  { components }: Document,
  fields: readonly Field[],
  served: ServedModel | undefined,
): void {
  const ride = components?.schemas?.Ride
  if (ride === undefined || '$ref' in ride) return
  for (const { name, unit, assumable } of fields) {
    const property = ride.properties?.[name]
    if (property === undefined || '$ref' in property) continue
    property.description = assumable
      ? `${unit}; assumed, with a warning, where it is not there`
      : unit
  }
  if (served) ride.examples = [{ ...exampleRide(served.predictor.inputs) }]
}

/**
 * Patterns as every reader of JSON Schema takes them: it has no flags (`^a$/u` is `^a$`), and few know
 * the categories of Unicode; Cc are just these.
 */
function withPlainPatterns(document: Document): Document {
  const text = JSON.stringify(document, (key, value: unknown) => {
    return key === 'pattern' && typeof value === 'string'
      ? value.replace(/\$\/[a-z]+$/, '$').replaceAll('\\P{Cc}', '[^\\u0000-\\u001f\\u007f-\\u009f]')
      : value
  })
  return JSON.parse(text) as Document
}
