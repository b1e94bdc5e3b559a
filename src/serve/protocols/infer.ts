/**
 * `POST /v2/models/:name/infer`: columns of rides in, columns of answers out. Translates and
 * delegates; `rows.ts` answers, `tensors.ts` knows how values lie.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { messageOf } from '../../errors.ts'
import { sendJsonText } from '../answer.ts'
import { exchangeOf, headerOf } from '../exchange.ts'
import { checkDeadline } from '../limits.ts'
import type { Answer } from '../predictions.ts'
import { Problem } from '../problem.ts'
import type { RouteHandler, Service } from '../routes.ts'
import type { Turn } from '../state.ts'
import { keyOf, type QueryWishes, wishesOf } from '../wishes.ts'
import { wholeBody } from './body-bytes.ts'
import { refuseEncoding } from './formats.ts'
import { answerAll, explanationOf, type Row } from './rows.ts'
import {
  bytesOfTensor,
  columnsOf,
  inputSchema,
  parametersSchema,
  type TensorOutput,
} from './tensors.ts'

const outputSchema = z.object({ name: z.string(), parameters: parametersSchema.optional() })

/** The JSON of an inference request. */
export const inferRequestSchema = z.object({
  id: z.string().optional(),
  parameters: parametersSchema.optional(),
  inputs: z.array(inputSchema).min(1),
  outputs: z.array(outputSchema).optional(),
})

type InferRequest = z.output<typeof inferRequestSchema>

/** An inference answer. */
export const inferResponseSchema = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int()),
      datatype: z.enum(['FP64', 'BYTES']),
      parameters: z.object({ binary_data_size: z.int() }).optional(),
      /** Absent where it follows the JSON in bytes. */
      data: z.array(z.union([z.number(), z.string()])).optional(),
    }),
  ),
})

/**
 * The handler of inference; fails with a Problem.
 *
 * @param turnOf who answers a request for a model, and maybe a version
 */
export function inferHandler(
  service: Service,
  turnOf: (params: Readonly<Record<string, string>>, key: string | undefined) => Turn,
): RouteHandler {
  const { config, now } = service
  return async (request, response, params) => {
    refuseEncoding(request.headers['content-encoding'])
    const bytes = await wholeBody(request, config.batchLimitBytes)
    const { asked, binary } = requestOf(request, bytes)
    const key = keyOf(request)
    const turn = turnOf(params, key)
    const wishes = wishesOf(request.url ?? '', turn.model)
    const rows = rowsOf(columnsOf(asked.inputs, binary))
    const answers = await answerAll(service, { turn, wishes, key }, rows, () => {
      checkDeadline(request, response, now)
    })
    exchangeOf(response).version = turn.model.version
    send(response, asked, turn, outputsOf(asked, answers, wishes))
  }
}

/** The JSON of a body, and the bytes after it where a header says how long the JSON is. */
function requestOf(
  request: IncomingMessage,
  bytes: Buffer,
): { asked: InferRequest; binary: Buffer | undefined } {
  const header = headerOf(request, 'inference-header-content-length')
  const length = header === undefined ? bytes.length : Number(header)
  if (header !== undefined && !(/^\d{1,10}$/.test(header) && length <= bytes.length)) {
    throw new Problem(
      'request_malformed',
      `Inference-Header-Content-Length must be at most the length of the body, found ${JSON.stringify(header.slice(0, 40))}`,
    )
  }
  const parsed = inferRequestSchema.safeParse(parsedJson(bytes.subarray(0, length)))
  if (!parsed.success) {
    const faults = parsed.error.issues.slice(0, 5).map(({ path, message }) => {
      return `${path.length === 0 ? 'body' : path.join('.')}: ${message.toLowerCase()}`
    })
    throw new Problem('request_malformed', `inference request is malformed: ${faults.join('; ')}`)
  }
  return { asked: parsed.data, binary: header === undefined ? undefined : bytes.subarray(length) }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parsedJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (error) {
    throw new Problem('body_not_json', `body is not JSON: ${messageOf(error)}`)
  }
}

function rowsOf(columns: ReadonlyMap<string, readonly unknown[]>): Row[] {
  const [first = []] = columns.values()
  const entries = [...columns]
  return first.map((_, i) => {
    return Object.fromEntries(entries.map(([name, values]) => [name, values[i]]))
  })
}

/** The outputs that are wanted, in that order; all where none is named. */
function outputsOf(
  { outputs }: InferRequest,
  answers: readonly Answer[],
  { explain, coverage }: QueryWishes,
): TensorOutput[] {
  const column = (
    name: string,
    datatype: TensorOutput['datatype'],
    value: (answer: Answer) => number | string,
  ): TensorOutput => ({ name, datatype, values: answers.map(value) })
  const all = [
    column('duration', 'FP64', ({ prediction }) => prediction.duration),
    column('prediction_id', 'BYTES', ({ id }) => id),
    ...(coverage === undefined
      ? []
      : [
          column('interval_low', 'FP64', ({ prediction }) => prediction.interval?.low ?? 0),
          column('interval_high', 'FP64', ({ prediction }) => prediction.interval?.high ?? 0),
        ]),
    ...(explain
      ? [
          column('explanation', 'BYTES', ({ prediction }) =>
            JSON.stringify(explanationOf(prediction)),
          ),
        ]
      : []),
  ]
  if (outputs === undefined || outputs.length === 0) return all
  return outputs.map(({ name }) => {
    const found = all.find((output) => output.name === name)
    if (found) return found
    const names = all.map((output) => output.name).join(', ')
    throw new Problem(
      'request_malformed',
      `output ${JSON.stringify(name.slice(0, 60))} is not there: expected ${names}`,
    )
  })
}

function send(
  response: ServerResponse,
  { id, parameters, outputs }: InferRequest,
  { arm, model }: Turn,
  tensors: readonly TensorOutput[],
): void {
  const binary: Buffer[] = []
  const told = tensors.map((tensor) => {
    const { name, datatype, values } = tensor
    const own = outputs?.find((output) => output.name === name)?.parameters?.binary_data
    const described = { name, datatype, shape: [values.length] }
    if (!(own ?? parameters?.binary_data_output)) return { ...described, data: values }
    const bytes = bytesOfTensor(tensor)
    binary.push(bytes)
    return { ...described, parameters: { binary_data_size: bytes.length } }
  })
  const text = JSON.stringify({
    model_name: model.name,
    model_version: model.version,
    ...(id !== undefined && { id }),
    outputs: told,
  })
  if (binary.length === 0) {
    sendJsonText(response, 200, text, ['Ridecast-Arm', arm])
    return
  }
  const bytes = Buffer.concat([Buffer.from(text), ...binary])
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': bytes.length,
    'Inference-Header-Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Ridecast-Arm': arm,
  })
  response.end(bytes)
}
