/** How many rides a slice needs to say something. */

/** Rides that a slice needs to count as the worst, and for gaps, unless told otherwise. */
export const usualSupport = 200
