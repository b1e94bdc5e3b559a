/** Experiments of an MLflow server: by name, made when they are not there. Knows nothing of runs. */

import { RidecastError } from '../../errors.ts'
import { answerOf, apiRoot, experimentPage, madeExperiment, oneExperiment } from './answers.ts'
import { isReason, type MlflowClient } from './client.ts'

/** An experiment of a server. */
export interface Experiment {
  readonly id: string
  readonly name: string
  /** True for one that was deleted and still holds its name. */
  readonly isDeleted: boolean
}

/** The experiment of that name, deleted or not; undefined when there is none. */
export async function findExperiment(
  client: MlflowClient,
  name: string,
): Promise<Experiment | undefined> {
  const query = { experiment_name: name }
  try {
    const answer = await client.get(`${apiRoot}/experiments/get-by-name`, query)
    const { experiment } = answerOf(oneExperiment, answer, 'experiments/get-by-name')
    return experimentOf(experiment)
  } catch (error) {
    if (isReason(error, 'RESOURCE_DOES_NOT_EXIST')) return undefined
    throw error
  }
}

/** The name of an experiment. */
export async function experimentName(client: MlflowClient, id: string): Promise<string> {
  const answer = await client.get(`${apiRoot}/experiments/get`, { experiment_id: id })
  return answerOf(oneExperiment, answer, 'experiments/get').experiment.name
}

/**
 * The id of an experiment, which is made when it is not there. Of several processes that make it
 * at once one does, and all get its id.
 *
 * @throws RidecastError `run_write_refused` when an experiment of that name was deleted
 */
export async function experimentId(client: MlflowClient, name: string): Promise<string> {
  const found = await findExperiment(client, name)
  if (found) return activeId(client, found)
  try {
    const answer = await client.send('POST', `${apiRoot}/experiments/create`, { name })
    return answerOf(madeExperiment, answer, 'experiments/create').experiment_id
  } catch (error) {
    // Another process was quicker, or an earlier attempt whose answer was lost.
    const made = isReason(error, 'RESOURCE_ALREADY_EXISTS') && (await findExperiment(client, name))
    if (made) return activeId(client, made)
    throw error
  }
}

function activeId(client: MlflowClient, { id, name, isDeleted }: Experiment): string {
  if (!isDeleted) return id
  throw new RidecastError(
    'run_write_refused',
    `experiment ${name} of ${client.uri} is deleted and keeps its name: restore it with ` +
      `"mlflow experiments restore --experiment-id ${id}", or choose another name`,
  )
}

/** All experiments that are not deleted. */
export async function activeExperiments(client: MlflowClient): Promise<Experiment[]> {
  const all: Experiment[] = []
  let token: string | undefined
  do {
    const answer = await client.send('POST', `${apiRoot}/experiments/search`, {
      max_results: 1000,
      view_type: 'ACTIVE_ONLY',
      ...(token && { page_token: token }),
    })
    const page = answerOf(experimentPage, answer, 'experiments/search')
    all.push(...page.experiments.map(experimentOf))
    token = page.next_page_token
  } while (token)
  return all
}

function experimentOf(answer: {
  experiment_id: string
  name: string
  lifecycle_stage: string
}): Experiment {
  const { experiment_id: id, name, lifecycle_stage } = answer
  return { id, name, isDeleted: lifecycle_stage !== 'active' }
}
