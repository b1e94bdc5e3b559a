/** The page: its head, and the view that the address names. */

import { type JSX, render } from 'preact'
import { useEffect } from 'preact/hooks'
import { useAbout } from './api.ts'
import { CompareView } from './compare-view.tsx'
import { Logo } from './icons.tsx'
import { ListView } from './list-view.tsx'
import { Link, type Place, usePlace } from './location.tsx'
import { RunView } from './run-view.tsx'

// What the list showed last, for the way back to it from the head of another view.
const list = { query: '' }

function Page(): JSX.Element {
  const place = usePlace()
  const [, id] = /^\/runs\/([^/]+)$/.exec(place.path) ?? []
  useTitle(place, id)
  if (place.path === '/' || place.path === '/scatter') list.query = place.query.toString()
  return (
    <>
      <Header place={place} />
      {id !== undefined ? (
        <RunView key={id} id={decodeURIComponent(id)} place={place} />
      ) : place.path === '/compare' ? (
        <CompareView place={place} />
      ) : (
        <ListView place={place} />
      )}
    </>
  )
}

function Header({ place }: { place: Place }): JSX.Element {
  const about = useAbout().value
  const query = list.query === '' ? '' : `?${list.query}`
  const current = (path: string): 'page' | undefined => (place.path === path ? 'page' : undefined)
  return (
    <header class="top">
      <Link href="/" class="home" title="All runs, nothing chosen">
        <Logo />
        <strong>ridecast</strong>
      </Link>
      <nav aria-label="Views">
        <Link href={`/${query}`} aria-current={current('/')}>
          Table
        </Link>
        <Link href={`/scatter${query}`} aria-current={current('/scatter')}>
          Scatter
        </Link>
      </nav>
      <span
        class="quiet place"
        title={about && `ridecast ${about.version}, runs of ${about.place}`}
      >
        {about?.place}
      </span>
    </header>
  )
}

/** Names the view in the title, and takes the focus to it when another is gone to. */
function useTitle(place: Place, id: string | undefined): void {
  useEffect(() => {
    const names: Readonly<Record<string, string>> = {
      '/compare': 'Comparison',
      '/scatter': 'Scatter',
    }
    document.title = `${id ?? names[place.path] ?? 'Runs'} · ridecast`
    const heading = document.querySelector<HTMLElement>('h1[tabindex]')
    if (document.activeElement === document.body) heading?.focus({ preventScroll: true })
  }, [place.path])
}

const root = document.getElementById('page')
if (root) render(<Page />, root)
