/** Where the official files lie that are too many for the repository, beside a checkout of it. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../../shared/', import.meta.url))

/** The path of a file or folder there. */
export const sharedPath = (name: string): string => `${folder}${name}`

/** True where it is there. */
export const hasShared = existsSync(sharedPath('tlc'))

/** Why a test that needs it is skipped. */
export const whyNot = `${folder} is not there: official trip files beside the repository`
