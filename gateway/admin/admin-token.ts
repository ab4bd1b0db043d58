// The bearer token of the admin API: 256 random bits in a file that only the gateway's user can read. Made on first
// start; a file that holds something else is refused rather than overwritten.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmod, readFile, writeFile } from 'node:fs/promises'

const TOKEN = /^[A-Za-z0-9_-]{43}$/

/** The token in the file, made if there is none. Throws Node's own errors, and Error for a file that holds no token. */
export async function adminToken(path: string): Promise<string> {
  try {
    await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  // A backup or a copy may have loosened it.
  await chmod(path, 0o600)
  const token = (await readFile(path, 'utf8')).trim()
  if (!TOKEN.test(token))
    throw new Error(`${path} does not hold an admin token; remove it and start again for a new one`)
  return token
}

/** Compares an Authorization field with the token, in time that does not depend on what was sent. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const sent = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(header ?? '')?.[1] ?? ''
  // Digests have one length, which timingSafeEqual requires, whatever was sent.
  return timingSafeEqual(digest(sent), digest(token))
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
