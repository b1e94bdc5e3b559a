/**
 * `POST /feedback`: how long a ride took in the end, by the name of its prediction or by the
 * client's key. On disk before it is answered; the same again changes nothing; as late as the
 * prediction is in the log.
 */

import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../errors.ts'
import { sendJson } from './answer.ts'
import { readJson } from './body.ts'
import { parsePredictionName } from './prediction-id.ts'
import {
  type FeedbackLine,
  feedbackFile,
  findByKey,
  findFeedback,
  findPrediction,
} from './prediction-search.ts'
import type { Answer, PredictionLine, PredictionListener } from './predictions.ts'
import { type Fault, invalidInput, Problem } from './problem.ts'
import type { RouteHandler, Service } from './routes.ts'
import type { Arm, ServedModel } from './state.ts'

/** Minutes that a ride can take at all: a week. */
const longestMinutes = 7 * 24 * 60

/** The body of `POST /feedback`. */
export const feedbackSchema = z
  .object({
    prediction_id: z.string().max(100).optional(),
    key: z.string().min(1).max(200).optional(),
    duration: z.number().positive().max(longestMinutes),
  })
  .refine(({ prediction_id, key }) => (prediction_id === undefined) !== (key === undefined))

/** What is kept of a prediction so that feedback soon after it needs no disk. */
type Known = Pick<PredictionLine, 'id' | 'model' | 'version' | 'arm' | 'duration'>

/** Hears of feedback. */
export type FeedbackListener = (prediction: Known, minutes: number) => void

/**
 * The latest predictions of this process, by name and by key. They are kept as numbers and as references
 * to what lives long anyway: thousands of objects that outlive their requests would cost the
 * garbage collector more than an answer costs.
 */
export class RecentPredictions implements PredictionListener {
  private readonly most: number
  private count = 0
  /** Numbers at the ends of the names, and which of {@link prefixes} they begin with. */
  private readonly numbers: Float64Array
  private readonly prefixOf: Uint32Array
  /** One more a day. */
  private readonly prefixes: string[] = []
  private readonly minutes: Float64Array
  private readonly arms: Arm[] = []
  private readonly models: ServedModel[] = []
  private readonly keys: (string | undefined)[] = []

  /** @param most predictions that are kept, default 20,000 */
  constructor(most = 20_000) {
    this.most = most
    this.numbers = new Float64Array(most)
    this.prefixOf = new Uint32Array(most)
    this.minutes = new Float64Array(most)
  }

  answered({ prefix, number, arm, model, prediction, key }: Answer): void {
    const slot = this.count++ % this.most
    if (this.prefixes.at(-1) !== prefix) this.prefixes.push(prefix)
    this.numbers[slot] = number
    this.prefixOf[slot] = this.prefixes.length - 1
    this.minutes[slot] = prediction.duration
    this.arms[slot] = arm
    this.models[slot] = model
    this.keys[slot] = key
  }

  /** A prediction by its name. */
  get(id: string): Known | undefined {
    const cut = id.lastIndexOf('-') + 1
    const prefix = id.slice(0, cut)
    const number = Number.parseInt(id.slice(cut), 36)
    return this.latest((slot) => this.numbers[slot] === number && this.prefixAt(slot) === prefix)
  }

  /** The latest prediction of a key. */
  ofKey(key: string): Known | undefined {
    return this.latest((slot) => this.keys[slot] === key)
  }

  private latest(fits: (slot: number) => boolean): Known | undefined {
    const oldest = Math.max(0, this.count - this.most)
    for (let i = this.count - 1; i >= oldest; i--) {
      const slot = i % this.most
      if (fits(slot)) return this.knownAt(slot)
    }
    return undefined
  }

  private prefixAt(slot: number): string {
    return this.prefixes[this.prefixOf[slot] as number] as string
  }

  private knownAt(slot: number): Known {
    const { name, version } = this.models[slot] as ServedModel
    const id = `${this.prefixAt(slot)}${(this.numbers[slot] as number).toString(36)}`
    const duration = this.minutes[slot] as number
    return { id, arm: this.arms[slot] as Arm, model: name, version, duration }
  }
}

/** The handler of `POST /feedback`. */
export function feedbackHandler(
  { config, log }: Pick<Service, 'config' | 'log'>,
  recent: RecentPredictions,
  flush: () => Promise<void>,
  listeners: readonly FeedbackListener[],
  now: () => Date = () => new Date(),
): RouteHandler {
  const { state } = config
  // One after the other: whether it was told before is looked up and written in one go.
  let turn: Promise<unknown> = Promise.resolve()

  async function find(id: string | undefined, key: string | undefined): Promise<Known> {
    const near = id === undefined ? recent.ofKey(key as string) : recent.get(id)
    if (near) return near
    await flush()
    const found =
      id === undefined ? await findByKey(state, key as string) : await findPrediction(state, id)
    if (found) return found
    throw new Problem(
      'prediction_unknown',
      id === undefined
        ? 'key is that of no prediction in the log of the last two days'
        : 'prediction_id is that of no prediction in the log',
    )
  }

  async function record(body: unknown): Promise<{ status: number; document: object }> {
    const { prediction_id, key, duration } = feedbackOf(body)
    const known = await find(prediction_id, key)
    const before = await findFeedback(state, known.id)
    const document = {
      prediction_id: known.id,
      predicted: known.duration,
      actual: duration,
      model_version: known.version,
    }
    if (before?.duration === duration) return { status: 200, document }
    if (before) {
      throw new Problem(
        'feedback_conflict',
        `prediction ${known.id} was told to have taken ${before.duration} minutes, found ${duration}: what was told first stays`,
      )
    }
    const file = feedbackFile(state, known.id) as string
    const line: FeedbackLine = { id: known.id, time: now().toISOString(), duration }
    await mkdir(dirname(file), { recursive: true })
    await appendFile(file, `${JSON.stringify(line)}\n`)
    for (const listener of listeners) listener(known, duration)
    return { status: 201, document }
  }

  /** What the disk refuses is not the client's fault, and may pass. */
  function refusal(error: NodeJS.ErrnoException): unknown {
    if (error.syscall === undefined) return error
    log.error({ folder: state, message: messageOf(error) }, 'feedback not kept')
    return new Problem(
      'storage_unavailable',
      'feedback could not be looked up or written on disk and is not kept: send it again later',
      { headers: { 'Retry-After': '10' } },
    )
  }

  return async (request, response) => {
    const body = await readJson(request, config.bodyLimitBytes)
    const done = turn.then(() => record(body))
    turn = done.catch(() => {})
    const { status, document } = await done.catch((error) => {
      throw refusal(error)
    })
    sendJson(response, status, document)
  }
}

/** A checked body, else every fault of it. */
function feedbackOf(body: unknown): z.output<typeof feedbackSchema> {
  const parsed = feedbackSchema.safeParse(body)
  if (parsed.success) {
    const id = parsed.data.prediction_id
    if (id === undefined || parsePredictionName(id)) return parsed.data
    throw invalid([
      fault(
        'malformed',
        '#/prediction_id',
        'prediction_id must be one that was given in the header Ridecast-Prediction-Id',
      ),
    ])
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw invalid([fault('wrong_type', '#', 'body must be a JSON object')])
  }
  const { duration, prediction_id, key } = body as Record<string, unknown>
  const faults: Fault[] = []
  if (duration === undefined) {
    faults.push(fault('missing', '#/duration', 'duration is missing: expected minutes'))
  } else if (!feedbackSchema.shape.duration.safeParse(duration).success) {
    const code = typeof duration === 'number' ? 'out_of_range' : 'wrong_type'
    faults.push(
      fault(code, '#/duration', `duration must be minutes above 0, at most ${longestMinutes}`),
    )
  }
  for (const [name, value] of Object.entries({ prediction_id, key })) {
    const schema = feedbackSchema.shape[name as 'key']
    if (!schema.safeParse(value).success) {
      faults.push(fault('wrong_type', `#/${name}`, `${name} must be a short text`))
    }
  }
  if ((prediction_id === undefined) === (key === undefined)) {
    const message = 'exactly one of prediction_id and key must be there: it says which ride it was'
    faults.push(
      fault(prediction_id === undefined ? 'missing' : 'malformed', '#/prediction_id', message),
    )
  }
  throw invalid(faults)
}

function fault(code: Fault['code'], pointer: string, message: string): Fault {
  return { code, pointer, message }
}

function invalid(faults: readonly Fault[]): Problem {
  return invalidInput(faults, 'feedback cannot be taken')
}
