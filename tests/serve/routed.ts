/** Routes of a part of the service, beside those that the service has anyway. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Documents } from '../../src/artifact.ts'
import type { Environment } from '../../src/config.ts'
import { createApp } from '../../src/serve/app.ts'
import type { Route, Service } from '../../src/serve/routes.ts'
import { listening } from './listening.ts'

/** Routes that answer. */
export interface Routed {
  readonly url: string
  readonly service: Service
  close(): Promise<void>
}

/**
 * An application with routes over a model, or over none.
 *
 * @param routesOf makes them from a service
 * @param settings environment variables of the server
 */
export async function routed(
  routesOf: (service: Service) => Route[],
  documents?: Documents,
  settings: Environment = {},
): Promise<Routed> {
  const base = await listening(documents, settings)
  const { service, metrics, routes } = base.service
  const predict = routes.find(({ path }) => path === '/predict') as Route
  const own = routesOf(service)
  const others = routes.filter(({ path }) => {
    return path !== predict.path && !own.some((route) => route.path === path)
  })
  const app = createApp({ service, metrics, predict, routes: [...own, ...others] })
  const server = createServer(app.handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    service,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      await base.close()
    },
  }
}
