import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../protocols/limits.ts'
import { frame, readFrames } from '../../replay/entry-frames.ts'
import { DamagedTape } from '../../replay/stream-runs.ts'
import { cut } from '../support/cut.ts'
import { collect } from '../support/recording.ts'

async function* chunks(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  yield* cut(bytes, lengths)
}

const values = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(300).fill(9)]
const stream = Buffer.concat(values.map((value) => frame(value)))

async function read(lengths: readonly number[]) {
  const frames = await collect(readFrames(chunks(stream, lengths)))
  return frames.map((value) => new Uint8Array(value))
}

test('frames read back as they were written, however the stream is cut', async () => {
  for (let at = 1; at <= stream.length; at++) assert.deepEqual(await read([at, stream.length]), values)
  for (const lengths of [[1], [0, 3], [4, 1], [5, 100]]) assert.deepEqual(await read(lengths), values)
})

test('an empty stream has no frames', async () => {
  assert.deepEqual(await collect(readFrames(chunks(new Uint8Array(0), [1]))), [])
})

test('a stream that ends inside a frame is refused wherever it ends', async () => {
  const whole = new Set([4, 11, stream.length])
  for (let at = 1; at < stream.length; at++) {
    if (whole.has(at)) continue
    await assert.rejects(collect(readFrames(chunks(stream.subarray(0, at), [64]))), DamagedTape, `at ${at}`)
  }
})

test('a length above the cap is refused on the header', async () => {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, limits.tape.entry + 33)
  await assert.rejects(collect(readFrames(chunks(head, [4]))), DamagedTape)
})
