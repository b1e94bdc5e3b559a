/** Where a Trino is and how to sign in. */

/** How to reach a Trino. */
export interface TrinoSettings {
  readonly address: string
}
