/** The worker thread that tries recipes. Knows nothing about points, trials or searches. */

import { type MessagePort, parentPort } from 'node:worker_threads'
import { type ErrorCode, isRidecastError, messageOf } from '../errors.ts'
import type { Recipe } from '../recipe-schema.ts'
import { type SearchTask, tryRecipe } from './search-task.ts'

/** What a worker is told: the rides once, then one recipe after another. */
export type TryRequest =
  | { readonly kind: 'rides'; readonly task: SearchTask; readonly threads: number }
  | { readonly kind: 'try'; readonly recipe: Recipe; readonly watched: boolean }
  /** What is being tried is not worth going on with. */
  | { readonly kind: 'stop' }

/** What it answers: rounds of boosting, then one of the others. */
export type TryAnswer =
  | { readonly kind: 'round'; readonly trees: number; readonly rmse: number }
  | { readonly kind: 'done'; readonly rmse: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }

/** Tries what it is told until the thread is ended. */
export function serveTrials(port: MessagePort): void {
  let rides: Extract<TryRequest, { kind: 'rides' }> | undefined
  let stop = new AbortController()
  const send = (answer: TryAnswer): void => port.postMessage(answer)
  port.on('message', async (request: TryRequest) => {
    if (request.kind === 'rides') {
      rides = request
      return
    }
    if (request.kind === 'stop') {
      stop.abort(new Error('it is not worth going on with'))
      return
    }
    stop = new AbortController()
    try {
      if (!rides) throw new Error('a recipe came before the rides')
      const { task, threads } = rides
      const onRound = (trees: number, rmse: number): void => send({ kind: 'round', trees, rmse })
      const rmse = await tryRecipe(request.recipe, task, {
        threads,
        signal: stop.signal,
        ...(request.watched && { watch: { rides: task.held, onRound } }),
      })
      send({ kind: 'done', rmse })
    } catch (error) {
      const code = isRidecastError(error) ? error.code : 'internal'
      send({ kind: 'failed', code, message: messageOf(error) })
    }
  })
}

if (parentPort) serveTrials(parentPort)
