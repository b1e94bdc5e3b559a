/**
 * Every way ridecast can fail, as one class with a stable code.
 * Knows nothing about HTTP or exit codes: `serve/problem.ts` and `cli.ts` map codes to those.
 */

/** Codes that a caller can switch on, each explained in docs/errors.md. */
export const errorCodes = {
  // wrong usage: exit 2
  usage_invalid: 'a flag, month or argument is wrong',
  month_invalid: 'a month is not YYYY-MM or lies in the future',
  recipe_not_found: 'no recipe of that name or path',
  recipe_invalid: 'a recipe does not follow the schema',
  recipe_leakage: 'a recipe uses what is only known after the ride',
  config_invalid: 'a setting of the server is missing or wrong',
  zone_unknown: 'a zone name or id is not one of the 265 taxi zones',
  filter_invalid: 'a filter or order of runs or models cannot be understood',
  // data
  source_not_found: 'a trip file is not there',
  source_unreachable: 'a trip file could not be downloaded: no connection',
  source_refused: 'the publisher refused a download',
  source_not_published: 'the publisher has no file for that month',
  source_interrupted: 'a download broke off before its end',
  source_too_large: 'a download is larger than the bound',
  source_io: 'the system does not let a trip file be read or saved',
  source_not_parquet: 'a file has another format under a Parquet name',
  source_truncated: 'a Parquet file is cut off or damaged',
  source_lfs_pointer: 'a file is a Git LFS pointer, not the data itself',
  source_html: 'a file is an HTML or XML page, not data',
  source_columns: 'a trip file lacks a column that the recipe needs',
  source_column_type: 'a column of a trip file has a type that cannot be read as what it should be',
  source_empty: 'no row of the trip files is left after the filters',
  source_changed: 'a file changed while it was being read or downloaded',
  source_mismatch: 'a trip file is not the one that was downloaded',
  source_busy: 'another process is downloading the same file and does not get on',
  // data contract
  contract_not_found: 'no contract of that name or path',
  contract_invalid: 'a data contract does not follow the schema',
  contract_refused: 'a trip file breaks its data contract',
  gate_refused: 'a model is refused, because it is no better or a slice of it is too bad',
  // engines
  engine_missing: 'an engine is asked for that is not installed',
  engine_unreachable: 'no connection to the SQL engine, or it broke off',
  engine_unauthorized: 'the SQL engine does not accept the user, password or token',
  engine_timeout: 'the SQL engine did not answer before the deadline',
  engine_failed: 'the SQL engine failed or refused a query',
  engine_unsupported: 'an engine cannot sum what a recipe or split asks for',
  // numerics
  sums_overflow: 'a column holds values too large to be summed',
  solve_too_large: 'the design is too large for the chosen solver',
  solve_failed: 'the solver did not reach the residual it is held to',
  // trainers by other people
  trainer_missing: 'a trainer is asked for that is not installed',
  trainer_mismatch: 'the library of a trainer is not the one that is expected',
  trainer_failed: 'the library of a trainer failed',
  budget_spent: 'a recipe took longer than its part of the time that was given',
  // artifacts and registry
  artifact_missing: 'a model version lacks a file',
  artifact_corrupt: 'a file of a model version does not match its checksum or schema',
  artifact_format: 'a model version was written in a format this ridecast does not read',
  model_not_found: 'no model, version or alias of that name',
  model_name_invalid: 'a model or alias name has characters that are not allowed',
  rollback_impossible: 'an alias has no earlier version to go back to',
  model_io: 'the system does not let a model be read or saved',
  registry_busy: 'another process kept changing the same alias',
  rollout_impossible: 'what goes on does not allow that change of a rollout',
  version_refused: 'a version must not take traffic',
  state_io: 'the system does not let the state of a server be read or saved',
  server_unreachable: 'no connection to a ridecast server',
  server_unauthorized: 'a ridecast server does not accept the token',
  server_failed: 'a ridecast server failed',
  prediction_not_found: 'no prediction of that id in the log',
  prediction_differs: 'a model version does not give a served prediction again',
  run_not_found: 'no run of that id',
  run_corrupt: 'a run record cannot be read',
  run_artifact_not_found: 'a run has no artifact of that path',
  run_write_refused: 'a run does not take what was logged, or its folder cannot be written',
  registry_alias_held: 'a version that an alias points to is not deleted',
  // tracking servers
  tracking_unreachable: 'no connection to the tracking server, or it broke off',
  tracking_unauthorized: 'the tracking server does not accept the user or token',
  tracking_refused: 'the tracking server refused a request',
  tracking_failed: 'the tracking server failed, several times in a row',
  tracking_answer: 'the tracking server answered something that is not understood',
  // export
  export_unsupported: 'a model cannot be written in that format',
  // serving
  server_port_busy: 'the port is taken',
  input_invalid: 'a ride does not have the fields or values that the model needs',
  // anything not foreseen
  internal: 'a fault in ridecast itself',
} as const

/** One of the stable error codes. */
export type ErrorCode = keyof typeof errorCodes

/**
 * The one error class. The message says what was expected, what was found and what to do,
 * in lower case, subject first, without a full stop.
 */
export class RidecastError extends Error {
  override readonly name = 'RidecastError'
  /** Stable code, see {@link errorCodes}. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** True for an error of ours, optionally of one code. */
export function isRidecastError(error: unknown, code?: ErrorCode): error is RidecastError {
  return error instanceof RidecastError && (code === undefined || error.code === code)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
