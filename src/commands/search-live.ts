/**
 * A search on a terminal while it goes: what runs, and the best so far, drawn over itself. The cursor
 * stays below and is never hidden, so that there is nothing to restore. Knows nothing about trials but
 * how they are shown.
 */

import type { SearchEvent } from '../pipeline/search/search.ts'
import type { Setting } from '../pipeline/search/space.ts'
import type { Trial } from '../pipeline/search/trial.ts'
import { type Io, table } from './io.ts'

/** A table that is drawn over itself; silent where standard error is no terminal. */
export interface SearchLive {
  /** Draws what has changed. */
  tell(event: SearchEvent): void
  /** Prints a line that stays, above the table; also when nothing is drawn. */
  note(text: string): void
  /** Takes the table away. */
  close(): void
}

/** Finished trials that are shown. */
const shown = 5

/** A line that is broken would be drawn twice: terminals have 80 columns and more. */
const columns = 79

/** Reports of growing trees are drawn so often at most, milliseconds. */
const drawMs = 100

/** A setting in a few characters. */
export const settingText = (setting: Setting): string =>
  typeof setting === 'number' ? String(Number(setting.toPrecision(4))) : String(setting)

/** What a setting is called in a table. */
export const settingName = (name: string): string => name.replace(/^trees\./, '')

/**
 * Draws a search.
 *
 * @param total trials that it will have
 * @param names settings, in the order of the table
 */
export function searchLive(io: Io, total: number, names: readonly string[]): SearchLive {
  const trials = new Map<number, Trial>()
  let drawn = 0
  let drawnAt = Number.NEGATIVE_INFINITY
  const erase = (): string => {
    const up = drawn > 0 ? `\u001b[${drawn}A\r\u001b[0J` : ''
    drawn = 0
    return up
  }
  const draw = (): void => {
    if (!io.interactive) return
    const lines = linesOf(io, [...trials.values()], total, names)
    io.err(`${erase()}${lines.map((line) => `${line.slice(0, columns)}\n`).join('')}`)
    drawn = lines.length
    drawnAt = io.now().getTime()
  }
  return {
    tell(event) {
      const told = event.kind === 'resumed' ? event.trials : [event.trial]
      for (const trial of told) trials.set(trial.number, trial)
      const isSoon = io.now().getTime() - drawnAt < drawMs
      if (event.kind !== 'intermediate' || !isSoon) draw()
    },
    note(text) {
      io.err(`${erase()}${text}\n`)
      if (trials.size > 0) draw()
    },
    close() {
      if (drawn > 0) io.err(erase())
    },
  }
}

function linesOf(
  io: Io,
  trials: readonly Trial[],
  total: number,
  names: readonly string[],
): string[] {
  const of = (state: Trial['state']): Trial[] => trials.filter((trial) => trial.state === state)
  const [finished, running] = [of('finished'), of('running')]
  const best = finished
    .sort((a, b) => (a.value as number) - (b.value as number) || a.number - b.number)
    .slice(0, shown)
  const row = (trial: Trial, rmse: string, how: string): string[] => [
    String(trial.number + 1),
    rmse,
    how,
    ...names.map((name) => settingText(trial.point[name] as Setting)),
  ]
  const rows = [
    ...best.map((trial) => row(trial, (trial.value as number).toFixed(4), took(trial))),
    ...running.map((trial) => {
      const [trees, rmse] = [...trial.intermediates].at(-1) ?? []
      const far = trees === undefined ? 'begun' : `${trees} trees`
      return row(trial, rmse?.toFixed(4) ?? '', far)
    }),
  ]
  const header = ['trial', 'RMSE', '', ...names.map(settingName)]
  const plain = { ...io, colors: { ...io.colors, dim: (text: unknown) => String(text) } }
  const text = table(
    plain as Io,
    header,
    rows,
    header.map(() => 'right'),
  )
  const ended = `${finished.length} finished, ${of('pruned').length} stopped early, ${of('failed').length} failed`
  return [
    `${trials.length - running.length} of ${total} trials: ${ended}`,
    ...text.trimEnd().split('\n'),
  ]
}

const took = ({ seconds = 0 }: Trial): string => `${seconds.toFixed(1)} s`
