// What somebody who chooses what a command prints, and some values, could do to the streams' masks: have a value followed no
// further than its beginning, or make a stream hold, or be looked through, without end.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { KeyedPrefixes } from '../../../protocols/detect/keyed-prefixes.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { StreamMasker } from '../../../protocols/detect/masker.ts'
import { maskAnyCut, maskText } from '../../support/masked-text.ts'

const BOUNDS = { values: 10_000, bytes: 33_554_432, piece: 1_536, depth: 4, shortest: 6 }
const VALUE = 'Zq81v4lueThatIsLongEnough0123456789abcdefXYZ'

function detectionOf(...values: readonly (string | Uint8Array)[]): Detection {
  const learned = new LearnedValues(Buffer.alloc(32, 7), BOUNDS)
  for (const value of values) learned.learn(Buffer.from(value))
  return new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned })
}

/** Characters that repeat nothing. */
function filling(length: number, alphabet: string): string {
  let text = ''
  for (let at = 0; text.length < length; at++) {
    for (const octet of createHash('sha512').update(`${at}`).digest()) text += alphabet[octet % alphabet.length]
  }
  return text.slice(0, length)
}

describe('values that begin one within another before a value', () => {
  const before = `x/"${filling(60, 'abcdefghijkmnpqrstuvwxyz')}`

  test('do not have it followed to its beginning alone', () => {
    const others = [0, 1, 2, 3, 4, 5].map((at) => `${before.slice(at)}${VALUE.slice(0, at + 1)}é other end ${at}`)
    const { text } = maskAnyCut(detectionOf(VALUE, ...others), `${before}${VALUE} end`)
    assert.doesNotMatch(text, /ThatIs|Enough|0123456|XYZ/)
    assert.match(text, / end$/)
  })

  test('and neither do they where they cost too much to be followed', () => {
    const period = filling(401, 'abcdefghijk&<"/')
    const twice = period + period
    const others = Array.from({ length: period.length }, (_, at) => `${twice.slice(at, at + 62)}é`)
    const escaped = 'Zq81v4lue&\u00e9&<ThatIsLongEnough>&&&&&&&0123456789abcdefXYZ'
    const detection = detectionOf(VALUE, escaped, ...others)
    const forms = [
      VALUE,
      Buffer.from(VALUE).toString('hex'),
      Buffer.from(VALUE).toString('base64').slice(0, 57),
      encodeURIComponent(escaped),
      escaped.replace(/[&<>\u00e9]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ]
    for (const form of forms) {
      for (const length of [0, 1, 2, 3, 17, 100, 101]) {
        const { text } = maskText(detection, `${twice}${twice.slice(0, length)}${form}!`)
        assert.ok(!text.includes(form.slice(-16)), text.slice(-80))
      }
    }
    maskAnyCut(detection, `${twice.slice(0, 700)}${VALUE} end`)
  })
})

describe('texts that are made to be slow', () => {
  const hexadecimal = filling(601, '0123456789abcdef').repeat(4)
  const values: Uint8Array[] = []
  for (let at = 0; at < 601; at++) {
    const text = hexadecimal.slice(at)
    values.push(Buffer.from(`${text.slice(0, 62)}Z`), Buffer.from(`${text.slice(0, 124)}5a`, 'hex'))
    values.push(Buffer.concat([Buffer.from(text.slice(0, 84), 'base64').subarray(0, 62), Buffer.from('Z!')]))
  }
  const detection = detectionOf(...values)
  const text = Buffer.from(hexadecimal.repeat(3))

  for (const [how, piece, most] of [
    ['whole', text.length, 64],
    ['byte by byte', 1, 512],
  ] as const) {
    test(`cost a bounded number of steps, ${how}`, (t) => {
      const step = t.mock.method(KeyedPrefixes.prototype, 'step')
      const masker = detection.masker({ terminal: false })
      let steps = 0
      for (let at = 0; at < text.length; at += piece) {
        masker.receive(text.subarray(at, at + piece))
        steps += step.mock.callCount()
        step.mock.resetCalls()
      }
      assert.ok(steps < most * text.length, `${steps} steps for ${text.length} bytes`)
    })
  }
})

test('a terminal that holds much is not looked through again for every few bytes', (t) => {
  const value = filling(1_536, 'abcdefghijkLMN')
  const masker = detectionOf(value).masker({ terminal: true })
  const coloured = Array.from(value.slice(0, 1_500), (each) => `${each}\u001b[38;2;255;255;255m`).join('')
  masker.receive(Buffer.from(coloured))
  assert.ok(masker.held > 16_384)
  const receive = t.mock.method(StreamMasker.prototype, 'receive')
  for (let at = 0; at < 1_000; at += 1) masker.receive(Buffer.from('\u001b[m'))
  assert.ok(receive.mock.callCount() < 10, `${receive.mock.callCount()} looks`)
  const { masked } = masker.flush()
  assert.equal(masker.held, 0)
  assert.equal(masked.length, coloured.length + 3_000)
  assert.ok(!Buffer.from(masked).includes(`${value[700]}\u001b[38;2;255;255;255m${value[701]}`))
})

describe('beginnings that never end', () => {
  for (const [what, terminal, beginning, filled] of [
    ['control sequences behind the beginning of a value', true, VALUE.slice(0, 9), '\u001b[m'],
    ['one control sequence behind the beginning of a token', true, 'ghp_\u001b[', '1'],
    ['characters with sequences between them', true, VALUE.slice(0, 9), '\n\u001b[38;2;255;255;255;48;2;255;255;255m'],
    ['a header in front of a key', false, '-----BEGIN PRIVATE KEY-----\nName: ', 'x'],
    ['white space in front of a key', false, '-----BEGIN PRIVATE KEY-----', ' '],
    ['headers in front of a key', false, '-----BEGIN PRIVATE KEY-----\n', 'Name: x\n'],
  ] as const) {
    test(`are neither held nor kept: ${what}`, () => {
      const masker = detectionOf(VALUE).masker({ terminal })
      masker.receive(Buffer.from(beginning))
      const chunk = Buffer.from(filled.repeat(Math.ceil(8_192 / filled.length)))
      for (let at = 0; at < 8; at += 1) {
        masker.receive(chunk)
        assert.ok(masker.held < 32_768, `${masker.held} bytes are held`)
      }
      // What is behind them does not wait for them.
      masker.receive(Buffer.from(`\u0018\n ${VALUE} \n${' '.repeat(64)}`))
      assert.equal(masker.held, 0)
    })

    test(`are masked alike under any cut: ${what}`, () => {
      const detection = detectionOf(VALUE)
      const length = terminal ? 9_000 : 1_100
      const text = `${beginning}${filled.repeat(Math.ceil(length / filled.length))}${VALUE.slice(9)} ${VALUE}\n`
      const whole = maskText(detection, text, terminal)
      const masker = detection.masker({ terminal })
      let single = ''
      for (const octet of Buffer.from(text, 'latin1')) {
        single += Buffer.from(masker.receive(Uint8Array.of(octet)).masked).toString('latin1')
      }
      single += Buffer.from(masker.end().masked).toString('latin1')
      assert.equal(single, whole.text)
      assert.ok(!single.includes(VALUE))
    })
  }
})
