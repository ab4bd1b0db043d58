// Entries of a tape from anywhere: each is read as one or refused, written again as it means, and a tape of them is judged.

import assert from 'node:assert/strict'
import { chainNext, chainStart, type Stored } from '../../../protocols/tape/chain.ts'
import { decodeEntry, encodeEntry } from '../../../protocols/tape/codec.ts'
import type { Entry } from '../../../protocols/tape/entry.ts'
import { TapeError } from '../../../protocols/tape/errors.ts'
import { verifyTape } from '../../../protocols/tape/verify.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'

const TAPE = '01JD0000000000000000000000'
/** Stands between the entries of an input. No entry has to hold it, and one that does is two. */
const BETWEEN = Buffer.from('\n--\n')
/** The hash of one entry is wrong. */
const WRONG_HASH = 1

const target: Target = {
  words: [
    BETWEEN,
    '\xa4open',
    '\xa4seal',
    '\xa4note',
    '\xa6stream',
    '\xa7request',
    '\xa6reason',
    '\xa7entries',
    '\xa4runs',
  ],
  run: (input) => {
    const [form, rest] = choice(input)
    const pieces = split(Buffer.from(rest))
    const read = pieces.map(readEntry)
    const report = verifyTape(TAPE, chained(pieces, form))
    const isTape =
      (form & WRONG_HASH) === 0 && read.every((entry, seq) => typeof entry !== 'string' && entry.seq === seq)
    if (!isTape) assert.equal(report.integrity, 'broken')
    assert.equal(report.entries, pieces.length)
    const said = read.map((entry) => (typeof entry === 'string' ? entry : entry.kind))
    return [...new Set(said), report.completeness, ...report.problems.map((problem) => problem.message)]
  },
}

export default target

/** The entry, or the rule that it breaks. */
function readEntry(bytes: Buffer): Entry | string {
  let entry: Entry
  try {
    entry = decodeEntry(bytes)
  } catch (error) {
    if (error instanceof TapeError) return error.rule
    throw error
  }
  // Not the entry itself: -0 is written as 0, and another reader's order of keys as ours.
  const written = write(entry)
  assert.deepEqual(write(decodeEntry(written)), written)
  return entry
}

function chained(pieces: readonly Buffer[], form: number): Stored[] {
  let hash = chainStart(TAPE)
  return pieces.map((bytes, at) => {
    hash = chainNext(hash, bytes)
    const isWrong = (form & WRONG_HASH) !== 0 && at === (form >> 1) % pieces.length
    return { hash: isWrong ? chainStart('') : hash, bytes }
  })
}

function split(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  let start = 0
  for (let end = bytes.indexOf(BETWEEN); end !== -1; end = bytes.indexOf(BETWEEN, start)) {
    pieces.push(bytes.subarray(start, end))
    start = end + BETWEEN.length
  }
  return [...pieces, bytes.subarray(start)]
}

function write({ seq, micros, kind, body }: Entry): Uint8Array {
  return encodeEntry(seq, micros, kind, body)
}
