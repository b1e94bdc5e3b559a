/**
 * Texts that are longer than a field of the server takes: the field holds their start and the path
 * of an artifact that has all of it. The path is named after the content, so that equal texts have
 * equal fields, and a field never points to another text than its own.
 */

import { createHash } from 'node:crypto'
import { isRidecastError } from '../../errors.ts'
import { readArtifactAt, uploadArtifact } from './artifacts.ts'
import type { MlflowClient } from './client.ts'

/** Longest value of a parameter, characters. */
export const longestParameter = 6000
/** Longest value of a tag, characters. */
export const longestTag = 8000
/** Folder of the artifacts of a run that are texts of its fields. */
export const textFolder = 'ridecast/texts'

const largestText = 64 * 1024 * 1024
const markPattern = /\[whole text in (ridecast\/texts\/[0-9a-f]{64}\.txt)\]$/

/** What a field is to hold, and the artifact that it points to. */
export interface FieldText {
  readonly value: string
  /** Null when the field holds all of the text. */
  readonly artifact: { readonly path: string; readonly content: Uint8Array } | null
}

/**
 * A text as a field of the server holds it.
 *
 * @param longest most characters of the field
 */
export function fieldText(text: string, longest: number): FieldText {
  // PostgreSQL takes no zero, and no server half of a pair of surrogates.
  if (text.length <= longest && !/[\0\p{Cs}]/u.test(text) && !markPattern.test(text)) {
    return { value: text, artifact: null }
  }
  const content = Buffer.from(text, 'utf8')
  const path = `${textFolder}/${createHash('sha256').update(content).digest('hex')}.txt`
  const mark = ` ... [whole text in ${path}]`
  const start = text.slice(0, longest - mark.length).replaceAll(/[\0\p{Cs}]/gu, '')
  return { value: `${start}${mark}`, artifact: { path, content } }
}

/** Uploads what fields point to. */
export async function uploadTexts(
  client: MlflowClient,
  uri: string,
  fields: readonly FieldText[],
): Promise<void> {
  for (const { artifact } of fields) {
    if (artifact) await uploadArtifact(client, uri, artifact.path, artifact.content)
  }
}

/** The values of fields with their whole texts; one whose artifact is gone stays as it is. */
export async function wholeTexts(
  client: MlflowClient,
  uri: string,
  fields: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const whole = Object.entries(fields).map(async ([name, value]) => {
    const path = markPattern.exec(value)?.[1]
    if (path === undefined) return [name, value] as const
    const content = await readArtifactAt(client, uri, path, largestText).catch((error: unknown) => {
      if (isRidecastError(error, 'tracking_refused')) return undefined
      throw error
    })
    return [name, content ? Buffer.from(content).toString('utf8') : value] as const
  })
  return Object.fromEntries(await Promise.all(whole))
}
