/** Predictors and small files for tests of scoring. */

import { Readable } from 'node:stream'
import { errorLevels } from '../../../src/intervals.ts'
import { loadModel, type Model } from '../../../src/model.ts'
import type { Format } from '../../../src/pipeline/score/formats.ts'
import type { RowFault, ScoreCounts, ScoreOptions } from '../../../src/pipeline/score/score-rows.ts'
import { bytesOf, openRows, scoreRows } from '../../../src/pipeline/score/score-rows.ts'
import { createPredictor, type Predictor } from '../../../src/predictor.ts'
import { profileSchema } from '../../../src/profile.ts'
import { zonesAndDistance } from '../../serve/small-model.ts'

const profile = profileSchema.parse(zonesAndDistance.profile)

/** A predictor over any model, with the profile of the small ones. */
export const predictorOf = (model: Model): Predictor => createPredictor(model, profile)

/** Half of the errors are -4 minutes, half are 4: every interval is 4 minutes to each side. */
export const evenErrors = {
  all: { n: 100_000, errors: errorLevels.map((level) => (level < 0.5 ? -4 : 4)) },
  bands: new Array(7).fill(null),
}

/** Zones and distance, with intervals: see `zonesAndDistance` for its numbers. */
export const plainModel = (): Model =>
  loadModel({ ...(zonesAndDistance.model as object), intervals: evenErrors })

/** A plain predictor: 10 + 2 (from 43) - 0.5 (to 151) + 3 a mile. */
export const plain = (): Predictor => predictorOf(plainModel())

/** What scoring of a text or of bytes gave. */
export interface Scored {
  readonly text: string
  readonly bytes: Buffer
  readonly faults: readonly RowFault[]
  readonly counts: ScoreCounts
}

/** Scores what comes in pieces as small as asked for, which no reader may notice. */
export async function score(
  source: string | Buffer,
  from: Format,
  to: Format,
  options: Partial<ScoreOptions> = {},
  pieceBytes = 7,
): Promise<Scored> {
  const whole = Buffer.from(source as string)
  const pieces = Array.from({ length: Math.ceil(whole.length / pieceBytes) }, (_, k) =>
    whole.subarray(k * pieceBytes, (k + 1) * pieceBytes),
  )
  return scoreFrom(Readable.from(pieces), from, to, options)
}

/** Scores a file, or a stream of bytes. */
export async function scoreFrom(
  source: string | Readable,
  from: Format,
  to: Format,
  options: Partial<ScoreOptions> = {},
): Promise<Scored> {
  const file = await openRows(source, from, 'rides')
  const faults: RowFault[] = []
  const watch = {
    async fault(found: readonly RowFault[]) {
      faults.push(...found)
    },
  }
  let counts: ScoreCounts | undefined
  async function* flow() {
    counts = yield* scoreRows(file, { predictor: plain(), taxis: ['green'], ...options }, watch)
  }
  const pieces: Buffer[] = []
  try {
    for await (const piece of bytesOf(flow(), to, 'rides'))
      pieces.push(Buffer.from(piece as string))
  } finally {
    await file.close()
  }
  const bytes = Buffer.concat(pieces)
  return { bytes, text: bytes.toString(), faults, counts: counts as ScoreCounts }
}

/** The objects of NDJSON. */
export function objectsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
