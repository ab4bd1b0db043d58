import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MaskedChannels } from '../../../gateway/stream/masked-channels.ts'
import { MASK, MemoryRecorder, SECRET, wordMask } from './session.ts'

test('pieces of a channel in which something is masked are kept as they were, with their place, and before they pass', () => {
  for (const [isExempt, toClient] of [
    [false, true],
    [true, true],
    [false, false],
  ] as const) {
    // biome-ignore format: pairs
    const recorder = new MemoryRecorder()
    const seal = (bytes: Uint8Array): Uint8Array => Buffer.from(`sealed(${Buffer.from(bytes)})`)
    const channels = new MaskedChannels({ ...wordMask({ isExempt }), seal }, recorder, false)
    channels.leadTo({ release: () => undefined })
    const channel = channels.open(1, 1, toClient)
    for (const text of ['before ', `a ${SECRET} b`, ' behind ', SECRET]) channel.receive(Buffer.from(text))
    channels.end(channel)
    assert.equal(recorder.text(1), `before a ${MASK} b behind ${MASK}`)
    assert.deepEqual(recorder.originals, [
      { channel: 1, at: 7, length: 4 + SECRET.length, text: `sealed(a ${SECRET} b)` },
      { channel: 1, at: 19 + SECRET.length, length: SECRET.length, text: `sealed(${SECRET})` },
    ])
  }
})
