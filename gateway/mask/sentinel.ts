// What stands in place of a masked value: a word that shows that the value has changed, and nothing else; and whether a
// text has such a word in it, in the forms that it can come back in.

import { hash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { MaskedObject } from '../../protocols/kube/field-masker.ts'

/** Every sentinel begins with it; 24 characters of an HMAC in base64url follow. */
export const SENTINEL = 'sallyport-masked-'

const KEY_BYTES = 32
const MAC_BYTES = 18

/** The key of this gateway's sentinels, made where there is none: the same over restarts, so that a watch sees no change. */
export function sentinelKey(file: string): Uint8Array {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(file, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' })
  }
  const key = readFileSync(file)
  if (key.length !== KEY_BYTES)
    throw new Error(`${file} is no key of ${KEY_BYTES} bytes; restore it, or remove it for a new one`)
  return key
}

/** HMAC-SHA256 over uid, field and value, each with its length before it: equal values in two places look different. */
export function sentinelOf(key: Uint8Array, object: MaskedObject, path: string, value: Uint8Array): string {
  const most = BLOCK + 12 + 3 * (object.uid.length + path.length) + value.length
  const message = most > scratch.length ? Buffer.allocUnsafe(most) : scratch
  let at = BLOCK
  for (const text of [object.uid, path]) {
    const length = message.write(text, at + 4)
    at = message.writeUInt32BE(length, at) + length
  }
  at = message.writeUInt32BE(value.length, at)
  message.set(value, at)
  return SENTINEL + hmac(key, message.subarray(0, at + value.length))
}

const BLOCK = 64
/** Most values are shorter: they cost no memory of their own. */
const scratch = Buffer.alloc(8_192)
const outer = Buffer.alloc(BLOCK + 32)

/**
 * RFC 2104 by two one-shot hashes: an Hmac object for each value costs, with its end in the collection of garbage, as much as
 * all else about masking it. The message stands behind the room of a block; the key is not longer than that.
 */
function hmac(key: Uint8Array, message: Buffer): string {
  message.fill(0x36, 0, BLOCK)
  outer.fill(0x5c, 0, BLOCK)
  for (let at = 0; at < key.length; at += 1) {
    message[at] = 0x36 ^ (key[at] as number)
    outer[at] = 0x5c ^ (key[at] as number)
  }
  outer.write(hash('sha256', message, 'binary'), BLOCK, 'latin1')
  return hash('sha256', outer, 'base64url').slice(0, (MAC_BYTES * 4) / 3)
}

/** The prefix, and what of it shows in base64 at each of the three places that it can have in a group of three bytes. */
const FORMS: readonly string[] = [
  SENTINEL,
  ...[0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(SENTINEL)]).toString('base64')
    const whole = Math.floor(((shift + SENTINEL.length) * 8) / 6)
    return text.slice(shift === 0 ? 0 : shift + 1, whole)
  }),
]

export function hasSentinel(text: string): boolean {
  return FORMS.some((form) => text.includes(form))
}

export function bytesHaveSentinel(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return FORMS.some((form) => buffer.includes(form, 0, 'latin1'))
}
