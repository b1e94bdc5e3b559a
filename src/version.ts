/** The version of ridecast, read from the one place that states it. */

import manifest from '../package.json' with { type: 'json' }

/** The version of this ridecast, as `package.json` states it. */
export const version: string = manifest.version
