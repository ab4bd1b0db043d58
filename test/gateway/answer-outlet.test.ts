// What is recorded of an answer on its way to the client: what waits for the disk, and who waits for the client.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEAD, scene } from './answer-scene.ts'

test('under strict nothing passes before it is on disk', async () => {
  const { answer, did, turn, flush } = scene('strict')
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('ab'))
  await turn()
  assert.deepEqual(did, ['tape response', 'tape ab', 'pause'])
  await flush()
  assert.deepEqual(did.slice(3), ['pass 200', 'pass ab', 'resume'])
  answer.onEnd([])
  await flush()
  assert.deepEqual(did.slice(6), ['tape whole', 'pass end', 'ended 200'])
})

test('a client that goes while the end of a whole answer waits for the disk ends it once', async () => {
  const { answer, did, flush } = scene('strict')
  answer.onResponse(HEAD)
  answer.onData(Buffer.from('ab'))
  answer.onEnd([])
  answer.gone()
  await flush()
  assert.deepEqual(did, [
    'tape response',
    'tape ab',
    'pause',
    'tape whole',
    'ended 200 client gone',
    'cancel',
    'tape note',
    'abort',
  ])
})

test('a slow client and a store that is behind pause the cluster until both go on', () => {
  const { answer, did, state, settled } = scene('group')
  answer.onResponse(HEAD)
  state.flowing = false
  state.congested = true
  answer.onData(Buffer.from('ab'))
  assert.deepEqual(did.slice(2), ['tape ab', 'pass ab', 'pause'])
  answer.drained()
  assert.equal(did.includes('resume'), false)
  state.congested = false
  settled()
  assert.equal(did.at(-1), 'resume')
})
