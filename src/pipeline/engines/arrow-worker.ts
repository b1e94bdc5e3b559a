/** The worker thread of the Arrow engine. */

export {}
