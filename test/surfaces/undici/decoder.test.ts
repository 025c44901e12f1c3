import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { Inspection, type OpenDecoder } from '../../../src/surfaces/shared/inspection.ts'
import { openDecoder } from '../../../src/surfaces/undici/decoder.ts'
import { settled } from '../../support/settled.ts'

const GZIP: OpenDecoder = (take, done) => openDecoder('gzip', take, done)
const found = { verdict: false, accepts: true } as const

test.each(['always', 'never'] as const)(
  '[F5] given a body that decodes to very much, when its whole is awaited (%s), then no more is decoded than is judged',
  async (waits) => {
    const bomb = gzipSync(Buffer.alloc(20_000_000))
    let taken = 0
    let told = 0
    const reader = {
      take: (bytes: Uint8Array) => {
        taken += bytes.length
        return taken >= 65_536 ? found : undefined
      },
      end: () => found,
    }
    let reading: Inspection | undefined
    await new Promise<void>((resolve) => {
      const decide = (): void => {
        told++
        resolve()
      }
      reading = new Inspection(reader, waits, GZIP, { decide })
      reading.push(bomb)
      if (waits === 'always') reading.end()
    })
    reading?.end()
    for (let turn = 0; turn < 200; turn++) await settled()
    expect(taken).toBeGreaterThanOrEqual(65_536)
    expect(taken).toBeLessThan(65_536 + 2 * 16_384)
    expect(told).toBe(1)
  },
)

test('[F5] given a decoder, when its finding is there, then it reads nothing more, and reports nothing after it was closed', () => {
  const read: string[] = []
  const told: string[] = []
  const reader = {
    take: (bytes: Uint8Array) => {
      read.push(String(Buffer.from(bytes)))
      return found
    },
    end: () => found,
  }
  const reading = new Inspection(reader, 'always', undefined, { decide: () => told.push('one') })
  reading.push(Buffer.from('a'))
  reading.push(Buffer.from('b'))
  expect([read, told]).toEqual([['a'], []])
  reading.end()
  expect(told).toEqual(['one'])
  const closed = new Inspection(reader, 'always', undefined, { decide: () => told.push('other') })
  closed.push(Buffer.from('a'))
  closed.close()
  closed.end()
  expect(told).toEqual(['one'])
})

test('[F5] given a decoder that was closed, when more was on its way, then its owner gets nothing more', async () => {
  const heard: string[] = []
  const stream = await new Promise<void>((resolve) => {
    const decoder = openDecoder(
      'gzip',
      () => heard.push('take'),
      () => heard.push('done'),
    )
    decoder?.write(gzipSync('abc'))
    decoder?.close()
    setImmediate(() => setImmediate(resolve))
  })
  expect([stream, heard]).toEqual([undefined, []])
})

test.each([
  ['gzip', gzipSync('abc')],
  ['deflate', deflateRawSync('abc')],
])(
  '[F5] given a body in %s, when it arrives in single bytes, after an empty piece and without an end, then it is decoded',
  async (encoding, bytes) => {
    const pieces: Uint8Array[] = []
    await new Promise<void>((resolve) => {
      const decoder = openDecoder(encoding, (piece) => pieces.push(piece), resolve)
      decoder?.write(new Uint8Array())
      for (const byte of bytes.subarray(0, -1)) decoder?.write(new Uint8Array([byte]))
      decoder?.end()
    })
    expect(String(Buffer.concat(pieces))).toBe('abc')
  },
)

test.each(['rot13', 'constructor', 'none, utf-8'])(
  '[F5] given a name that is no compression (%s), when it is read, then the bytes count as they are',
  (encoding) => {
    const pieces: Uint8Array[] = []
    openDecoder(
      encoding,
      (bytes) => pieces.push(bytes),
      () => undefined,
    )?.write(Buffer.from('abc'))
    expect(String(Buffer.concat(pieces))).toBe('abc')
  },
)

test('[F5] given an empty body or an unknown compression, when it is read, then the result is empty, or no decoder is opened', async () => {
  await new Promise<void>((resolve) => openDecoder('br', () => undefined, resolve)?.end())
  for (const encoding of [
    'compress',
    'gzip, compress',
    ['gzip', 'dcb'],
    'gzip, rot13, exi',
    'gzip, gzip, gzip, gzip, gzip, gzip',
  ]) {
    expect(
      openDecoder(
        encoding,
        () => undefined,
        () => undefined,
      ),
    ).toBe(undefined)
  }
})

test.each<[unknown, Buffer]>([
  ['gzip, br', brotliCompressSync(gzipSync('abc'))],
  [['gzip', 'br'], brotliCompressSync(gzipSync('abc'))],
  ['br,identity, GZIP ', gzipSync(brotliCompressSync('abc'))],
  ['deflate, gzip, br', brotliCompressSync(gzipSync(deflateRawSync('abc')))],
])(
  '[F5] given a body that was encoded by several codings (%j), when it is read, then each coding is decoded',
  async (encoding, bytes) => {
    const pieces: Uint8Array[] = []
    await new Promise<void>((resolve) => {
      const decoder = openDecoder(encoding, (piece) => pieces.push(piece), resolve)
      for (const byte of bytes) decoder?.write(new Uint8Array([byte]))
      decoder?.end()
    })
    expect(String(Buffer.concat(pieces))).toBe('abc')
  },
)

test('[F5] given few bytes that decode to very many for the next coding, when they are read, then the number is bounded', async () => {
  const member = gzipSync('')
  const members = Buffer.alloc(400_000 * member.length, member)
  const bomb = brotliCompressSync(members)
  expect(members.length).toBeGreaterThan(7_000_000)
  let ends = 0
  await new Promise<void>((resolve) => {
    const decoder = openDecoder(
      'gzip, br',
      () => undefined,
      () => {
        ends++
        resolve()
      },
    )
    // Its end never comes.
    decoder?.write(bomb)
  })
  expect(ends).toBe(1)
})
