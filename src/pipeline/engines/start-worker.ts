/** Starts the worker threads of engines, from TypeScript and from a bundle alike. */

import { Worker } from 'node:worker_threads'

// What a batch leaves behind is small, and a thread would take 48 MB for it.
const options = { resourceLimits: { maxYoungGenerationSizeMb: 8 } }

/**
 * Starts the worker beside this file: bundled beside a bundle, as TypeScript beside TypeScript.
 *
 * @param name of its file, without ending
 */
export function startWorker(name: 'arrow-worker' | 'lane-worker'): Worker {
  const { url } = import.meta
  if (!url.endsWith('.ts')) return new Worker(new URL(`./${name}.mjs`, url), options)
  // A thread has no loader for TypeScript of its own, whatever the main thread was started with.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const worker = JSON.stringify(new URL(`./${name}.ts`, url).href)
  const start = `import { register } from ${loader}; register(); await import(${worker})`
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), options)
}
