// Field blocks that our decoder takes, hpack.js takes for the same; and what our encoder writes of them as well.

import assert from 'node:assert/strict'
import { HpackDecoder } from '../../../protocols/hpack/decoder.ts'
import { HpackEncoder } from '../../../protocols/hpack/encoder.ts'
import { HpackError } from '../../../protocols/hpack/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { PeerHpackDecoder } from '../hpack-reading.ts'
import { HTTP2_FIELDS } from '../http2-frames.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'
import { blocks } from './hpack.ts'

const HPACK = { ...limits.hpack, tableSize: 128 }

const target: Target = {
  words: HTTP2_FIELDS,
  run: (input) => {
    const [tableSize, rest] = choice(input)
    const decoder = new HpackDecoder(HPACK)
    const peer = new PeerHpackDecoder(HPACK.tableSize)
    const encoder = new HpackEncoder(HPACK)
    encoder.setTableSize(tableSize)
    const reader = new PeerHpackDecoder(limits.hpack.encoderTableSize)
    const said: string[] = []
    for (const block of blocks(rest)) {
      const fields = decodeOr(decoder, block)
      if (typeof fields === 'string') return [...said, fields]
      assert.deepEqual(peer.decode(block), fields)
      assert.deepEqual(reader.decode(encoder.encode(fields)), fields)
      said.push(`${fields.length / 2} fields`)
    }
    return said
  },
}

export default target

/** The fields, or the rule that the block breaks. */
function decodeOr(decoder: HpackDecoder, block: Uint8Array): readonly string[] | string {
  try {
    return decoder.decode(block) ?? 'too large'
  } catch (error) {
    if (error instanceof HpackError) return error.rule
    throw error
  }
}
