/** Chooses the columns of the table. Knows nothing about runs. */

import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { columnKinds, columnOf, titleOf } from './columns.ts'
import { keepColumns } from './list-state.ts'
import { go, hrefWith } from './location.tsx'
import { Popover } from './popover.tsx'

/** A button with a panel of all columns, those that are shown ticked. */
export function ColumnMenu({
  all,
  shown,
}: {
  all: readonly string[]
  shown: readonly string[]
}): JSX.Element {
  const [search, setSearch] = useState('')
  const change = (columns: readonly string[] | null): void => {
    keepColumns(columns)
    go(hrefWith({ col: columns }), 'replace')
  }
  const toggle = (key: string): void => {
    change(shown.includes(key) ? shown.filter((other) => other !== key) : [...shown, key])
  }
  const wanted = search.trim().toLowerCase()
  return (
    <Popover label="Columns" panelLabel="Columns of the table">
      {() => (
        <div class="columns-menu">
          <input
            type="text"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
            placeholder="Find a column"
            aria-label="Find a column"
          />
          <div class="columns-list">
            {columnKinds.map(([kind, heading]) => {
              const keys = all.filter((key) => columnOf(key).kind === kind)
              const found = keys.filter((key) => titleOf(key).toLowerCase().includes(wanted))
              return (
                found.length > 0 && (
                  <fieldset key={kind}>
                    <legend>{heading}</legend>
                    {found.map((key) => (
                      <label key={key}>
                        <input
                          type="checkbox"
                          checked={shown.includes(key)}
                          onChange={() => toggle(key)}
                        />
                        <span>{titleOf(key)}</span>
                      </label>
                    ))}
                  </fieldset>
                )
              )
            })}
          </div>
          <button type="button" onClick={() => change(null)}>
            Back to the usual columns
          </button>
        </div>
      )}
    </Popover>
  )
}
