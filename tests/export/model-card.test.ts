import { Marked } from 'marked'
import { afterEach, describe, expect, it } from 'vitest'
import { cardPage } from '../../src/export/card-page.ts'
import { code, plainText } from '../../src/export/markdown.ts'
import { modelCard } from '../../src/export/model-card.ts'
import { hoursAndPassengers, opposed, zonesAndDistance } from '../serve/small-model.ts'
import { type Kept, keep, withTexts } from './exported-models.ts'
import { both, documentsWith, fitted, grown } from './fitted-models.ts'

let kept: Kept
afterEach(() => kept?.remove())

/** The text between the heading of a section and the next. */
function section(card: string, title: string): string {
  const [, found] = new RegExp(`\n## ${title}\n\n([^]*?)\n(?=## |$)`).exec(card) ?? []
  if (found === undefined) throw new Error(`no section ${title} in ${card}`)
  return found
}

const titles = (card: string): string[] =>
  [...card.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title)

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[link](javascript:alert(1)) ![image](https://example.org/x.png)',
  'a | b\n\n# heading\n- item\n<svg onload=alert(1)>',
  '`code` ``more`` $x$ **bold** _soft_ ~~gone~~ \\',
  'https://example.org/a www.example.org someone@example.org',
  '&lt;b&gt; &amp; <!-- comment -->',
  '1. one',
  '+ one',
]

describe('the model card', () => {
  it('says what it is, how good, what for, where it ends, from what, and how to load it', async () => {
    kept = await keep(zonesAndDistance)
    const card = modelCard(kept.loaded)
    expect(card).toMatch(
      new RegExp(`^# green-duration/${kept.loaded.version}\n\nHow long a ride by`),
    )
    expect(titles(card)).toEqual([
      'How good it is',
      'What it is for',
      'Limits',
      'Data',
      'Terms',
      'How to load it',
      'Lineage',
    ])
  })

  it('takes every figure from the documents', async () => {
    kept = await keep(zonesAndDistance)
    const card = modelCard(kept.loaded)
    // Measures, files and baseline as small-model.ts states them; 1 - 3.5 / 12 is 70.8 %.
    expect(section(card, 'How good it is')).toContain(
      '| validation | 1,000 | 3.500 | 0.500 | 0.000 |',
    )
    expect(section(card, 'How good it is')).toContain('| always the mean of training |  | 12.000 |')
    expect(section(card, 'How good it is')).toContain('| training, 2021-01 | 1,000 | 3.500 |')
    expect(section(card, 'How good it is')).toContain('RMSE is 70.8 % below')
    const data = section(card, 'Data')
    expect(data).toContain(
      '| training | 2021-01 | `green_tripdata_2021-01.parquet` | 1,100 | 1,000 |',
    )
    expect(data).toContain(`\`${'ab'.repeat(32)}\``)
    expect(data).toContain('rides of 1 to 60 minutes')
    const terms = section(card, 'Terms')
    expect(terms).toContain('| intercept |  |  | 10.000 |')
    expect(terms).toContain('| `PULocationID` | `PULocationID` | 2 | -40.000 to 2.000 |')
    expect(terms).toContain('| `trip_distance` | `trip_distance` |  | 3.000 a unit |')
    // The profile: 999 of 1,000 rides below 20 miles, one zone for each end.
    const limits = section(card, 'Limits')
    expect(limits).toContain('99.9 % of the training rides are shorter than 20 miles')
    expect(limits).toContain(' 1 are recorded with 20 miles or more')
    expect(limits).toContain('have 1 as the pickup and 1 as the drop-off')
  })

  it('says that a model is worse than the mean where it is', async () => {
    const metrics = { validation: { n: 10, rmse: 15, r2: null, bias: 1 }, baseline: { rmse: 12 } }
    kept = await keep({ ...zonesAndDistance, metrics })
    // 15 / 12 is 1.25.
    expect(section(modelCard(kept.loaded), 'How good it is')).toContain('25.0 % above')
    expect(cardPage(kept.loaded)).toContain('<dd>+25.0 %</dd>')
  })

  it('says what a model does not know', async () => {
    kept = await keep(zonesAndDistance)
    expect(section(modelCard(kept.loaded), 'Limits')).toContain('does not use the time')
    await kept.remove()
    kept = await keep(hoursAndPassengers)
    const limits = section(modelCard(kept.loaded), 'Limits')
    expect(limits).toContain('Without a pickup time ridecast averages')
    expect(limits).not.toContain('distance')
  })

  it('says of trees what they do with what they do not know', async () => {
    kept = await keep(documentsWith(await fitted(grown), zonesAndDistance))
    const card = modelCard(kept.loaded)
    expect(card).toContain('Boosted trees')
    expect(card).toContain('`VendorID` (provider of the meter record; may be missing)')
    const limits = section(card, 'Limits')
    expect(limits).toContain('a level that was not in training goes the way that the trees have')
    expect(limits).toContain('`VendorID`, `RatecodeID`, `passenger_count` may be missing')
    expect(limits).not.toContain('adds nothing')
    // Trees compare distances: one of 20 miles or more does no harm.
    expect(limits).not.toContain('errors of the meter')
    const terms = section(card, 'Terms')
    expect(terms).toContain('| `far` | `distance_ratio` in 4 bins or missing |')
    expect(terms).toContain('| `log` | `trip_distance`, log of 1 + it |')
    expect(terms).toContain('`zone_distance`: miles in a straight line')
    expect(terms).toContain('40 boosted trees, grown with `rounds 40`, `leaves 16`')
    expect(section(card, 'Lineage')).not.toContain('coefficients')
  })

  it('takes an ensemble apart into its members', async () => {
    kept = await keep(documentsWith(await fitted(both), zonesAndDistance))
    const card = modelCard(kept.loaded)
    const terms = section(card, 'Terms')
    expect(terms).toContain('| `grown` | 40 boosted trees | 0.')
    expect(terms).toContain('| `line` | linear, ')
    expect(terms).toContain('### grown')
    expect(terms).toContain('| `from_far` | borough of `PULocationID` or missing ×')
    const limits = section(card, 'Limits')
    expect(limits).toContain('adds nothing in linear members and goes the way of missing values')
    // The product of the zones is a term of a member.
    expect(limits).toContain('**Rare pairs.**')
    const page = cardPage(kept.loaded)
    expect(`${card}${page}`).not.toMatch(/undefined|null|\[object/)
  })

  it('stands without what the documents do not say', async () => {
    kept = await keep({ ...opposed, metrics: {}, lineage: { format_version: 1 } })
    const card = modelCard(kept.loaded)
    expect(section(card, 'How good it is')).toBe('The version does not say.\n')
    expect(section(card, 'Data')).toContain('The version does not name its files.')
    expect(`${card}${cardPage(kept.loaded)}`).not.toMatch(/undefined|NaN(?!\))|null|\[object/)
  })

  it('takes refused rides and more sections from the caller', async () => {
    kept = await keep(zonesAndDistance)
    const facts = {
      refused: { below_min: 1448, above_max: 1162, null_time: 0 },
      sections: [{ title: 'By <hour>', markdown: '| hour | RMSE |\n| --- | --- |\n| 8 | 3.2 |' }],
    }
    const card = modelCard(kept.loaded, facts)
    expect(titles(card).slice(0, 3)).toEqual([
      'How good it is',
      'By &lt;hour&gt;',
      'What it is for',
    ])
    expect(section(card, 'Data')).toContain(
      'Refused in training: 1,448 `below_min`, 1,162 `above_max`.',
    )
    const page = cardPage(kept.loaded, facts)
    expect(page).toContain('<h2>By &lt;hour&gt;</h2>')
    expect(page).toContain('<td>3.2</td>')
  })

  it.each(hostile)('shows %j as it is, in Markdown and on the page', async (text) => {
    kept = await keep(withTexts(zonesAndDistance, text, text), text.replaceAll('/', '-'))
    const benign = await keep(withTexts(zonesAndDistance, 'benign', 'benign'), 'benign')
    const tags = (html: string): string[] =>
      [...html.matchAll(/<(\/?[a-z][a-z0-9]*)/g)].map(([, tag = '']) => tag)
    const html = new Marked().parse(modelCard(kept.loaded), { async: false })
    const plain = new Marked().parse(modelCard(benign.loaded), { async: false })
    const page = cardPage(benign.loaded)
    await benign.remove()
    expect(tags(html)).toEqual(tags(plain))
    expect(tags(cardPage(kept.loaded))).toEqual(tags(page))
  })
})

describe('text in Markdown', () => {
  const shown = (markdown: string): string =>
    new Marked()
      .parseInline(markdown, { async: false })
      .replaceAll(/<\/?code>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')

  it.each(hostile)('%j is shown as it is', (text) => {
    const line = text.replaceAll('\n\n', ' ').replaceAll('\n', ' ')
    expect(shown(plainText(text))).toBe(line)
    const cells = (markdown: string): number =>
      new Marked().parse(`| a |\n| --- |\n| ${markdown} |`, { async: false }).match(/<td>/g)
        ?.length ?? 0
    expect(cells(plainText(text))).toBe(1)
    expect(cells(code(text))).toBe(1)
  })
})

describe('the page of a model card', () => {
  it('needs nothing from elsewhere and runs nothing', async () => {
    kept = await keep(zonesAndDistance)
    const page = cardPage(kept.loaded)
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(| on[a-z]+=/)
    expect([...page.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, to = '']) => to[0])).toEqual(
      Array.from({ length: 7 }, () => '#'),
    )
  })

  it('leads with the figures that are looked for first', async () => {
    kept = await keep(zonesAndDistance)
    const page = cardPage(kept.loaded)
    const tiles = [...page.matchAll(/<dt>([^<]*)<\/dt><dd>([^<]*)<\/dd>/g)].map(([, a, b]) => [
      a,
      b,
    ])
    expect(tiles).toEqual([
      ['validation RMSE', '3.500 min'],
      ['against the mean', '−70.8 %'],
      ['validation R²', '0.500'],
      ['validation bias', '0.000 min'],
      ['training rides', '1,000'],
    ])
  })

  it('draws a cell for every hour of the week, and says how many rides it stands for', async () => {
    kept = await keep(zonesAndDistance)
    const page = cardPage(kept.loaded)
    expect(page.match(/<title>\w{3} \d+:00: [\d,]+ rides<\/title>/g)).toHaveLength(168)
    expect(page).toContain('<title>Mon 8:00: 500 rides</title>')
  })
})
