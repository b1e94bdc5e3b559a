/**
 * Numbers as a person reads them, in findings and on the page. Knows nothing about rides.
 */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A whole number with commas: `76,518`. */
export function countText(value: number): string {
  return minus(grouped.format(value))
}

/** A share as a percentage: `38 %`, `3.4 %`, `0.02 %`, `under 0.01 %`. */
export function shareText(share: number): string {
  const percent = share * 100
  if (percent === 0) return '0 %'
  if (percent < 0.01) return 'under 0.01 %'
  // Almost all is not all.
  if (percent > 99.9 && percent < 100) return 'over 99.9 %'
  const digits = percent >= 9.95 ? 0 : percent >= 0.95 ? 1 : 2
  return `${percent.toFixed(digits)} %`
}

/** A number to about four significant digits, whole ones in full: `12.35`, `235,405`, `0.0042`. */
export function valueText(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : minus(String(value))
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1e15) return countText(value)
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return minus(value.toExponential(2))
  const places = Math.max(0, Math.min(6, digits - 1 - Math.floor(Math.log10(size))))
  const text = new Intl.NumberFormat('en-US', { maximumFractionDigits: places }).format(value)
  return minus(text)
}

/** How much more or less, with its sign: `+1.2`, `−340`. */
export function changeText(value: number): string {
  if (value === 0) return '0'
  return value > 0 ? `+${valueText(value)}` : valueText(value)
}

/** A number of bytes: `812 bytes`, `1.3 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const step = Math.min(3, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** step).toFixed(1)} ${['kB', 'MB', 'GB'][step - 1]}`
}

/** Names in a row: `a, b and c`. */
export function listText(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

function minus(text: string): string {
  return text.replaceAll('-', '−')
}
