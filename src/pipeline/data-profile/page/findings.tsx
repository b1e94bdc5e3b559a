/** Findings as a list, and what changed between two months. Knows nothing about how they came. */

import type { JSX } from 'preact'
import type { Comparison, Finding } from '../document.ts'
import type { Series } from './series.tsx'

/** What a person should know first. */
export function Findings({
  all,
  comparison,
}: {
  all: readonly Series[]
  comparison: Comparison | null
}): JSX.Element {
  return (
    <>
      {comparison && (
        <ul class="findings">
          {comparison.findings.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      <div class={all.length > 1 ? 'pair' : ''}>
        {all.map(({ month, name, color }) => (
          <div key={name}>
            {all.length > 1 && (
              <h3>
                <i class="dot" style={{ background: color }} />
                {name}
              </h3>
            )}
            {month.findings.length === 0 ? (
              <p class="quiet">Nothing out of the ordinary.</p>
            ) : (
              <ul class="findings">
                {month.findings.map((finding) => (
                  <li key={finding.text}>
                    <Text finding={finding} />
                  </li>
                ))}
              </ul>
            )}
          </div>
        ))}
      </div>
    </>
  )
}

/** The sentence, with the names of columns set as such. */
function Text({ finding: { text, columns } }: { finding: Finding }): JSX.Element {
  if (columns.length === 0) return <>{text}</>
  const names = [...columns].sort((a, b) => b.length - a.length)
  const pattern = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  const parts = text.split(new RegExp(`(${pattern})`))
  return <>{parts.map((part) => (columns.includes(part) ? <code>{part}</code> : part))}</>
}
