/** A field in which a person finds a taxi zone by name, borough or number. Knows no rides. */

import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { nameOf, searchZones } from './zone-names.ts'

/** A combobox over all zones, as the ARIA practices describe one with a list below it. */
export function ZoneBox({
  id,
  label,
  value,
  isTarget,
  onTarget,
  onPick,
}: {
  id: string
  label: string
  value: number | undefined
  /** True when the next click on the map is meant for this field. */
  isTarget: boolean
  onTarget: () => void
  onPick: (zone: number) => void
}): JSX.Element {
  const [text, setText] = useState<string>()
  const [active, setActive] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const isOpen = text !== undefined
  const shown = value === undefined ? '' : nameOf(value)
  const found = isOpen ? searchZones(text === shown ? '' : text) : []
  const at = Math.min(active, found.length - 1)
  const close = (): void => setText(undefined)
  const open = (next: string): void => {
    setText(next)
    const chosen = next === shown ? searchZones('').findIndex((zone) => zone.id === value) : 0
    setActive(Math.max(0, chosen))
  }
  const pick = (index: number): void => {
    const zone = found[index]
    close()
    if (zone) onPick(zone.id)
  }
  useEffect(() => {
    if (isOpen) list.current?.children[at]?.scrollIntoView({ block: 'nearest' })
  }, [isOpen, at])
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }
    const step = steps[event.key]
    if (step !== undefined) {
      event.preventDefault()
      if (isOpen) setActive((at + step + found.length) % Math.max(1, found.length))
      else open(shown)
    } else if (event.key === 'Enter' && isOpen) {
      event.preventDefault()
      pick(at)
    } else if (event.key === 'Escape' && isOpen) {
      event.preventDefault()
      close()
    }
  }
  return (
    <div class={`zone-box${isTarget ? ' target' : ''}`}>
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        placeholder="Zone, borough or number"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isOpen && found.length > 0 ? `${id}-${found[at]?.id}` : undefined}
        value={text ?? shown}
        onInput={(event) => open(event.currentTarget.value)}
        onFocus={(event) => {
          onTarget()
          event.currentTarget.select()
        }}
        onClick={() => isOpen || open(shown)}
        onBlur={close}
        onKeyDown={onKeyDown}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        class="zones"
        aria-label={`Zones for the ${label.toLowerCase()}`}
        ref={list}
        hidden={found.length === 0}
      >
        {found.map((zone, k) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are those of the field
          <div
            key={zone.id}
            id={`${id}-${zone.id}`}
            role="option"
            class="one"
            tabIndex={-1}
            aria-selected={k === at}
            // Before the field loses the focus, which would close the list.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => pick(k)}
          >
            <span>{zone.name}</span>
            <small>
              {zone.borough} · {zone.id}
            </small>
          </div>
        ))}
      </div>
      {isOpen && found.length === 0 && <p class="no-zone">No zone is called that.</p>}
    </div>
  )
}
