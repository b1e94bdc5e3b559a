/** What `GET /status` tells, and the page's memory of the last answers. Knows no views. */

import { useEffect, useState } from 'preact/hooks'
import { ApiError, ask } from './api.ts'

/** One model that answers or is tried. */
export interface ArmStatus {
  readonly arm: 'champion' | 'challenger'
  readonly model: string
  readonly version: string
  /** Of the requests, 0 to 1. */
  readonly share: number
  readonly predictions: number
  readonly failures: number
  readonly mean_minutes: number | null
  /** Predictions by minutes: up to the first edge, between edges, beyond the last. */
  readonly histogram: { readonly edges: readonly number[]; readonly counts: readonly number[] }
}

/** A change of the rollout. */
export interface RolloutEntry {
  readonly at: string
  readonly event: string
  readonly reason: string
  readonly by?: string
  readonly version?: string
}

/** The rollout that goes on or was last. */
export interface RolloutStatus {
  readonly mode: string
  readonly status: string
  readonly champion: string
  readonly challenger: string | null
  readonly share: number
  readonly step: number
  readonly steps: readonly number[]
  readonly since: string
  /** Oldest first. */
  readonly history: readonly RolloutEntry[]
}

/** The answer. */
export interface ServiceStatus {
  readonly version: string
  readonly started_at: string
  readonly requests: {
    readonly total: number
    readonly per_second: number
    readonly by_status: Readonly<Record<string, number>>
  }
  readonly latency_ms: Readonly<Record<'p50' | 'p90' | 'p99', number | null>>
  readonly in_flight: number
  readonly arms: readonly ArmStatus[]
  readonly rollout: RolloutStatus | null
}

/** An answer and when it came. */
export interface Sample {
  readonly at: number
  readonly status: ServiceStatus
}

/** Milliseconds from one answer to the next question. */
const pause = 2000
/** Answers that are remembered: two minutes. */
const remembered = 60

/** The service as it is while the page is in sight: answers, the newest last. */
export function useStatus(): { samples: readonly Sample[]; error: ApiError | undefined } {
  const [samples, setSamples] = useState<readonly Sample[]>([])
  const [error, setError] = useState<ApiError>()
  useEffect(() => {
    let timer = 0
    const stop = new AbortController()
    const look = async (): Promise<void> => {
      clearTimeout(timer)
      if (document.hidden) return
      try {
        const { body: status } = await ask<ServiceStatus>('/status', { signal: stop.signal })
        const sample = { at: Date.now(), status }
        setSamples((last) => [...last.slice(1 - remembered), sample])
        setError(undefined)
      } catch (fault) {
        if (stop.signal.aborted) return
        setError(fault instanceof ApiError ? fault : new ApiError('internal', String(fault)))
      }
      if (!stop.signal.aborted) timer = window.setTimeout(look, pause)
    }
    document.addEventListener('visibilitychange', look)
    void look()
    return () => {
      stop.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return { samples, error }
}
