/**
 * What the documents of a version say about how it was made and how good it is, as far as they say
 * it. Knows nothing about how that is shown.
 */

import { z } from 'zod'
import type { Documents } from '../artifact.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const fileSchema = z.object({
  month: z.string().nullable().catch(null),
  file: z.string(),
  sha256: hash.nullable(),
  rows: z.number(),
  kept: z.number(),
})
const measuresSchema = z.object({
  n: z.number(),
  rmse: z.number(),
  r2: z.number().nullable().optional(),
  bias: z.number().optional(),
})

// Each part on its own: a version that lacks one is shown with the others.
const lineageSchema = z.object({
  taxi: z.string().optional().catch(undefined),
  train: z.array(fileSchema).catch([]),
  validation: z.array(fileSchema).catch([]),
  split: z.string().optional().catch(undefined),
  moments_sha256: z.object({ train: hash, validation: hash }).optional().catch(undefined),
})
const metricsSchema = z.object({
  train: measuresSchema.optional().catch(undefined),
  validation: measuresSchema.optional().catch(undefined),
  baseline: z.object({ rmse: z.number() }).optional().catch(undefined),
  columns: z.number().optional().catch(undefined),
  rank: z.number().optional().catch(undefined),
})

/** A trip file behind a model: its name, hash, rides in it and rides taken from it. */
export type CardFile = z.output<typeof fileSchema>
/** How good a model is on one set of rides; minutes. */
export type CardMeasures = z.output<typeof measuresSchema>
/** What `lineage.json` says. */
export type CardLineage = z.output<typeof lineageSchema>
/** What `metrics.json` says. */
export type CardMetrics = z.output<typeof metricsSchema>

/** What `lineage.json` says; a part that is not there, or is something else, is left out. */
export function lineageFacts({ lineage }: Documents): CardLineage {
  return lineageSchema.catch({ train: [], validation: [] }).parse(lineage)
}

/** What `metrics.json` says; a part that is not there, or is something else, is left out. */
export function metricsFacts({ metrics }: Documents): CardMetrics {
  return metricsSchema.catch({}).parse(metrics)
}
