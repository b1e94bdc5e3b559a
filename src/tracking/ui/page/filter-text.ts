/** Writes parts of a filter, in the language of `filter.ts`. Knows nothing about runs. */

import { columnOf } from './columns.ts'

/** A column as a filter names it: other than plain names stand in backticks. */
export function fieldText(key: string): string {
  const { kind, name } = columnOf(key)
  const isPlain = name.split('.').every((part) => /^[a-z_]\w*$/i.test(part))
  return isPlain ? key : `${kind}.\`${name}\``
}

/** A text in the quotes that it does not hold itself: they cannot be escaped. */
export function quotedText(text: string): string {
  return text.includes("'") ? `"${text}"` : `'${text}'`
}
