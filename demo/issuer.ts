// A development OIDC issuer: serves its discovery document and its public key over HTTPS on loopback, and signs tokens
// for whomever the demo names. It has no login: tokens are made in this process and cannot be asked for over the network.

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface IssuerOptions {
  /** The server's certificate chain and key, PEM. */
  readonly cert: string
  readonly key: string
}

export interface TokenOptions {
  readonly subject: string
  readonly groups: readonly string[]
  readonly audience: string
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** The agent that acts for the subject (`act`, RFC 8693 section 4.1). */
  readonly actor?: string
}

export interface Issuer {
  /** "https://127.0.0.1:PORT", the tokens' `iss`. */
  readonly url: string
  token(options: TokenOptions): Promise<string>
  close(): Promise<void>
}

const ALGORITHM = 'ES256'

/** Starts on a free port of 127.0.0.1, with a fresh key. */
export async function startIssuer({ cert, key }: IssuerOptions): Promise<Issuer> {
  const keys = await generateKeyPair(ALGORITHM)
  const jwk = await exportJWK(keys.publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  const server = createServer({ cert, key })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const documents: ReadonlyMap<string, string> = new Map([
    ['/.well-known/openid-configuration', JSON.stringify(configuration(url))],
    ['/jwks', JSON.stringify({ keys: [{ ...jwk, kid, alg: ALGORITHM, use: 'sig' }] })],
  ])
  server.on('request', (request, response) => {
    const document = request.method === 'GET' ? documents.get(request.url ?? '') : undefined
    response.statusCode = document === undefined ? 404 : 200
    response.setHeader('Content-Type', 'application/json')
    response.end(document ?? '{}')
  })
  return {
    url,
    token: ({ subject, groups, audience, expiresAt, actor }) =>
      new SignJWT({ groups, ...(actor === undefined ? {} : { act: { sub: actor } }) })
        .setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' })
        .setIssuer(url)
        .setSubject(subject)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(expiresAt)
        .sign(keys.privateKey),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What OpenID Connect Discovery 1.0 section 3 requires. */
function configuration(url: string): Record<string, unknown> {
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    jwks_uri: `${url}/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [ALGORITHM],
  }
}
