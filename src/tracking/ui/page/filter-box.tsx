/** The box for a filter in the language of the store, with what is wrong with it, and examples. */

import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ApiError } from './api.ts'
import { cellOf, type Run, usualColumns } from './columns.ts'
import { fieldText, quotedText } from './filter-text.ts'
import { go, hrefWith } from './location.tsx'
import { Popover } from './popover.tsx'

/** The filter box; Enter applies what is in it, `/` from anywhere goes there. */
export function FilterBox({
  filter,
  error,
  runs,
}: {
  /** The filter that holds. */
  filter: string
  /** What the store says against it. */
  error: ApiError | undefined
  /** Where examples take names from. */
  runs: readonly Run[]
}): JSX.Element {
  const [draft, setDraft] = useState(filter)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => setDraft(filter), [filter])
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = (event.target as Element).closest('input, select, textarea')
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey) return
      event.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  const apply = (text: string): void => {
    setDraft(text)
    go(hrefWith({ filter: text.trim() === '' ? null : text.trim() }))
  }
  return (
    <search class="filter">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          apply(draft)
        }}
      >
        <input
          ref={input}
          type="text"
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
          placeholder="Filter, such as metrics.rmse < 8 and params.taxi = 'green'"
          aria-label="Filter of runs"
          aria-invalid={error !== undefined}
          aria-describedby={error ? 'filter-fault' : undefined}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
        />
        {draft.trim() !== filter && <button type="submit">Apply</button>}
        {draft.trim() === filter && filter !== '' && (
          <button type="button" onClick={() => apply('')}>
            Clear
          </button>
        )}
        <Popover label="Examples" panelLabel="Examples of filters">
          {(close) => (
            <ul class="examples">
              {examplesFrom(runs).map(([text, meaning]) => (
                <li key={text}>
                  <button
                    type="button"
                    onClick={() => {
                      close()
                      apply(text)
                    }}
                  >
                    <code>{text}</code>
                    <span>{meaning}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </Popover>
      </form>
      {error && (
        <p class="fault" id="filter-fault" role="alert">
          {error.message}
        </p>
      )}
    </search>
  )
}

// A longer value would make no example that can be read.
const longestValue = 40

/** Filters that find something among the runs, with what they mean. */
function examplesFrom(runs: readonly Run[]): (readonly [string, string])[] {
  const usual = usualColumns(runs)
  const metric = usual.find((key) => key.startsWith('metrics.')) ?? 'metrics.validation.rmse'
  const values = runs.flatMap((run) => Number(cellOf(run, metric) ?? [])).filter(Number.isFinite)
  values.sort((a, b) => a - b)
  const middle = Number((values[Math.floor(values.length / 2)] ?? 6).toPrecision(3))
  const below = `${fieldText(metric)} < ${middle}`
  const param = usual.find((key) => key.startsWith('params.')) ?? 'params.recipe'
  const texts = runs.flatMap((run) => String(cellOf(run, param) ?? []))
  const value = texts.find((text) => text !== '' && text.length <= longestValue) ?? 'plain'
  const equals = `${fieldText(param)} = ${quotedText(value)}`
  return [
    [below, 'a metric below a bound'],
    [equals, 'a parameter of a value, which is always text'],
    [`${below} and ${equals}`, 'both'],
    ["attributes.status = 'failed'", 'trainings that failed'],
    ["tags.developer = 'me'", 'a tag that train --tag has set'],
    ["attributes.run_name LIKE '%sweep%'", 'a name with something in it'],
  ]
}
