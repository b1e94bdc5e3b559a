/**
 * How a server is reached: by itself or through a proxy, and whom TLS trusts. Knows nothing about
 * what is sent.
 */

import { request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { Agent, buildConnector, type Dispatcher, ProxyAgent } from 'undici'
import type { Proxies } from './proxies.ts'

/** A server and the way to it. */
export interface Reach {
  /** Address of the server. */
  readonly uri: string
  /** Certificates and keys in PEM form; `verify` false accepts any certificate. */
  readonly tls: {
    readonly verify: boolean
    readonly ca: string | undefined
    readonly cert?: string | undefined
  }
  readonly proxy: Proxies
  /** Between pieces of an answer, milliseconds. */
  readonly timeoutMs: number
}

/** The connections to a server. */
export function dispatcherOf({ uri, tls, proxy, timeoutMs }: Reach): Dispatcher {
  const connect = {
    rejectUnauthorized: tls.verify,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    // One PEM file holds both the certificate and its key, as the Python client has it.
    ...(tls.cert !== undefined && { cert: tls.cert, key: tls.cert }),
    timeout: Math.min(timeoutMs, 10_000),
  }
  // How long an answer may take to begin is for the client to say, connecting included.
  const limits = { headersTimeout: 0, bodyTimeout: timeoutMs }
  const server = new URL(uri)
  const isSecure = server.protocol === 'https:'
  const by = isExcepted(server, proxy.none) ? undefined : isSecure ? proxy.https : proxy.http
  if (by === undefined) return new Agent({ ...limits, connect })
  if (isSecure) return new Agent({ ...limits, connect: tunnel(new URL(by), connect) })
  // As other clients do: a tunnel is for https alone, many proxies allow it for nothing else.
  return new ProxyAgent({ ...limits, uri: by, proxyTunnel: false })
}

/**
 * A connector that asks a proxy for a way to the server. undici's own has no deadline, and asks
 * again without end when the proxy hangs up.
 */
function tunnel(
  proxy: URL,
  connect: buildConnector.BuildOptions & { timeout: number },
): buildConnector.connector {
  const secure = buildConnector(connect)
  const ask = proxy.protocol === 'https:' ? secureRequest : plainRequest
  const user = [proxy.username, proxy.password].map(decodeURIComponent).join(':')
  return (options, callback) => {
    const host = `${options.hostname}:${options.port || 443}`
    const asked = ask({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port,
      method: 'CONNECT',
      path: host,
      headers: {
        host,
        ...(user !== ':' && {
          'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}`,
        }),
      },
      agent: false,
    })
    const timer = setTimeout(() => {
      asked.destroy(new Error('the proxy did not answer'))
    }, connect.timeout)
    asked.once('close', () => clearTimeout(timer))
    asked.once('error', (error) => callback(error, null))
    asked.once('connect', ({ statusCode }, socket) => {
      clearTimeout(timer)
      if (statusCode === 200) {
        secure({ ...options, httpSocket: socket }, callback)
      } else {
        socket.destroy()
        callback(new Error(`the proxy answered ${statusCode} to CONNECT`), null)
      }
    })
    asked.end()
  }
}

/** True for a host that a `no_proxy` list names: itself, a domain that it is in, or all. */
function isExcepted({ hostname, port, protocol }: URL, none: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  const ownPort = port || (protocol === 'https:' ? '443' : '80')
  return none
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = entry, wanted] = /^(.*[^:]):(\d+)$/.exec(entry) ?? []
      if (wanted !== undefined && !name.includes(':') && wanted !== ownPort) return false
      const domain = name.replace(/^\*?\./, '')
      return name === '*' || host === domain || host === name || host.endsWith(`.${domain}`)
    })
}
