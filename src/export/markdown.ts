/**
 * Markdown from values that anyone may have chosen: what is text stays text, whatever it holds.
 * Knows nothing about models.
 */

/**
 * Text as Markdown that shows it as it is: no emphasis, link, list, table cell or HTML comes of it.
 * Line breaks and other control characters become spaces.
 */
export function plainText(text: string): string {
  return withoutControls(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_[\]#|~@$]/g, '\\$&')
    .replaceAll('://', '\\://')
    .replaceAll(/\bwww\./gi, (found) => `${found.slice(0, 3)}\\.`)
    .trim()
    .replace(/^([-+=]|\d+(?=[.)]))/, (found) => (/\d/.test(found) ? `${found}\\` : `\\${found}`))
}

/** A value as code; for table cells, and for text without `|`. */
export function code(text: string): string {
  const shown = withoutControls(text).replaceAll('|', '\\|')
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const space = /^`|`$|^ .* $/.test(shown) || shown === '' ? ' ' : ''
  return `${fence}${space}${shown}${space}${fence}`
}

/** Lines of code in a block. */
export function codeBlock(language: string, lines: readonly string[]): string {
  const fence = '```'
  return [`${fence}${language}`, ...lines.map(withoutControls), fence].join('\n')
}

/**
 * A table; cells are Markdown already.
 *
 * @param align `l` or `r` for each column
 */
export function markdownTable(
  header: readonly string[],
  align: string,
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = header.map((_, column) => (align[column] === 'r' ? '---:' : '---'))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}

function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, ' ')
}
