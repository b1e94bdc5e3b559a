/**
 * Progress of several things at once on standard error, one line each, drawn over themselves;
 * silent when that is not a terminal. The cursor stays below the lines and is never hidden, so that
 * there is nothing to restore when the process is killed. Knows nothing about what goes on.
 */

import type { Io } from './io.ts'

/** Lines under way. */
export interface ProgressLines {
  /** Shows a line, or changes it; an empty text takes it away. */
  show(label: string, text: string): void
  /** Prints a line that stays, above those under way; also when nothing is drawn. */
  note(text: string): void
  /** Takes all lines away. */
  close(): void
}

/** Lines are drawn so often at most, milliseconds. */
const drawMs = 100

/** Longer labels are cut, so that a line fits into 80 columns. */
const labelWidth = 40

/** Lines on the standard error of a command. */
export function progressLines(io: Io): ProgressLines {
  const lines = new Map<string, string>()
  let drawn = 0
  let drawnAt = 0
  const erase = (): string => {
    const up = drawn > 0 ? `\u001b[${drawn}A\r\u001b[0J` : ''
    drawn = 0
    return up
  }
  const draw = (): void => {
    const width = Math.max(0, ...[...lines.keys()].map((label) => shortened(label).length))
    const text = [...lines].map(([label, line]) => `${shortened(label).padEnd(width)}  ${line}\n`)
    io.err(`${erase()}${text.join('')}`)
    drawn = text.length
    drawnAt = io.now().getTime()
  }
  return {
    show(label, text) {
      if (!io.interactive) return
      const isNews = lines.has(label) === (text === '')
      if (text === '') lines.delete(label)
      else lines.set(label, text)
      if (isNews || io.now().getTime() - drawnAt >= drawMs) draw()
    },
    note(text) {
      io.err(`${erase()}${text}\n`)
      if (lines.size > 0) draw()
    },
    close() {
      lines.clear()
      if (drawn > 0) io.err(erase())
    },
  }
}

/** How far a download is: `12.3 of 47.7 MB   26 %`, or `12.3 MB` where the end is not known. */
export function downloadText(received: number, total: number | undefined): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  if (!total) return `${megabytes(received)} MB`
  const share = `${Math.floor((100 * received) / total)} %`.padStart(5)
  return `${megabytes(received)} of ${megabytes(total)} MB  ${share}`
}

/** The end of a name says more than its beginning: the host of an address. */
function shortened(label: string): string {
  return label.length <= labelWidth ? label : `...${label.slice(3 - labelWidth)}`
}
