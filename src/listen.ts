/** A server that listens. Knows nothing about what it answers. */

import type { Server } from 'node:http'

/** Listens; rejects with the system's own error where it cannot. */
export function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
