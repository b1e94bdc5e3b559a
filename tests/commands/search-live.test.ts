/** What a search shows on a terminal while it goes. */

import pc from 'picocolors'
import { describe, expect, test } from 'vitest'
import type { Io } from '../../src/commands/io.ts'
import { searchLive } from '../../src/commands/search-live.ts'
import type { Trial } from '../../src/pipeline/search/trial.ts'

function terminal(interactive = true) {
  let screen: string[] = ['']
  let written = ''
  const io: Io = {
    out: () => {},
    err(text) {
      written += text
      // As a terminal does it: up so many lines, then everything below is gone.
      const [before, after] = text.split('\r\u001b[0J')
      const up = after === undefined ? undefined : before?.slice(2, -1)
      if (up) screen = [...screen.slice(0, -1 - Number(up)), '']
      const [first = '', ...more] = (after ?? text).split('\n')
      screen.push(`${screen.pop() ?? ''}${first}`, ...more)
    },
    interactive,
    colors: pc.createColors(true),
    env: {},
    cwd: '/',
    now: () => new Date(0),
  }
  return { io, screen: () => screen.join('\n'), written: () => written }
}

const trial = (number: number, state: Trial['state'], more: Partial<Trial> = {}): Trial => ({
  number,
  state,
  point: { 'trees.leaves': 31 + number, 'trees.learning_rate': 0.123456 },
  metrics: {},
  intermediates: new Map(),
  seconds: 2,
  ...more,
})
const names = ['trees.leaves', 'trees.learning_rate']

describe('a search on a terminal', () => {
  test('shows the best trials, the best first, and what runs', () => {
    const { io, screen } = terminal()
    const live = searchLive(io, 20, names)
    live.tell({ kind: 'started', trial: trial(0, 'running') })
    live.tell({ kind: 'finished', trial: trial(0, 'finished', { value: 5.25 }) })
    live.tell({ kind: 'finished', trial: trial(1, 'finished', { value: 4.5 }) })
    live.tell({ kind: 'pruned', trial: trial(2, 'pruned') })
    const growing = trial(3, 'running', { intermediates: new Map([[25, 6.125]]) })
    live.tell({ kind: 'started', trial: growing })
    expect(screen()).toBe(`3 of 20 trials: 2 finished, 1 stopped early, 0 failed
trial    RMSE            leaves  learning_rate
    2  4.5000     2.0 s      32         0.1235
    1  5.2500     2.0 s      31         0.1235
    4  6.1250  25 trees      34         0.1235
`)
    live.note('going on')
    expect(screen()).toMatch(/^going on\n3 of 20 trials/)
    live.close()
    expect(screen()).toBe('going on\n')
  })

  test('has five finished ones at most, and lines that fit', () => {
    const { io, screen } = terminal()
    const many = Array.from({ length: 12 }, (_, k) => `setting_number_${k}`)
    const point = Object.fromEntries(many.map((name) => [name, 1 / 3]))
    const live = searchLive(io, 20, many)
    for (let k = 0; k < 9; k++) {
      live.tell({ kind: 'finished', trial: trial(k, 'finished', { value: k, point }) })
    }
    const lines = screen().trimEnd().split('\n')
    expect(lines).toHaveLength(2 + 5)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(80)
  })

  test('is silent but for notes where there is no terminal', () => {
    const { io, written } = terminal(false)
    const live = searchLive(io, 2, names)
    live.tell({ kind: 'finished', trial: trial(0, 'finished', { value: 1 }) })
    live.note('going on after 1 trials')
    live.close()
    expect(written()).toBe('going on after 1 trials\n')
  })
})
