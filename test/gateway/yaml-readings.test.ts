// Objects that hide from one reader of YAML: what the API server's reader (1.1) makes of these was seen in the lab.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseDocument } from 'yaml'
import { scanForSentinels } from '../../gateway/mask/sentinel-scan.ts'
import { RequestObject } from '../../gateway/policy/request-object.ts'
import { hasTwoReadings } from '../../gateway/yaml-readings.ts'

const read = (text: string): boolean =>
  hasTwoReadings(text, parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'error' }))

const HIDDEN = 'spec: {replicas: 100}'

for (const [how, text] of [
  ['in a comment that ends at LS', `kind: X\n# \u2028${HIDDEN}`],
  ['in a comment that ends at PS', `kind: X # \u2029${HIDDEN}`],
  ['in a comment that ends at NEL', `kind: X\n#\u0085${HIDDEN}\n`],
  ['in a comment that ends at CR', `kind: X\n# x\r${HIDDEN}\n`],
  ['behind a byte order mark', `kind: X\n\ufeff${HIDDEN}\n`],
  ['under a key that is marked within brackets', '{kind: X, ?spec: {replicas: 100}}'],
  ['under a value that is', '{kind: X, "spec" :{replicas: 100}, x: [:y]}'],
  ['under a key that says it is one to merge', `kind: X\n!!merge "<<": {${HIDDEN}}\n`],
  ['in base64', 'kind: X\nspec: !!binary aGVsbG8=\n'],
  ['behind a line end within a string of JSON', '{"kind": "X", "spec": "a \u2028 b"}'],
  ['under a tag of nobody’s', 'kind: X\nspec: !x {replicas: 100}\n'],
] as const) {
  test(`an object ${how} is refused by all who judge it`, () => {
    assert.ok(read(text))
    assert.equal(scanForSentinels(Buffer.from(text), 'application/apply-patch+yaml', '')?.rule, 'mask.unreadable_body')
    assert.ok('problem' in new RequestObject(Buffer.from(text), 'application/yaml').decoded)
  })
}

describe('what everybody reads alike passes', () => {
  for (const text of [
    'a: b\r\nc: d # x\r\n',
    '\ufeffa: b\n',
    '? a\n: b\n',
    'a: {? b : c}\n',
    'a: ?b\nc: :d\n',
    'a: {k: "?x", l: nginx:1.25, "m":n}\n',
    "a: '?'\nb: [x, ':y']\n",
    'a: |\n  ?x\n  :y\n',
    '',
  ]) {
    test(JSON.stringify(text), () => assert.ok(!read(text)))
  }
})
