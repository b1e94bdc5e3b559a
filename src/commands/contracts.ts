/** Finds data contracts: the shipped ones by fleet, others by path. */

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Contract, parseContract } from '../contract.ts'
import { messageOf, RidecastError } from '../errors.ts'
import { packageFolder } from '../package.ts'
import { type Taxi, taxis } from '../ride.ts'

/** The path of the contract that comes with ridecast for a fleet. */
export function shippedContract(taxi: Taxi): string {
  return join(packageFolder(), 'contracts', `${taxi}.yaml`)
}

/**
 * The text of a contract by fleet or path.
 *
 * @param nameOrPath a fleet, or a path (it has a separator or ends in .yaml or .yml)
 * @throws contract_not_found
 */
export function contractText(nameOrPath: string, cwd: string): string {
  const isPath = /[\\/]|\.ya?ml$/i.test(nameOrPath)
  const path = isPath ? resolve(cwd, nameOrPath) : shippedContract(nameOrPath as Taxi)
  if (!existsSync(path)) {
    throw new RidecastError(
      'contract_not_found',
      `contract ${nameOrPath} is not there: expected one of ${taxis.join(', ')}, or the path of a YAML file`,
    )
  }
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const text = `contract ${path} cannot be read: ${messageOf(cause)}`
    throw new RidecastError('contract_not_found', text, { cause })
  }
}

/**
 * A contract by fleet or path, see {@link contractText}.
 *
 * @throws contract_not_found, contract_invalid
 */
export function findContract(nameOrPath: string, cwd: string): Contract {
  return parseContract(contractText(nameOrPath, cwd), nameOrPath)
}

/**
 * The contract for files of a fleet: the one that is named, else the shipped one.
 *
 * @param named what `--contract` says
 * @throws contract_not_found, contract_invalid, usage_invalid when the one named is of another fleet
 */
export function contractFor(taxi: Taxi, named: string | undefined, cwd: string): Contract {
  const contract = findContract(named ?? taxi, cwd)
  if (contract.fleet === taxi) return contract
  throw new RidecastError(
    'usage_invalid',
    `contract ${named} is for ${contract.fleet} files, found ${taxi} ones: name another contract or say --taxi ${contract.fleet}`,
  )
}
