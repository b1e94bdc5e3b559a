/** The order of texts in Python, which is that of feature names. Knows nothing else. */

/**
 * Compares texts by code point, as Python does. JavaScript's own order compares UTF-16 units,
 * which puts characters beyond U+FFFF before those from U+E000 on.
 *
 * @returns negative when `a` comes first, positive when `b` does, 0 when they are equal
 */
export function compareByCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let at = 0
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === shorter) return a.length - b.length
  // They may differ in the second half of a pair only: then the character began one unit before.
  const difference = (i: number) => (a.codePointAt(i) as number) - (b.codePointAt(i) as number)
  return (at > 0 && difference(at - 1)) || difference(at)
}

/** Sorts texts by code point, in place. */
export function sortByCodePoint(names: string[]): string[] {
  // Without surrogates both orders are the same, and the built-in one is several times faster.
  const plain = !names.some((name) => /[\ud800-\udfff]/.test(name))
  return plain ? names.sort() : names.sort(compareByCodePoint)
}
