/**
 * What a version was made from, as tags that people see and search by on MLflow's page. What the
 * documents do not say has no tag. Knows nothing about how tags are set.
 */

import { z } from 'zod'
import type { Documents } from '../../artifact.ts'

const prefix = 'ridecast.'
const longest = 1000
const factNames = [
  'taxi',
  'recipe',
  'train',
  'validation',
  'moments_sha256',
  'validation_rmse',
] as const
type FactName = (typeof factNames)[number]

const text = z.string().optional().catch(undefined)
const file = z.object({ month: text, file: text }).catch({})
const files = z.array(file).catch([])

const lineage = z
  .object({
    taxi: text,
    recipe: z.object({ name: text }).catch({}),
    train: files,
    validation: files,
    moments_sha256: z.object({ train: text }).catch({}),
  })
  .partial()
  .catch({})

const metrics = z
  .object({ validation: z.object({ rmse: z.number().optional().catch(undefined) }).catch({}) })
  .partial()
  .catch({})

/**
 * The same for people, in one line: `standard on green 2021-01, validation RMSE 5.822 minutes on
 * 2021-02`. Empty where the documents do not say it.
 */
export function factLine(documents: Documents): string {
  const facts = factTags(documents)
  const fact = (name: FactName): string | undefined => facts[prefix + name]
  const [recipe, train, rmse] = [fact('recipe'), fact('train'), fact('validation_rmse')]
  if (recipe === undefined || train === undefined || rmse === undefined) return ''
  const measured = `validation RMSE ${Number(rmse).toFixed(3)} minutes`
  const on = fact('validation') === undefined ? '' : ` on ${fact('validation')}`
  return `${recipe} on ${fact('taxi') ?? ''} ${train}, ${measured}${on}`
}

/** Tags by name, all of them `ridecast.*`; RMSE in minutes. */
export function factTags(documents: Documents): Record<string, string> {
  const {
    taxi,
    recipe,
    train,
    validation,
    moments_sha256: moments,
  } = lineage.parse(documents.lineage)
  const rmse = metrics.parse(documents.metrics).validation?.rmse
  const facts: Record<FactName, string | undefined> = {
    taxi,
    recipe: recipe?.name,
    train: namesOf(train),
    validation: namesOf(validation),
    moments_sha256: moments?.train,
    validation_rmse: rmse === undefined ? undefined : String(rmse),
  }
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) => {
      return value ? [[`${prefix}${name}`, value.slice(0, longest)]] : []
    }),
  )
}

/** The facts that tags hold, by name. */
export function factsOf(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    factNames.flatMap((name) => {
      const value = tags[`${prefix}${name}`]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Months, or names of files where they have none. */
function namesOf(list: z.infer<typeof files> | undefined): string {
  return (list ?? []).flatMap((one) => one.month ?? one.file ?? []).join(', ')
}
