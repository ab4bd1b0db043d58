import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainNext, type Stored } from '../../../protocols/tape/chain.ts'
import { encodeEntry } from '../../../protocols/tape/codec.ts'
import type { Leaf } from '../../../protocols/tape/leaf.ts'
import { type TapeFault, type TapeReport, verifyTape } from '../../../protocols/tape/verify.ts'
import { TAPE_ID } from '../../support/recording.ts'
import { chained, leavesOf, storedTape } from '../../support/stored-tape.ts'

const LENGTH = 7
const tape = storedTape(LENGTH)
const last = LENGTH - 1
const logged = leavesOf(tape, ['open', 1], ['head', 4], ['seal', LENGTH])

const verify = (entries: readonly Stored[], leaves: readonly Leaf[] | undefined = logged): TapeReport =>
  verifyTape(TAPE_ID, entries, leaves)

/** The first problem, which must be of integrity. */
function broken(
  entries: readonly Stored[],
  fault: TapeFault,
  seq: number,
  leaves: readonly Leaf[] | null = logged,
): void {
  const report = verify(entries, leaves ?? undefined)
  const { problems } = report
  assert.deepEqual({ fault: problems[0]?.fault, seq: problems[0]?.seq }, { fault, seq }, problems[0]?.message)
  assert.equal(problems[0]?.tape, TAPE_ID)
  assert.equal(report.integrity, 'broken')
}

const positions = Array.from({ length: LENGTH }, (_, seq) => seq)
const without = (seq: number): Stored[] => tape.filter((_, at) => at !== seq)
const replaced = (seq: number, stored: Stored): Stored[] => tape.map((entry, at) => (at === seq ? stored : entry))
const inserted = (seq: number, stored: Stored): Stored[] => [...tape.slice(0, seq), stored, ...tape.slice(seq)]
function forged(seq: number, micros = 1): Uint8Array {
  return encodeEntry(seq, micros, 'note', { code: 'forged', text: 'nothing happened' })
}

test('a sealed tape that the log has is intact and complete', () => {
  const report = verify(tape)
  assert.deepEqual(report, {
    tape: TAPE_ID,
    entries: LENGTH,
    sealed: 'closed',
    integrity: 'intact',
    completeness: 'complete',
    problems: [],
  })
})

test('without a log a tape can only speak for itself', () => {
  assert.equal(verifyTape(TAPE_ID, tape).completeness, 'sealed')
  assert.equal(verifyTape(TAPE_ID, tape.slice(0, 3)).completeness, 'unsealed')
})

test('a tape that is still written is open', () => {
  const report = verify(tape.slice(0, 5), logged.slice(0, 2))
  assert.equal(report.completeness, 'open')
  assert.equal(report.integrity, 'intact')
})

test('an entry whose bytes are changed is named, whichever bit it is', () => {
  for (const seq of positions) {
    const { bytes, hash } = tape[seq]!
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 0x01
      const { problems } = verify(replaced(seq, { bytes: changed, hash }))
      assert.equal(problems[0]?.seq, seq)
    }
  }
})

test('an entry that is replaced by another one of its number is named', () => {
  for (const seq of positions) broken(replaced(seq, { bytes: forged(seq), hash: tape[seq]!.hash }), 'changed', seq)
})

test('an entry whose hash is changed is named', () => {
  for (const seq of positions) {
    broken(replaced(seq, { bytes: tape[seq]!.bytes, hash: new Uint8Array(32) }), 'changed', seq)
  }
})

test('an entry that is removed is named', () => {
  for (const seq of positions.slice(0, -1)) {
    broken(without(seq), 'removed', seq)
    broken(without(seq), 'removed', seq, null)
  }
})

test('two entries that have changed places are named by the first', () => {
  for (const one of positions) {
    for (const other of positions.slice(one + 1)) {
      const swapped = tape.slice()
      swapped[one] = tape[other]!
      swapped[other] = tape[one]!
      broken(swapped, 'swapped', one)
    }
  }
})

test('two entries that have changed places without their hashes are named by the first', () => {
  for (const seq of positions.slice(0, -1)) {
    const swapped = tape.slice()
    swapped[seq] = { bytes: tape[seq + 1]!.bytes, hash: tape[seq]!.hash }
    swapped[seq + 1] = { bytes: tape[seq]!.bytes, hash: tape[seq + 1]!.hash }
    broken(swapped, 'swapped', seq)
  }
})

test('an entry that is inserted is named', () => {
  for (const seq of positions.slice(1)) {
    const { hash } = tape[seq - 1]!
    broken(inserted(seq, { bytes: forged(seq), hash: new Uint8Array(32) }), 'inserted', seq)
    broken(inserted(seq, { bytes: forged(seq), hash: chainNext(hash, forged(seq)) }), 'inserted', seq)
    broken(inserted(seq, tape[seq - 1]!), 'inserted', seq)
  }
})

test('an entry behind the seal is named', () => {
  broken([...tape, { bytes: forged(LENGTH), hash: chainNext(tape[last]!.hash, forged(LENGTH)) }], 'inserted', LENGTH)
  broken([...tape, tape[2]!], 'inserted', LENGTH)
})

test('a tail that is cut off is named by the first entry gone, and what is left is intact', () => {
  for (let length = 1; length < LENGTH; length++) {
    const report = verify(tape.slice(0, length))
    assert.equal(report.integrity, 'intact')
    assert.equal(report.completeness, 'incomplete')
    assert.deepEqual(
      report.problems.map(({ fault, seq }) => [fault, seq]),
      [['cut', length]],
    )
  }
})

test('a tape that is gone is missing, and one that the log does not know is told', () => {
  assert.deepEqual(
    verify([]).problems.map(({ fault }) => fault),
    ['missing'],
  )
  assert.deepEqual(
    verify(tape, []).problems.map(({ fault }) => fault),
    ['unlogged'],
  )
})

test('a chain that was made anew holds by itself, but not against the log', () => {
  const bytes = tape.map((entry) => entry.bytes)
  bytes[5] = forged(5)
  const rewritten = chained(bytes)
  assert.equal(verifyTape(TAPE_ID, rewritten).integrity, 'intact')
  // The log's head after four entries still holds, so it happened behind it.
  broken(rewritten, 'rewritten', 4)
})

test('a chain that was made anew and cut is both', () => {
  const bytes = tape.slice(0, 5).map((entry) => entry.bytes)
  bytes[1] = forged(1)
  assert.deepEqual(
    verify(chained(bytes)).problems.map(({ fault }) => fault),
    ['rewritten', 'cut'],
  )
})

test('a tape of another id, one with two openings, and one whose seal miscounts are changed', () => {
  assert.equal(verifyTape('01KATAPE0000000000000000B1', tape).problems[0]?.seq, 0)
  const twice = [tape[0]!.bytes, encodeEntry(1, 1, 'open', openBody()), tape[2]!.bytes]
  broken(chained(twice), 'changed', 1, null)
  broken(chained([tape[0]!.bytes, encodeEntry(1, 1, 'seal', { reason: 'closed', entries: 9 })]), 'changed', 1, null)
  const other = encodeEntry(0, 0, 'open', { ...openBody(), tape: '01KATAPE0000000000000000B1' })
  broken(chained([other]), 'changed', 0, null)
})

function openBody() {
  const common = { cluster: 'prod', client: '127.0.0.1:1', writer: 'sallyport/0.1.0' }
  return { format: 1, tape: TAPE_ID, kind: 'api', openedAt: 1, ...common } as const
}
