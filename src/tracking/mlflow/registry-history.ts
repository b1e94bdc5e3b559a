/**
 * The history of an alias, which MLflow does not keep: a tag of the registered model, as many
 * entries as it takes, the newest. Where the alias points is for the server to say: a change that
 * the history does not know was made by another program. Knows nothing about how tags are set.
 */

import { z } from 'zod'
import { type AliasEntry, aliasEntrySchema, type Decision, entryOf } from '../../alias-log.ts'

/** Longest value of a tag of a registered model, characters; PostgreSQL refuses more. */
const longestTag = 5000
const longestReason = 500

/** The tag that holds the history of an alias. */
export const historyTag = (alias: string): string => `ridecast.history.${alias}`

// What an entry says of the one before is written for the first one only.
const written = z.array(aliasEntrySchema.partial({ previous: true })).min(1)

/** Entries of a tag, oldest first; undefined when it says something else. */
export function readHistory(tag: string): AliasEntry[] | undefined {
  try {
    const entries = written.parse(JSON.parse(tag))
    return entries.map(({ sequence, version, kind, at, reason, ...rest }, i) => {
      const previous = rest.previous ?? entries[i - 1]?.version ?? null
      return { sequence, version, previous, kind, at, reason }
    })
  } catch {
    return undefined
  }
}

/**
 * The history of an alias, brought up to where the alias points: a change made elsewhere is its
 * last entry.
 *
 * @param tag undefined when there is none; one that says something else counts as empty
 * @param target where the alias points, null when there is no such alias
 */
export function historyOf(tag: string | undefined, target: string | null, now: Date): AliasEntry[] {
  const entries = readHistory(tag ?? '') ?? []
  const last = entries.at(-1)
  if ((last?.version ?? null) === target) return entries
  const decision = { version: target, kind: 'elsewhere', reason: 'noticed then' } as const
  return extended(entries, decision, now)
}

/** A history with one more entry. */
export function extended(
  entries: readonly AliasEntry[],
  decision: Decision,
  now: Date,
): AliasEntry[] {
  const last = entries.at(-1)
  return [...entries, entryOf(decision, (last?.sequence ?? 0) + 1, last, now)]
}

/** The value of the tag: what of the history fits, the newest entries. */
export function historyText(entries: readonly AliasEntry[]): string {
  for (let from = 0; ; from++) {
    const kept = entries.slice(from).map(({ previous, ...entry }, i) => ({
      ...entry,
      // Half a pair of surrogates and zeros are no text that every server takes.
      reason: entry.reason.slice(0, longestReason).replaceAll(/[\0\p{Cs}]/gu, ''),
      ...(i === 0 && { previous }),
    }))
    const text = JSON.stringify(kept)
    if (text.length <= longestTag || kept.length <= 1) return text
  }
}
