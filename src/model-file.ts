/** A file of a model that leaves ridecast, on its way to a folder or a server. */

/** One file; its path uses `/` and stays inside the model. */
export interface ModelFile {
  /** Path inside the model, such as `MLmodel` or `ridecast/model.json`. */
  readonly path: string
  /** Its bytes. */
  readonly content: Uint8Array
}
