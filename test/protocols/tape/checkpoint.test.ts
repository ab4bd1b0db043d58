import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import {
  formatVerifierKey,
  openCheckpoint,
  parseVerifierKey,
  readCheckpoint,
  signCheckpoint,
  verifierKey,
} from '../../../protocols/tape/checkpoint.ts'
import { decodeLeaf, encodeLeaf } from '../../../protocols/tape/leaf.ts'
import { MsgpackWriter } from '../../../protocols/tape/msgpack-writer.ts'

/** Any 32 bytes are an Ed25519 key; PKCS#8 of RFC 8410 section 7 around them. */
const privateKeyOf = (seed: number) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  })
const privateKey = privateKeyOf(1)
const key = verifierKey(createPublicKey(privateKey))
const root = new Uint8Array(32).fill(5)
const note = signCheckpoint(42, root, key, privateKey)

test('a note is origin, size, root, an empty line and a signature', () => {
  const [origin, size, encoded, empty, signature, end] = note.split('\n')
  assert.equal(origin, key.name)
  assert.equal(size, '42')
  assert.equal(encoded, Buffer.from(root).toString('base64'))
  assert.equal(empty, '')
  assert.ok(signature?.startsWith(`— ${key.name} `))
  assert.equal(end, '')
})

test('a note opens with its key', () => {
  assert.deepEqual(openCheckpoint(note, key), { origin: key.name, size: 42, root })
})

test('a note with a cosignature of somebody else opens with its key', () => {
  const other = Buffer.alloc(68, 3).toString('base64')
  assert.equal(openCheckpoint(`${note}— witness.example/w1 ${other}\n`, key).size, 42)
})

const size = (from: string, to: string): string => note.replace(from, to)
const refused: readonly (readonly [string, string, string])[] = [
  ['another size', size('\n42\n', '\n43\n'), 'tape.checkpoint.signature'],
  ['a size with a zero in front', size('\n42\n', '\n042\n'), 'tape.checkpoint.body'],
  [
    'another root',
    size(Buffer.from(root).toString('base64'), Buffer.alloc(32).toString('base64')),
    'tape.checkpoint.signature',
  ],
  ['a root in bad base64', size('=\n', '\n'), 'tape.checkpoint.body'],
  ['a line more', size('\n\n', '\nmore\n\n'), 'tape.checkpoint.body'],
  [
    'another log',
    signCheckpoint(42, root, verifierKey(createPublicKey(privateKeyOf(2))), privateKeyOf(2)),
    'tape.checkpoint.origin',
  ],
  [
    'no signature',
    `${note.slice(0, note.indexOf('\n\n'))}\n\n— a ${Buffer.alloc(68).toString('base64')}\n`,
    'tape.checkpoint.unsigned',
  ],
  [
    'a signature of another key under our name',
    signCheckpoint(42, root, key, privateKeyOf(2)),
    'tape.checkpoint.signature',
  ],
  ['a line that is no signature', `${note}hello\n`, 'tape.checkpoint.line'],
  ['no line end', note.slice(0, -1), 'tape.checkpoint.form'],
  ['nothing', '', 'tape.checkpoint.form'],
  ['a megabyte', `${'a'.repeat(1_000_000)}\n\n`, 'tape.checkpoint.form'],
]
for (const [name, text, rule] of refused) {
  test(`refused: ${name}`, () => assert.throws(() => openCheckpoint(text, key), { rule }))
}

test('what a note says can be read without a key', () => {
  assert.equal(readCheckpoint(size('\n42\n', '\n43\n')).size, 43)
})

test("a verifier key is in C2SP's form: the one of golang.org/x/mod/sumdb/note is read as there", () => {
  const text = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const peter = parseVerifierKey(text)
  assert.equal(peter.name, 'PeterNeumann')
  assert.equal(formatVerifierKey(peter), text)
  assert.deepEqual(parseVerifierKey(`${formatVerifierKey(key)}\n`), key)
})

test('a verifier key whose id is not its own is refused', () => {
  const text = 'PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  for (const bad of [text, '', 'a+b+c', text.replace('+AR', '+AB')]) {
    assert.throws(() => parseVerifierKey(bad), { rule: 'tape.checkpoint.key' })
  }
})

test('a leaf reads back as it was, and nothing else is a leaf', () => {
  const leaf = { type: 'seal', tape: '01KATAPE0000000000000000A1', entries: 7, head: root, micros: 1.7e15 } as const
  assert.deepEqual(decodeLeaf(encodeLeaf(leaf)), leaf)
  const { type, tape, entries, head, micros } = leaf
  const others: readonly unknown[] = [
    ['end', tape, entries, head, micros],
    [type, 'x', entries, head, micros],
    [type, tape, 0, head, micros],
    [type, tape, entries, head.subarray(1), micros],
    [type, tape, entries, head, 'now'],
    [type, tape, entries, head],
  ]
  for (const value of others) {
    const bytes = new MsgpackWriter(2).begin().value(value).written.slice()
    assert.throws(() => decodeLeaf(bytes), { protocol: 'tape' })
  }
})
