/** The files that the page of the documentation loads, with their types. Knows nothing about where they are. */

/** Swagger UI's files, which the build copies, and the script that starts it. */
export const docsFiles = [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'favicon-32x32.png',
  'start.js',
] as const

/** A name of {@link docsFiles}. */
export type DocsFile = (typeof docsFiles)[number]
