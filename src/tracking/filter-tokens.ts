/**
 * The words of a filter, order or column of runs, each with its place, and the fault that points at one.
 * Splits a text in one pass without going back; knows nothing about what the words mean.
 */

import { RidecastError } from '../errors.ts'

/**
 * What a token is: `word` a bare name or keyword, with dots and quoted parts after a dot;
 * `text` in single or double quotes; `number`; `comparator` such as `<=`; `mark` a parenthesis or
 * comma; `other` anything else; `end` behind the last.
 */
export type TokenKind = 'word' | 'text' | 'number' | 'comparator' | 'mark' | 'other' | 'end'

/** What a text is, for the message of a fault. */
export type Language = 'filter' | 'order' | 'column'

/** A piece of a filter or order. */
export interface Token {
  /** What it is. */
  readonly kind: TokenKind
  /** As it was written, quotes included; empty at the end. */
  readonly raw: string
  /** Where it begins, in UTF-16 units from 0. */
  readonly at: number
  /** Of a word or a text: what stands between its dots, quotes included. */
  readonly parts?: readonly string[]
}

const space = /\s*/uy
const bareWord = /[\p{L}\p{N}_]+/uy
const startOfWord = /[\p{L}_`]/uy
// As MLflow reads them: no sign +, not even in an exponent, and no digits after a point and an e.
const number = /-?(?:\d+(?:\.\d+)?[eE]-?\d+|\d+\.\d*|\.\d+|\d+)(?![\p{L}\p{N}_.])/uy
const comparator = /[<>=~!]+/uy
const other = /-?[\p{L}\p{N}_.]+|./suy

/**
 * Splits a text; the last token is always of kind `end`.
 *
 * @param text the whole filter or order
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    at += matchAt(space, text, at).length
    const token = tokenAt(text, at)
    tokens.push(token)
    if (token.kind === 'end') return tokens
    at += token.raw.length
  }
}

function tokenAt(text: string, at: number): Token {
  const first = text[at]
  if (first === undefined) return { kind: 'end', raw: '', at }
  const unended: Token = { kind: 'other', raw: text.slice(at), at }
  if (first === "'" || first === '"') {
    const raw = quotedAt(text, at)
    return raw === '' ? unended : { kind: 'text', raw, at, parts: [raw] }
  }
  if ('(),'.includes(first)) return { kind: 'mark', raw: first, at }
  if (matchAt(startOfWord, text, at) !== '') {
    const parts = wordAt(text, at)
    return parts === null ? unended : { kind: 'word', raw: parts.join('.'), at, parts }
  }
  const digits = matchAt(number, text, at)
  if (digits !== '') return { kind: 'number', raw: digits, at }
  const sign = matchAt(comparator, text, at)
  if (sign !== '') return { kind: 'comparator', raw: sign, at }
  return { kind: 'other', raw: matchAt(other, text, at), at }
}

/** Parts with dots between them, in quotes or not; null when a quote stays open. */
function wordAt(text: string, start: number): string[] | null {
  const parts: string[] = []
  let at = start
  for (;;) {
    const quoted = (parts.length > 0 ? '`"\'' : '`').includes(text[at] || ' ')
    const part = quoted ? quotedAt(text, at) : matchAt(bareWord, text, at)
    if (quoted && part === '') return null
    parts.push(part)
    at += part.length
    if (text[at] !== '.') return parts
    at++
  }
}

/**
 * A text in quotes from its first to its last quote. A doubled quote, and one after a backslash,
 * do not end it, unless no other does; they stand for themselves, as they do in MLflow.
 *
 * @returns empty when it does not end
 */
function quotedAt(text: string, start: number): string {
  const quote = text[start]
  const escapes = quote !== '`'
  let lastChance = -1
  for (let at = start + 1; at < text.length; at++) {
    if (escapes && text[at] === '\\' && text[at + 1] === quote) lastChance = ++at
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return text.slice(start, at + 1)
      lastChance = at++
    }
  }
  return text.slice(start, lastChance + 1)
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

/** What a token is called in a message. */
export function shown({ kind, raw }: Token): string {
  return kind === 'end' ? 'the end' : shownText(raw)
}

/** A text as it stands in a message: in quotes, and not all of it when it is long. */
export function shownText(text: string): string {
  const short = clipped(text)
  return /['"`]/.test(short) ? short : `"${short}"`
}

/** A text, and not all of it when it is long. */
export function clipped(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}

// So much of a filter is shown around a fault.
const shownBefore = 50
const shownInAll = 76

/**
 * A fault at a place of a filter or order, with the text and a caret below the place.
 *
 * @param what what the text is
 * @param place the token that is wrong
 * @param message what was expected, what was found and what to do
 */
export function faultAt(
  what: Language,
  text: string,
  place: Token,
  message: string,
): RidecastError {
  const from = Math.max(0, place.at - shownBefore)
  const line = text.slice(from, from + shownInAll).replaceAll(/\s|\p{Cc}/gu, ' ')
  const caret = `${' '.repeat(place.at - from)}^`
  return new RidecastError(
    'filter_invalid',
    `${what} is not understood at column ${place.at + 1}: ${message}\n  ${line}\n  ${caret}`,
  )
}
