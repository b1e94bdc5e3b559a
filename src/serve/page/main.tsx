/** The page: its head, the view that the address names, and who answers its rides. */

import { type JSX, render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ApiError, ask, keepToken } from './api.ts'
import { type ModelField, RideView } from './ride-view.tsx'
import { offlineScorer, onlineScorer, type Scorer } from './scorer.ts'
import { ServiceView } from './service-view.tsx'

interface ModelAnswer {
  readonly name: string
  readonly version: string
  readonly recipe: unknown
  readonly inputs: readonly ModelField[]
}

const online = onlineScorer()

function Page(): JSX.Element {
  const view = useView()
  const [model, setModel] = useState<ModelAnswer>()
  const [fault, setFault] = useState<ApiError>()
  const [offline, setOffline] = useState<Scorer>()
  const [isLoading, setLoading] = useState(false)
  const load = (): void => {
    ask<ModelAnswer>('/model').then(
      ({ body }) => {
        setModel(body)
        setFault(undefined)
      },
      (error: unknown) => setFault(error as ApiError),
    )
  }
  useEffect(load, [])
  const turn = (isOn: boolean): void => {
    if (!isOn) {
      setOffline(undefined)
      return
    }
    setLoading(true)
    offlineScorer()
      .then(setOffline, (error: unknown) => {
        setFault(error instanceof ApiError ? error : new ApiError('internal', String(error)))
      })
      .finally(() => setLoading(false))
  }
  const served = offline?.offline ?? model
  return (
    <>
      <header class="top">
        <a href="#ride" class="home" title="A new ride">
          <Logo />
          <strong>ridecast</strong>
        </a>
        <nav aria-label="Views">
          <a href={rideAddress} aria-current={view === 'ride' ? 'page' : undefined}>
            Ride
          </a>
          <a href="#service" aria-current={view === 'service' ? 'page' : undefined}>
            Service
          </a>
        </nav>
        <span class="place quiet" title="Name and version of the model">
          {served && `${served.name}/${served.version}`}
        </span>
        <label class="switch" title="Score in this browser, without asking the server">
          <input
            type="checkbox"
            checked={isLoading || offline !== undefined}
            disabled={isLoading}
            onChange={(event) => turn(event.currentTarget.checked)}
          />
          <i aria-hidden="true" />
          Offline
        </label>
      </header>
      {fault && (
        <Trouble
          fault={fault}
          again={() => {
            setFault(undefined)
            load()
          }}
        />
      )}
      {view === 'service' ? (
        <ServiceView />
      ) : (
        <RideView
          scorer={model === undefined ? undefined : (offline ?? online)}
          fields={model?.inputs ?? []}
          recipe={model?.recipe}
        />
      )}
    </>
  )
}

/** The address of the ride that was shown last. */
let rideAddress = '#ride'

/** The view that the address names. */
function useView(): 'ride' | 'service' {
  const viewOf = (): 'ride' | 'service' => (location.hash === '#service' ? 'service' : 'ride')
  const [view, setView] = useState(viewOf)
  useEffect(() => {
    const onMove = (event: HashChangeEvent): void => {
      const old = new URL(event.oldURL).hash
      if (old.startsWith('#ride')) rideAddress = old
      setView(viewOf())
    }
    window.addEventListener('hashchange', onMove)
    return () => window.removeEventListener('hashchange', onMove)
  }, [])
  useEffect(() => {
    document.title = view === 'service' ? 'Service · ridecast' : 'ridecast'
  }, [view])
  return view
}

/** Why the page cannot do its work, and what helps: a token, or another try. */
function Trouble({ fault, again }: { fault: ApiError; again: () => void }): JSX.Element {
  if (fault.code !== 'unauthorized') {
    return (
      <div class="trouble" role="alert">
        <p>{fault.message}</p>
        <button type="button" onClick={again}>
          Try again
        </button>
      </div>
    )
  }
  return (
    <form
      class="trouble"
      onSubmit={(event) => {
        event.preventDefault()
        keepToken(String(new FormData(event.currentTarget).get('token')))
        again()
      }}
    >
      <label for="token">This service answers those who have a token:</label>
      <input id="token" name="token" type="password" autocomplete="off" required />
      <button type="submit">Use it</button>
    </form>
  )
}

function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 16 16" aria-hidden="true">
      <rect width="16" height="16" rx="3.5" />
      <path d="M3 4.5 6.2 9.2 8.8 6.5 13 12" />
    </svg>
  )
}

const root = document.getElementById('page')
if (root) {
  root.replaceChildren()
  render(<Page />, root)
}
