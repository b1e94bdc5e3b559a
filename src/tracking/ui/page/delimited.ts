/** Text of artifacts made readable: tables of CSV, JSON in lines. Knows nothing about artifacts. */

/**
 * Rows of a CSV or TSV text, quotes understood as in RFC 4180.
 *
 * @param most rows that are read
 */
export function delimitedRows(text: string, delimiter: ',' | '\t' | ';', most: number): string[][] {
  const rows: string[][] = []
  let [row, cell, quoted] = [[] as string[], '', false]
  const endCell = (): void => {
    row.push(cell)
    cell = ''
  }
  const endRow = (): void => {
    endCell()
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  for (let i = 0; i < text.length && rows.length < most; i++) {
    const char = text[i]
    if (quoted) {
      if (char !== '"') cell += char
      else if (text[i + 1] === '"') cell += text[++i]
      else quoted = false
    } else if (char === '"' && cell === '') quoted = true
    else if (char === delimiter) endCell()
    else if (char === '\n') endRow()
    else if (char !== '\r') cell += char
  }
  if (rows.length < most && (cell !== '' || row.length > 0)) endRow()
  return rows
}

/**
 * JSON with a member a line, two spaces deeper a level. Every number and text stands as it is
 * written there: nothing is parsed that could be rounded.
 *
 * @param text valid JSON
 */
export function indentedJson(text: string): string {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? []
  let [out, depth] = ['', 0]
  const line = (): string => `\n${'  '.repeat(depth)}`
  for (const [i, token] of tokens.entries()) {
    const empty =
      (token === '{' && tokens[i + 1] === '}') || (token === '[' && tokens[i + 1] === ']')
    const wasEmpty =
      (token === '}' && tokens[i - 1] === '{') || (token === ']' && tokens[i - 1] === '[')
    if (token === '{' || token === '[') {
      depth++
      out += empty ? token : token + line()
    } else if (token === '}' || token === ']') {
      depth--
      out += wasEmpty ? token : line() + token
    } else if (token === ',') out += `,${line()}`
    else out += token === ':' ? ': ' : token
  }
  return out
}
