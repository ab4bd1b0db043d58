// Compressed answers: whatever comes is refused, or inflates to what Node's own zlib makes of it, in any cut.

import assert from 'node:assert/strict'
import { gunzipSync, gzipSync } from 'node:zlib'
import { GzipBody } from '../../../protocols/gzip/body.ts'
import { GzipError } from '../../../protocols/gzip/errors.ts'
import type { BodyRewriter } from '../../../protocols/kube/field-masker.ts'
import { limits } from '../../../protocols/limits.ts'
import { cut } from '../../support/cut.ts'
import { choice, lengths } from '../machine.ts'
import type { Target } from '../target.ts'

const passing: BodyRewriter = { receive: (bytes) => bytes, end: () => new Uint8Array(0) }

/** What the body is: as it came, or members made of it, as they are or with an octet of them changed. */
const MODES = 4
const PARTS = 3

const target: Target = {
  words: [
    gzipSync(''), gzipSync('a'), gzipSync('{"items":[{}]}', { level: 0 }), gzipSync('a'.repeat(300)), Uint8Array.of(0x1f, 0x8b, 8, 0),
    Uint8Array.of(0, 0, 0xff, 0xff), Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(1, 4, 0, 0xfb, 0xff),
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [form, rest] = choice(input)
    const mode = form % MODES
    const body = mode === 0 ? rest : members(rest, form, mode === 1)
    const whole = read([body])
    assert.deepEqual(read(cut(body, lengths(input))), whole, 'a cut changes what comes out')
    if (whole.rule !== '') return [whole.rule]
    if (body.length === 0) return ['nothing']
    assert.deepEqual(whole.bytes, gunzipSync(body))
    return [`inflated, ${mode}`]
  },
}

export default target

function members(text: Uint8Array, form: number, isSound: boolean): Uint8Array {
  const size = Math.ceil(text.length / PARTS) + 1
  const parts = Array.from({ length: PARTS }, (_, at) => text.subarray(at * size, (at + 1) * size))
  const body = Buffer.concat(parts.map((part, at) => gzipSync(part, { level: (form + at) % 10 })))
  if (!isSound) body[(form * 7 + text.length) % body.length] = text[0] ?? 0
  return body
}

function read(chunks: readonly Uint8Array[]): { bytes: Buffer; rule: string } {
  const body = new GzipBody(passing, limits.mask)
  const out: Buffer[] = []
  try {
    for (const chunk of chunks) out.push(Buffer.from(body.receive(chunk)))
    out.push(Buffer.from(body.end()))
  } catch (error) {
    if (!(error instanceof GzipError)) throw error
    return { bytes: Buffer.alloc(0), rule: error.rule }
  }
  return { bytes: Buffer.concat(out), rule: '' }
}
