/**
 * What parameters, metrics, tags, experiments, runs and artifacts can be called, the same in every
 * store, so that a run in plain files can always be sent to a server. Knows nothing about stores.
 */

import { RidecastError } from '../errors.ts'

/** Longest name of a parameter, metric, tag or experiment, in characters. */
export const longestName = 250

const namePattern = /^[A-Za-z0-9][A-Za-z0-9_.\- /]*$/

/**
 * Checks the name of a parameter, metric or tag: letters, digits and `_ . - /` and space,
 * starting with a letter or digit, at most {@link longestName}; as a path it has no empty,
 * `.` or `..` part. MLflow accepts every such name.
 *
 * @param what the kind of name, for the message
 * @throws RidecastError `run_write_refused`
 */
export function checkName(what: string, name: string): void {
  const parts = name.split('/')
  const asPath = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  if (asPath && namePattern.test(name) && name.length <= longestName) return
  throw new RidecastError(
    'run_write_refused',
    `${what} ${quoted(name)} is not a name: expected letters, digits, spaces and _ . - / from ` +
      `a letter or digit on, at most ${longestName}`,
  )
}

/**
 * Checks the name of an experiment or run: 1 to {@link longestName} characters, no control
 * characters, no space at either end.
 *
 * @param what the kind of name, for the message
 * @throws RidecastError `run_write_refused`
 */
export function checkTitle(what: string, title: string): void {
  const fits = title !== '' && title.length <= longestName && title.trim() === title
  if (fits && !/\p{Cc}/u.test(title)) return
  throw new RidecastError(
    'run_write_refused',
    `${what} ${quoted(title)} is not a title: expected 1 to ${longestName} characters in one ` +
      'line, without a space at either end',
  )
}

/**
 * Checks the path of an artifact: relative, `/` between folders, no empty, `.` or `..` part,
 * at most 200 characters a part and 1,000 in all, and none of `\ : * ? " < > |` or control
 * characters, so that it is a path on every system. Nor `#`, `%00` to `%FF` or a `;` at the end,
 * which MLflow's servers read as something else, nor the name of their own unfinished uploads.
 *
 * @throws RidecastError `run_write_refused`
 */
export function checkArtifactPath(path: string): void {
  const fits = (part: string): boolean =>
    part !== '.' && part !== '..' && /^[^\\:*?"<>|\p{Cc}]{1,200}$/u.test(part)
  const parts = path.split('/')
  const isSent =
    !/#|%[0-9a-f]{2}|;$/i.test(path) && !parts.at(-1)?.startsWith('.artifact.uploading.')
  if (path.length <= 1000 && parts.every(fits) && isSent) return
  throw new RidecastError(
    'run_write_refused',
    `artifact path ${quoted(path)} is not allowed: expected a relative path that stays inside ` +
      'the run, with / between folders and none of \\ : * ? " < > | # or %00 to %FF',
  )
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}
