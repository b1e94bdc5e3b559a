/**
 * Who may do what, by bearer tokens. Only their digests are known here, and they are compared in
 * constant time, so that neither a leaked setting nor a stopwatch gives a token away.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Step } from './chain.ts'
import { Problem } from './problem.ts'
import type { Access } from './routes.ts'

/** Digests of the tokens, SHA-256, hexadecimal. */
export interface Tokens {
  /** Of those who ask for predictions; none: anybody may. */
  readonly tokens: readonly string[]
  /** Of those who change what is served, who may ask too; none: nobody may. */
  readonly adminTokens: readonly string[]
}

/** What lets through who may, for routes of that access: a step, none where everybody may. */
export function requireAccess(access: Access, { tokens, adminTokens }: Tokens): Step[] {
  const open = access === 'open' || (access === 'clients' && tokens.length === 0)
  if (open) return []
  const digests = [...adminTokens, ...(access === 'clients' ? tokens : [])].map((digest) =>
    Buffer.from(digest, 'hex'),
  )
  const check: Step = (request, _response, next) => {
    if (digests.length === 0) {
      throw new Problem(
        'forbidden',
        'server takes no changes: it was started without RIDECAST_ADMIN_TOKENS_SHA256',
      )
    }
    const token = bearerOf(request)
    if (token === undefined) throw unauthorized('needs a token: send "Authorization: Bearer ..."')
    if (!isKnown(token, digests)) throw unauthorized('was sent with a token that is not known here')
    next()
  }
  return [check]
}

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,1000})$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** Compares with every digest, whichever fits, so that time says nothing. */
function isKnown(token: string, digests: readonly Buffer[]): boolean {
  const own = createHash('sha256').update(token).digest()
  let known = false
  for (const digest of digests) if (timingSafeEqual(own, digest)) known = true
  return known
}

function unauthorized(detail: string): Problem {
  return new Problem('unauthorized', `request ${detail}`, {
    headers: { 'WWW-Authenticate': 'Bearer realm="ridecast"' },
  })
}
