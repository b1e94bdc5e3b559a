/** How much one request may hold. Knows nothing about what is in it. */

/** Most items of a kind in one request, and most bytes of its body, as MLflow limits `log-batch`. */
export const batchLimits = { metrics: 1000, params: 100, tags: 100, bytes: 1_000_000 } as const

/** For the id of the run and what is around the items, bytes. */
const frame = 1000

/**
 * Items in their order, in parts that one request can hold. A single item that is too large has a
 * part of its own.
 *
 * @param most most items in a part
 * @param bytes most bytes of a body, in UTF-8
 */
export function* batches<T>(
  items: readonly T[],
  most: number,
  bytes: number = batchLimits.bytes,
): Generator<T[]> {
  let part: T[] = []
  let size = frame
  for (const item of items) {
    // One for the comma.
    const own = Buffer.byteLength(JSON.stringify(item)) + 1
    if (part.length > 0 && (part.length === most || size + own > bytes)) {
      yield part
      part = []
      size = frame
    }
    part.push(item)
    size += own
  }
  if (part.length > 0) yield part
}
