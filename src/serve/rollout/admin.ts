/** `GET /admin/rollout` and `POST /admin/rollout`: what goes on, and changes of it. */

import type { z } from 'zod'
import { isRidecastError, messageOf } from '../../errors.ts'
import { sendJson } from '../answer.ts'
import { readJson } from '../body.ts'
import { type Fault, invalidInput, Problem } from '../problem.ts'
import type { Route, Service } from '../routes.ts'
import type { Rollout } from './controller.ts'
import { type RolloutRequest, rolloutRequestSchema } from './requests.ts'

/** Errors of a change that tell the client what to do, with the problems that they are. */
const problems = {
  rollout_impossible: 'rollout_impossible',
  rollback_impossible: 'rollout_impossible',
  model_not_found: 'rollout_impossible',
  model_name_invalid: 'rollout_impossible',
  registry_busy: 'rollout_impossible',
  version_refused: 'version_refused',
} as const

/** The routes of a rollout, for those who administer. */
export function adminRoutes({ config, log }: Service, rollout: Rollout): Route[] {
  const path = '/admin/rollout'
  return [
    {
      path,
      method: 'GET',
      access: 'admin',
      handler: (_request, response) =>
        sendJson(response, 200, { rollout: rollout.document() ?? null }),
    },
    {
      path,
      method: 'POST',
      access: 'admin',
      async handler(request, response) {
        const wanted = requestOf(await readJson(request, config.bodyLimitBytes))
        log.info({ action: wanted.action, reason: wanted.reason }, 'rollout asked for')
        const document = await rollout.change(wanted).catch((error: unknown) => {
          throw problemOf(error)
        })
        sendJson(response, 200, { rollout: document })
      },
    },
  ]
}

function problemOf(error: unknown): unknown {
  if (!isRidecastError(error) || !(error.code in problems)) return error
  return new Problem(problems[error.code as keyof typeof problems], messageOf(error))
}

/** A checked request, else every fault of it. */
function requestOf(body: unknown): RolloutRequest {
  const parsed = rolloutRequestSchema.safeParse(body)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, body))
  throw invalidInput(faults, 'rollout cannot be changed')
}

function faultsOf(issue: z.core.$ZodIssue, body: unknown): Fault[] {
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined]
  return keys.map((key) => {
    const path = key === undefined ? issue.path : [...issue.path, key]
    const name = path.length === 0 ? 'body' : path.join('.').slice(0, 100)
    const pointer = `#${path.map((part) => `/${escaped(String(part).slice(0, 100))}`).join('')}`
    if (key !== undefined) {
      return { code: 'malformed', pointer, message: `${name} is not known here: leave it out` }
    }
    const missing = valueAt(body, path) === undefined
    const message = `${name} ${missing ? 'is missing' : 'is wrong'}: ${issue.message}`
    return { code: missing ? 'missing' : codeOf(issue), pointer, message }
  })
}

function codeOf({ code }: z.core.$ZodIssue): Fault['code'] {
  if (code === 'invalid_type') return 'wrong_type'
  return code === 'too_big' || code === 'too_small' ? 'out_of_range' : 'malformed'
}

const escaped = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1')

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    return typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined
  }, body)
}
