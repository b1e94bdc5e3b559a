/**
 * `GET /openapi.json` and, at `/docs`, Swagger UI over it, from the package's own files: nothing
 * comes from another address. Knows nothing about what the document says.
 */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { packageFolder } from '../package.ts'
import { sendJson } from './answer.ts'
import { type DocsFile, docsFiles } from './docs-files.ts'
import { Problem } from './problem.ts'
import type { Route, Service } from './routes.ts'
import type { ServedModel } from './state.ts'

const types: Readonly<Record<DocsFile, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
  'start.js': 'text/javascript; charset=utf-8',
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>ridecast</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

// No validator: it would send the document to another address.
const start = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  validatorUrl: null,
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
})
`

/**
 * The routes of the document and its page.
 *
 * @param routes all routes of the service, asked for with the first request
 * @param folder Swagger UI's files, default those of this package's build
 */
export function docsRoutes(
  { state, config }: Pick<Service, 'state' | 'config'>,
  routes: () => readonly Route[],
  folder = join(packageFolder(), 'dist/page/docs'),
): Route[] {
  const documents = new WeakMap<ServedModel | typeof state, object>()
  const get = (path: string, handler: Route['handler']): Route => {
    return { path, method: 'GET', access: 'open', handler }
  }
  return [
    get('/openapi.json', async (_request, response) => {
      // Most servers are never asked for it.
      const { openapiDocument } = await import('./openapi.ts')
      const key = state.model ?? state
      const document = documents.get(key) ?? openapiDocument(routes(), state.model, config).document
      documents.set(key, document)
      sendJson(response, 200, document)
    }),
    get('/docs', (_request, response) => {
      if (!existsSync(join(folder, 'swagger-ui-bundle.js'))) throw notBuilt()
      send(response, 'text/html; charset=utf-8', page)
    }),
    get('/docs/:file', async (_request, response, { file = '' }) => {
      const known = docsFiles.find((name) => name === file)
      const bytes =
        known === 'start.js'
          ? start
          : known && (await readFile(join(folder, known)).catch(() => undefined))
      if (known === undefined || bytes === undefined) {
        throw new Problem('route_unknown', 'file of the documentation is not there: it is at /docs')
      }
      send(response, types[known], bytes)
    }),
  ]
}

function notBuilt(): Problem {
  return new Problem(
    'route_unknown',
    'page of the documentation is not built: run npm run build, or read /openapi.json',
  )
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    // The files change with the package only, which restarts the server.
    'Cache-Control': 'no-cache',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(body)
}
