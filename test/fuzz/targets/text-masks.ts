// Streams that are masked by detectors, patterns and learned values: whatever comes goes out as long as it was, the original as it
// came, and masked alike however it was cut, in terminals too; a flush holds nothing back.

import assert from 'node:assert/strict'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import type { Shown } from '../../../protocols/kube/text-masker.ts'
import { cut } from '../../support/cut.ts'
import { choice, lengths } from '../machine.ts'
import type { Target } from '../target.ts'

/** Byte by byte, a text costs as many looks as it has bytes; two values and what is between them fit in it. */
const LONGEST_TEXT = 384
const BOUNDS = { values: 64, bytes: 4_194_304, piece: 64, depth: 4, shortest: 6 }
const MIXED = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD'
const VALUES = ['S3cr3t-Value!9', 'two\nl1nes-of\ttext', MIXED.repeat(5), '"q\\uote7']

const learned = new LearnedValues(Buffer.alloc(32, 9), BOUNDS)
for (const value of VALUES) learned.learn(Buffer.from(value))
const patterns = [{ name: 'acme', pattern: 'ACME-([0-9]{4,8})', keywords: ['ACME-'] }]
const maskers = new Detection({ detectors: new Set(DETECTORS.keys()), patterns, learned })

const target: Target = {
  words: [
    ...VALUES, ...VALUES.map((value) => Buffer.from(value).toString('base64')), ...VALUES.map((value) => JSON.stringify(value)),
    '-----BEGIN PRIVATE KEY-----\n', '-----END PRIVATE KEY-----', 'Proc-Type: 4,ENCRYPTED\n', 'password=', '"token": "', 'hunter22 ',
    'Authorization: Bearer ', 'Basic dXNlcjpwYXNz ', 'postgres://a:b3c4d5@h/', 'ghp_', MIXED, 'AKIAIOSFODNN7EXAMPLE', 'ya29.', 'k8s-aws-v1.',
    'eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.', 'client-key-data: ', 'AccountKey=', 'a8Q~', 'ACME-12345', '- name: PASSWORD\n  value: ', '\\n', '\\r',
    '\r\n', '\\', '\\u00e9', '"', '\x1b[1;31m', '\x1b]0;', '\x07', '\x1b\\', 'LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t', '~mask~', '/mask+',
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [form, rest] = choice(input)
    const text = rest.subarray(0, LONGEST_TEXT)
    const terminal = (form & 1) === 1
    const whole = read([text], terminal, false)
    assert.equal(whole.original, Buffer.from(text).toString('latin1'), 'the original is another')
    assert.deepEqual(read(cut(text, lengths(input)), terminal, false), whole, 'a cut changes what comes out')
    const flushed = read(cut(text, lengths(input)), terminal, true)
    assert.equal(flushed.original, whole.original, 'a flush changes the original')
    return [`${terminal ? 'terminal' : 'stream'}: ${whole.rules}`, `${Math.min(whole.count, 8)} masks`]
  },
}

export default target

interface Read {
  readonly original: string
  readonly masked: string
  readonly rules: string
  readonly count: number
}

function read(chunks: readonly Uint8Array[], terminal: boolean, isFlushed: boolean): Read {
  const masker = maskers.masker({ terminal })
  const original: string[] = []
  const masked: string[] = []
  const take = (shown: Shown): void => {
    assert.equal(shown.original.length, shown.masked.length, 'a mask of another length')
    original.push(Buffer.from(shown.original).toString('latin1'))
    masked.push(Buffer.from(shown.masked).toString('latin1'))
  }
  for (const chunk of chunks) {
    const lent = Uint8Array.from(chunk)
    take(masker.receive(lent))
    lent.fill(0xa5)
    if (!isFlushed) continue
    take(masker.flush())
    assert.equal(masker.held, 0, 'held behind a flush')
  }
  take(masker.end())
  assert.equal(masker.held, 0, 'held behind the end')
  return { original: original.join(''), masked: masked.join(''), rules: '', count: 0, ...masker.taken() }
}
