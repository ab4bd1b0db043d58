import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { AnswerRecord } from '../../gateway/answer-record.ts'
import type { Tape } from '../../gateway/tape/tape.ts'
import { plain } from './answer-scene.ts'

/** A record on a tape that keeps its entries. */
function recording(cap: number) {
  const entries: unknown[][] = []
  const tape = {
    append: (kind: string, body: object) => entries.push([kind, body]),
    body: (exchange: number, bytes: Uint8Array) => entries.push(['body', exchange, Buffer.from(bytes).toString()]),
    bodyEnd: (exchange: number, end: object) => entries.push(['end', exchange, end]),
  } as unknown as Tape
  return { record: new AnswerRecord(tape, 7, cap), entries }
}

function sumOf(text: string): object {
  return { length: text.length, sha256: createHash('sha256').update(text).digest() }
}

test('a body is kept up to its cap, and its sum is over all of it', () => {
  const { record, entries } = recording(5)
  const mask = plain()
  for (const piece of ['abc', 'def', 'ghi']) record.piece(mask, Buffer.from(piece))
  record.end(mask, [])
  assert.deepEqual(entries, [
    ['body', 7, 'abc'],
    ['body', 7, 'de'],
    ['end', 7, { ...sumOf('abcdefghi'), cut: true }],
  ])
})

test('credentials are taken out of the head and of trailers', () => {
  const { record, entries } = recording(5)
  record.head(200, ['Set-Cookie', 'a=b', 'X-Sum', '1'])
  record.end(plain(), ['Set-Cookie', 'a=b', 'X-Sum', '2'])
  const fields = ['Set-Cookie', '<redacted>', 'X-Sum', '1']
  assert.deepEqual(entries, [
    ['response', { exchange: 7, status: 200, fields, by: 'cluster' }],
    ['end', 7, { ...sumOf(''), cut: false }],
    ['note', { code: 'answer.trailers', text: 'Set-Cookie: <redacted>\nX-Sum: 2\n' }],
  ])
})

test('an answer that came whole and does not reach the client keeps its sum, and the tape says why', () => {
  const { record, entries } = recording(5)
  record.end(plain(), [])
  record.broken(undefined, 'client gone', '')
  record.broken(undefined, 'budgets.b', 'budget b is spent')
  assert.deepEqual(entries, [
    ['end', 7, { ...sumOf(''), cut: false }],
    ['note', { code: 'answer.broken', text: 'client gone' }],
    ['note', { code: 'budgets.b', text: 'budget b is spent' }],
    ['note', { code: 'answer.broken', text: 'budgets.b' }],
  ])
})
