// YAML answers masked in place: the same values as in JSON, every other byte kept, and what is refused.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { parse, stringify } from 'yaml'
import { JsonBody } from '../../../protocols/json/body.ts'
import type { BodyShape, FieldForm, FieldMasker, FieldTree } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { YamlBody } from '../../../protocols/yaml/body.ts'
import { YamlError } from '../../../protocols/yaml/errors.ts'

function node(form: FieldForm | undefined, fields: Record<string, FieldTree> = {}): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any: undefined }
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

const SECRET = node(undefined, {
  data: node('base64'),
  stringData: node('text'),
  metadata: node(undefined, { annotations: node(undefined, { [LAST_APPLIED]: node('manifest') }) }),
})

const masker: FieldMasker = {
  select: () => SECRET,
  mask: (object, path, value) => `<${object.uid}|${path}|${value.length}>`,
}

/** Masks with what YAML has to escape or could take for something else. */
const odd: FieldMasker = { ...masker, mask: (_, path) => `- ${path}: é😀\u0085\u2028\ufeff\t\n"'\\ # x ` }

function run(text: string, by: FieldMasker = masker, bounds = limits.mask): string {
  const body = new YamlBody('list', by, bounds)
  const head = Buffer.from(body.receive(Buffer.from(text)))
  return Buffer.concat([head, body.end()]).toString()
}

function jsonMasked(value: unknown, by: FieldMasker): unknown {
  const body = new JsonBody('object', by, limits.mask)
  const head = Buffer.from(body.receive(Buffer.from(JSON.stringify(value))))
  return JSON.parse(Buffer.concat([head, body.end()]).toString())
}

const b64 = (text: string): string => Buffer.from(text).toString('base64')

const ONE = `apiVersion: v1
# a comment
data:
  a: aHVudGVyMg==
  b: !!OLD
    aHVu
    dGVy
  c: 'YQ=='   # another
  d: "Y\\
    Q=="
  n: null
  "1": |
    YQ==
    YQ==
  z: |-

    YQ==

kind:   Secret
metadata:
  uid: u1
  generation: 9223372036854775807
  big: 12345678901234567890123
stringData: {a: x, b: [y, 1, 1.50], ? c : yes}
tail: >+
  kept

`.replace(' !!OLD', '')

describe('a YAML answer', () => {
  test('has the strings of its tree masked where they stand, and keeps every other byte', () => {
    const mask = (key: string, length: number): string => `"${b64(`<u1|data.${key}|${length}>`)}"`
    const expected = ONE.replace('aHVudGVyMg==', mask('a', 7))
      .replace(/aHVu\n {4}dGVy/, mask('b', 9))
      .replace("'YQ=='", mask('c', 1))
      .replace(/"Y\\\n {4}Q=="/, mask('d', 1))
      .replace('|\n    YQ==\n    YQ==\n', `${mask('1', 10)}\n`)
      .replace('|-\n\n    YQ==\n', `${mask('z', 1)}\n`)
      .replace('a: x', 'a: "<u1|stringData.a|1>"')
      .replace('[y,', '["<u1|stringData.b[0]|1>",')
      .replace('yes}', '"<u1|stringData.c|3>"}')
    assert.equal(run(ONE), expected)
  })

  test('passes as it came where nothing is selected', () => {
    assert.equal(run(ONE, { ...masker, select: () => undefined }), ONE)
    assert.equal(run(''), '')
    assert.equal(run('---\n# nothing\n'), '---\n# nothing\n')
  })

  test('comes out at its end, whatever pieces it came in', () => {
    for (let at = 0; at <= Buffer.byteLength(ONE); at += 1) {
      const body = new YamlBody('object', masker, limits.mask)
      const bytes = Buffer.from(ONE)
      const lent = Uint8Array.from(bytes.subarray(0, at))
      assert.equal(body.receive(lent).length, 0)
      lent.fill(0xa5)
      body.receive(bytes.subarray(at))
      assert.equal(Buffer.from(body.end()).toString(), run(ONE))
    }
  })

  const vectors = JSON.parse(
    readFileSync(new URL('../../vectors/yaml/written-by-kubernetes.json', import.meta.url), 'utf8'),
  ) as { cases: { object: Record<string, unknown>; yaml: string }[] }
  for (const { object, yaml } of vectors.cases) {
    test(`that Kubernetes wrote (${JSON.stringify(object.metadata)}) is read as Kubernetes reads it`, () => {
      const seen = (body: (by: FieldMasker) => unknown): unknown[] => {
        const values: unknown[] = []
        body({
          select: () => SECRET,
          mask: (object, path, value) => {
            values.push([object.uid, path, Buffer.from(value).toString()])
            return ''
          },
        })
        return values.map(String).sort()
      }
      const inYaml = seen((by) => run(yaml, by))
      assert.deepEqual(
        inYaml,
        seen((by) => jsonMasked(object, by)),
      )
      assert.deepEqual(parse(run(yaml, odd), { schema: 'core' }), jsonMasked(object, odd))
    })
  }

  for (const [what, text, rule] of [
    ['an alias', 'data: &a {x: y}\nother: *a\n', 'yaml.anchor'],
    ['an alias of nothing', 'data: *a\n', 'yaml.alias'],
    ['an anchor', 'data:\n  a: &a YQ==\n', 'yaml.anchor'],
    ['an anchor at a key', 'data:\n  &a a: YQ==\n', 'yaml.anchor'],
    ['a tag', 'data:\n  a: !!binary YQ==\n', 'yaml.tag'],
    ['a tag at a key', '!!str data:\n  a: YQ==\n', 'yaml.tag'],
    ['a tag that nobody knows', 'data: !secret {a: YQ==}\n', 'yaml.tag'],
    ['a merge key', 'data:\n  <<: {a: YQ==}\n', 'yaml.merge'],
    ['two documents', 'data: {}\n---\ndata:\n  a: YQ==\n', 'yaml.documents'],
    ['a document behind the end of one', 'data: {}\n...\ndata:\n  a: YQ==\n', 'yaml.documents'],
    ['a directive', '%YAML 1.1\n---\ndata: {}\n', 'yaml.directive'],
    ['a key that is there twice', 'spec:\n  a: 1\n  "a": 2\n', 'yaml.duplicate_key'],
    ['a key that is a map', '{a: 1}: 2\n', 'yaml.key'],
    ['what is no YAML', 'data: [a\n', 'yaml.syntax'],
    ['tabs for blanks', 'data:\n\ta: YQ==\n', 'yaml.syntax'],
    ['a line break of YAML 1.1', 'data: x\u2028data:\u2028  a: YQ==\n', 'yaml.character'],
    ['a lone CR', 'x: y\rdata:\r  a: YQ==\n', 'yaml.character'],
    ['a byte order mark', '\ufeffdata: {}\n', 'yaml.character'],
    ['a NUL', 'a: \0\n', 'yaml.character'],
    ['a tab behind which a block ends within its line', 'data:\n a: |\n \tb: c\n', 'yaml.block_end'],
  ] as const) {
    test(`is refused with ${what}`, () => {
      assert.throws(() => run(text), { rule, code: 502 })
    })
  }

  test('is refused as a watch, and where it is not UTF-8', () => {
    const watch: BodyShape = 'watch'
    assert.throws(() => new YamlBody(watch, masker, limits.mask).receive(Buffer.from('a')), { rule: 'yaml.watch' })
    const body = new YamlBody('object', masker, limits.mask)
    body.receive(Buffer.from('a: \xff\n', 'latin1'))
    assert.throws(() => body.end(), { rule: 'yaml.utf8' })
  })

  test('is refused longer, deeper, of more parts and with longer keys than is taken', () => {
    const small = { ...limits.mask, depth: 16, key: 32, yaml: 200, yamlTokens: 60 }
    const by = (text: string) => () => run(text, masker, small)
    assert.throws(by('a'.repeat(201)), { rule: 'yaml.length' })
    assert.throws(by('- '.repeat(17)), { rule: 'yaml.depth' })
    assert.throws(by('['.repeat(17)), { rule: 'yaml.depth' })
    assert.throws(by('- a\n'.repeat(40)), { rule: 'yaml.tokens' })
    assert.throws(by(`${'k'.repeat(40)}: 1`), { rule: 'yaml.key.length' })
    assert.throws(() => run('['.repeat(60_000)), YamlError)
    assert.throws(() => run('? '.repeat(30_000)), YamlError)
    assert.throws(() => run('a: '.repeat(30_000)), YamlError)
  })

  test('has a number that is longer than is taken masked like a string', () => {
    assert.equal(run(`stringData: {a: ${'1'.repeat(1_025)}}`), 'stringData: {a: "<|stringData.a|1025>"}')
  })
})

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(' ', '\n', 'a', ':', '#', '-', '\t', '"', "'", '{', '1') }),
  fc.constantFrom('yes', 'null', '~', '', '1e3', '0o7', '1_0', '2001-01-01', '- a', 'YWJj', '{"stringData":{"a":"b"}}'),
)

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    text,
    fc.constantFrom(0, -1, 1.5, 9_007_199_254_740_991, true, false, null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any

test('any object in YAML is masked as it is in JSON', () => {
  const object = fc.record(
    {
      metadata: fc.record({ uid: text, annotations: fc.record({ [LAST_APPLIED]: text, other: text }) }),
      data: value,
      stringData: value,
      spec: value,
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  const options = fc.record({
    version: fc.constantFrom('1.1' as const, '1.2' as const),
    lineWidth: fc.constantFrom(0, 20, 80),
    inJson: fc.boolean(),
    indentSeq: fc.boolean(),
  })
  let masked = 0
  fc.assert(
    fc.property(fc.oneof(object, fc.record({ items: fc.array(object) })), options, (object, how) => {
      const { inJson, ...style } = how
      const yaml = inJson
        ? JSON.stringify(object, null, 2)
        : stringify(object, { ...style, aliasDuplicateObjects: false })
      const meant = JSON.parse(JSON.stringify(object).toWellFormed()) as unknown
      // Not every string is read back by its own writer (" \\n" in 1.1).
      fc.pre(isDeepStrictEqual(parse(yaml, { version: how.version, uniqueKeys: false }), meant))
      let out: string
      try {
        out = run(yaml, odd)
      } catch (error) {
        if (!(error instanceof YamlError)) throw error
        assert.ok(['yaml.character', 'yaml.merge'].includes(error.rule), error.rule)
        return
      }
      masked += 1
      assert.deepEqual(parse(out, { version: how.version, uniqueKeys: false }), jsonMasked(meant, odd))
    }),
    { numRuns: 400 },
  )
  assert.ok(masked > 200, `only ${masked} were masked`)
})

test('words that no field masks are asked for whole, in order, and stand on one line where they are changed', () => {
  const asked: string[][] = []
  const words = (values: readonly string[]): readonly string[] => {
    asked.push([...values])
    return values.map((value) => (value.includes('x') ? 'y: ~' : value))
  }
  const text = "a: 1\nb: one x\n  two\ndata:\n  k: eA==\nc:\n- 'it''s'\n- \"q\\tx\"\n- |\n  x\n  y\nd: end\n"
  const body = new YamlBody('object', masker, limits.mask, words)
  const head = Buffer.from(body.receive(Buffer.from(text)))
  const shown = Buffer.concat([head, body.end()]).toString()
  assert.deepEqual(asked, [['one x two', "it's", 'q\tx', 'x\ny\n', 'end']])
  const masked = Buffer.from('<|data.k|1>').toString('base64')
  assert.equal(shown, `a: 1\nb: "y: ~"\ndata:\n  k: "${masked}"\nc:\n- 'it''s'\n- "y: ~"\n- "y: ~"\nd: end\n`)
})

test('a literal block stays one where its lines stay as many', () => {
  const words = (values: readonly string[]): readonly string[] =>
    values.map((value) => value.replaceAll('secret', '~~~~~~'))
  for (const [text, shown] of [
    ['a: |\n  one\n    secret two\n\n  three\nb: x\n', 'a: |\n  one\n    ~~~~~~ two\n\n  three\nb: x\n'],
    ['a: |-\n  secret\nb: x\n', 'a: |-\n  ~~~~~~\nb: x\n'],
    ['a: |+\n  secret\n\n', 'a: |+\n  ~~~~~~\n\n'],
    ['a: |2\n    secret\n', 'a: |2\n    ~~~~~~\n'],
    ['- |\n  secret', '- |\n  ~~~~~~'],
    ['a: >\n  secret\n  two\nb: x\n', 'a: "~~~~~~ two\\n"\nb: x\n'],
  ] as const) {
    const body = new YamlBody('object', masker, limits.mask, words)
    const head = Buffer.from(body.receive(Buffer.from(text)))
    const whole = Buffer.concat([head, body.end()]).toString()
    assert.equal(whole, shown)
    assert.ok(isDeepStrictEqual(parse(whole), JSON.parse(JSON.stringify(parse(text)).replaceAll('secret', '~~~~~~'))))
  }
})
