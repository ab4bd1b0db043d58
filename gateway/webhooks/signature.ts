// Signatures of the Standard Webhooks specification (https://www.standardwebhooks.com): HMAC-SHA256 over id, timestamp and
// body, each joined by a dot, in base64 behind "v1,". Whoever has the secret is believed, so comparisons take equally long.

import { createHmac, timingSafeEqual } from 'node:crypto'

const PREFIX = 'whsec_'
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The specification's: 24 to 64 random bytes. */
export const SECRET_BYTES = { least: 24, most: 64 } as const

/** What a signature is made of. `timestamp` in seconds since 1970, as it is written. */
export interface Signed {
  readonly id: string
  readonly timestamp: string
  readonly body: Uint8Array
}

/** "whsec_" and base64, or the bytes themselves as text; blanks around it do not count. Undefined: too short, too long, no base64. */
export function readSecret(text: string): Uint8Array | undefined {
  const written = text.trim()
  const isEncoded = written.startsWith(PREFIX)
  const encoded = written.slice(PREFIX.length)
  if (isEncoded && !BASE64.test(encoded)) return undefined
  const secret = isEncoded ? Buffer.from(encoded, 'base64') : Buffer.from(written)
  return secret.length < SECRET_BYTES.least || secret.length > SECRET_BYTES.most ? undefined : secret
}

/** "v1,…". */
export function sign(secret: Uint8Array, signed: Signed): string {
  return `v1,${digest(secret, signed).toString('base64')}`
}

/** `header`: signatures with blanks between them, as while a secret is being replaced; one that fits is enough. */
export function isSigned(secret: Uint8Array, signed: Signed, header: string): boolean {
  const expected = digest(secret, signed)
  let fits = false
  for (const one of header.split(' ', MOST_SIGNATURES)) {
    const [version, encoded = ''] = one.split(',', 2)
    if (version !== 'v1' || !BASE64.test(encoded)) continue
    const found = Buffer.from(encoded, 'base64')
    if (found.length === expected.length && timingSafeEqual(found, expected)) fits = true
  }
  return fits
}

const MOST_SIGNATURES = 8

function digest(secret: Uint8Array, { id, timestamp, body }: Signed): Buffer {
  return createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest()
}
