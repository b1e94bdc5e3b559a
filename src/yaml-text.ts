/**
 * YAML as plain values. Documents that come with ridecast were read when it was bundled: reading one
 * of them anew takes longer than solving a small model. Knows nothing about what they say.
 */

import { parse } from 'yaml'
import { shippedYaml } from './shipped-yaml.ts'

// Aliases are off: a few lines of them can expand into gigabytes. Warnings would go to the
// process, past whoever reads the document.
const options = { maxAliasCount: 0, logLevel: 'error' } as const

/**
 * The value of a document.
 *
 * @throws YAMLParseError
 */
export function parseYaml(text: string): unknown {
  const shipped = Object.hasOwn(shippedYaml, text) ? shippedYaml[text] : undefined
  return shipped === undefined ? parse(text, options) : JSON.parse(shipped)
}
