/**
 * SQL's LIKE: `%` stands for any characters, `_` for one, and everything else for itself; there
 * is no escape. Never goes back over more than one part of the pattern between two `%`, so that
 * no pattern makes it take more steps than text and pattern have pairs of characters.
 */

/**
 * True when the whole of a text fits a pattern.
 *
 * @param ignoreCase compares lower case letters of both, of any alphabet
 */
export function isLike(text: string, pattern: string, ignoreCase: boolean): boolean {
  const fold = (one: string): string => (ignoreCase ? one.toLowerCase() : one)
  // By code point: a character outside of the first 65,536 is one character for _ too.
  const characters = [...fold(text)]
  const [head = [], ...parts] = fold(pattern)
    .split('%')
    .map((part) => [...part])
  const tail = parts.pop()
  if (tail === undefined) return head.length === characters.length && fitsAt(characters, head, 0)
  const end = characters.length - tail.length
  if (end < head.length) return false
  if (!fitsAt(characters, head, 0) || !fitsAt(characters, tail, end)) return false
  let at = head.length
  for (const part of parts) {
    // The first place is as good as any: it leaves the most to the parts that follow.
    while (at + part.length <= end && !fitsAt(characters, part, at)) at++
    at += part.length
    if (at > end) return false
  }
  return true
}

function fitsAt(characters: readonly string[], part: readonly string[], at: number): boolean {
  return part.every((one, i) => one === '_' || one === characters[at + i])
}
