/** The version of the format of `model.json`. Knows nothing about what stands there. */

/** Written and read. */
export const modelFormat = 1
