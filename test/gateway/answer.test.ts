// The cluster's answer on its way to the client: what is taped before it passes, and what happens when the client, the
// cluster or the tape goes in the middle of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Meter } from '../../gateway/budget.ts'
import { refuse } from '../../gateway/decision.ts'
import type { AnswerMask } from '../../gateway/mask/answer-mask.ts'
import { WatchEvents } from '../../gateway/mask/watch-events.ts'
import { UpstreamFailed } from '../../gateway/upstream/upstream.ts'
import { JsonError } from '../../protocols/json/errors.ts'
import { HEAD, plain, scene } from './answer-scene.ts'

const FAILED = new UpstreamFailed(502, 'upstream.closed', 'the cluster went away')

test('under group each piece is taped, then passes at once', () => {
  const { answer, did } = scene('group')
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('ab'))
  answer.onEnd([])
  assert.deepEqual(did, ['tape response', 'pass 200', 'tape ab', 'pass ab', 'tape whole', 'pass end', 'ended 200'])
})

test('trailers are on the tape before they pass, and those of one hop do not', () => {
  const { answer, did } = scene('group')
  answer.onResponse(HEAD)
  answer.onEnd(['Set-Cookie', 'a=b'])
  assert.deepEqual(did, ['tape response', 'pass 200', 'tape whole', 'pass end', 'ended 200'])
  const other = scene('group')
  other.answer.onResponse(HEAD)
  other.answer.onEnd(['X-Sum', 'abc'])
  assert.deepEqual(other.did, ['tape response', 'pass 200', 'tape whole', 'tape note', 'pass end', 'ended 200'])
})

test('a cluster that fails before its answer is said; with the tape gone as well, that nothing can be recorded', () => {
  const recorded = scene('group')
  recorded.answer.onFailed(FAILED)
  assert.deepEqual(recorded.did, ['ended 0 upstream.closed', 'failed upstream.closed'])
  const lost = scene('group')
  lost.state.taken = false
  lost.answer.onFailed(FAILED)
  assert.deepEqual(lost.did, ['ended 0 upstream.closed', 'unrecorded'])
})

test('a cluster that fails in its answer breaks it off, visibly', () => {
  const { answer, did } = scene('group')
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('ab'))
  answer.onFailed(FAILED)
  assert.deepEqual(did.slice(4), ['ended 200 cluster gone', 'cancel', 'tape broken', 'tape note', 'abort'])
})

test('a tape that fails lets nothing more pass', () => {
  const begun = scene('group')
  begun.answer.onResponse(HEAD)
  begun.state.taken = false
  begun.answer.onData(Buffer.from('ab'))
  begun.answer.onData(Buffer.from('cd'))
  assert.deepEqual(begun.did, ['tape response', 'pass 200', 'ended 200 tape failed', 'cancel', 'abort'])
  const fresh = scene('group', false)
  fresh.answer.onResponse(HEAD)
  assert.deepEqual(fresh.did, ['ended 0 tape failed', 'cancel', 'unrecorded'])
})

test('a token that ends breaks a streaming answer off, and the tape says why', () => {
  const { answer, did } = scene('group')
  assert.equal(answer.deadline, 1_000)
  answer.onResponse(HEAD)
  answer.expired()
  answer.onData(Buffer.from('late'))
  assert.deepEqual(did.slice(2), ['ended 200 token expired', 'cancel', 'tape broken', 'tape note', 'abort'])
})

/** Lets nothing go before its end, in capitals; for an exempt caller as it came. */
function masked(isExempt: boolean, isStream = false): AnswerMask {
  const form = (change: (text: string) => string) => {
    let held = ''
    return {
      receive(bytes: Uint8Array) {
        held += Buffer.from(bytes)
        if (held.includes('bad')) throw new JsonError('json.value', 'bad')
        return new Uint8Array(0)
      },
      end: () => Buffer.from(change(held)),
    }
  }
  return plain({
    taped: form((text) => text.toUpperCase()),
    ...(isExempt ? { passed: form((text) => text), passedText: 'none' } : {}),
    events: isStream ? new WatchEvents(false) : undefined,
  })
}

test('a masked answer is taped and passes masked, its head with the first of it', () => {
  const { answer, did } = scene('group', true, masked(false))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('a'))
  answer.onData(Buffer.from('b'))
  assert.deepEqual(did, [])
  answer.onEnd([])
  assert.deepEqual(did, ['tape response', 'pass 200 of 2', 'tape AB', 'pass AB', 'tape whole', 'pass end', 'ended 200'])
})

test('an exempt caller gets the answer as it came, and the tape has it masked', () => {
  const { answer, did } = scene('group', true, masked(true))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('ab'))
  answer.onEnd([])
  assert.deepEqual(did, ['tape response', 'pass 200 of 2', 'tape AB', 'pass ab', 'tape whole', 'pass end', 'ended 200'])
})

test('an answer that turns out not to be maskable is a 502 before it has begun, and broken off after', () => {
  const before = scene('group', true, masked(false))
  before.answer.onResponse(HEAD)
  before.answer.onData(Buffer.from('bad'))
  assert.deepEqual(before.did, ['cancel', 'ended 0 json.value', 'failed json.value'])
  const after = scene('group', true, masked(false, true))
  after.answer.onResponse(HEAD)
  after.answer.onData(Buffer.from('bad'))
  assert.deepEqual(after.did, [
    'tape response',
    'pass 200',
    'cancel',
    'ended 200 json.value',
    'cancel',
    'tape broken',
    'tape note',
    'abort',
  ])
})

test('an answer in a form that cannot be masked is a 502', () => {
  const { answer, did } = scene('group', true, refuse(502, 'BadGateway', 'mask.unreadable_answer', 'no'))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('secret'))
  answer.onEnd([])
  assert.deepEqual(did, ['cancel', 'ended 0 mask.unreadable_answer', 'failed mask.unreadable_answer'])
})

const OVER = refuse(403, 'Forbidden', 'budgets.b', 'budget b is spent')

function meter(parts: Partial<Meter>): Meter {
  return { answered: () => undefined, passes: () => undefined, streams: () => undefined, ...parts }
}

test('an answer that a budget has no room for does not begin', () => {
  const { answer, did } = scene('group', true, undefined, meter({ answered: () => OVER }))
  answer.onResponse(HEAD)
  assert.deepEqual(did, ['cancel', 'ended 0 budgets.b', 'refused budgets.b'])
})

test('the piece that a budget has no room for is neither taped nor passed, and the tape says why the answer ends', () => {
  const left = [5]
  const { answer, did } = scene('group', true, undefined, meter({ passes: () => (left.pop() ? undefined : OVER) }))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('ab'))
  answer.onData(Buffer.from('cd'))
  answer.onData(Buffer.from('ef'))
  answer.onEnd([])
  assert.deepEqual(did.slice(0, 5), ['tape response', 'pass 200', 'tape ab', 'pass ab', 'cancel'])
  assert.deepEqual(did.slice(5), ['ended 200 budgets.b', 'cancel', 'tape broken', 'tape note', 'tape note', 'abort'])
})

test('text is masked on its way, what may be the beginning of a word is held until it is known, and the tape is told first', () => {
  const { answer, did } = scene('group', true, plain())
  answer.onResponse({ ...HEAD, fields: ['Content-Length', '12', 'Warning', '299 - "hunter2"'] })
  answer.onData(Buffer.from('ab hun'))
  answer.onData(Buffer.from('ter2 cd'))
  answer.onEnd([])
  assert.deepEqual(did, [
    'tape response',
    'pass 200 of 12',
    'tape ab ',
    'pass ab ',
    'tape masked',
    'tape ~~~~~~~ cd',
    'pass ~~~~~~~ cd',
    'tape whole',
    'pass end',
    'ended 200',
  ])
})

test('what is held passes after two looks without a byte', () => {
  const { answer, did } = scene('group', true, plain({ passedText: 'none' }))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('x hunt'))
  assert.equal(answer.lull(), true)
  answer.onData(Buffer.from('er'))
  assert.equal(answer.lull(), true)
  assert.deepEqual(did.slice(2), ['tape x ', 'pass x '])
  assert.equal(answer.lull(), false)
  assert.deepEqual(did.slice(4), ['tape hunter', 'pass hunter'])
  answer.gone()
  assert.equal(answer.lull(), false)
})

test('what an exempt caller gets waits for its masked form to be on the tape', () => {
  const through = (change: (text: string) => string) => ({
    receive: (bytes: Uint8Array) => Buffer.from(change(Buffer.from(bytes).toString())),
    end: () => new Uint8Array(0),
  })
  const parts = { taped: through((text) => text.replace('original', 'mask')), passed: through((text) => text) }
  const { answer, did } = scene('group', true, plain({ ...parts, passedText: 'none' }))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('original hunt'))
  assert.deepEqual(did, ['tape response', 'pass 200', 'tape mask '])
  answer.onData(Buffer.from('er2 z'))
  answer.onEnd([])
  assert.deepEqual(did.slice(3, 7), ['tape masked', 'tape ~~~~~~~ z', 'pass original hunter2 z', 'tape whole'])
})

test('behind a whole event nothing is held', () => {
  const { answer, did } = scene('group', true, plain({ events: new WatchEvents(false) }))
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('{"a":"hun'))
  answer.onData(Buffer.from('x h'))
  assert.deepEqual(did.slice(2), ['tape {"a":"', 'pass {"a":"', 'tape hunx ', 'pass hunx '])
})
