/** Small drawings. Each says what it means by a text beside it, never alone. */

import type { JSX } from 'preact'
import type { RunListing } from '../../tracker.ts'

const marks: Readonly<Record<RunListing['status'], JSX.Element>> = {
  running: <circle cx="6" cy="6" r="3" />,
  finished: <path d="M2.5 6.5 5 9l4.5-5.5" class="stroke" />,
  failed: <path d="m3 3 6 6M9 3 3 9" class="stroke" />,
  killed: <rect x="3" y="3" width="6" height="6" rx="1" />,
  unreadable: <path d="M6 2.5v4.2M6 9.2v.3" class="stroke" />,
}

/** The status of a run: a mark of its own form and colour, and its name. */
export function Status({
  status,
  bare = false,
}: {
  status: RunListing['status']
  /** Without the name, which is then read out only. */
  bare?: boolean
}): JSX.Element {
  return (
    <span class={`status ${status}`} title={bare ? status : undefined}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {marks[status]}
      </svg>
      <span class={bare ? 'unseen' : ''}>{status}</span>
    </span>
  )
}

/** A triangle that points right, or down when open. */
export function Chevron({ open }: { open: boolean }): JSX.Element {
  return (
    <svg class={open ? 'chevron open' : 'chevron'} viewBox="0 0 12 12" aria-hidden="true">
      <path d="m4.5 2.5 3.5 3.5-3.5 3.5" class="stroke" />
    </svg>
  )
}

/** The mark of the product: a taxi-yellow square with a falling curve in it. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 16 16" aria-hidden="true">
      <rect width="16" height="16" rx="3.5" />
      <path d="M3 4.5 6.2 9.2 8.8 6.5 13 12" />
    </svg>
  )
}
