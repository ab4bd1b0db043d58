// Three OIDC issuers on loopback whose keys sign, or fail to sign, whatever a playbook claims; the first one writes
// down what it is asked for.

import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { PeerIdentity } from '../support/peer-pki.ts'
import type { Signer, TokenSpec } from './playbook.ts'

const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const OTHER_CURVE = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const STRANGER = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const SECOND = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const THIRD = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 })

export class TokenMint {
  readonly url: string
  readonly second: string
  readonly third: string
  /** Paths that the first issuer was asked for, in order. */
  readonly asked: string[] = []
  readonly #servers: readonly Server[]

  private constructor(first: Server, second: Server, third: Server) {
    this.#servers = [first, second, third]
    this.url = urlOf(first)
    this.second = urlOf(second)
    this.third = urlOf(third)
    serve(first, this.url, [jwk(EC.publicKey, 'k1', 'ES256'), jwk(RSA.publicKey, 'r1', 'RS256')], this.asked)
    serve(second, this.second, [jwk(SECOND.publicKey, 'k1', 'ES256')], [])
    serve(third, this.third, [jwk(THIRD.publicKey, 'k1', 'ES256')], [])
  }

  static async open(peer: PeerIdentity): Promise<TokenMint> {
    const servers = [0, 1, 2].map(() => createServer({ key: peer.key, cert: peer.cert }).listen(0, '127.0.0.1'))
    await Promise.all(servers.map((server) => once(server, 'listening')))
    return new TokenMint(...(servers as [Server, Server, Server]))
  }

  /** `now`: milliseconds since 1970 on the gateway's clock. */
  token(spec: TokenSpec, now: number): string {
    if (spec.raw !== undefined) return spec.raw
    const signer = spec.signer ?? 'issuer'
    const seconds = Math.floor(now / 1_000)
    const claims = {
      iss: signer === 'second issuer' ? this.second : signer === 'issuer by email' ? this.third : this.url,
      aud: 'sallyport',
      sub: 'alice',
      groups: ['admins'],
      exp: seconds + (spec.expiresIn ?? 36_000),
      ...(spec.notBeforeIn === undefined ? {} : { nbf: seconds + spec.notBeforeIn }),
      ...spec.claims,
    }
    const rsa = signer === 'issuer rsa'
    const header = { alg: rsa ? 'RS256' : 'ES256', kid: rsa ? 'r1' : 'k1', typ: 'JWT', ...spec.header }
    const body = (spec.json ?? JSON.stringify(claims)).replaceAll('{{issuer}}', this.url)
    const content = `${part(spec.headerJson ?? JSON.stringify(header).replaceAll('{{issuer}}', this.url))}.${part(body)}`
    return `${content}.${signature(signer, Buffer.from(content)).toString('base64url')}`
  }

  close(): void {
    for (const server of this.#servers) {
      server.closeAllConnections()
      server.close()
    }
  }
}

function signature(signer: Signer, content: Buffer): Buffer {
  const ec = (key: KeyObject) => sign('sha256', content, { key, dsaEncoding: 'ieee-p1363' })
  const pem = EC.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  switch (signer) {
    case 'issuer':
      return ec(EC.privateKey)
    case 'issuer rsa':
      return sign('sha256', content, RSA.privateKey)
    case 'stranger':
      return ec(STRANGER.privateKey)
    case 'second issuer':
      return ec(SECOND.privateKey)
    case 'issuer by email':
      return ec(THIRD.privateKey)
    case 'other curve':
      return ec(OTHER_CURVE.privateKey)
    case 'nobody':
      return Buffer.alloc(0)
    case 'zeros':
      return Buffer.alloc(64)
    case 'hmac with pem':
      return createHmac('sha256', pem).update(content).digest()
    case 'hmac with spaced pem':
      return createHmac('sha256', ` ${pem}`).update(content).digest()
    case 'hmac with jwk':
      return createHmac('sha256', JSON.stringify(jwk(EC.publicKey, 'k1', 'ES256')))
        .update(content)
        .digest()
  }
}

function serve(server: Server, url: string, keys: readonly object[], asked: string[]): void {
  const documents = new Map([
    ['/.well-known/openid-configuration', JSON.stringify({ issuer: url, jwks_uri: `${url}/jwks` })],
    ['/jwks', JSON.stringify({ keys })],
  ])
  server.on('request', (request, response) => {
    asked.push(request.url ?? '')
    const document = documents.get(request.url ?? '')
    response.statusCode = document === undefined ? 404 : 200
    response.end(document ?? '{}')
  })
}

function jwk(key: KeyObject, kid: string, alg: string): object {
  return {
    ...createPublicKey(key.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' }),
    kid,
    alg,
    use: 'sig',
  }
}

function urlOf(server: Server): string {
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function part(text: string): string {
  return Buffer.from(text).toString('base64url')
}
