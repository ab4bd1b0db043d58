// Answers under any cut: the same comes out, for the tape and for the caller, and no byte for the caller before the tape has
// its masked form.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { AnswerMask } from '../../../gateway/mask/answer-mask.ts'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import { WatchEvents } from '../../../gateway/mask/watch-events.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

const rules = [{ name: 'r', resources: ['configmaps'], fields: ['data.a'], subjects: [{ actor: '*' }] }]
const document = maskingDocument.parse({ exempt: [{ group: 'keepers' }], rules })
const callers: Readonly<Record<string, Principal>> = {
  masked: { user: 'alice', groups: [], actor: 'bot', issuer: 'i', expiresAt: 0 },
  'not meant by a rule': { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 },
  exempt: { user: 'keeper', groups: ['keepers'], actor: '', issuer: 'i', expiresAt: 0 },
}

const b64 = (text: string) => Buffer.from(text).toString('base64')

/** Objects with a mark in each that no mask changes. */
const OBJECTS = Array.from({ length: 6 }, (_, at) => ({
  metadata: { name: `n${at}`, uid: `u${at}`, annotations: { note: `#${at} password=Xk29-fja8q${at}!` } },
  data: { a: b64(`val-ue-${at}-Zq81`), other: b64(`Kq7-plain-${at}-x`) },
}))

const BODIES = {
  list: ['?x=1', JSON.stringify({ kind: 'List', items: OBJECTS })],
  watch: ['?watch=1', OBJECTS.map((object) => `${JSON.stringify({ type: 'ADDED', object })}\n`).join('')],
} as const

function answerOf(target: string, caller: Principal, coding: string): AnswerMask {
  const attributes = requestInfo('GET', target, undefined)
  assert.ok('verb' in attributes)
  const masking = maskingOf(document, new Uint8Array(32), nothingLearned())
  const answer = masking
    .of('lab', caller, attributes)
    .answer(200, ['Content-Type', 'application/json', 'Content-Encoding', coding])
  assert.ok('receive' in answer)
  return answer
}

interface Run {
  readonly taped: string
  readonly passed: string
}

/** `flushes`: after which pieces nothing comes for a while. Marks for the caller never run ahead of the tape's. */
function run(answer: AnswerMask, body: Uint8Array, cuts: readonly number[], flushes: readonly number[]): Run {
  let taped = ''
  let passed = ''
  const took = (piece: { readonly taped: Uint8Array; readonly passed: Uint8Array }): void => {
    taped += Buffer.from(piece.taped)
    passed += Buffer.from(piece.passed)
    const seen = (text: string): number => text.match(/"uid"|"note"|"other"|"data"/g)?.length ?? 0
    assert.ok(seen(passed) <= seen(taped), 'the caller is ahead of the tape')
  }
  let at = 0
  for (const [index, length] of [...cuts, body.length].entries()) {
    if (at >= body.length) break
    const chunk = Buffer.from(body.subarray(at, at + length))
    took(answer.receive(chunk))
    chunk.fill(0x21)
    if (flushes.includes(index)) took(answer.flush())
    at += length
  }
  took(answer.end())
  return { taped, passed }
}

for (const [shape, [query, text]] of Object.entries(BODIES)) {
  for (const resource of ['secrets', 'configmaps', 'services']) {
    describe(`a ${shape} of ${resource}`, () => {
      for (const [who, caller] of Object.entries(callers)) {
        test(`to who is ${who} is the same under any cut`, () => {
          const target = `/api/v1/${resource}${query}`
          const body = Buffer.from(text)
          const whole = run(answerOf(target, caller, 'identity'), body, [], [])
          assert.equal(whole.passed === text, who === 'exempt')
          assert.doesNotMatch(whole.taped, /Xk29/)
          assert.equal(whole.taped.includes(b64('val-ue-0-Zq81')), resource === 'services')
          fc.assert(
            fc.property(
              fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 60 }),
              fc.array(fc.nat(60), { maxLength: 1 }),
              fc.boolean(),
              (cuts, flushes, zipped) => {
                const coding = zipped ? 'gzip' : 'identity'
                const got = run(answerOf(target, caller, coding), zipped ? gzipSync(body) : body, cuts, [])
                assert.deepEqual(got, whole)
                // What a flush lets go may be the beginning of something; all bytes still come, in order.
                const flushed = run(answerOf(target, caller, 'identity'), body, cuts, flushes)
                assert.equal(flushed.passed.length, whole.passed.length)
                assert.equal(flushed.taped.length, whole.taped.length)
              },
            ),
            { numRuns: 20 },
          )
        })
      }
    })
  }
}

test('events end where their framing says, however it is cut', () => {
  const framed = Buffer.from([0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 1, 9])
  const ends = new Set([7, 11, 16])
  for (let cut = 1; cut < framed.length; cut += 1) {
    const events = new WatchEvents(true)
    assert.equal(events.endsWith(framed.subarray(0, cut)), ends.has(cut), `${cut}`)
    assert.equal(events.endsWith(framed.subarray(cut)), true)
  }
  const json = new WatchEvents(false)
  assert.deepEqual([json.endsWith(Buffer.from('{}')), json.endsWith(Buffer.from('\n'))], [false, true])
})
