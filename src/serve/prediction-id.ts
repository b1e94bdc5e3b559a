/**
 * Names of predictions: `20261122-k3f9a2b7-1z` is the day (UTC) of the log that has it, the process
 * that wrote it, and a number. A prediction can be found by its name without an index.
 */

import { randomInt } from 'node:crypto'

/** What a name says. */
export interface PredictionName {
  /** Day of the log, such as `2026-11-22`. */
  readonly day: string
  /** The process that answered. */
  readonly process: string
}

/** A name, and what it is made of: its number in base 36 follows the prefix. */
export interface NumberedName {
  readonly id: string
  /** The same for all names of a process on one day. */
  readonly prefix: string
  readonly number: number
}

const pattern = /^(\d{4})(\d\d)(\d\d)-([0-9a-z]{8})-[0-9a-z]{1,10}$/

/** A name for this process, unlike that of any other: 41 random bits in base 36. */
export function processName(): string {
  return randomInt(36 ** 8)
    .toString(36)
    .padStart(8, '0')
}

/**
 * Names of predictions of a process, each new.
 *
 * @param process what {@link processName} gave
 */
export function predictionNames(process: string): (day: string) => NumberedName {
  let count = 0
  let lastDay = ''
  let prefix = ''
  return (day) => {
    if (day !== lastDay) {
      lastDay = day
      prefix = `${day.replaceAll('-', '')}-${process}-`
    }
    const number = count++
    return { id: prefix + number.toString(36), prefix, number }
  }
}

/** What a name says, undefined when it is no name of a prediction. */
export function parsePredictionName(id: string): PredictionName | undefined {
  const found = pattern.exec(id)
  if (!found) return undefined
  const [, year, month, day, process] = found as unknown as [string, string, string, string, string]
  return { day: `${year}-${month}-${day}`, process }
}
