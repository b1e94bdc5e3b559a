/**
 * What every request must pass and every answer carries, so that no other page in the same
 * browser can read runs, and nothing in a run can act on this one. Knows nothing about runs.
 */

import { isIP } from 'node:net'
import type { RequestHandler } from 'express'
import { Refusal } from './refusal.ts'

/** What the page itself may load and do: its own files, no inline script, no frame around it. */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/**
 * What an artifact may do that is opened as a document, such as a report: be looked at. It gets
 * an origin of its own, runs no script, sends no form and loads nothing from anywhere.
 */
export const artifactPolicy = [
  'sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ')

/**
 * Refuses what is not a plain read of this server by its own name, and sets the headers that
 * hold for every answer. Another site's name that was made to resolve to this machine (DNS
 * rebinding) comes as a foreign Host; an address, `localhost` and the name that the server was
 * told to listen on are its own.
 *
 * @param host what the server listens on
 */
export function guard(host: string): RequestHandler {
  return (request, response, next) => {
    response.set({
      'Content-Security-Policy': pagePolicy,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    })
    const named = request.headers.host ?? ''
    if (!isOwnHost(named, host)) {
      throw new Refusal(
        'host_refused',
        `host ${JSON.stringify(named.slice(0, 100))} is not a name of this server: expected ` +
          `an address, localhost or ${host}`,
      )
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.set('Allow', 'GET, HEAD')
      throw new Refusal(
        'method_not_allowed',
        `method ${request.method} is not taken: expected GET or HEAD, the page only reads`,
      )
    }
    next()
  }
}

function isOwnHost(header: string, host: string): boolean {
  // Not by the URL parser, which takes much for a host that a browser would never send.
  const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d+)?$/i.exec(header) ?? []
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase()
  return isIP(bare) !== 0 || bare === 'localhost' || bare === host.toLowerCase()
}
