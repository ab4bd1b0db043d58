// MessagePack: what is read has the meaning that another reader gives it, and is written and read again as the same.

import assert from 'node:assert/strict'
import { decode } from '@msgpack/msgpack'
import { limits } from '../../../protocols/limits.ts'
import { TapeError } from '../../../protocols/tape/errors.ts'
import { readMsgpack } from '../../../protocols/tape/msgpack-reader.ts'
import { MsgpackWriter } from '../../../protocols/tape/msgpack-writer.ts'
import type { Target } from '../target.ts'

const { depth } = limits.tape

const target: Target = {
  words: ['\x81\xa1a', '\x92', '\xc4\x02', '\xd9\x01', '\xdc\x00\x10', '\xde\x00\x01', '\xcf', '\xcb', '\xa9__proto__'],
  run: (input) => {
    let value: unknown
    try {
      value = readMsgpack(new Uint8Array(input), depth)
    } catch (error) {
      if (error instanceof TapeError) return [error.rule]
      throw error
    }
    // Its binary values are views of a plain array, as ours are of what they were given.
    assert.deepEqual(value, decode(new Uint8Array(input)))
    // Not `value` itself: -0 is written as 0.
    const written = write(value)
    assert.deepEqual(write(readMsgpack(written, depth)), written)
    return [typeof value]
  },
}

export default target

function write(value: unknown): Uint8Array {
  return new MsgpackWriter(depth).begin().value(value, 0).written
}
