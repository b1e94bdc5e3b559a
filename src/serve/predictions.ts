/**
 * The one way from a checked ride to an answer, whatever protocol it came by: takes the arm that
 * answers, predicts, mirrors to a shadow, counts, and logs. Knows nothing about HTTP.
 *
 * A challenger that fails on a ride does not fail the request: the champion answers it, and the
 * failure counts against the challenger.
 */

import type { Interval } from '../intervals.ts'
import type { Explanation, Prediction, RideRequest, Warning } from '../predictor.ts'
import { formatWallClock } from '../ride.ts'
import { lately } from './lately.ts'
import type { NumberedName } from './prediction-id.ts'
import type { Loggable } from './prediction-log.ts'
import type { Arm, ServedModel, ServiceState, Turn } from './state.ts'

/** What is wanted of an answer, beside the number. */
export interface Wish {
  /** Reasons too, default false. */
  readonly explain?: boolean
  /** Coverage of an interval, none by default. */
  readonly coverage?: number | undefined
  /** The client's key of the request: sticky arms, and feedback by key. */
  readonly key?: string | undefined
  /** Gets the line for the log, to be handed to `Predictions.log` later; default: it is logged at once. */
  readonly held?: Loggable[]
}

/** An answer, who gave it, and its name in the prediction log, for feedback and audits. */
export interface Answer extends Turn, NumberedName {
  readonly prediction: Prediction | Explanation
  /** The client's key of the request, where it gave one. */
  readonly key: string | undefined
}

/** Hears of every answer: metrics, the judge of a trial. Must be quick and must not throw. */
export interface PredictionListener {
  /** An arm answered. */
  answered?(answer: Answer, ms: number): void
  /** An arm could not answer a ride that it should have. */
  failed?(turn: Turn, error: unknown): void
  /** A shadow was asked what the champion has answered. */
  mirrored?(champion: Prediction, challenger: Prediction, shadow: ServedModel): void
}

/** A line of the prediction log. */
export interface PredictionLine {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly model: string
  readonly version: string
  /** `shadow` for what a mirrored model would have answered; its `of` names the answer given. */
  readonly arm: Arm | 'shadow'
  readonly of?: string
  readonly key?: string
  /** What the client said, by field; absent where the log is to hold no inputs. */
  readonly inputs?: Readonly<Record<string, number | string>>
  /** Minutes. */
  readonly duration: number
  readonly interval?: Interval
  /** Codes of the warnings. */
  readonly warnings?: readonly string[]
}

/** What the predictions of a server need. */
export interface PredictionEffects {
  /** A new name for a prediction of that day. */
  readonly name: (day: string) => NumberedName
  /** Takes a line for the log. */
  readonly append: (line: Loggable) => void
  /** Whether the log holds what clients say of their rides. */
  readonly logInputs: boolean
  readonly listeners: readonly PredictionListener[]
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Milliseconds of a clock that only goes forward. */
  readonly clock?: () => number
}

/** Mirrored rides that wait at most; beyond them a shadow is not asked. */
const waitingMirrors = 1000

/** The answers of a server. */
export interface Predictions {
  /**
   * Answers a checked ride.
   *
   * @param turn who answers, from `ServiceState.turn`: the ride was checked by its model's schema
   * @throws input_invalid as `Predictor.predict`
   */
  answer(turn: Turn, ride: RideRequest, wish?: Wish): Answer
  /** Logs lines that were held back, and leaves none. */
  log(held: Loggable[]): void
}

/** Answers by the models of a state. */
export function createPredictions(state: ServiceState, effects: PredictionEffects): Predictions {
  const { name, append, logInputs, listeners } = effects
  const { now = Date.now, clock = () => performance.now() } = effects
  let mirrors = 0

  function mirror(of: Answer, ride: RideRequest): void {
    const { challenger } = state
    if (challenger?.mode !== 'shadow' || mirrors >= waitingMirrors) return
    if (challenger.share < 1 && Math.random() >= challenger.share) return
    mirrors++
    // After the answer: a shadow costs the client nothing.
    setImmediate(() => {
      mirrors--
      const { model } = challenger
      try {
        const prediction = model.predictor.predict(ride)
        for (const listener of listeners) listener.mirrored?.(of.prediction, prediction, model)
        const time = now()
        const day = dayText(Math.floor(time / 86_400_000))
        append(new Line(day, name(day).id, time, 'shadow', model, nothing, prediction, of.id))
      } catch (error) {
        for (const listener of listeners) listener.failed?.({ arm: 'challenger', model }, error)
      }
    })
  }

  return {
    answer(turn, ride, wish = {}) {
      const began = clock()
      let { arm, model } = turn
      let prediction: Prediction
      try {
        prediction = predictionOf(model, ride, wish)
      } catch (error) {
        if (arm === 'champion') throw error
        arm = 'champion'
        model = state.requireModel()
        prediction = predictionOf(model, ride, wish)
        // Only now: a ride that neither can answer is the client's fault, not the challenger's.
        for (const listener of listeners) listener.failed?.(turn, error)
      }
      const time = now()
      const day = dayText(Math.floor(time / 86_400_000))
      const { id, prefix, number } = name(day)
      const answer: Answer = { id, prefix, number, arm, model, prediction, key: wish.key }
      const ms = clock() - began
      for (const listener of listeners) listener.answered?.(answer, ms)
      const said = logInputs ? { ride, key: wish.key } : nothing
      const line = new Line(day, id, time, arm, model, said, prediction)
      if (wish.held) wish.held.push(line)
      else append(line)
      if (state.challenger !== undefined) mirror(answer, ride)
      return answer
    },
    log(held) {
      for (const line of held) append(line)
      held.length = 0
    },
  }
}

function predictionOf({ predictor }: ServedModel, ride: RideRequest, wish: Wish): Prediction {
  return wish.explain
    ? predictor.explain(ride, wish.coverage)
    : predictor.predict(ride, wish.coverage)
}

/** What a client said, as far as the log is to know. */
interface Said {
  readonly ride?: RideRequest
  readonly key?: string | undefined
}

const nothing: Said = {}

/** A line of the log. */
class Line implements Loggable {
  readonly day: string
  private readonly id: string
  private readonly time: number
  private readonly arm: PredictionLine['arm']
  private readonly model: ServedModel
  private readonly said: Said
  private readonly prediction: Prediction
  private readonly of: string | undefined

  constructor(
    day: string,
    id: string,
    time: number,
    arm: PredictionLine['arm'],
    model: ServedModel,
    said: Said,
    prediction: Prediction,
    of?: string,
  ) {
    this.day = day
    this.id = id
    this.time = time
    this.arm = arm
    this.model = model
    this.said = said
    this.prediction = prediction
    this.of = of
  }

  // By hand, because there is one for every answer: JSON of a {@link PredictionLine}.
  text(): string {
    const { duration, interval, warnings } = this.prediction
    const { ride, key } = this.said
    let text = `{"id":"${this.id}","time":"${isoTime(this.time)}"${whoText(this.model)}${this.arm}"`
    if (this.of !== undefined) text += `,"of":"${this.of}"`
    if (key !== undefined) text += `,"key":${JSON.stringify(key)}`
    if (ride !== undefined) text += `,"inputs":${inputsText(ride)}`
    text += `,"duration":${duration}`
    if (interval !== undefined) text += `,"interval":${JSON.stringify(interval)}`
    if (warnings.length > 0) text += `,"warnings":${JSON.stringify(warnings.map(codeOf))}`
    return `${text}}`
  }
}

const codeOf = ({ code }: Warning): string => code

/** What a client said as JSON, times as text. */
function inputsText(ride: RideRequest): string {
  let text = '{'
  for (const name in ride) {
    const value = ride[name as keyof RideRequest]
    if (value === undefined) continue
    text += text.length > 1 ? `,"${name}":` : `"${name}":`
    text += name === 'pickup_datetime' ? wallClockOf(value) : value
  }
  return `${text}}`
}

const dayOf = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)
const dayText = lately(dayOf)
const secondText = lately((second: number) => new Date(second * 1000).toISOString().slice(0, 20))
const pickupDayText = lately(dayOf)
const minuteTexts = Array.from({ length: 1440 }, (_, minute) => {
  return `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`
})

/** As {@link formatWallClock}, which costs more than the rest of a line, in quotes. */
function wallClockOf(micros: number): string {
  const seconds = micros / 1e6
  const day = Math.floor(seconds / 86_400)
  const second = seconds - day * 86_400
  if (!Number.isInteger(second)) return `"${formatWallClock(micros)}"`
  const minute = Math.floor(second / 60)
  return `"${pickupDayText(day)}T${minuteTexts[minute]}:${twoDigits(second - minute * 60)}"`
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}

/** What a line says of its model, up to the arm. */
const whoText = lately(({ name, version }: ServedModel) => {
  return `,"model":${JSON.stringify(name)},"version":${JSON.stringify(version)},"arm":"`
})

const thousandths = Array.from({ length: 1000 }, (_, ms) => String(ms).padStart(3, '0'))

/** As `Date.toISOString` of whole milliseconds, which costs more than the rest of a line. */
function isoTime(ms: number): string {
  const second = Math.floor(ms / 1000)
  return `${secondText(second)}${thousandths[ms - second * 1000]}Z`
}
