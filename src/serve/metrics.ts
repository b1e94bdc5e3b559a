/**
 * What the server counts, for Prometheus (`GET /metrics`) and for `GET /status`. Named by unit.
 * Knows nothing about routes or rides.
 */

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Prediction } from '../predictor.ts'
import type { Exchange } from './exchange.ts'
import type { PredictionLog } from './prediction-log.ts'
import type { Answer, PredictionListener } from './predictions.ts'
import type { Arm, ServedModel, ServiceState, Turn } from './state.ts'
import { type Series, Tally } from './tally.ts'

const latencyEdges = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** Upper ends of the buckets of predicted durations, minutes. */
export const minuteEdges: readonly number[] = [2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90]

const errorEdges = [0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30]

/** What is read when it is printed. */
export interface MetricSources {
  readonly state: ServiceState
  readonly log: Pick<PredictionLog, 'counts'>
  /** The trial that goes on, if any. */
  readonly trial: () => { readonly mode: string; readonly status: string } | undefined
}

/** The counts of a server. */
export class Metrics implements PredictionListener {
  readonly registry = new Registry()
  /** Requests that have come and are not answered yet. */
  inFlight = 0
  /** Requests by route, status and version, seconds from head to end. */
  readonly requests = new Tally(
    'ridecast_http_request_duration_seconds',
    'Time from the head of a request to the end of its answer',
    latencyEdges,
  )
  /** Predicted durations by model, version and arm, minutes. */
  readonly minutes = new Tally(
    'ridecast_prediction_minutes',
    'Predicted durations of rides',
    minuteEdges,
  )
  /** Absolute errors of predictions whose actual duration was told, minutes. */
  readonly errors = new Tally(
    'ridecast_feedback_absolute_error_minutes',
    'Absolute errors of predictions whose actual duration was told',
    errorEdges,
  )
  private readonly bySeries = new Map<string | undefined, Map<string | undefined, Series[]>>()
  private readonly byModel = new WeakMap<ServedModel, Partial<Record<Arm, Series>>>()
  private readonly warnings: Counter<'code' | 'field'>
  private readonly failures: Counter<'model' | 'version'>
  private readonly reloads: Counter<'result'>
  private readonly mirrors: Counter<'version'>

  constructor(sources: MetricSources) {
    const registers = [this.registry]
    for (const tally of [this.requests, this.minutes, this.errors]) {
      this.registry.registerMetric(tally.toMetric())
    }
    this.warnings = new Counter({
      name: 'ridecast_prediction_warnings_total',
      help: 'Warnings of predictions: category_unseen, distance_unusual ...',
      labelNames: ['code', 'field'],
      registers,
    })
    this.failures = new Counter({
      name: 'ridecast_challenger_failures_total',
      help: 'Rides that a challenger could not answer; the champion did',
      labelNames: ['model', 'version'],
      registers,
    })
    this.reloads = new Counter({
      name: 'ridecast_model_reloads_total',
      help: 'Changes of the served model: taken, or refused and the old one kept',
      labelNames: ['result'],
      registers,
    })
    this.mirrors = new Counter({
      name: 'ridecast_shadow_predictions_total',
      help: 'Rides that a shadow was asked about after the answer',
      labelNames: ['version'],
      registers,
    })
    this.gauges(sources, registers)
    collectDefaultMetrics({ register: this.registry })
  }

  private gauges({ state, log, trial }: MetricSources, registers: Registry[]): void {
    const inFlight = (): number => this.inFlight
    new Gauge({
      name: 'ridecast_http_requests_in_flight',
      help: 'Requests that have come and are not answered yet',
      registers,
      collect() {
        this.set(inFlight())
      },
    })
    new Gauge({
      name: 'ridecast_prediction_log_lines',
      help: 'Lines of the prediction log since the start: written, or dropped',
      labelNames: ['result'],
      registers,
      collect() {
        this.set({ result: 'written' }, log.counts.written)
        this.set({ result: 'dropped' }, log.counts.dropped)
      },
    })
    new Gauge({
      name: 'ridecast_model_share',
      help: 'Share of the requests that a model version answers',
      labelNames: ['model', 'version', 'arm'],
      aggregator: 'average',
      registers,
      collect() {
        this.reset()
        for (const { arm, model, version, share } of sharesOf(state)) {
          this.set({ arm, model, version }, share)
        }
      },
    })
    new Gauge({
      name: 'ridecast_rollout',
      help: '1 for the mode and status of the rollout that goes on or was last',
      labelNames: ['mode', 'status'],
      aggregator: 'max',
      registers,
      collect() {
        this.reset()
        const now = trial()
        if (now) this.set({ mode: now.mode, status: now.status }, 1)
      },
    })
  }

  /** A request has ended; `status` is `aborted` when its client went away before the end. */
  ended({ route, version }: Exchange, status: number | 'aborted', ms: number): void {
    this.seriesOf(route, version, status).observe(ms / 1000)
  }

  // By three look-ups, because labels in one text would cost more than all else here.
  private seriesOf(
    route: string | undefined,
    version: string | undefined,
    status: number | 'aborted',
  ): Series {
    const versions = entryOf(this.bySeries, route, () => new Map<string | undefined, Series[]>())
    const all = entryOf(versions, version, () => [])
    const index = status === 'aborted' ? 0 : status
    const known = all[index]
    if (known) return known
    const labels = { route: route ?? 'none', status: String(status), version: version ?? '' }
    const made = this.requests.of(labels)
    all[index] = made
    return made
  }

  answered({ arm, model, prediction }: Answer): void {
    this.minutesOf(arm, model).observe(prediction.duration)
    for (const { code, field } of prediction.warnings) this.warnings.inc({ code, field })
  }

  failed({ model }: Turn): void {
    this.failures.inc({ model: model.name, version: model.version })
  }

  mirrored(_champion: Prediction, _challenger: Prediction, { version }: ServedModel): void {
    this.mirrors.inc({ version })
  }

  /** Another model was taken, or refused. */
  reloaded(result: 'taken' | 'refused'): void {
    this.reloads.inc({ result })
  }

  /** The series of a model's predictions. */
  minutesOf(arm: Arm, model: ServedModel): Series {
    const arms = this.byModel.get(model) ?? {}
    this.byModel.set(model, arms)
    arms[arm] ??= this.minutes.of({ model: model.name, version: model.version, arm })
    return arms[arm]
  }

  /** Failures of a challenger so far. */
  async failuresOf({ name, version }: ServedModel): Promise<number> {
    const { values } = await this.failures.get()
    const own = values.find(({ labels }) => labels.model === name && labels.version === version)
    return own?.value ?? 0
  }
}

/** Which model answers which share of the requests. */
export function sharesOf(
  state: ServiceState,
): { arm: Arm; model: string; version: string; share: number; served: ServedModel }[] {
  const { model: champion, challenger } = state
  if (champion === undefined) return []
  const share = challenger === undefined || challenger.mode === 'shadow' ? 0 : challenger.share
  const of = (arm: Arm, served: ServedModel, part: number) => {
    return { arm, model: served.name, version: served.version, share: part, served }
  }
  const first = of('champion', champion, 1 - share)
  return challenger === undefined ? [first] : [first, of('challenger', challenger.model, share)]
}

/** The value of a key, made on first sight. */
function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
