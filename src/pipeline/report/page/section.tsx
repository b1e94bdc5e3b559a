/** A part of the report with a heading. Knows nothing about what is in it. */

import type { ComponentChildren, JSX } from 'preact'

/** A section of the page. */
export function Section({
  id,
  title,
  note,
  children,
}: {
  id: string
  title: string
  /** What a person should know before looking. */
  note?: ComponentChildren
  children: ComponentChildren
}): JSX.Element {
  return (
    <section aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
      </header>
      {note && <p class="note">{note}</p>}
      {children}
    </section>
  )
}
