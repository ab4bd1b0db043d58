// Compressed field blocks, one behind the other on one table: each is read or refused, within the limits, and what was read
// is written by our encoder and read again as the same, whatever the table sizes.

import assert from 'node:assert/strict'
import { HpackDecoder } from '../../../protocols/hpack/decoder.ts'
import { HpackEncoder } from '../../../protocols/hpack/encoder.ts'
import { HpackError } from '../../../protocols/hpack/errors.ts'
import { HTTP2_FIELDS } from '../http2-frames.ts'
import { SMALL_LIMITS } from '../http2-streams.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'

/** Small, so that entries are soon evicted. */
const HPACK = { ...SMALL_LIMITS.hpack, tableSize: 128, encoderTableSize: 128 }
const OVERHEAD = 32

const target: Target = {
  words: HTTP2_FIELDS,
  run: (input) => {
    const [tableSize, rest] = choice(input)
    const decoder = new HpackDecoder(HPACK)
    const encoder = new HpackEncoder(HPACK)
    const again = new HpackDecoder(HPACK)
    encoder.setTableSize(tableSize)
    const said: string[] = []
    for (const block of blocks(rest)) {
      try {
        const lent = Buffer.from(block)
        const fields = decoder.decode(lent)
        lent.fill(0xa5)
        said.push(fields === undefined ? 'too large' : `${fields.length / 2} fields`)
        if (fields === undefined) continue
        const octets = fields.reduce((sum, text, at) => sum + text.length + (at % 2) * OVERHEAD, 0)
        assert.ok(fields.length <= 2 * HPACK.fieldCount && octets <= HPACK.fieldBytes)
        assert.deepEqual(again.decode(encoder.encode(fields)), fields)
      } catch (error) {
        if (!(error instanceof HpackError)) throw error
        return [...said, error.rule]
      }
    }
    return said
  },
}

export default target

/** Each begins with its length in one octet. */
export function blocks(input: Uint8Array): Uint8Array[] {
  const list: Uint8Array[] = []
  for (let at = 0; at < input.length; at += 1 + input[at]!) list.push(input.subarray(at + 1, at + 1 + input[at]!))
  return list
}
