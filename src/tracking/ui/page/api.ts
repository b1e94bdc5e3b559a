/** Asks the page's server, and makes numbers of what JSON cannot hold. Knows no views. */

import { useEffect, useState } from 'preact/hooks'
import type { AboutAnswer, FaultAnswer, ModelsAnswer, RunAnswer } from '../answers.ts'

/** A failure that the server has told of, or that it did not answer. */
export class ApiError extends Error {
  /** Its stable code; `unreachable` when there was no answer. */
  readonly code: string

  constructor({ code, message }: FaultAnswer) {
    super(message)
    this.code = code
  }
}

/** Answers of the server, with the tag that tells whether they have changed. */
export interface Tagged<T> {
  readonly tag: string | null
  readonly body: T
}

/**
 * Gets an address of the server.
 *
 * @param known tag of an answer that is here already
 * @returns null when that one still holds
 * @throws ApiError
 */
export async function getTagged<T>(path: string, known?: string | null): Promise<Tagged<T> | null> {
  const headers: HeadersInit = known ? { 'If-None-Match': known } : {}
  const answer = await fetch(path, { headers, cache: 'no-store' }).catch(() => {
    throw new ApiError({
      code: 'unreachable',
      message: 'no answer: is "ridecast runs ui" still running?',
    })
  })
  if (answer.status === 304) return null
  const body: unknown = await answer.json()
  if (!answer.ok) throw new ApiError(body as FaultAnswer)
  return { tag: answer.headers.get('ETag'), body: body as T }
}

/** What is known of something that is being loaded. */
export interface Loaded<T> {
  /** The latest answer, kept while the next is on its way. */
  readonly value?: T
  /** Why the last attempt failed. */
  readonly error?: ApiError
}

/**
 * Keeps an answer of the server up to date while the page is in sight.
 *
 * @param path what to get; null gets nothing
 * @param again from an answer and the milliseconds it took, milliseconds until it is asked for
 * again; null for never
 */
export function useLive<T>(
  path: string | null,
  again: (value: T, tookMs: number) => number | null,
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { path: string | null }>({ path })
  useEffect(() => {
    if (path === null) return
    let [timer, tag, value, left] = [0, null as string | null, undefined as T | undefined, false]
    const load = async (): Promise<void> => {
      const start = performance.now()
      try {
        const answer = await getTagged<T>(path, tag)
        if (left) return
        if (answer !== null) {
          ;({ tag, body: value } = answer)
          setLoaded({ path, value })
        }
        const wait = value === undefined ? null : again(value, performance.now() - start)
        if (wait !== null) timer = window.setTimeout(whenSeen, wait)
      } catch (error) {
        if (left) return
        if (!(error instanceof ApiError)) throw error
        setLoaded(value === undefined ? { path, error } : { path, value, error })
        tag = null
        if (error.code === 'unreachable') timer = window.setTimeout(whenSeen, 3000)
      }
    }
    const whenSeen = (): void => {
      if (document.visibilityState === 'visible') void load()
      else document.addEventListener('visibilitychange', whenSeen, { once: true })
    }
    void load()
    return () => {
      left = true
      window.clearTimeout(timer)
      document.removeEventListener('visibilitychange', whenSeen)
    }
  }, [path])
  return loaded.path === path ? loaded : {}
}

/** Everything about a run, asked for again while it is running. */
export function useRun(id: string): Loaded<RunAnswer> {
  return useLive<RunAnswer>(`/api/runs/${encodeURIComponent(id)}`, (run, tookMs) =>
    run.status === 'running' ? Math.max(2000, 10 * tookMs) : null,
  )
}

/** Models of the registry, asked for again now and then: aliases move. */
export function useModels(): Loaded<ModelsAnswer> {
  return useLive<ModelsAnswer>('/api/models', (_models, tookMs) => Math.max(15_000, 20 * tookMs))
}

/** Where the runs are. */
export function useAbout(): Loaded<AboutAnswer> {
  return useLive<AboutAnswer>('/api/about', () => null)
}
