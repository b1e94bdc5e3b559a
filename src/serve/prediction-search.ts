/**
 * Finds predictions and what was told of them in the logs of a server. Lines that are no JSON, such
 * as half a line after a crash, are passed over. Knows nothing about HTTP.
 */

import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { parsePredictionName } from './prediction-id.ts'
import { loggedDays } from './prediction-log.ts'
import type { PredictionLine } from './predictions.ts'

/** Folder of the prediction log, in the folder of what a server keeps. */
export const predictionFolder = (state: string): string => join(state, 'predictions')

/** Folder of what was told of predictions, in the folder of what a server keeps. */
export const feedbackFolder = (state: string): string => join(state, 'feedback')

/** What was told of a prediction. */
export interface FeedbackLine {
  readonly id: string
  /** When it was told, ISO 8601, UTC. */
  readonly time: string
  /** How long the ride took, minutes. */
  readonly duration: number
}

/** The shape of a line of the feedback log. */
export const feedbackLineSchema: z.ZodType<FeedbackLine> = z.object({
  id: z.string(),
  time: z.string(),
  duration: z.number(),
})

const predictionLineSchema = z.looseObject({
  id: z.string(),
  time: z.string(),
  model: z.string(),
  version: z.string(),
  arm: z.enum(['champion', 'challenger', 'shadow']),
  duration: z.number(),
})

/** Every line of a file that is a document of that shape; none when the file is not there. */
export async function* linesOf<T>(file: string, schema: z.ZodType<T>): AsyncGenerator<T> {
  const input = createReadStream(file)
  const missing = new Promise<boolean>((resolve) => {
    input.once('open', () => resolve(false))
    input.once('error', () => resolve(true))
  })
  if (await missing) return
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const parsed = schema.safeParse(jsonOf(line))
    if (parsed.success) yield parsed.data
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/**
 * The line of a prediction by its name, undefined when the log has none.
 *
 * @param state folder of what the server keeps
 */
export async function findPrediction(
  state: string,
  id: string,
): Promise<PredictionLine | undefined> {
  const name = parsePredictionName(id)
  if (name === undefined) return undefined
  const file = join(predictionFolder(state), name.day, `${name.process}.ndjson`)
  return first(file, (line) => line.id === id)
}

/**
 * The latest prediction that a client's key was given for, within the last days that were logged.
 *
 * @param days how many days are looked through, default 2
 */
export async function findByKey(
  state: string,
  key: string,
  days = 2,
): Promise<PredictionLine | undefined> {
  const folder = predictionFolder(state)
  const recent = (await loggedDays(folder)).slice(-days)
  let found: PredictionLine | undefined
  for (const day of recent) {
    for (const name of await readdir(join(folder, day))) {
      for await (const line of linesOf(join(folder, day, name), predictionLineSchema)) {
        if (line.key !== key || line.arm === 'shadow') continue
        if (found === undefined || line.time >= found.time) found = line as PredictionLine
      }
    }
  }
  return found
}

async function first(
  file: string,
  wanted: (line: PredictionLine) => boolean,
): Promise<PredictionLine | undefined> {
  for await (const line of linesOf(file, predictionLineSchema)) {
    if (wanted(line as PredictionLine)) return line as PredictionLine
  }
  return undefined
}

/**
 * The file of what is told of a prediction: by the day and process of the prediction, so that one
 * look tells whether it was told before.
 *
 * @returns undefined when it is no name of a prediction
 */
export function feedbackFile(state: string, id: string): string | undefined {
  const name = parsePredictionName(id)
  return name && join(feedbackFolder(state), name.day, `${name.process}.ndjson`)
}

/** What was told of a prediction first, undefined when nothing was. */
export async function findFeedback(state: string, id: string): Promise<FeedbackLine | undefined> {
  const file = feedbackFile(state, id)
  if (file === undefined) return undefined
  for await (const line of linesOf(file, feedbackLineSchema)) if (line.id === id) return line
  return undefined
}
