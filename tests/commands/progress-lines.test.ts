import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import type { Io } from '../../src/commands/io.ts'
import { downloadText, progressLines } from '../../src/commands/progress-lines.ts'

/** A terminal that shows what would be seen of what was written to it. */
function terminal(interactive: boolean) {
  let written = ''
  let millis = 0
  const io: Io = {
    out: () => {},
    err: (text) => {
      written += text
    },
    interactive,
    colors: pc.createColors(false),
    env: {},
    cwd: '/',
    now: () => new Date(millis),
  }
  /** Understands what is used: up some lines, and clear all below. */
  const screen = (): string[] => {
    const lines: string[] = []
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    for (const [, up, text] of written.matchAll(/\x1b\[(\d+)A\r\x1b\[0J|([^\n\x1b]*)\n/g)) {
      if (up !== undefined) lines.splice(lines.length - Number(up))
      else lines.push(text ?? '')
    }
    return lines
  }
  return {
    io,
    screen,
    written: () => written,
    pass: (ms: number) => {
      millis += ms
    },
  }
}

describe('lines of progress', () => {
  test('are drawn one for each thing, over themselves', () => {
    const { io, screen, pass } = terminal(true)
    const lines = progressLines(io)
    lines.show('green 2021-01', '1 %')
    lines.show('yellow 2021-01', '2 %')
    expect(screen()).toEqual(['green 2021-01   1 %', 'yellow 2021-01  2 %'])
    pass(100)
    lines.show('green 2021-01', '50 %')
    expect(screen()).toEqual(['green 2021-01   50 %', 'yellow 2021-01  2 %'])
    lines.show('green 2021-01', '')
    expect(screen()).toEqual(['yellow 2021-01  2 %'])
    lines.close()
    expect(screen()).toEqual([])
  })

  test('are drawn ten times a second at most', () => {
    const { io, written, pass } = terminal(true)
    const lines = progressLines(io)
    lines.show('a', '0 %')
    const before = written()
    pass(99)
    lines.show('a', '1 %')
    expect(written()).toBe(before)
    pass(1)
    lines.show('a', '2 %')
    expect(written()).not.toBe(before)
  })

  test('make room for notes, which stay', () => {
    const { io, screen } = terminal(true)
    const lines = progressLines(io)
    lines.show('a', '1 %')
    lines.note('it is tried again')
    expect(screen()).toEqual(['it is tried again', 'a  1 %'])
    lines.close()
    lines.note('it is done')
    expect(screen()).toEqual(['it is tried again', 'it is done'])
  })

  test('fit into 80 columns, whatever a file is called', () => {
    const { io, screen } = terminal(true)
    const label = `https://example.org/${'deep/'.repeat(20)}rides.parquet`
    progressLines(io).show(label, downloadText(4_294_967_296, 4_294_967_297))
    expect(screen()[0]).toMatch(/^\.\.\..*rides\.parquet {2}4295\.0 of 4295\.0 MB +99 %$/)
    expect(screen()[0]?.length).toBeLessThan(80)
  })

  test('are not there where nobody looks, but notes are', () => {
    const { io, written } = terminal(false)
    const lines = progressLines(io)
    lines.show('a', '1 %')
    lines.note('it is tried again')
    lines.close()
    expect(written()).toBe('it is tried again\n')
  })

  test('say how far a download is', () => {
    expect(downloadText(12_345_678, 47_700_000)).toBe('12.3 of 47.7 MB   25 %')
    expect(downloadText(12_345_678, undefined)).toBe('12.3 MB')
    expect(downloadText(5, 5)).toBe('0.0 of 0.0 MB  100 %')
  })
})
