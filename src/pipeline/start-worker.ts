/** Starts worker threads, from TypeScript and from a bundle alike. Knows nothing about what they do. */

import { Worker } from 'node:worker_threads'

/** The workers there are: where each stands beside this file. A bundle has all in one folder. */
const workers = {
  'arrow-worker': './engines/arrow-worker.ts',
  'lane-worker': './engines/lane-worker.ts',
  'search-worker': './search-worker.ts',
  'trees-worker': './trees/worker.ts',
} as const

/** The name of a worker. */
export type WorkerName = keyof typeof workers

// What a batch leaves behind is small, and a thread would take 48 MB for it.
const options = { resourceLimits: { maxYoungGenerationSizeMb: 8 } }

/** Starts a worker: bundled beside a bundle, as TypeScript beside TypeScript. */
export function startWorker(name: WorkerName): Worker {
  const { url } = import.meta
  if (!url.endsWith('.ts')) return new Worker(new URL(`./${name}.mjs`, url), options)
  // A thread has no loader for TypeScript of its own, whatever the main thread was started with.
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  const worker = JSON.stringify(new URL(workers[name], url).href)
  const start = `import { register } from ${loader}; register(); await import(${worker})`
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(start)}`), options)
}
