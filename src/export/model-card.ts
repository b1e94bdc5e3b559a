/**
 * The model card: what a version is, what it was made from, how good it is, what it is for and
 * where it ends, in Markdown, and all of it from the version's own documents. Sections that the
 * documents cannot fill, such as errors by slice, come from the caller. Knows nothing about HTML.
 */

import type { LoadedModel } from '../loaded-model.ts'
import { dataText, lineageText, measuresText } from './card-evidence.ts'
import { lineageFacts, metricsFacts } from './card-facts.ts'
import { limitsText, purposeText } from './card-scope.ts'
import { summaryText, termsText } from './card-terms.ts'
import { usageText } from './card-usage.ts'
import { plainText } from './markdown.ts'

/** A section of a card. */
export interface CardSection {
  /** Its heading, plain text. */
  readonly title: string
  /** Its content, Markdown; what others have chosen must be escaped by whoever writes it. */
  readonly markdown: string
}

/** What a card is told beside the version. */
export interface CardFacts {
  /** Training rides that were refused, by reason, as the report of the training counts them. */
  readonly refused?: Readonly<Record<string, number>>
  /** More sections, after the one on how good the model is. */
  readonly sections?: readonly CardSection[]
}

/** The sections of a card in order; the first, without a heading, says what the model is. */
export function cardSections(loaded: LoadedModel, facts: CardFacts = {}): readonly CardSection[] {
  const lineage = lineageFacts(loaded.documents)
  const metrics = metricsFacts(loaded.documents)
  const sections: CardSection[] = [
    { title: '', markdown: summaryText(loaded, lineage) },
    { title: 'How good it is', markdown: measuresText(metrics, lineage) },
    ...(facts.sections ?? []),
    { title: 'What it is for', markdown: purposeText(loaded) },
    { title: 'Limits', markdown: limitsText(loaded, lineage) },
    { title: 'Data', markdown: dataText(loaded, lineage, facts.refused ?? {}) },
    { title: 'Terms', markdown: termsText(loaded, metrics) },
    { title: 'How to load it', markdown: usageText(loaded) },
    { title: 'Lineage', markdown: lineageText(loaded, lineage) },
  ]
  return sections.filter(({ markdown }) => markdown !== '')
}

/** The name of a card, plain text. */
export function cardTitle({ name, version }: LoadedModel): string {
  return `${name}/${version}`
}

/** The card as Markdown. The same version and facts give the same text. */
export function modelCard(loaded: LoadedModel, facts: CardFacts = {}): string {
  const sections = cardSections(loaded, facts).map(({ title, markdown }) => {
    return title === '' ? markdown : `## ${plainText(title)}\n\n${markdown}`
  })
  return `${[`# ${plainText(cardTitle(loaded))}`, ...sections].join('\n\n')}\n`
}
