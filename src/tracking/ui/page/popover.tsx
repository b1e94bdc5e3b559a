/** A button that opens a panel below it. Knows nothing about what is in the panel. */

import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

/** A button and its panel, which Escape, a click elsewhere and leaving it by Tab close. */
export function Popover({
  label,
  panelLabel,
  children,
}: {
  label: ComponentChildren
  /** What the panel is, for those who do not see it. */
  panelLabel: string
  children: (close: () => void) => ComponentChildren
}): JSX.Element {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!open) return
    const outside = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false)
    }
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape') return
      setOpen(false)
      button.current?.focus()
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('focusin', outside)
    document.addEventListener('keydown', onKey)
    return () => {
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('focusin', outside)
      document.removeEventListener('keydown', onKey)
    }
  }, [open])
  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }
  return (
    <div class="popover" ref={box}>
      <button type="button" ref={button} aria-expanded={open} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && (
        <section class="panel" aria-label={panelLabel}>
          {children(close)}
        </section>
      )}
    </div>
  )
}
