/**
 * Numbers, times and sizes as a person reads them. What is shortened here is shown in full where
 * the pointer rests. Knows nothing about runs.
 */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A number in full, as the record has it. */
export function fullNumber(value: number): string {
  return String(value)
}

/**
 * A number to so many significant digits (default 5): whole numbers below a quadrillion in full
 * with commas, very small and very large ones with a power of ten.
 */
export function shortNumber(value: number, digits = 5): string {
  if (!Number.isFinite(value)) return nonFinite(value)
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e15) return minus(grouped.format(value))
  if (size < 1e-4 || size >= 1e9) return minus(value.toExponential(2).replace('e+', 'e'))
  const whole = Math.floor(Math.log10(size)) + 1
  const text = decimals(value, Math.max(0, digits - whole))
  // Zeros at the end stand where something was rounded away, and only there.
  const isExact = Number(text.replaceAll(',', '').replace('−', '-')) === value
  return isExact ? text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '') : text
}

/**
 * How the numbers of one column are written, so that their decimal points stand below each
 * other: with as many decimals as the middle one of them needs for 5 significant digits.
 */
export function columnFormat(values: readonly number[]): (value: number) => string {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs)
  if (values.every((value) => Number.isInteger(value) || !Number.isFinite(value))) {
    return (value) => shortNumber(value)
  }
  sizes.sort((a, b) => a - b)
  const middle = sizes[Math.floor(sizes.length / 2)] ?? 1
  const places = Math.min(6, Math.max(0, 4 - Math.floor(Math.log10(middle))))
  return (value) => {
    if (value === 0) return decimals(0, places)
    const size = Math.abs(value)
    // Too small for its column: a zero would be a lie.
    if (size < 10 ** -places || size >= 1e9 || !Number.isFinite(value)) return shortNumber(value)
    return decimals(value, places)
  }
}

const plain = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })

/** A number at an axis: as short as it can be, since its neighbours say how exact it is. */
export function tickNumber(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    return minus(String(Number(value.toPrecision(6)).toExponential()).replace('e+', 'e'))
  }
  return minus(plain.format(value))
}

function decimals(value: number, places: number): string {
  const [whole = '', rest] = Math.abs(value).toFixed(places).split('.')
  const text = grouped.format(Number(whole)) + (rest === undefined ? '' : `.${rest}`)
  return value < 0 ? `−${text}` : text
}

function minus(text: string): string {
  return text.replaceAll('-', '−')
}

function nonFinite(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '∞' : '−∞'
}

/** How much more or less than a base, with a sign and a share: `+0.12 (+2.1 %)`. */
export function difference(value: number, base: number): string {
  const by = value - base
  if (!Number.isFinite(by)) return ''
  if (by === 0) return '='
  const sign = by > 0 ? '+' : ''
  const share = (100 * by) / Math.abs(base)
  const shown = Math.abs(share) < 0.1 ? share.toPrecision(1) : share.toFixed(1)
  const percent = Number.isFinite(share) && Math.abs(share) < 1000
  return `${sign}${shortNumber(by, 4)}${percent ? ` (${sign}${minus(String(Number(shown)))} %)` : ''}`
}

/** Milliseconds as `0.42 s`, `3.4 s`, `2 min 05 s`, `3 h 07 min`, `2 d 04 h`. */
export function duration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 1) return `${Math.max(0, seconds).toFixed(2)} s`
  if (seconds < 60) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${two((seconds % 86_400) / 3600)} h`
}

/** A time in ISO 8601 as the clock on this machine shows it: `2021-03-01 08:15:00`. */
export function localTime(iso: string): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return iso
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`
}

/** A number of bytes: `812 bytes`, `3.2 kB`, `1.4 MB`. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const units = ['kB', 'MB', 'GB', 'TB']
  const step = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** step).toFixed(1)} ${units[step - 1]}`
}

/** One or many: `1 run`, `5,000 runs`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${grouped.format(n)} ${n === 1 ? one : many}`
}
