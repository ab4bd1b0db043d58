import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Issuer, startIssuer } from '../../demo/issuer.ts'
import { type PeerIdentity, peerIdentity } from '../support/peer-pki.ts'

let identity: PeerIdentity
let issuer: Issuer

before(async () => {
  identity = await peerIdentity()
  issuer = await startIssuer(identity)
})
after(() => issuer.close())

function fetchJson(url: string, method = 'GET'): Promise<{ status: number; json: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, ca: identity.ca, agent: false }, async (response) => {
      let text = ''
      for await (const piece of response) text += String(piece)
      resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as Record<string, unknown> })
    })
    asked.on('error', reject)
    asked.end()
  })
}

const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600

test('a token verifies with the key that discovery leads to', async () => {
  const configuration = await fetchJson(`${issuer.url}/.well-known/openid-configuration`)
  assert.equal(configuration.json.issuer, issuer.url)
  const keys = await fetchJson(String(configuration.json.jwks_uri))
  const token = await issuer.token({
    subject: 'alice',
    groups: ['developers'],
    audience: 'sallyport',
    expiresAt: inAnHour(),
  })
  const options = { issuer: issuer.url, audience: 'sallyport', algorithms: ['ES256'] }
  const { payload, protectedHeader } = await jwtVerify(
    token,
    createLocalJWKSet(keys.json as unknown as JSONWebKeySet),
    options,
  )
  assert.equal(payload.sub, 'alice')
  assert.deepEqual(payload.groups, ['developers'])
  assert.equal(payload.act, undefined)
  assert.ok(protectedHeader.kid)
})

test('an agent is the actor, and its user the subject', async () => {
  const keys = (await fetchJson(`${issuer.url}/jwks`)).json as unknown as JSONWebKeySet
  const token = await issuer.token({
    subject: 'alice',
    groups: [],
    audience: 'sallyport',
    expiresAt: inAnHour(),
    actor: 'claude-code',
  })
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys))
  assert.equal(payload.sub, 'alice')
  assert.deepEqual(payload.act, { sub: 'claude-code' })
})

test('the published key holds nothing private', async () => {
  const { json } = await fetchJson(`${issuer.url}/jwks`)
  const [key] = (json as unknown as JSONWebKeySet).keys
  assert.equal(key?.kty, 'EC')
  assert.ok(!('d' in (key ?? {})))
})

test('tokens cannot be asked for over the network', async () => {
  assert.equal((await fetchJson(`${issuer.url}/token`)).status, 404)
  assert.equal((await fetchJson(`${issuer.url}/jwks`, 'POST')).status, 404)
})
