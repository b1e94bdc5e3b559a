/**
 * The files of a run, and one of them in place. What is in them is never part of this page: text
 * is set as text, a picture is a picture, and a report stands in a frame that may do nothing.
 */

import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { RunAnswer } from '../answers.ts'
import { delimitedRows, indentedJson } from './delimited.ts'
import { byteSize, count } from './format.ts'
import { hrefWith, Link, type Place } from './location.tsx'

// As much of a text as is read into the page; the rest is in the file.
const previewBytes = 512 * 1024
// Text files that a server would have to read whole for their beginning.
const largestPreviewed = 64 * 1024 * 1024
const largestPicture = 16 * 1024 * 1024
const previewRows = 500

/** The files and the one that the address names. */
export function Artifacts({ run, place }: { run: RunAnswer; place: Place }): JSX.Element {
  const wanted = place.query.get('artifact')
  const shown = run.artifacts.find(({ path }) => path === wanted)
  return (
    <div class="artifacts">
      <ul class="files" aria-label="Files">
        {run.artifacts.map(({ path, bytes }) => {
          const slash = path.lastIndexOf('/') + 1
          return (
            <li key={path}>
              <Link
                href={hrefWith({ artifact: path === wanted ? null : path })}
                keep
                title={path}
                aria-current={path === wanted ? 'true' : undefined}
              >
                <span class="path">
                  <span class="quiet">{path.slice(0, slash)}</span>
                  {path.slice(slash)}
                </span>
                <span class="quiet size">{byteSize(bytes)}</span>
              </Link>
            </li>
          )
        })}
      </ul>
      <div class="viewer">
        {shown ? (
          <Viewer key={shown.path} id={run.id} {...shown} />
        ) : (
          <p class="quiet">
            {wanted === null ? 'Choose a file to see it here.' : `There is no file ${wanted}.`}
          </p>
        )}
      </div>
    </div>
  )
}

function addressOf(id: string, path: string): string {
  return `/artifacts/${[id, ...path.split('/')].map(encodeURIComponent).join('/')}`
}

function Viewer({ id, path, bytes }: { id: string; path: string; bytes: number }): JSX.Element {
  const address = addressOf(id, path)
  const ending = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
  return (
    <>
      <header>
        <strong>{path}</strong>
        <span class="quiet">{byteSize(bytes)}</span>
        <a href={`${address}?download`} download>
          Download
        </a>
      </header>
      <Content address={address} path={path} ending={ending} bytes={bytes} />
    </>
  )
}

const pictures = ['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif', 'svg']

function Content({
  address,
  path,
  ending,
  bytes,
}: {
  address: string
  path: string
  ending: string
  bytes: number
}): JSX.Element {
  const isPicture = pictures.includes(ending)
  if (bytes > (isPicture ? largestPicture : largestPreviewed)) {
    return <p class="quiet">Too large to be shown here; download it to look at it.</p>
  }
  if (isPicture) return <img src={address} alt={path} />
  if (ending === 'html' || ending === 'htm') {
    return (
      <>
        <iframe src={address} title={path} sandbox="" referrerpolicy="no-referrer" />
        <p class="quiet">Scripts in it do not run here, and it loads nothing from elsewhere.</p>
      </>
    )
  }
  return <TextContent address={address} ending={ending} bytes={bytes} />
}

type Text = { text: string } | { fault: string } | undefined

function useText(address: string): Text {
  const [text, setText] = useState<Text>(undefined)
  useEffect(() => {
    const leaving = new AbortController()
    void readText(address, leaving.signal).then((read) => {
      if (!leaving.signal.aborted) setText(read)
    })
    return () => leaving.abort()
  }, [address])
  return text
}

async function readText(address: string, signal: AbortSignal): Promise<Text> {
  const headers = { Range: `bytes=0-${previewBytes - 1}` }
  const unreachable = { fault: 'no answer: is "ridecast runs ui" still running?' }
  const answer = await fetch(address, { headers, signal, cache: 'no-store' }).catch(() => null)
  if (answer === null) return unreachable
  // An empty file has no range that could be asked for.
  if (answer.status === 416) return { text: '' }
  if (!answer.ok) return { fault: ((await answer.json()) as { message: string }).message }
  const bytes = await answer.arrayBuffer().catch(() => null)
  if (bytes === null) return unreachable
  const text = new TextDecoder().decode(bytes)
  return text.includes('\0') ? { fault: 'Not a text; download it to look at it.' } : { text }
}

function TextContent({
  address,
  ending,
  bytes,
}: {
  address: string
  ending: string
  bytes: number
}): JSX.Element {
  const read = useText(address)
  if (read === undefined) return <p class="quiet">Reading …</p>
  if ('fault' in read) return <p class="quiet">{read.fault}</p>
  const { text } = read
  const isCut = bytes > previewBytes
  return (
    <>
      {isCut && (
        <p class="quiet">
          The first {byteSize(previewBytes)} of {byteSize(bytes)}.
        </p>
      )}
      {ending === 'csv' || ending === 'tsv' ? (
        <Delimited text={text} ending={ending} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <pre tabIndex={0}>{ending === 'json' && !isCut ? pretty(text) : text}</pre>
      )}
    </>
  )
}

function pretty(text: string): string {
  try {
    JSON.parse(text)
    return indentedJson(text)
  } catch {
    return text
  }
}

function Delimited({ text, ending }: { text: string; ending: string }): JSX.Element {
  const rows = delimitedRows(text, ending === 'tsv' ? '\t' : ',', previewRows + 2)
  const [header = [], ...all] = rows
  const body = all.slice(0, previewRows)
  const numeric = header.map((_, i) => body.every((row) => !Number.isNaN(Number(row[i] ?? ''))))
  return (
    <>
      <div class="scrolls">
        <table class="plain">
          <thead>
            <tr>
              {header.map((name, i) => (
                <th key={i} scope="col" class={numeric[i] ? 'number' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.map((row, n) => (
              <tr key={n}>
                {row.map((cell, i) => (
                  <td key={i} class={numeric[i] ? 'number' : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {all.length > previewRows && <p class="quiet">The first {count(previewRows, 'row')}.</p>}
    </>
  )
}
