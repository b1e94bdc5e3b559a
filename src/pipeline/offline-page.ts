/**
 * A document as one HTML file that opens offline: the page's program, its style and the document, all
 * in it. Knows nothing about documents or how a page shows them.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RidecastError } from '../errors.ts'

/** What a page is made of besides the document. */
export interface PageAssets {
  /** The program, an ES module. */
  readonly script: string
  readonly style: string
}

/**
 * A page as the build bundled it.
 *
 * @param folder where its program and style lie
 * @param name what it is a page of, for people
 * @throws internal when it was not built
 */
export async function readPageAssets(folder: string, name: string): Promise<PageAssets> {
  try {
    const [script, style] = await Promise.all(
      ['main.js', 'main.css'].map((file) => readFile(join(folder, file), 'utf8')),
    )
    return { script: script as string, style: style as string }
  } catch (cause) {
    const text = `page of the ${name} is not in ${folder}: make it with npm run build`
    throw new RidecastError('internal', text, { cause })
  }
}

/**
 * The file's text. The program finds the document as JSON in the element of `id`, and shows it in
 * the element `page`.
 */
export function offlinePage(
  { title, id, document }: { title: string; id: string; document: unknown },
  { script, style }: PageAssets,
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style.replaceAll('</style', '<\\/style')}</style>
</head>
<body>
<div id="page"><noscript>This page draws its charts with JavaScript; its numbers lie in it as JSON.</noscript></div>
<script id="${id}" type="application/json">${embedded(document)}</script>
<script type="module">${script.replace(/<\/(script)/gi, '<\\/$1')}</script>
</body>
</html>
`
}

/** Nothing is fetched from anywhere, whatever a document says. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"

/** JSON that cannot end the element it stands in, nor open a comment there. */
function embedded(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
