/** Lineage of a run, drawn: source files, the run, the model version, what points to it. */

import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { shortDigest } from '../../compare.ts'
import type { JsonModel, RunAnswer } from '../answers.ts'
import { aliasesOf } from './cell.tsx'
import { quotedText } from './filter-text.ts'
import { count, localTime } from './format.ts'
import { Status } from './icons.tsx'
import { Link } from './location.tsx'

/** The alias that a server takes when it is told nothing else. */
const served = 'champion'

/** The list of the runs that have read a source file. */
function readersHref(name: string): string {
  return `/?${new URLSearchParams({ filter: `dataset.name = ${quotedText(name)}` })}`
}

/** What the lineage shows. */
export interface LineageProps {
  readonly run: RunAnswer
  /** Null where the page has no registry, undefined until it is known. */
  readonly models: readonly JsonModel[] | null | undefined
}

/** The drawing: from left to right, on a narrow screen from top to bottom. */
export function Lineage({ run, models }: LineageProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const paths = usePaths(box)
  const { model } = run
  return (
    <div class="lineage" ref={box}>
      <svg aria-hidden="true">
        {paths.map((path) => (
          <path key={path} d={path} />
        ))}
      </svg>
      <ol class="stages">
        <Stage heading="Source files">
          {run.datasets.map(({ name, digest, context, rows, source }, i) => (
            <li key={i} class="node" title={`${source}\n${digest}`}>
              <strong>
                <Link href={readersHref(name)} title="Runs that have read it">
                  {name}
                </Link>
              </strong>
              <span>
                {context}, {count(rows, 'row')}
              </span>
              <code>{shortDigest(digest)}</code>
            </li>
          ))}
          {run.datasets.length === 0 && <li class="node missing">none recorded</li>}
        </Stage>
        <Stage heading="Run">
          <li class="node here">
            <strong>{run.name}</strong>
            <Status status={run.status} />
            {run.commit && <code title={run.commit.hash}>{run.commit.hash.slice(0, 10)}</code>}
          </li>
        </Stage>
        <Stage heading="Model version">
          {model ? (
            <VersionNode {...model} models={models} />
          ) : (
            <li class="node missing">{run.status === 'running' ? 'none yet' : 'none made'}</li>
          )}
        </Stage>
        {model && models && (
          <Stage heading="Points to it">
            <AliasNodes {...model} models={models} />
          </Stage>
        )}
      </ol>
    </div>
  )
}

function Stage({
  heading,
  children,
}: {
  heading: string
  children: ComponentChildren
}): JSX.Element {
  return (
    <li class="stage">
      <h3>{heading}</h3>
      <ul>{children}</ul>
    </li>
  )
}

function VersionNode({
  name,
  version,
  path,
  models,
}: {
  name: string
  version: string
  path: string
  models: LineageProps['models']
}): JSX.Element {
  const known = models?.find((model) => model.name === name)?.versions
  const found = known?.find((one) => one.version === version)
  return (
    <li class={found || !models ? 'node' : 'node missing'} title={path}>
      <strong>{name}</strong>
      <code>{version}</code>
      {found && <span>since {localTime(found.created)}</span>}
      {models && !found && <span>not in the registry any more</span>}
    </li>
  )
}

function AliasNodes({
  name,
  version,
  models,
}: {
  name: string
  version: string
  models: readonly JsonModel[]
}): JSX.Element {
  const aliases = aliasesOf(models, name, version)
  const other = models.find((model) => model.name === name)?.aliases[served]
  return (
    <>
      {aliases.map((alias) => (
        <li key={alias} class={alias === served ? 'node served' : 'node'}>
          <strong>{alias}</strong>
          {alias === served && <span>what ridecast serve answers with</span>}
        </li>
      ))}
      {aliases.length === 0 && (
        <li class="node missing">
          <span>no alias</span>
          {other && (
            <span>
              {served} is <code>{other}</code>
            </span>
          )}
        </li>
      )}
    </>
  )
}

/** Curves from every node of a stage to every node of the next, measured where they stand. */
function usePaths(box: { current: HTMLDivElement | null }): readonly string[] {
  const [paths, setPaths] = useState<readonly string[]>([])
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const measure = (): void => setPaths(pathsIn(element))
    const resized = new ResizeObserver(measure)
    resized.observe(element)
    const changed = new MutationObserver(measure)
    const stages = element.querySelector('ol')
    if (stages) changed.observe(stages, { childList: true, subtree: true, characterData: true })
    return () => {
      resized.disconnect()
      changed.disconnect()
    }
  }, [])
  return paths
}

function pathsIn(box: HTMLElement): string[] {
  const origin = box.getBoundingClientRect()
  const stages = [...box.querySelectorAll('.stage')].map((stage) => {
    return [...stage.querySelectorAll('.node')].map((node) => node.getBoundingClientRect())
  })
  return stages.slice(1).flatMap((nodes, i) => {
    return (stages[i] ?? []).flatMap((from) => nodes.map((to) => pathBetween(from, to, origin)))
  })
}

function pathBetween(from: DOMRect, to: DOMRect, origin: DOMRect): string {
  const at = (x: number, y: number): string =>
    `${Math.round(x - origin.left)},${Math.round(y - origin.top)}`
  if (to.left >= from.right) {
    const [y1, y2] = [(from.top + from.bottom) / 2, (to.top + to.bottom) / 2]
    const middle = (from.right + to.left) / 2
    return `M${at(from.right, y1)} C${at(middle, y1)} ${at(middle, y2)} ${at(to.left, y2)}`
  }
  // Below each other: down the left edge, past the nodes between.
  const x = from.left + 14
  return `M${at(x, from.bottom)} L${at(x, to.top)}`
}
