/**
 * The application behind the page: which address answers what. Never listens; see `server.ts`.
 * Knows nothing about how the page shows it.
 */

import { join } from 'node:path'
import express, { type Express } from 'express'
import { RidecastError } from '../../errors.ts'
import { version } from '../../package.ts'
import type { Registry } from '../../registry.ts'
import type { Tracker } from '../tracker.ts'
import {
  type AboutAnswer,
  listedRun,
  type ModelsAnswer,
  type RunsAnswer,
  wholeRun,
} from './answers.ts'
import { artifactHandler } from './artifact.ts'
import { guard } from './guard.ts'
import { answerFault, Refusal } from './refusal.ts'

/** What the page reads from. */
export interface RunsPageSources {
  /** Where the runs are. */
  readonly tracker: Pick<Tracker, 'listRuns' | 'getRun' | 'readArtifact'>
  /** Where models are, so that the page tells which run is served; without, it does not. */
  readonly registry?: Pick<Registry, 'list'> | undefined
  /** The folder or address of the runs, for people. */
  readonly place: string
}

/** How many runs are listed unless told otherwise, and at most. */
export const runLimits = { usual: 5000, most: 100_000 }

/**
 * The application over its sources.
 *
 * @param host what the server listens on, see {@link guard}
 * @param bundle folder of the bundled page
 */
export function createRunsApp(sources: RunsPageSources, host: string, bundle: string): Express {
  const { tracker, registry, place } = sources
  const app = express()
  app.disable('x-powered-by')
  app.use(guard(host))

  app.get('/api/about', (_request, response) => {
    response.json({ version, place } satisfies AboutAnswer)
  })
  app.get('/api/runs', async ({ query }, response) => {
    const limit = limitOf(query.limit)
    const filter = typeof query.filter === 'string' ? query.filter.trim() : ''
    const asked = { limit: limit + 1, ...(filter === '' ? {} : { filter }) }
    const runs = (await tracker.listRuns(asked)).map(listedRun)
    const more = runs.length > limit
    // Its ETag, a hash of the text, spares the page a list that it has already.
    response.json({ runs: runs.slice(0, limit), more } satisfies RunsAnswer)
  })
  app.get('/api/runs/:id', async (request, response) => {
    response.json(wholeRun(await tracker.getRun(request.params.id)))
  })
  app.get('/api/models', async (_request, response) => {
    response.json({ models: registry ? await modelsOf(registry) : null } satisfies ModelsAnswer)
  })
  app.get('/artifacts/:id/*path', artifactHandler(tracker))

  const headers = { 'Cache-Control': 'no-cache' }
  app.use('/assets', express.static(bundle, { index: false, redirect: false }))
  app.get(['/', '/scatter', '/compare', '/runs/:id'], (_request, response) => {
    response.sendFile(join(bundle, 'index.html'), { headers, dotfiles: 'allow' })
  })
  app.use((request) => {
    throw new Refusal(
      'route_unknown',
      `address ${request.path.slice(0, 100)} is not there: the page is at /`,
    )
  })
  app.use(answerFault)
  return app
}

async function modelsOf(registry: Pick<Registry, 'list'>): Promise<ModelsAnswer['models']> {
  return (await registry.list()).map(({ name, versions, aliases }) => ({
    name,
    aliases,
    versions: versions.map((one) => ({ version: one.version, created: one.created.toISOString() })),
  }))
}

function limitOf(text: unknown): number {
  if (text === undefined) return runLimits.usual
  const limit = typeof text === 'string' && /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= runLimits.most) return limit
  throw new RidecastError(
    'usage_invalid',
    `limit must be a whole number from 1 to ${runLimits.most}, found ${JSON.stringify(text)}; ` +
      `leave it out for ${runLimits.usual}`,
  )
}
