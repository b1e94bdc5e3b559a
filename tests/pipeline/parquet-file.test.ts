import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identify, pageText, parquetFault } from '../../src/pipeline/parquet-file.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-parquet-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function written(content: string | Uint8Array): string {
  const path = join(folder, 'file.parquet')
  writeFileSync(path, content)
  return path
}

async function faultOf(content: string | Uint8Array): Promise<string> {
  const fault = await parquetFault(written(content))
  return fault ? `${fault.code}: ${fault.found}; ${fault.remedy}` : 'none'
}

/** A file framed as Parquet: magic, data, a footer, the length that it claims, magic. */
function framed(footer: number, claimed: number, end = 'PAR1'): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(claimed)
  return Buffer.concat([
    Buffer.from('PAR1some data'),
    Buffer.alloc(footer, 0x15),
    length,
    Buffer.from(end),
  ])
}

describe('parquetFault', () => {
  test('finds nothing wrong with a real trip file', async () => {
    const real = fileURLToPath(
      new URL('../../data/green_tripdata_2021-01.parquet', import.meta.url),
    )
    expect(await parquetFault(real)).toBeUndefined()
  })

  test('finds nothing wrong with the smallest frames', async () => {
    expect(await faultOf(framed(5, 5))).toBe('none')
    // A footer may fill everything between the two magics: 9 bytes of data and 5 of footer.
    expect(await faultOf(framed(5, 14))).toBe('none')
  })

  test('calls a file truncated that lacks its end', async () => {
    expect(await faultOf(framed(5, 5).subarray(0, 18))).toBe(
      'source_truncated: a Parquet file cut off after 18 bytes, its footer is missing; get it again',
    )
    expect(await faultOf('PAR1')).toMatch(/^source_truncated: .*after 4 bytes/)
    expect(await faultOf('PA')).toMatch(/^source_truncated: .*after 2 bytes/)
  })

  test('calls a file truncated whose footer cannot have the length it claims', async () => {
    expect(await faultOf(framed(5, 15))).toMatch(/^source_truncated: .*a footer of 15 bytes in a/)
    expect(await faultOf(framed(5, 0))).toMatch(/^source_truncated: .*a footer of 0 bytes/)
    expect(await faultOf(framed(5, 2 ** 32 - 1))).toMatch(/^source_truncated: .*4294967295 bytes/)
  })

  test('calls a file truncated that is empty or lacks its beginning', async () => {
    expect(await faultOf('')).toMatch(/^source_truncated: an empty file of 0 bytes/)
    expect(await faultOf(framed(5, 5).subarray(2))).toMatch(/beginning is missing/)
  })

  test('names encryption in either place of its mark', async () => {
    const whole = framed(5, 5, 'PARE')
    expect(await faultOf(whole)).toMatch(/^source_not_parquet: an encrypted Parquet file; decrypt/)
    whole.write('PARE', 0, 'latin1')
    expect(await faultOf(whole)).toMatch(/^source_not_parquet: an encrypted Parquet file/)
  })

  test('tells what a page says', async () => {
    const page =
      '\ufeff\n<!DOCTYPE html><html><head><style>p { color: red }</style>' +
      '<title>403 Forbidden</title></head><body>Request &quot;blocked&quot;</body></html>'
    expect(await faultOf(page)).toBe(
      'source_html: an HTML page that says "403 Forbidden Request \\"blocked\\""; ' +
        'get it again, a server answered this in its place',
    )
    const xml =
      '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>No</Message></Error>'
    expect(await faultOf(xml)).toMatch(/^source_html: an XML document that says "AccessDenied No"/)
    expect(await faultOf('<html></html>')).toMatch(/^source_html: an HTML page without text/)
  })

  test('names a Git LFS pointer and the command that helps', async () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 11886281\n'
    expect(await faultOf(pointer)).toBe(
      'source_lfs_pointer: a Git LFS pointer to a file of 11886281 bytes; ' +
        'run `git lfs pull` in the repository it belongs to',
    )
  })

  test('names what else it is, and shows how it begins', async () => {
    expect(await faultOf(gzipSync('rides'))).toMatch(/^source_not_parquet: gzip data; unpack it$/)
    expect(await faultOf('PK\x03\x04rest')).toMatch(/^source_not_parquet: a zip archive; unpack/)
    expect(await faultOf('ARROW1\0\0')).toMatch(/^source_not_parquet: an Arrow file; convert/)
    expect(await faultOf('VendorID,lpep_pickup_datetime,trip_distance\n2,x,1.01\n')).toBe(
      'source_not_parquet: CSV-like text that begins ' +
        '"VendorID,lpep_pickup_datetime,trip_distance 2,x,1.01"; convert it to Parquet',
    )
    expect(await faultOf('[{"a": 1}, {"a": 2}, 3]')).toMatch(/^source_not_parquet: JSON text/)
    expect(await faultOf('no data yet')).toMatch(/: text that begins "no data yet"; get it again$/)
    expect(await faultOf(Buffer.from([0, 1, 2, 27, 255, 0, 0, 0, 9]))).toBe(
      'source_not_parquet: unknown data that begins with the bytes 0001021bff000000; get it again',
    )
  })

  test('names Zstandard data', async () => {
    // The magic number of a Zstandard frame, RFC 8878: 0xFD2FB528, little-endian.
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 4, 0])
    expect(await faultOf(frame)).toMatch(/: Zstandard data; unpack it$/)
  })

  test('prints nothing that could move the cursor of a terminal', async () => {
    const page = `<html><title>a\u001b[2Jb\u0007${'long '.repeat(100)}</title></html>`
    const fault = await faultOf(page)
    expect(fault).not.toMatch(/\p{C}/u)
    expect(fault.length).toBeLessThan(200)
  })

  test('keeps text whose last character is cut by the part that is looked at', async () => {
    // 4095 ASCII bytes, then a character of two bytes across the bound of 4096.
    expect(await faultOf(`${'a,b,c\n'.repeat(682)}abcé`)).toMatch(/CSV-like/)
  })
})

describe('pageText', () => {
  test('leaves out scripts, comments and a tag that is cut off', () => {
    expect(pageText('<html><!-- no --><script>let a = 1</script>Yes &amp; more <a hre')).toBe(
      'Yes & more',
    )
  })

  test('cuts at a word', () => {
    expect(pageText(`<p>${'word '.repeat(40)}`)).toBe(`${'word '.repeat(16)}...`)
  })
})

describe('identify', () => {
  test('gives size and SHA-256 of a file of several pieces', async () => {
    const bytes = Buffer.alloc(3 * 2 ** 20 + 7, 'ride')
    expect(await identify(written(bytes))).toEqual({
      bytes: 3_145_735,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
  })

  test('agrees with the published digest of the empty file', async () => {
    // The well-known SHA-256 of no bytes, FIPS 180-4 test values.
    expect((await identify(written(''))).sha256).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })
})
