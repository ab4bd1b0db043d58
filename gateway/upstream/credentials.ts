// Turns a kubeconfig's user into the Authorization field of each request and the certificate of each connection. A token
// file is read again when it changes; what cannot be had refuses the request (503), it never goes without.

import { open, stat } from 'node:fs/promises'
import type { Fields } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import { ExecPlugin } from './exec-plugin.ts'
import { type ClientCertificate, type ClusterUser, isToken } from './kubeconfig.ts'
import { UpstreamFailed } from './upstream.ts'

/** The gateway's own credentials to one cluster. */
export interface Credentials {
  /** Field lines for the next request; none where the certificate says it all. Rejects with UpstreamFailed. */
  fields(): Promise<Fields>
  /** For the next connection. Changes identity only when the certificate changes. */
  readonly certificate: ClientCertificate | undefined
  /** The cluster answered 401: what is held may have been revoked. */
  refused(): void
  close(): void
}

/** The clock is in milliseconds since 1970. */
export function openCredentials(user: ClusterUser, now: () => number): Credentials {
  if (user.exec !== undefined) return new ExecPlugin(user.exec, now)
  if (user.tokenFile !== undefined) return new TokenFile(user.tokenFile, user.certificate, now)
  return new FixedCredentials(user.token === undefined ? [] : bearer(user.token), user.certificate)
}

export function bearer(token: string): Fields {
  return ['Authorization', `Bearer ${token}`]
}

class FixedCredentials implements Credentials {
  readonly certificate: ClientCertificate | undefined
  readonly #fields: Promise<Fields>

  constructor(fields: Fields, certificate: ClientCertificate | undefined) {
    this.certificate = certificate
    this.#fields = Promise.resolve(fields)
  }

  fields(): Promise<Fields> {
    return this.#fields
  }

  refused(): void {}

  close(): void {}
}

/** A token in a file that somebody else renews (a projected service account token). */
class TokenFile implements Credentials {
  readonly certificate: ClientCertificate | undefined
  readonly #path: string
  readonly #now: () => number
  #fields: Promise<Fields> | undefined
  #checkedAt = Number.NEGATIVE_INFINITY
  /** Inode, size and modification time of what was read: a symbolic link that was swapped shows in the inode. */
  #version = ''

  constructor(path: string, certificate: ClientCertificate | undefined, now: () => number) {
    this.#path = path
    this.certificate = certificate
    this.#now = now
  }

  fields(): Promise<Fields> {
    const now = this.#now()
    if (this.#fields === undefined || now - this.#checkedAt >= limits.gateway.tokenFileMillis) {
      this.#checkedAt = now
      // All that ask while it is read share one reading.
      this.#fields = this.#read(this.#fields)
    }
    return this.#fields
  }

  refused(): void {
    this.#version = ''
  }

  close(): void {}

  async #read(held: Promise<Fields> | undefined): Promise<Fields> {
    try {
      const { ino, size, mtimeMs } = await stat(this.#path)
      const version = `${ino} ${size} ${mtimeMs}`
      if (held !== undefined && version === this.#version) return await held
      const token = await readToken(this.#path)
      this.#version = version
      return bearer(token)
    } catch (cause) {
      this.#version = ''
      const message = 'the gateway cannot read its token for this cluster; its operator has to look at tokenFile'
      throw new UpstreamFailed(503, 'upstream.credentials', message, { cause })
    }
  }
}

async function readToken(path: string): Promise<string> {
  const file = await open(path)
  try {
    // One byte more than a token may have, and room for a line end.
    const buffer = Buffer.alloc(limits.gateway.token + 3)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    const token = buffer.toString('latin1', 0, bytesRead).trim()
    if (!isToken(token)) throw new Error('the file is empty, too long, or holds something other than a token')
    return token
  } finally {
    await file.close()
  }
}
