/**
 * A profile as one HTML file that opens offline: the page's program, its style and the document, all
 * in it. Knows nothing about how the page shows it.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RidecastError } from '../../errors.ts'
import { packageFolder } from '../../package.ts'
import type { DataProfile } from './document.ts'

/** What the page is made of besides the document. */
export interface PageAssets {
  /** The program, an ES module. */
  readonly script: string
  readonly style: string
}

/**
 * The bundled page of this package.
 *
 * @throws internal when it was not built
 */
export async function pageAssets(
  folder = join(packageFolder(), 'dist', 'page', 'profile'),
): Promise<PageAssets> {
  try {
    const [script, style] = await Promise.all(
      ['main.js', 'main.css'].map((name) => readFile(join(folder, name), 'utf8')),
    )
    return { script: script as string, style: style as string }
  } catch (cause) {
    const text = `page of the profile is not in ${folder}: make it with npm run build`
    throw new RidecastError('internal', text, { cause })
  }
}

/** The file's text. */
export function profilePage(profile: DataProfile, { script, style }: PageAssets): string {
  const title = profile.months.map(({ label }) => label).join(' and ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}: data profile</title>
<style>${style.replaceAll('</style', '<\\/style')}</style>
</head>
<body>
<div id="page"><noscript>This page draws its charts with JavaScript; its numbers lie in it as JSON.</noscript></div>
<script id="profile" type="application/json">${embedded(profile)}</script>
<script type="module">${script.replace(/<\/(script)/gi, '<\\/$1')}</script>
</body>
</html>
`
}

/** Nothing is fetched from anywhere, whatever a file's names say. */
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
