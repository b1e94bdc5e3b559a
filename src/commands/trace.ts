/**
 * `ridecast trace`: where a prediction that was served came from, for an auditor: which version gave
 * it, trained from which files with which recipe and code, and that the version gives it again.
 */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { messageOf, RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { Prediction, RideRequest } from '../predictor.ts'
import { parseWallClock } from '../ride.ts'
import type { PredictionLine } from '../serve/predictions.ts'
import { zoneLabel } from '../zones.ts'
import { type Io, printJson, table } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'
import { trackerOf, trackingUriHelp } from './tracking.ts'

interface Flags {
  readonly state: string
  readonly models: string
  readonly runs: string
  readonly registryUri?: string
  readonly trackingUri?: string
  readonly json?: true
}

/** A trip file that a version was trained on, as `lineage.json` has it. */
interface TracedFile {
  readonly month?: string | null
  readonly file: string
  readonly sha256: string | null
  readonly rows: number
  readonly kept: number
}

const examples = `
Examples:
  ridecast trace 20261122-k3f9a2b7-1z
  ridecast trace 20261122-k3f9a2b7-1z --json

The id is that of the header Ridecast-Prediction-Id of the answer, or prediction_id of a batch. The
log of the server (--state) and the registry with the version have to be there. Exits with 3 when the
version does not give the same number again.
`

/** The newest runs, among which the one that made the version is looked for. */
const runsLookedAt = 1000

/** The command. */
export function traceCommand(io: Io): Command {
  return new Command('trace')
    .summary('where a served prediction came from: version, files, recipe, code')
    .description('Explain a served prediction to an auditor, and predict it again.')
    .argument('<id>', 'id of the prediction')
    .option('--state <dir>', 'folder of what the server keeps', 'state')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--runs <dir>', 'folder of the run records', 'runs')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action(async (id: string, flags: Flags) => {
      const { findFeedback, findPrediction } = await import('../serve/prediction-search.ts')
      const state = resolve(io.cwd, flags.state)
      const line = await findPrediction(state, id)
      if (line === undefined) throw notFound(id, state)
      const feedback = await findFeedback(state, id)
      const reference = `models:/${line.model}/${line.version}`
      const loaded = await openModel(io, flags.models, reference, flags.registryUri)
      const run = await runOf(io, flags, line)
      const again = predictAgain(loaded, line)
      const lineage = loaded.documents.lineage as Lineage
      const found = {
        prediction: line,
        feedback: feedback ?? null,
        model: { name: line.model, version: line.version, kind: loaded.predictor.model.kind },
        recipe: lineage.recipe,
        trained_on: lineage.train,
        validated_on: lineage.validation,
        run,
        again,
      }
      if (flags.json) printJson(io, found)
      else print(io, found)
      if (again.same === false) {
        throw new RidecastError(
          'prediction_differs',
          `prediction ${id} is not given again: the log has ${line.duration} minutes, ${line.model}/${line.version} gives ${again.duration} here: one of the two was changed`,
        )
      }
    })
}

interface Lineage {
  readonly recipe: { readonly name: string }
  readonly train: readonly TracedFile[]
  readonly validation: readonly TracedFile[]
}

function notFound(id: string, state: string): RidecastError {
  return new RidecastError(
    'prediction_not_found',
    `prediction ${id} is not in the log in ${state}: expected the id of an answer, from a server with that --state, within the days that it keeps`,
  )
}

/** The run that made a version, with the code it ran; null where no store here knows it. */
async function runOf(
  io: Io,
  flags: Flags,
  { model, version }: PredictionLine,
): Promise<object | null> {
  try {
    const tracker = await trackerOf(io, flags)
    const runs = await tracker.listRuns({ limit: runsLookedAt })
    const maker = runs.findLast(
      (run) =>
        run.status !== 'unreadable' && run.model?.name === model && run.model.version === version,
    )
    if (maker === undefined || maker.status === 'unreadable') return null
    return { id: maker.id, started_at: maker.startedAt, source: maker.source, commit: maker.commit }
  } catch (error) {
    // The trail does without: everything else of it stands in the version itself.
    io.err(`runs could not be read: ${messageOf(error)}\n`)
    return null
  }
}

/** What the version says to the same inputs; `same` is null where the log holds none. */
function predictAgain(
  { predictor }: LoadedModel,
  { inputs, duration, interval }: PredictionLine,
): { same: boolean | null; duration: number | null } {
  if (inputs === undefined) return { same: null, duration: null }
  const prediction: Prediction = predictor.predict(rideOf(inputs), interval?.coverage)
  const same =
    prediction.duration === duration &&
    prediction.interval?.low === interval?.low &&
    prediction.interval?.high === interval?.high
  return { same, duration: prediction.duration }
}

function rideOf(inputs: NonNullable<PredictionLine['inputs']>): RideRequest {
  const { pickup_datetime: pickup, ...rest } = inputs
  const ride = rest as unknown as RideRequest
  return typeof pickup === 'string' ? { ...ride, pickup_datetime: parseWallClock(pickup) } : ride
}

function print(
  io: Io,
  found: {
    prediction: PredictionLine
    feedback: { duration: number; time: string } | null
    model: { name: string; version: string; kind: string }
    recipe: { name: string }
    trained_on: readonly TracedFile[]
    run: object | null
    again: { same: boolean | null; duration: number | null }
  },
): void {
  const { prediction, feedback, model, recipe, again } = found
  const run = found.run as { id: string; commit: { hash: string; modified: boolean } | null } | null
  const asked = Object.entries(prediction.inputs ?? {}).map(([name, value]) => {
    const zone = name === 'PULocationID' || name === 'DOLocationID'
    return `${name} ${zone ? zoneLabel(Number(value)) : value}`
  })
  const commit = run?.commit
  const rows: string[][] = [
    ['prediction', prediction.id],
    ['answered', `${prediction.time}, ${prediction.arm}`],
    ['asked', asked.length === 0 ? 'the log holds no inputs' : asked.join(', ')],
    ['predicted', `${prediction.duration} minutes`],
    [
      'took',
      feedback === null ? 'not told' : `${feedback.duration} minutes, told ${feedback.time}`,
    ],
    ['model', `${model.name}/${model.version}, ${model.kind}, recipe ${recipe.name}`],
    ...found.trained_on.map((file, i) => [
      i === 0 ? 'trained on' : '',
      `${file.file}, ${file.sha256 === null ? 'known to the engine alone' : `sha256 ${file.sha256}`}, ${file.kept} of ${file.rows} rides`,
    ]),
    ['run', run === null ? 'not known here' : run.id],
    [
      'code',
      commit ? `${commit.hash}${commit.modified ? ', with changes' : ''}` : 'not known here',
    ],
    ['again', againText(again)],
  ]
  io.out(`${table(io, ['', ''], rows)}\n`)
}

function againText({ same, duration }: { same: boolean | null; duration: number | null }): string {
  if (same === null) return 'cannot be asked: the log holds no inputs'
  return same ? 'the same number, to the last bit' : `another number: ${duration} minutes`
}
