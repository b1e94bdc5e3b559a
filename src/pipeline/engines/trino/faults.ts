/**
 * What goes wrong with a Trino, as errors of ours. Nothing of a request gets into them: a request
 * holds the password or token.
 */

import { type ErrorCode, RidecastError } from '../../../errors.ts'

/** Why a query failed, as Trino says it. */
export interface QueryError {
  readonly errorName: string
  readonly message: string
}

/** A fault that another attempt at the same read may not meet. */
export class PassingFault extends RidecastError {}

/** Queries that failed by these names did so through no fault of their own. */
const passingNames: ReadonlySet<string> = new Set([
  'ABANDONED_TASK',
  'CLUSTER_OUT_OF_MEMORY',
  'HIVE_CANNOT_OPEN_SPLIT',
  'HIVE_FILESYSTEM_ERROR',
  'HIVE_METASTORE_ERROR',
  'NO_NODES_AVAILABLE',
  'PAGE_TRANSPORT_ERROR',
  'PAGE_TRANSPORT_TIMEOUT',
  'QUERY_QUEUE_FULL',
  'REMOTE_HOST_GONE',
  'REMOTE_TASK_ERROR',
  'REMOTE_TASK_FAILED',
  'REMOTE_TASK_MISMATCH',
  'SERVER_SHUTTING_DOWN',
  'SERVER_STARTING_UP',
  'TOO_MANY_REQUESTS_FAILED',
])

/** Queries that failed by these names say which of our codes they are. */
const codesByName: Readonly<Record<string, ErrorCode>> = {
  COLUMN_NOT_FOUND: 'source_columns',
  EXCEEDED_TIME_LIMIT: 'engine_timeout',
  HIVE_BAD_DATA: 'source_column_type',
  HIVE_PARTITION_SCHEMA_MISMATCH: 'source_column_type',
  PERMISSION_DENIED: 'engine_unauthorized',
}

/** What to do about it, where that is not in the message. */
const advice: Readonly<Record<string, string>> = {
  CATALOG_NOT_FOUND: ': see --trino-catalog',
  SCHEMA_NOT_FOUND: ': see --trino-schema',
  TABLE_NOT_FOUND: ': see --trino-table, and declare a table over the files',
}

/** What codes of the network mean, for people. */
const networkFaults: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'no name server answered',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed before an answer',
  EPIPE: 'the connection was closed before an answer',
  UND_ERR_SOCKET: 'the connection was closed before an answer',
  UND_ERR_CONNECT_TIMEOUT: 'the host did not answer in time',
  ETIMEDOUT: 'the host did not answer in time',
  ENETUNREACH: 'there is no way to its network',
  EHOSTUNREACH: 'there is no way to its host',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted, name its authority by --trino-ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted, name its authority by --trino-ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is not trusted, name its authority by --trino-ca',
  EPROTO: 'it does not speak TLS, see whether the address is http',
}

/** Codes of connections that stood and broke. */
const lostCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** The first line of a text, cut to what a person reads. */
function line(text: string): string {
  const [first = ''] = text.trim().split(/[\r\n]/)
  return first.length > 300 ? `${first.slice(0, 297)}...` : first.replace(/\.$/, '')
}

/**
 * A query that failed.
 *
 * @param about what was read, for people: a file or a table
 */
export function queryFault(error: QueryError, about: string): RidecastError {
  const { errorName: name, message } = error
  const told = `${name}: ${line(message)}`
  const column =
    /column type \((?<declared>.+?)\) for Parquet column \(\[(?<name>.+?)\] (?<found>.+)\)/.exec(
      message,
    ) ?? /Corrupted statistics for column "\[(?<name>.+?)\] (?<found>.+?)"/.exec(message)
  if (column?.groups) {
    const { declared = 'another type', name, found } = column.groups
    return new RidecastError(
      'source_column_type',
      `column ${name} of ${about} cannot be read: expected ${declared}, as the table declares it, found ${found}`,
    )
  }
  if (/Malformed Parquet file/.test(message)) {
    return new RidecastError('source_truncated', `${about} is cut off or damaged: ${told}`)
  }
  if (passingNames.has(name)) {
    return new PassingFault('engine_failed', `trino failed on ${about}: ${told}`)
  }
  const code = codesByName[name] ?? 'engine_failed'
  const what = code === 'engine_unauthorized' ? 'does not allow a query of' : 'failed on'
  return new RidecastError(code, `trino ${what} ${about}: ${told}${advice[name] ?? ''}`)
}

/** What is known of a request that did not get its answer. */
export interface FailedRequest {
  /** Address of the coordinator, for people. */
  readonly address: string
  /** Who signed in, for people. */
  readonly user: string
  /** True for what follows the first request of a query. */
  readonly later: boolean
}

/** A request that got another answer than Trino's protocol foresees. */
export function answerFault(
  status: number,
  { address, user, later }: FailedRequest,
): RidecastError {
  if (status === 401 || status === 403) {
    return new RidecastError(
      'engine_unauthorized',
      `trino at ${address} does not accept ${user} (${status}): see --trino-user, TRINO_PASSWORD and TRINO_TOKEN`,
    )
  }
  if (later && (status === 404 || status === 410)) {
    return new PassingFault(
      'engine_unreachable',
      `trino at ${address} does not know the query any more (${status})`,
    )
  }
  if (isBusy(status)) {
    return new PassingFault('engine_unreachable', `trino at ${address} is not ready (${status})`)
  }
  const what = status === 200 ? 'what is not its protocol' : String(status)
  return new RidecastError(
    'engine_failed',
    `trino at ${address} answered ${what}: see whether --trino-address is a Trino coordinator`,
  )
}

/** True for answers that the protocol wants asked again in a moment. */
export function isBusy(status: number): boolean {
  return [429, 502, 503, 504].includes(status)
}

/** A request without an answer. */
export function connectionFault(code: string, { address }: FailedRequest): RidecastError {
  const why = networkFaults[code] ?? 'the connection failed'
  const Fault = lostCodes.has(code) ? PassingFault : RidecastError
  const shown = code === '' ? '' : ` (${code})`
  return new Fault('engine_unreachable', `trino at ${address} cannot be reached: ${why}${shown}`)
}
