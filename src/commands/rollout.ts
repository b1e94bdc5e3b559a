/**
 * `ridecast rollout`: tries a version beside the champion, switches, goes back, and shows what goes
 * on; on the files that servers share, or over a server's admin API.
 */

import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { z } from 'zod'
import { messageOf, RidecastError } from '../errors.ts'
import type { RolloutDocument } from '../serve/rollout/document.ts'
import type { RolloutRequestInput } from '../serve/rollout/requests.ts'
import { collect, type Io, printJson, table } from './io.ts'
import { registryOf, registryUriHelp } from './open-model.ts'

interface Flags {
  readonly model: string
  readonly models: string
  readonly state: string
  readonly registryUri?: string
  readonly url?: string
  readonly token?: string
  readonly json?: true
}

interface ChangeFlags extends Flags {
  readonly reason?: string
}

interface StartFlags extends ChangeFlags {
  readonly mode: 'canary' | 'ab' | 'shadow'
  readonly steps?: string
  readonly share?: string
  readonly rule: string[]
}

/** Where a rollout is asked for. */
interface Remote {
  /** What goes on; undefined where there never was anything. */
  show(): Promise<RolloutDocument | undefined>
  change(request: RolloutRequestInput): Promise<RolloutDocument | undefined>
}

const examples = `
Examples:
  ridecast rollout start 3f9c2a71                         a canary: 1, 5, 25, 50, 100 %
  ridecast rollout start 3f9c2a71 --steps 10,50 --rule min_seconds=60 --rule max_shift=0.5
  ridecast rollout start 3f9c2a71 --mode ab --share 50    sticky by the header Ridecast-Key
  ridecast rollout start 3f9c2a71 --mode shadow           asked for every ride, never answers
  ridecast rollout status
  ridecast rollout advance --reason "looks good"
  ridecast rollout promote                                the challenger becomes the champion now
  ridecast rollout rollback --reason "complaints"
  ridecast rollout switch 3f9c2a71                        blue-green: at once, and back:
  ridecast rollout back
  RIDECAST_TOKEN=... ridecast rollout status --url https://rides.example

Without --url it works on the folders of models and state that the servers use; they follow within a
second. With --url it asks a server's admin API, with the token of RIDECAST_TOKEN or --token.
A canary advances by itself, and rolls itself back; docs/rollout.md has the rules.
`

/** The command and its subcommands. */
export function rolloutCommand(io: Io): Command {
  const rollout = new Command('rollout')
    .description('change the model that is served: blue-green, canary, shadow, A/B')
    .addHelpText('after', examples)
  rollout.addCommand(
    verb('status', 'show what goes on, its numbers and its history').action((flags: Flags) =>
      tell(io, flags, (remote) => remote.show()),
    ),
  )
  rollout.addCommand(startCommand(io))
  const plain = [
    ['advance', 'go on to the next step now; after the last one promote'],
    ['promote', 'make the challenger the champion now'],
    ['rollback', 'end the trial: the challenger is not good enough'],
    ['stop', 'end the trial without a verdict'],
    ['pause', 'keep the share as it is; faults still roll the challenger back'],
    ['resume', 'go on after a pause'],
    ['back', 'make the champion before the last switch the champion again'],
  ] as const
  for (const [action, description] of plain) {
    rollout.addCommand(
      changing(action, description).action(({ reason, ...flags }: ChangeFlags) =>
        tell(io, flags, (remote) => remote.change({ action, reason })),
      ),
    )
  }
  rollout.addCommand(
    changing('switch', 'make another version the champion at once')
      .argument('<version>', 'at least 4 digits of it')
      .action((version: string, { reason, ...flags }: ChangeFlags) =>
        tell(io, flags, (remote) => remote.change({ action: 'switch', version, reason })),
      ),
  )
  return rollout
}

function startCommand(io: Io): Command {
  return changing('start', 'try a version beside the champion')
    .argument('<version>', 'at least 4 digits of it')
    .addOption(
      new Option('--mode <mode>', 'how it is tried')
        .choices(['canary', 'ab', 'shadow'])
        .default('canary'),
    )
    .option('--steps <percents>', 'canary: shares of the requests (default: 1,5,25,50,100)')
    .option('--share <percent>', 'of keys for ab (default: 50), of rides for shadow (default: 100)')
    .option(
      '--rule <name=value>',
      'a threshold that differs, repeatable; "off" ends it',
      collect,
      [],
    )
    .action((version: string, { mode, steps, share, rule, reason, ...flags }: StartFlags) => {
      const request: RolloutRequestInput = {
        action: 'start',
        mode,
        version,
        ...(steps !== undefined && { steps: steps.split(',').map((one) => part('--steps', one)) }),
        ...(share !== undefined && { share: part('--share', share) }),
        ...(rule.length > 0 && { rules: rulesFrom(rule) }),
        reason,
      }
      return tell(io, flags, (remote) => remote.change(request))
    })
}

function verb(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--model <reference>', 'what the servers serve', 'green-duration')
    .option('--models <dir>', 'folder of models', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--state <dir>', "folder of the servers' state", 'state')
    .option('--url <address>', 'a server, instead of folders')
    .option('--token <token>', 'of an administrator, with --url (default: RIDECAST_TOKEN)')
    .option('--json', 'print one line of JSON')
}

function changing(name: string, description: string): Command {
  return verb(name, description).option('--reason <text>', 'why, for the record')
}

/** A share from a text in percent. */
function part(flag: string, text: string): number {
  const percent = text.trim() === '' ? Number.NaN : Number(text)
  if (percent > 0 && percent <= 100) return percent / 100
  throw new RidecastError(
    'usage_invalid',
    `${flag} must be percents above 0 and up to 100, found "${text}"`,
  )
}

function rulesFrom(pairs: readonly string[]): Record<string, number | null> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([a-z_0-9]+)=(off|[\d.e+-]+)$/.exec(pair) ?? []
      if (name !== undefined && value !== undefined) {
        return [name, value === 'off' ? null : Number(value)]
      }
      throw new RidecastError(
        'usage_invalid',
        `rule "${pair}" must be a name, = and a number or off, such as max_shift=0.5`,
      )
    }),
  )
}

async function tell(
  io: Io,
  flags: Flags,
  ask: (remote: Remote) => Promise<RolloutDocument | undefined>,
): Promise<void> {
  const remote = flags.url === undefined ? filesOf(io, flags) : serverOf(io, flags, flags.url)
  const document = await ask(remote)
  if (flags.json) printJson(io, { rollout: document ?? null })
  else
    io.out(document ? textOf(io, document) : 'no rollout yet: ridecast rollout start <version>\n')
}

/** The folders that servers share. */
function filesOf(io: Io, flags: Flags): Remote {
  const open = async () => {
    const registry = await registryOf(io, flags.models, flags.registryUri)
    const { openRolloutLog, rolloutLogEffects } = await import('../serve/rollout/rollout-log.ts')
    const { loadReady } = await import('../serve/follow.ts')
    const { name, version } = await registry.resolve(flags.model)
    const effects = { ...rolloutLogEffects, now: io.now }
    const record = openRolloutLog(resolve(io.cwd, flags.state), name, effects)
    const load = (model: string, wanted: string) =>
      loadReady(registry, `models:/${model}/${wanted}`)
    return { name, version, place: { registry, reference: flags.model, record, load } }
  }
  const show = async (): Promise<RolloutDocument | undefined> => {
    const { rolloutDocument } = await import('../serve/rollout/document.ts')
    const { readCounts } = await import('../serve/rollout/count-files.ts')
    const { name, version, place } = await open()
    const recorded = await place.record.read()
    const { trial } = recorded
    const counts =
      trial === null
        ? undefined
        : await readCounts(place.record.folder, trial.id, trial.since_revision)
    return rolloutDocument({ model: name, champion: version }, recorded, counts)
  }
  return {
    show,
    async change(input) {
      const { rolloutRequestSchema } = await import('../serve/rollout/requests.ts')
      const { requestChange } = await import('../serve/rollout/change.ts')
      const request = rolloutRequestSchema.safeParse(input)
      if (!request.success) throw wrong(request.error)
      await requestChange((await open()).place, request.data)
      return show()
    },
  }
}

function wrong({ issues }: z.ZodError): RidecastError {
  const faults = issues.map(({ path, message }) => `${path.join('.')} is wrong: ${message}`)
  return new RidecastError('usage_invalid', faults.join('; '))
}

/** The admin API of a server. */
function serverOf(io: Io, flags: Flags, url: string): Remote {
  const token = flags.token ?? io.env.RIDECAST_TOKEN
  const call = async (body?: RolloutRequestInput): Promise<RolloutDocument | undefined> => {
    const headers = {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    }
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers }
    const response = await fetch(addressOf(url), init).catch((error: unknown) => {
      const why = error instanceof Error ? messageOf(error.cause ?? error) : String(error)
      throw new RidecastError('server_unreachable', `server ${url} does not answer: ${why}`, {
        cause: error,
      })
    })
    const text = await response.text()
    if (response.ok)
      return (JSON.parse(text) as { rollout: RolloutDocument | null }).rollout ?? undefined
    throw refusal(url, response.status, text)
  }
  return { show: () => call(), change: call }
}

function addressOf(url: string): URL {
  try {
    return new URL('admin/rollout', url.endsWith('/') ? url : `${url}/`)
  } catch (error) {
    throw new RidecastError(
      'usage_invalid',
      `--url must be an address such as http://127.0.0.1:9696, found "${url}"`,
      { cause: error },
    )
  }
}

/** What a server said, as an error of ours; unlike its details, its code decides the exit code. */
function refusal(url: string, status: number, text: string): RidecastError {
  const problem = problemIn(text)
  const errors = problem.errors?.map(({ message }) => message).join('; ')
  const detail = errors ?? problem.detail ?? `status ${status}`
  if (status === 401 || status === 403) {
    return new RidecastError(
      'server_unauthorized',
      `server ${url} does not take the change: ${detail}; --token or RIDECAST_TOKEN names one that may`,
    )
  }
  if (problem.code === 'version_refused' || problem.code === 'rollout_impossible') {
    return new RidecastError(problem.code, detail)
  }
  const code = status >= 500 ? 'server_failed' : 'usage_invalid'
  return new RidecastError(code, `server ${url} does not take the change: ${detail}`)
}

interface ProblemText {
  readonly code?: string
  readonly detail?: string
  readonly errors?: readonly { readonly message: string }[]
}

function problemIn(text: string): ProblemText {
  try {
    return (JSON.parse(text) as ProblemText | null) ?? {}
  } catch {
    // A proxy's page: its status says enough.
    return {}
  }
}

function textOf(io: Io, document: RolloutDocument): string {
  const { model, mode, status, champion, challenger, share, step, steps, history } = document
  const { numbers, fault, comparison, damage } = document
  const head = io.colors.bold(`${model}  ${mode}  ${status}`)
  const shares = steps.map((one) => percent(one)).join(', ')
  const facts: [string, string][] = [
    ['champion', champion],
    ...(challenger === null ? [] : [['challenger', challenger] as [string, string]]),
    ...(steps.length === 0
      ? []
      : [['share', `${percent(share)}, step ${step} of ${shares}`] as [string, string]]),
    ...(fault === null ? [] : [['fault', fault] as [string, string]]),
    ...(damage === null ? [] : [['damaged', damage] as [string, string]]),
    ...Object.entries(numbers ?? {}).map(([name, value]): [string, string] => [
      name,
      number(value),
    ]),
  ]
  const better = comparison?.mae
    ? `mean absolute error ${number(comparison.mae.champion)} and ${number(comparison.mae.challenger)} minutes, ` +
      `difference ${number(comparison.mae.low)} to ${number(comparison.mae.high)} (95 %)\n`
    : ''
  const rows = history.map(({ revision, at, event, version, by, reason }) => {
    const time = at.slice(0, 19).replace('T', ' ')
    return [String(revision), time, event, version, by, reason.replaceAll(/\p{Cc}/gu, ' ')]
  })
  const past = table(io, ['', 'at (UTC)', 'event', 'version', 'by', 'reason'], rows, ['right'])
  return `${head}\n${table(io, ['', ''], facts)}${better}\n${past}`
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(4))} %`
const number = (value: number | null): string =>
  value === null ? '-' : String(Number(value.toPrecision(4)))
