import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvField, csvRecords } from '../../../src/pipeline/score/csv-records.ts'

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

async function fieldsOf(text: string, size = 3): Promise<string[][]> {
  const all: string[][] = []
  for await (const records of csvRecords(pieces(text, size), 'rides.csv')) {
    all.push(...records.map(({ fields }) => [...fields]))
  }
  return all
}

describe('records of CSV', () => {
  test('the examples of RFC 4180, section 2, are read as it says', async () => {
    expect(await fieldsOf('aaa,bbb,ccc\r\nzzz,yyy,xxx')).toEqual([
      ['aaa', 'bbb', 'ccc'],
      ['zzz', 'yyy', 'xxx'],
    ])
    expect(await fieldsOf('"aaa","b\r\nbb","ccc"\r\nzzz,yyy,xxx\r\n')).toEqual([
      ['aaa', 'b\r\nbb', 'ccc'],
      ['zzz', 'yyy', 'xxx'],
    ])
    expect(await fieldsOf('"aaa","b""bb","ccc"')).toEqual([['aaa', 'b"bb', 'ccc']])
  })

  test('empty fields stay, empty lines go', async () => {
    expect(await fieldsOf(',\n\n"",""\r\n\r\na,')).toEqual([
      ['', ''],
      ['', ''],
      ['a', ''],
    ])
  })

  test('what another library writes is read back, however it is cut', async () => {
    const field = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', ' '),
      maxLength: 6,
    })
    // A record of one empty field is an empty line, which is no record.
    const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 9 }), async (records, size) => {
        expect(await fieldsOf(stringify(records, { quoted: true }), size)).toEqual(records)
        const own = records.map((record) => `${record.map(csvField).join(',')}\n`).join('')
        expect(await fieldsOf(own, size)).toEqual(records)
      }),
    )
  })

  test.each([
    ['a,b\n1,"2\n3,4\n', /row 1 \(it ends within quotes\)/],
    ['a,b\n1,2\n3,4"\n', /row 2 \(a quote stands inside an unquoted field\)|row 2 \(it ends/],
    ['a,b\n1,"2"3\n', /row 1 \(text follows a closing quote\)/],
  ])('%j is refused by its row', async (text, message) => {
    await expect(fieldsOf(text)).rejects.toThrow(message)
    await expect(fieldsOf(text)).rejects.toMatchObject({ code: 'source_truncated' })
  })

  test('a quote that is never closed does not take the whole file into memory', async () => {
    let taken = 0
    async function* endless(): AsyncGenerator<string> {
      yield 'a,b\n1,"'
      for (; taken < 1000; taken++) yield 'x'.repeat(2 ** 16)
    }
    const records = csvRecords(endless(), 'rides.csv')
    await expect(
      (async () => {
        for await (const _ of records);
      })(),
    ).rejects.toMatchObject({ code: 'source_truncated' })
    // A megabyte is 16 such pieces.
    expect(taken).toBeLessThan(20)
  })
})
