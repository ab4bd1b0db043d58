// What somebody who may write Secrets could do to others by the values that they choose: take words of the API out of every
// answer, break the JSON around a match, or make text cost more to look through than it is long.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { KeyedPrefixes } from '../../../protocols/detect/keyed-prefixes.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { maskAnyCut, maskText } from '../../support/masked-text.ts'

const BOUNDS = { values: 2_000, bytes: 33_554_432, piece: 1_536, depth: 4, shortest: 6 }

function learnedOf(...values: readonly string[]): LearnedValues {
  const learned = new LearnedValues(Buffer.alloc(32, 7), BOUNDS)
  for (const value of values) learned.learn(Buffer.from(value))
  return learned
}

const detectionOf = (...values: readonly string[]): Detection =>
  new Detection({ detectors: new Set(), patterns: [], learned: learnedOf(...values) })

test('what the API calls its fields, kinds, events and reasons cannot be learned', () => {
  for (const word of [
    'creationTimestamp',
    'ownerReferences',
    'finalizers',
    'conditions',
    'managedFields',
    'MODIFIED',
    'DELETED',
    'BOOKMARK',
    'APIResourceList',
    'CustomResourceDefinition',
    'terminationGracePeriodSeconds',
    'ClusterFirstWithHostNet',
    'persistentVolumeClaim',
    'CrashLoopBackOff',
    'TooManyRequests',
    'apiextensions.k8s.io/v1',
    'kubectl.kubernetes.io/last-applied-configuration',
  ]) {
    assert.equal(learnedOf(word).size, 0, word)
  }
})

test('neither can what JSON is made of between its strings', () => {
  for (const text of ['},{"metadata":{', ':{}},{"', ':{}},{', '"},{"name":"', ':null},{"spec":{', '":[{"type":"']) {
    assert.equal(learnedOf(text).size, 0, text)
  }
})

describe('JSON stays JSON', () => {
  const item = { metadata: { name: 'zx81kq', namespace: 'agents', generation: 12345678 }, ok: true, none: null }
  const body = JSON.stringify({ items: [item, { a: [item], number: 8812345678 }] })

  for (const value of [
    '"name":"zx81kq","namespace":"',
    'zx81kq","namespace":"agents","generation":12345678},"ok":true,"none":null},{"a":[{"',
    'rue,"none":null},{"a":[{"metadata":{"name":"zx81kq","na',
    '12345678',
    '881234567',
    '12345678},"ok":tr',
  ]) {
    test(`whatever is learned: ${value}`, () => {
      const { text } = maskAnyCut(detectionOf(value), body)
      assert.equal(JSON.stringify(JSON.parse(text)).length, body.length)
      if (value.includes('zx81kq')) assert.notEqual(text, body)
    })
  }

  test('and a number is masked where it is text', () => {
    const detection = detectionOf('12345678')
    for (const text of ['"pin":"12345678"', 'PIN=12345678', 'pin: 12345678', '12345678']) {
      assert.doesNotMatch(maskText(detection, text).text, /12345678/, text)
    }
  })
})

describe('a value that the end of a stream cuts', () => {
  const value = 'Zq81-v4lue/with+more&x'

  for (const [how, write] of [
    ['as it is', (text: string) => text],
    ['in base64', (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '')],
    ['in hexadecimal digits', (text: string) => Buffer.from(text).toString('hex')],
    ['in a URL', encodeURIComponent],
  ] as const) {
    test(`is masked from its sixth byte on, ${how}`, () => {
      for (let length = 7; length < value.length; length += 1) {
        const shown = `line\n${write(value.slice(0, length))}`
        const { text } = maskAnyCut(detectionOf(value), shown)
        assert.match(text, /^line\n[~/](mask|~)/, shown)
      }
    })
  }

  test('passes where it may be something else: under six bytes, and words', () => {
    assert.equal(maskText(detectionOf(value), 'x Zq81-').text, 'x Zq81-')
    assert.equal(maskText(detectionOf('postgres-Zq81-x'), 'the postgres').text, 'the postgres')
  })
})

describe('line ends without end', () => {
  const value = 'Zq81-v4lue/with+more&x'
  const base64 = Buffer.from(value).toString('base64')

  for (const [what, before, gap] of [
    ['blank lines', '', '\n'],
    ['escaped line ends', '', '\\n'],
    ['blank lines behind the beginning of a value', value.slice(0, 9), '\r\n'],
    ['escaped ones behind it', value.slice(0, 9), '\\n'],
    ['encoded ones behind it', 'Zq81-v4lue%2F', '%0A'],
    ['blank lines behind its base64', base64.slice(0, 9), '\n'],
  ] as const) {
    test(`are not held: ${what}`, () => {
      const masker = detectionOf(value).masker({ terminal: false })
      masker.receive(Buffer.from(before))
      const chunk = Buffer.from(gap.repeat(16_384))
      for (let at = 0; at < 16; at += 1) {
        masker.receive(chunk)
        assert.ok(masker.held < 256, `${masker.held} bytes are held`)
      }
    })
  }

  test('do not hide a value while they are few', () => {
    for (const gap of ['\n'.repeat(40), '\\n'.repeat(20)]) {
      const { text } = maskAnyCut(detectionOf(value), `x ${value.slice(0, 9)}${gap}${value.slice(9)} y`)
      assert.doesNotMatch(text, /lue|more/)
    }
  })
})

describe('values that overlap themselves', () => {
  const values = [0, 1, 2, 3].map((shift) => `${'abcd'.repeat(380).slice(shift)}${shift} and an odd end`)
  const text = 'abcd'.repeat(4_096)

  test('are not followed to their ends from every place', (t) => {
    const step = t.mock.method(KeyedPrefixes.prototype, 'step')
    const masker = detectionOf(...values).masker({ terminal: false })
    step.mock.resetCalls()
    masker.receive(Buffer.from(text))
    const steps = step.mock.callCount()
    assert.ok(steps < 200 * text.length, `${steps} steps for ${text.length} bytes`)
  })

  test('are masked alike under any cut', () => {
    maskAnyCut(detectionOf(...values), `before ${text.slice(0, 2_000)} ${values[2]} behind`)
  })
})

test('a value with an escape character in it is masked on a terminal, whole and under any cut', () => {
  const value = 'k3y-\u001b[7mQx-w1th-4n-\u001b-esc4pe'
  const detection = detectionOf(value)
  for (const text of [`${value}\n`, `first\r\n${value}${value} behind\r\n`]) {
    const masked = maskText(detection, text, true).text
    assert.doesNotMatch(masked, /k3y|Qx-w1th|esc4pe/)
    maskAnyCut(detection, text, true)
  }
})

test('no word is masked because a value becomes it without its line ends, backslashes or first bytes', () => {
  const detection = detectionOf('postgr\nes', 'postgr\\es', 'post\\ngres', 'xpostgres', 'xxpostgres', 'postQ9-v4lue')
  for (const text of [
    'postgres',
    'xpostgres is learned, postgres is not',
    Buffer.from('postgres').toString('base64'),
  ]) {
    assert.match(maskText(detection, text).text, /postgres|cG9zdGdyZXM/)
  }
})
