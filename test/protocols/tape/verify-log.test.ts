import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { signCheckpoint, verifierKey } from '../../../protocols/tape/checkpoint.ts'
import { encodeLeaf, type Leaf, type LeafType } from '../../../protocols/tape/leaf.ts'
import { leafHash, rootOf } from '../../../protocols/tape/merkle.ts'
import { type LogReport, verifyLog } from '../../../protocols/tape/verify-log.ts'

const A = '01KATAPE0000000000000000A1'
const B = '01KATAPE0000000000000000B1'
const { privateKey } = generateKeyPairSync('ed25519')
const key = verifierKey(createPublicKey(privateKey))

const leaf = (type: LeafType, tape: string, entries: number): Leaf => ({
  type,
  tape,
  entries,
  head: new Uint8Array(32).fill(entries),
  micros: 1,
})
const log = [leaf('open', A, 1), leaf('open', B, 1), leaf('head', A, 5), leaf('seal', B, 3), leaf('seal', A, 9)]
const leaves = log.map(encodeLeaf)
const at = (size: number, of = leaves): { source: string; note: string } => ({
  source: `witness at ${size}`,
  note: signCheckpoint(size, rootOf(of.slice(0, size).map(leafHash)), key, privateKey),
})
const faults = (report: LogReport): readonly string[] => report.problems.map(({ fault, where }) => `${fault}: ${where}`)

test('a log under its checkpoints is without fault, and gives the leaves of each tape', () => {
  const report = verifyLog(leaves, [at(5), at(0), at(3)], key)
  assert.deepEqual(report.problems, [])
  assert.equal(report.size, 5)
  assert.equal(report.signed, 5)
  assert.deepEqual(report.tapes.get(A), [log[0], log[2], log[4]])
  assert.deepEqual(report.tapes.get(B), [log[1], log[3]])
})

test('leaves behind the last checkpoint are there, and not signed', () => {
  const report = verifyLog(leaves, [at(3)], key)
  assert.deepEqual(report.problems, [])
  assert.equal(report.signed, 3)
})

test('a log that is shorter than a checkpoint was rolled back', () => {
  assert.deepEqual(faults(verifyLog(leaves.slice(0, 4), [at(3), at(5)], key)), ['rolled back: witness at 5'])
  assert.deepEqual(faults(verifyLog([], [at(5)], key)), ['rolled back: witness at 5'])
})

test('a log in which a leaf was changed, removed or put elsewhere is another one', () => {
  const changed = leaves.with(1, encodeLeaf(leaf('open', B, 2)))
  const swapped = leaves.with(1, leaves[2]!).with(2, leaves[1]!)
  assert.deepEqual(faults(verifyLog(changed, [at(5)], key)), ['forked: witness at 5'])
  assert.deepEqual(faults(verifyLog(swapped, [at(1), at(5)], key)), ['forked: witness at 5'])
  assert.ok(faults(verifyLog([...leaves.slice(1), leaves[0]!], [at(5)], key)).includes('forked: witness at 5'))
})

test('a forged checkpoint vouches for nothing', () => {
  const other = generateKeyPairSync('ed25519').privateKey
  const forged = { source: 'store', note: signCheckpoint(5, rootOf(leaves.map(leafHash)), key, other) }
  const report = verifyLog(leaves, [forged, { source: 'file', note: 'hello' }], key)
  assert.deepEqual(faults(report), ['unsigned: store', 'unsigned: file'])
  assert.equal(report.signed, 0)
})

test('without a key only roots are compared', () => {
  assert.deepEqual(verifyLog(leaves, [at(5)]).problems, [])
  assert.deepEqual(faults(verifyLog(leaves.slice(1), [at(3)])).at(-1), 'forked: witness at 3')
})

test('leaves that contradict one another are told, also under a good signature', () => {
  const cases: readonly (readonly [Leaf[], string])[] = [
    [[leaf('head', A, 2)], 'leaf: leaf 0'],
    [[leaf('open', A, 1), leaf('open', A, 2)], 'leaf: leaf 1'],
    [[leaf('open', A, 1), leaf('seal', A, 2), leaf('head', A, 3)], 'leaf: leaf 2'],
    [[leaf('open', A, 1), leaf('head', A, 5), leaf('seal', A, 4)], 'leaf: leaf 2'],
  ]
  for (const [list, fault] of cases) {
    const bytes = list.map(encodeLeaf)
    assert.deepEqual(faults(verifyLog(bytes, [at(bytes.length, bytes)], key)), [fault])
  }
})

test('a leaf that cannot be read is told, and hides no other', () => {
  const bytes = [leaves[0]!, Uint8Array.of(1, 2, 3), leaves[2]!]
  const report = verifyLog(bytes, [at(3, bytes)], key)
  assert.deepEqual(faults(report), ['leaf: leaf 1'])
  assert.equal(report.tapes.get(A)?.length, 2)
})
