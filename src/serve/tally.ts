/**
 * A histogram that prom-client can print, counted in plain arrays: an observation costs a few
 * nanoseconds, a tenth of what prom-client's own does, and a request makes two.
 */

import type { Metric } from 'prom-client'

/** Values of the labels of one series. */
export type Labels = Readonly<Record<string, string>>

/**
 * The bin of a value: the first whose edge it does not pass, the number of edges beyond the last.
 *
 * @param edges upper ends of the bins, ascending
 */
export function binOf(edges: readonly number[], value: number): number {
  let [low, high] = [0, edges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (value > (edges[middle] as number)) low = middle + 1
    else high = middle
  }
  return low
}

/** One series of a {@link Tally}. */
export class Series {
  readonly labels: Labels
  /** Upper ends of the buckets, ascending. */
  readonly edges: readonly number[]
  /** Observations by bucket; the last holds what lies beyond every edge. */
  readonly counts: Float64Array
  sum = 0

  constructor(labels: Labels, edges: readonly number[]) {
    this.labels = labels
    this.edges = edges
    this.counts = new Float64Array(edges.length + 1)
  }

  /** Counts a value in the first bucket whose edge it does not pass. */
  observe(value: number): void {
    const bucket = binOf(this.edges, value)
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += value
  }

  /** Number of observations. */
  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }
}

/** A histogram of several series. */
export class Tally {
  readonly name: string
  private readonly help: string
  private readonly edges: readonly number[]
  private readonly byKey = new Map<string, Series>()

  /**
   * @param name with its unit, as Prometheus wants it
   * @param edges upper ends of the buckets, ascending
   */
  constructor(name: string, help: string, edges: readonly number[]) {
    this.name = name
    this.help = help
    this.edges = edges
  }

  /** All series, in the order in which they came. */
  get series(): readonly Series[] {
    return [...this.byKey.values()]
  }

  /** The series with these labels, made on first sight. */
  of(labels: Labels): Series {
    const key = Object.values(labels).join('\0')
    const known = this.byKey.get(key)
    if (known) return known
    const made = new Series(labels, this.edges)
    this.byKey.set(key, made)
    return made
  }

  /** As a metric of prom-client, to be registered. */
  toMetric(): Metric {
    const { name, help } = this
    const metric = {
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      labelNames: [],
      reset: () => this.byKey.clear(),
      get: async () => ({
        name,
        help,
        type: 'histogram',
        aggregator: 'sum',
        values: this.values(),
      }),
    }
    return metric as unknown as Metric
  }

  private values(): object[] {
    const { name } = this
    return this.series.flatMap(({ labels, edges, counts, sum }) => {
      let below = 0
      const buckets = [...edges, '+Inf'].map((le, i) => {
        below += counts[i] as number
        return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: below },
      ]
    })
  }
}

/**
 * The value that a share of the observations does not pass, by the straight line through the bucket
 * it falls in, as Prometheus' histogram_quantile; undefined without observations.
 *
 * @param share 0 to 1
 */
export function quantileOf(series: readonly Series[], share: number): number | undefined {
  const edges = series[0]?.edges ?? []
  const counts = Array.from({ length: edges.length + 1 }, (_, i) =>
    series.reduce((sum, one) => sum + (one.counts[i] as number), 0),
  )
  const rank = share * counts.reduce((sum, count) => sum + count, 0)
  if (rank === 0) return undefined
  let below = 0
  for (const [i, edge] of edges.entries()) {
    const inside = counts[i] as number
    const from = i === 0 ? 0 : (edges[i - 1] as number)
    if (below + inside >= rank) return from + ((edge - from) * (rank - below)) / inside
    below += inside
  }
  return edges.at(-1)
}
