// Compressed answers: inflated for the rewriter within, under any cut; bombs, wrong sums, cuts and garbage are refused.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { GzipBody } from '../../../protocols/gzip/body.ts'
import { GzipError } from '../../../protocols/gzip/errors.ts'
import { JsonBody } from '../../../protocols/json/body.ts'
import type { BodyRewriter, BodyShape, FieldMasker, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { YamlBody } from '../../../protocols/yaml/body.ts'
import { cut } from '../../support/cut.ts'

/** Passes views of what it is given, and says at the end that it was told. */
class Passing implements BodyRewriter {
  receive(bytes: Uint8Array): Uint8Array {
    return bytes
  }

  end(): Uint8Array {
    return Buffer.from('.')
  }
}

const data: FieldTree = { form: 'base64', fields: new Map(), any: undefined }
const tree: FieldTree = { form: undefined, fields: new Map([['data', data]]), any: undefined }
const masker: FieldMasker = { select: () => tree, mask: (object, path) => `<${object.uid}|${path}>` }

const json = (shape: BodyShape): BodyRewriter => new JsonBody(shape, masker, limits.mask)

function run(chunks: readonly Uint8Array[], inner: BodyRewriter = new Passing(), bounds = limits.mask): string {
  const body = new GzipBody(inner, bounds)
  const out: Buffer[] = []
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    out.push(Buffer.from(body.receive(lent)))
    lent.fill(0xa5)
  }
  out.push(Buffer.from(body.end()))
  return Buffer.concat(out).toString('latin1')
}

function assertAnyCut(bytes: Uint8Array, expected: string, inner: () => BodyRewriter): void {
  assert.equal(run([bytes], inner()), expected)
  for (let at = 1; at < bytes.length; at += 1) {
    assert.equal(run([bytes.subarray(0, at), bytes.subarray(at)], inner()), expected, `cut at ${at}`)
  }
  assert.equal(run(cut(bytes, [1]), inner()), expected, 'byte by byte')
}

function rule(run: () => void): string {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof GzipError, String(error))
    assert.equal(error.code, 502)
    return error.rule
  }
  return ''
}

/** A member with all that RFC 1952 lets stand in its header. */
function memberWithFields(text: string): Buffer {
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 255, 4, 0]),
    Buffer.from('ab\0\0a name\0a comment\0'),
  ])
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc32(text), 0)
  trailer.writeUInt32LE(text.length, 4)
  const check = Buffer.alloc(2)
  check.writeUInt16LE(crc32(head) & 0xffff)
  return Buffer.concat([head, check, deflateRawSync(text), trailer])
}

const secret = (key: string): string => `{"metadata":{"uid":"u"},"data":{"${key}":"aHVudGVyMg=="}}`
const masked = (key: string): string =>
  secret(key).replace('aHVudGVyMg==', Buffer.from(`<u|data.${key}>`).toString('base64'))

const PARTS = ['first ', 'second '.repeat(50), 'third']

describe('a gzip body', () => {
  test('is inflated for the rewriter within, under any cut', () => {
    const list = (item: (key: string) => string): string => `{"items":[${['a', 'b', 'c'].map(item)}]}`
    assertAnyCut(gzipSync(list(secret)), list(masked), () => json('list'))
    const yaml = gzipSync('data:\n  a: YQ==\n')
    assert.equal(run([yaml], new YamlBody('object', masker, limits.mask)), 'data:\n  a: "PHxkYXRhLmE+"\n')
  })

  test('may be members in a row, cut anywhere, with all that a header can have', () => {
    const text = PARTS.join('')
    const members = Buffer.concat([
      gzipSync(PARTS[0] as string, { level: 0 }),
      gzipSync(''),
      memberWithFields(PARTS[1] as string),
      gzipSync(PARTS[2] as string, { level: 9 }),
    ])
    assertAnyCut(members, `${text}.`, () => new Passing())
  })

  test('of a watch passes each event with the member or the flush that it came in', () => {
    const body = new GzipBody(json('watch'), limits.mask)
    for (const key of ['a', 'b', 'c']) {
      const event = (object: string): string => `{"type":"ADDED","object":${object}}`
      assert.equal(Buffer.from(body.receive(gzipSync(event(secret(key))))).toString(), event(masked(key)))
    }
    const flushed = gzipSync(secret('d'), { finishFlush: 2 })
    assert.equal(Buffer.from(body.receive(flushed)).toString(), masked('d'))
    assert.throws(() => body.end(), { rule: 'gzip.cut' })
  })

  test('that is not there is nothing', () => {
    assert.equal(run([], json('object')), '')
    assert.equal(run([new Uint8Array(0)], json('object')), '')
  })

  test('is refused cut at any byte', () => {
    const bytes = Buffer.concat([gzipSync(secret('a')), gzipSync('x')])
    const whole = gzipSync(secret('a')).length
    for (let at = 1; at < bytes.length; at += 1) {
      if (at !== whole)
        assert.equal(
          rule(() => run([bytes.subarray(0, at)])),
          'gzip.cut',
          `at ${at}`,
        )
    }
  })

  test('is refused with any bit of its sums, its length or its data changed, or passes the same', () => {
    const bytes = gzipSync(secret('a'))
    for (let bit = 8 * 10; bit < 8 * bytes.length; bit += 1) {
      const changed = Uint8Array.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      let out = ''
      const fault = rule(() => {
        out = run([changed])
      })
      if (fault === '') assert.equal(out, `${secret('a')}.`)
      if (bit >= 8 * (bytes.length - 8)) assert.equal(fault, 'gzip.data', `bit ${bit}`)
    }
  })

  for (const [what, bytes, expected] of [
    ['garbage behind it', Buffer.concat([gzipSync('x'), Buffer.from('garbage')]), 'gzip.member'],
    ['zeros behind it', Buffer.concat([gzipSync('x'), Buffer.alloc(512)]), 'gzip.member'],
    ['half a magic number behind it', Buffer.concat([gzipSync('x'), Buffer.from([0x1f])]), 'gzip.cut'],
    ['another magic number', Buffer.from([0x1f, 0x8c, 8, 0, 0, 0, 0, 0, 0, 255]), 'gzip.data'],
    ['a method that nobody has', Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 255]), 'gzip.data'],
    ['flags that are reserved', Buffer.from([0x1f, 0x8b, 8, 0xe0, 0, 0, 0, 0, 0, 255]), 'gzip.data'],
    ['zlib', deflateSync('x'), 'gzip.member'],
    ['text', Buffer.from('{"kind":"Secret"}'), 'gzip.member'],
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.equal(
        rule(() => run([bytes])),
        expected,
      )
      assert.equal(
        rule(() => run(cut(bytes, [1]))),
        expected,
      )
    })
  }

  test('that is a bomb is refused before much of it is inflated', () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    let taken = 0
    const inner: BodyRewriter = {
      receive: (bytes) => {
        taken += bytes.length
        return bytes.subarray(0, 0)
      },
      end: () => new Uint8Array(0),
    }
    for (const lengths of [[bomb.length], [1_000], [1]]) {
      taken = 0
      assert.equal(
        rule(() => run(cut(bomb, lengths), inner)),
        'gzip.ratio',
      )
      assert.ok(taken <= 2 * limits.mask.inflated, `${taken} bytes`)
    }
    const many = Buffer.concat(Array.from({ length: 40 }, () => gzipSync(Buffer.alloc(65_536))))
    assert.equal(
      rule(() => run([many], inner)),
      'gzip.ratio',
    )
  })

  test('that is a long list of objects much alike is none', () => {
    const text = `{"items":[${Array.from({ length: 5_000 }, (_, at) => secret(`key-${at}`))}]}`
    assert.equal(run([gzipSync(text)], json('list')).length > text.length, true)
  })

  test('becomes what it was made of, whatever it was', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 })),
        fc.nat(9),
        fc.array(fc.nat(40)),
        (texts, level, lengths) => {
          const bytes = Buffer.concat(texts.map((text) => gzipSync(text, { level })))
          assert.equal(run(cut(bytes, lengths)), `${Buffer.concat(texts).toString('latin1')}.`)
        },
      ),
    )
  })
})
