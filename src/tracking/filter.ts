/**
 * The filter language of runs: MLflow's, so that a filter means the same over plain files and on
 * a server. Comparisons joined by `and`, such as `metrics.rmse < 8 and params.taxi = 'green'`;
 * docs/runs.md has all of it. Knows nothing about the values of runs: filter-match.ts does.
 */

import { type Field, fieldOf, isNumeric } from './filter-field.ts'
import { clipped, faultAt, shown, type Token, tokenize } from './filter-tokens.ts'

/** How two values are compared. */
export type Comparator =
  | ('<' | '<=' | '=' | '!=' | '>=' | '>')
  | ('LIKE' | 'ILIKE' | 'IN' | 'NOT IN' | 'IS NULL' | 'IS NOT NULL')

/** One comparison. */
export interface Clause {
  /** What is compared. */
  readonly field: Field
  /** How. */
  readonly comparator: Comparator
  /** With what: a number for numeric fields, texts for IN, null where there is nothing. */
  readonly value: number | string | readonly string[] | null
}

/** Comparisons that all have to hold; none holds for every run. */
export type Filter = readonly Clause[]

const ofNumbers: readonly Comparator[] = ['<', '<=', '=', '!=', '>=', '>']
const ofTexts: readonly Comparator[] = ['=', '!=', 'LIKE', 'ILIKE']
const ofLists: readonly Comparator[] = ['IN', 'NOT IN']
const ofPresence: readonly Comparator[] = ['IS NULL', 'IS NOT NULL']

function comparatorsOf(field: Field): readonly Comparator[] {
  if (isNumeric(field)) return ofNumbers
  if (field.entity === 'parameter' || field.entity === 'tag') return [...ofTexts, ...ofPresence]
  return field.entity === 'dataset' || field.key === 'run_id' ? [...ofTexts, ...ofLists] : ofTexts
}

/**
 * Reads a filter; an empty text is one that holds for every run.
 *
 * @throws RidecastError `filter_invalid` with the place, what was expected and what was found
 */
export function parseFilter(text: string): Filter {
  return text === '' ? [] : new Reader(text).clauses()
}

/**
 * A filter as an MLflow server understands it in the same meaning: statuses in capitals, one
 * space between words.
 *
 * @throws RidecastError `filter_invalid`
 */
export function serverFilter(text: string): string {
  if (text === '') return ''
  const reader = new Reader(text)
  reader.clauses()
  return reader.words()
}

/** Goes over the tokens of a filter once. */
class Reader {
  readonly #text: string
  readonly #tokens: Token[]
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokenize(text)
  }

  /** All comparisons. */
  clauses(): Clause[] {
    const clauses = [this.#clause()]
    while (this.#takeWord('and')) clauses.push(this.#clause())
    const next = this.#next
    if (next.kind === 'end') return clauses
    const or = next.raw.toLowerCase() === 'or' ? '; there is no or, run one filter each' : ''
    throw this.#fault(`expected "and" or the end, found ${shown(next)}${or}`)
  }

  /** The tokens as they were understood, with one space between them. */
  words(): string {
    return this.#tokens
      .map((token) => token.raw)
      .join(' ')
      .trimEnd()
  }

  #clause(): Clause {
    const open = this.#next.raw === '('
    if (open) throw this.#fault('expected a name, found "("; comparisons stand in no parentheses')
    const field = fieldOf('filter', this.#text, this.#next)
    this.#at++
    const comparator = this.#comparator(field)
    if (ofPresence.includes(comparator)) return { field, comparator, value: null }
    if (ofLists.includes(comparator)) return { field, comparator, value: this.#list() }
    return { field, comparator, value: isNumeric(field) ? this.#number(field) : this.#value(field) }
  }

  #comparator(field: Field): Comparator {
    const place = this.#at
    const token = this.#next
    const name = this.#comparatorName()
    const allowed = comparatorsOf(field)
    const known = allowed.find((one) => one === name)
    if (known !== undefined) return known
    this.#at = place
    const found = name === '' ? shown(token) : `"${name}"`
    const behind = `expected ${allowed.join(', ')} behind ${nameOf(field)}, found ${found}`
    throw this.#fault(`${behind}${this.#slip(name, token)}`)
  }

  /** What to do about a comparator that is wrong in a common way. */
  #slip(name: string, { kind, at }: Token): string {
    const slips: Readonly<Record<string, string>> = {
      '==': '=',
      '<>': '!=',
      '=<': '<=',
      '=>': '>=',
    }
    if (slips[name] !== undefined) return `; write ${slips[name]}`
    const inName = kind === 'other' && !/\s/.test(this.#text[at - 1] ?? '')
    return inName ? '; put the whole name behind the first dot in backticks' : ''
  }

  /** A comparator of one or more words, in capitals; empty when there is none. */
  #comparatorName(): string {
    if (this.#next.kind === 'comparator') return this.#take().raw
    if (this.#takeWord('is')) {
      const not = this.#takeWord('not')
      return this.#takeWord('null') ? `IS ${not ? 'NOT ' : ''}NULL` : ''
    }
    const not = this.#takeWord('not') ? 'NOT ' : ''
    for (const word of ['like', 'ilike', 'in']) {
      if (this.#takeWord(word)) return `${not}${word.toUpperCase()}`
    }
    return ''
  }

  #number(field: Field): number {
    if (this.#next.kind === 'number') return Number(this.#take().raw)
    const { entity, key } = field
    const hint =
      entity === 'attribute' ? `${key} is in milliseconds since 1970` : 'such as 8, -0.5 or 1e-3'
    throw this.#fault(`expected a number without quotes, ${hint}, found ${shown(this.#next)}`)
  }

  #value(field: Field): string {
    if (this.#next.kind !== 'text') {
      throw this.#fault(
        `expected a text in single or double quotes for ${nameOf(field)}, found ${shown(this.#next)}`,
      )
    }
    const place = this.#at
    const token = this.#take()
    // MLflow keeps statuses in capitals, and ours are in small letters: any case will do.
    const isStatus = field.entity === 'attribute' && field.key === 'status'
    if (isStatus) this.#tokens[place] = { ...token, raw: token.raw.toUpperCase() }
    const { raw } = this.#tokens[place] as Token
    return raw.slice(1, -1)
  }

  #list(): string[] {
    if (!this.#takeMark('(')) throw this.#fault(`expected "(", found ${shown(this.#next)}`)
    const values: string[] = []
    do {
      // As MLflow has it, a comma may stand behind the last.
      if (values.length > 0 && this.#next.raw === ')') break
      values.push(this.#listed())
    } while (this.#takeMark(','))
    if (this.#takeMark(')')) return values
    throw this.#fault(`expected "," or ")", found ${shown(this.#next)}`)
  }

  #listed(): string {
    if (this.#next.kind !== 'text') {
      throw this.#fault(`expected a text in quotes, found ${shown(this.#next)}`)
    }
    const text = this.#next.raw.slice(1, -1)
    // MLflow reads a list as Python would, and there they mean something else than elsewhere.
    if (/[\\\n]/.test(text) || text.includes(this.#next.raw[0] as string)) {
      throw this.#fault('expected a text of one line without \\ and its own quotes in a list')
    }
    this.#at++
    return text
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token
  }

  #take(): Token {
    return this.#tokens[this.#at++] as Token
  }

  #takeWord(word: string): boolean {
    const { kind, raw } = this.#next
    const found = kind === 'word' && raw.toLowerCase() === word
    if (found) this.#at++
    return found
  }

  #takeMark(mark: string): boolean {
    const found = this.#next.kind === 'mark' && this.#next.raw === mark
    if (found) this.#at++
    return found
  }

  #fault(message: string): Error {
    return faultAt('filter', this.#text, this.#next, message)
  }
}

function nameOf({ entity, key }: Field): string {
  if (entity === 'attribute') return key
  const plural = { metric: 'metrics', parameter: 'params', tag: 'tags', dataset: 'dataset' }
  return `${plural[entity]}.${clipped(key)}`
}
