/** What an ONNX file says of the model beside its numbers. Knows nothing about graphs. */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { exactJson } from '../exact-json.ts'
import type { Model } from '../model.ts'
import { version as ridecastVersion } from '../package.ts'

/** What a file is told of the model. */
export interface OnnxFacts {
  /** Name in the registry. */
  readonly name: string
  /** Version in the registry. */
  readonly version: string
  /** The document `lineage.json`. */
  readonly lineage: unknown
  /** Default the recipe's. */
  readonly description?: string
}

/** The parts of a lineage that are worth a line; a lineage of another form has its hash alone. */
const lineageSchema = z.object({
  train: z.array(z.object({ file: z.string(), sha256: z.string().nullable() })),
  moments_sha256: z.object({ train: z.string() }).optional().catch(undefined),
})

/**
 * The metadata of a file, in order.
 *
 * @param inputs names of the inputs, in order
 * @param output name of the output, which is in minutes
 */
export function metadataOf(
  model: Model,
  { name, version, lineage }: OnnxFacts,
  inputs: readonly string[],
  output: string,
): { key: string; value: string }[] {
  const known = lineageSchema.safeParse(lineage).data
  const document = exactJson('lineage.json', lineage as object)
  const facts = {
    name,
    version,
    kind: model.kind,
    taxi: model.taxi,
    recipe: model.recipe.name,
    inputs: inputs.join(','),
    output,
    output_unit: 'minutes',
    lineage_sha256: createHash('sha256').update(document).digest('hex'),
    ...(known?.moments_sha256 && { moments_sha256: known.moments_sha256.train }),
    ...(known && {
      source_sha256: known.train
        .map(({ file, sha256 }) => `${sha256 ?? 'not known'}  ${file}`)
        .join('\n'),
    }),
    ridecast_version: ridecastVersion,
  }
  return Object.entries(facts).map(([key, value]) => ({ key, value }))
}
