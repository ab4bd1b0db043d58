import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Detection } from '../../../protocols/detect/detection.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { maskAnyCut } from '../../support/masked-text.ts'

const KEY = Buffer.alloc(32, 7)
const BOUNDS = { values: 100, bytes: 8_388_608, piece: 1_536, depth: 4, shortest: 6 }
const VALUE = 'p4ss "W&rd"/é+x\\y?='
const NAMES = 'learned'

function learning(...values: readonly (string | Uint8Array)[]): Detection {
  const learned = new LearnedValues(KEY, BOUNDS)
  for (const value of values) learned.learn(Buffer.from(value))
  return new Detection({ detectors: new Set(), patterns: [], learned })
}

const ENCODED: Readonly<Record<string, (value: Buffer) => string>> = {
  'as it is': (value) => value.toString('latin1'),
  'in base64': (value) => value.toString('base64'),
  'in base64 behind one byte': (value) => Buffer.concat([Buffer.from('a'), value]).toString('base64'),
  'in base64 behind two bytes': (value) => Buffer.concat([Buffer.from('ab'), value]).toString('base64'),
  'in base64url': (value) => value.toString('base64url'),
  'in base64url behind one byte': (value) => Buffer.concat([Buffer.from('a'), value]).toString('base64url'),
  'in base64url behind two bytes': (value) => Buffer.concat([Buffer.from('ab'), value]).toString('base64url'),
  'in hexadecimal digits': (value) => value.toString('hex'),
  'in capital hexadecimal digits': (value) => value.toString('hex').toUpperCase(),
  'in JSON': (value) => Buffer.from(JSON.stringify(value.toString())).toString('latin1'),
  "in Go's JSON": (value) => Buffer.from(JSON.stringify(value.toString()).replace('&', '\\u0026')).toString('latin1'),
  'in ASCII JSON': (value) => JSON.stringify(value.toString()).replace('é', '\\u00e9').replace('/', '\\/'),
  'in a URL': (value) => encodeURIComponent(value.toString()),
  'in a form': (value) => encodeURIComponent(value.toString()).replaceAll('%20', '+').toLowerCase(),
}

for (const [how, encode] of Object.entries(ENCODED)) {
  test(`a learned value is masked ${how}, under any cut`, () => {
    const value = how === 'in a form' ? VALUE.toLowerCase() : VALUE
    const encoded = encode(Buffer.from(value))
    const { text, rules, count } = maskAnyCut(learning(value), `before ${encoded} after`)
    assert.match(text, /^before .*(~mask~|\/mask\+).* after$/)
    assert.equal(rules, NAMES)
    assert.equal(count, 1)
    const kept = encoded.replace(/[^"=]/g, '').length
    const shown = [...text.slice(7, -6)].filter((character, at) => character === encoded[at]).length
    assert.ok(shown <= kept + 6, text)
  })
}
