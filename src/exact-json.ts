/**
 * JSON text from which every number comes back to the bit, and which does not depend on who writes
 * it: keys in the order given, one top-level key a line. What JSON would change or drop in silence
 * is refused. Knows nothing about files.
 */

import { RidecastError } from './errors.ts'

/**
 * Writes a document. Plain objects, arrays, text, booleans, null and finite numbers, -0 included;
 * a property that is undefined is left out, as JSON does.
 *
 * @param name what the document is called in errors, such as `model.json`
 * @throws internal for anything else: NaN, infinities, typed arrays, dates, maps, functions
 */
export function exactJson(name: string, document: object): string {
  const lines = members(name, document).map(([key, value]) => {
    return `  ${JSON.stringify(key)}: ${write(name, key, value)}`
  })
  return lines.length > 0 ? `{\n${lines.join(',\n')}\n}\n` : '{}\n'
}

/** True for what JSON.stringify writes to the bit: most of a document, and much faster so. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (Array.isArray(value)) {
    // A loop sees a hole as the undefined that it is.
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i])) return false
    return true
  }
  if (typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return false
  return Object.values(value as object).every(isPlain)
}

function write(name: string, at: string, value: unknown): string {
  if (isPlain(value)) return JSON.stringify(value)
  // JSON.stringify makes 0 of -0, although JSON has a text for it.
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number' && !Number.isFinite(value)) throw refused(name, at, String(value))
  if (value === null || ['number', 'string', 'boolean'].includes(typeof value)) {
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) {
    // Array.from sees a hole as the undefined that it is, and it is refused.
    return `[${Array.from(value, (item, i) => write(name, `${at}[${i}]`, item)).join(',')}]`
  }
  if (typeof value !== 'object') throw refused(name, at, typeof value)
  const inner = members(`${name} at ${at}`, value as object).map(([key, item]) => {
    return `${JSON.stringify(key)}:${write(name, `${at}.${key}`, item)}`
  })
  return `{${inner.join(',')}}`
}

function members(what: string, value: object): [string, unknown][] {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value) || (prototype !== Object.prototype && prototype !== null)) {
    const kind = (value.constructor as { name?: string } | undefined)?.name
    throw new RidecastError('internal', `${what} must be a plain object, found ${kind}`)
  }
  return Object.entries(value).filter(([, item]) => item !== undefined)
}

function refused(name: string, at: string, found: string): RidecastError {
  return new RidecastError('internal', `${name} cannot hold ${found} at ${at}`)
}
