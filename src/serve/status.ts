/** `GET /status`: the service as a page or a person wants to see it, from its own counts. */

import { version } from '../package.ts'
import { sendJson } from './answer.ts'
import { type Metrics, minuteEdges, sharesOf } from './metrics.ts'
import type { RouteHandler } from './routes.ts'
import type { ServiceState } from './state.ts'
import { quantileOf } from './tally.ts'

/** What the status is made from. */
export interface StatusSources {
  readonly state: ServiceState
  readonly metrics: Metrics
  /** The rollout that goes on or was last. */
  readonly rollout: () => object | undefined
  readonly startedAt: Date
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}

/** Seconds over which requests are averaged. */
const window = 10

/** The handler of `GET /status`. Numbers are those of this process. */
export function statusHandler(sources: StatusSources): RouteHandler {
  const { state, metrics, rollout, startedAt, now } = sources
  const rate = rateKeeper(now)
  const timer = setInterval(() => rate.sample(total(metrics)), 1000)
  timer.unref()
  return async (_request, response) => {
    const byStatus: Record<string, number> = {}
    for (const { labels, count } of metrics.requests.series) {
      const status = labels.status as string
      byStatus[status] = (byStatus[status] ?? 0) + count
    }
    const answers = metrics.requests.series.filter(({ labels }) => labels.version !== '')
    const latency = (share: number): number | null => {
      const seconds = quantileOf(answers, share)
      return seconds === undefined ? null : Math.round(seconds * 1e6) / 1e3
    }
    sendJson(response, 200, {
      service: 'ridecast',
      version,
      started_at: startedAt.toISOString(),
      requests: { total: total(metrics), per_second: rate.perSecond(), by_status: byStatus },
      latency_ms: { p50: latency(0.5), p90: latency(0.9), p99: latency(0.99) },
      in_flight: metrics.inFlight,
      arms: await Promise.all(
        sharesOf(state).map(async ({ served, ...arm }) => {
          const { counts, count, sum } = metrics.minutesOf(arm.arm, served)
          return {
            ...arm,
            predictions: count,
            failures: arm.arm === 'challenger' ? await metrics.failuresOf(served) : 0,
            mean_minutes: count === 0 ? null : sum / count,
            histogram: { edges: minuteEdges, counts: [...counts] },
          }
        }),
      ),
      rollout: rollout() ?? null,
    })
  }
}

function total(metrics: Metrics): number {
  return metrics.requests.series.reduce((sum, { count }) => sum + count, 0)
}

/** Requests a second, over the last samples. */
function rateKeeper(now: () => number): { sample(total: number): void; perSecond(): number } {
  const samples: { at: number; total: number }[] = []
  return {
    sample(total) {
      samples.push({ at: now(), total })
      if (samples.length > window + 1) samples.shift()
    },
    perSecond() {
      const [first, last] = [samples[0], samples.at(-1)]
      if (!first || !last || last.at === first.at) return 0
      return Math.round(((last.total - first.total) / (last.at - first.at)) * 1e4) / 10
    },
  }
}
