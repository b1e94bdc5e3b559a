/**
 * Documents that come with ridecast, as JSON by their text: `scripts/build.mjs` puts them in place of
 * this file. Sources know none, and read them as any other.
 */

/** JSON by the text of a document. */
export const shippedYaml: Readonly<Record<string, string>> = {}
