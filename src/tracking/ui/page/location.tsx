/**
 * The address of the page as its state: reading it, changing it, links. Every view can be
 * reloaded, shared and gone back to. Knows nothing about what the views are.
 */

import type { AnchorHTMLAttributes, ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** Where the page is. */
export interface Place {
  /** Path, such as `/runs/20210301T081500-3fa2c1`. */
  readonly path: string
  /** What follows the question mark. */
  readonly query: URLSearchParams
}

const listeners = new Set<() => void>()
window.addEventListener('popstate', () => {
  for (const listener of listeners) listener()
})

function placeNow(): Place {
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) }
}

/** The place, kept up to date. */
export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow)
  useEffect(() => {
    const onChange = (): void => setPlace(placeNow())
    listeners.add(onChange)
    return () => listeners.delete(onChange) && undefined
  }, [])
  return place
}

/**
 * Goes to an address of the page.
 *
 * @param how `replace` leaves no step to go back to: for choices such as the order of a table
 */
export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') window.history.pushState(null, '', href)
  else window.history.replaceState(null, '', href)
  if (how === 'push') window.scrollTo(0, 0)
  for (const listener of listeners) listener()
}

/** Changes parts of the query; null takes a part away, a list gives one value each. */
export type QueryChange = Readonly<Record<string, string | readonly string[] | null>>

/** The present address with another query. */
export function hrefWith(change: QueryChange, path = window.location.pathname): string {
  const query = new URLSearchParams(window.location.search)
  for (const [name, value] of Object.entries(change)) {
    query.delete(name)
    if (value === null) continue
    for (const one of typeof value === 'string' ? [value] : value) query.append(name, one)
  }
  const text = query.toString()
  return text === '' ? path : `${path}?${text}`
}

/** The address of a run's own page. */
export function runHref(id: string): string {
  return `/runs/${encodeURIComponent(id)}`
}

/** A link inside the page, which opens without loading it anew; a new tab works as ever. */
export function Link({
  href,
  keep = false,
  children,
  ...rest
}: {
  href: string
  /** True for a choice within a view: nothing scrolls, and there is no step to go back to. */
  keep?: boolean
  children: ComponentChildren
} & AnchorHTMLAttributes<HTMLAnchorElement>): JSX.Element {
  const onClick = (event: MouseEvent): void => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return
    }
    event.preventDefault()
    go(href, keep ? 'replace' : 'push')
  }
  return (
    <a {...rest} href={href} onClick={onClick}>
      {children}
    </a>
  )
}
