import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { limits } from '../../../protocols/limits.ts'
import { Desk, FakeIssuer, issuerConfig } from './support.ts'

const MINUTE = 60_000

test('nothing is fetched before the first token, and then once for all who wait', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  assert.deepEqual(issuer.fetched, [])
  assert.deepEqual(desk.authenticator.issuersDown, [])
  const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => issuer.token({ sub })))
  assert.deepEqual(await Promise.all(tokens.map((token) => desk.outcome(token))), ['oidc:a', 'oidc:b', 'oidc:c'])
  assert.deepEqual(issuer.fetched, ['https://issuer/.well-known/openid-configuration', 'https://issuer/jwks'])
})

test('a token of an unknown issuer, or a misshapen one, makes nobody fetch anything', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  await desk.outcome(await issuer.token({ iss: 'https://evil' }))
  await desk.outcome('a.b.c')
  assert.deepEqual(issuer.fetched, [])
})

test('made-up key ids make the issuer be asked once a minute, and hold up nobody else', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  assert.equal(await desk.outcome(await issuer.token()), 'oidc:ann')
  const fetches = () => issuer.fetched.length / 2
  for (let at = 0; at < 50; at += 1) {
    assert.equal(await desk.outcome(await issuer.token({}, { kid: `made-up-${at}` })), '401 authn.signature')
  }
  assert.equal(fetches(), 1)
  desk.now += MINUTE
  for (let at = 0; at < 50; at += 1) await desk.outcome(await issuer.token({}, { kid: `again-${at}` }))
  assert.equal(fetches(), 2)
})

test('a new key of the issuer is found by the first token that it signed', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  assert.equal(await desk.outcome(await issuer.token()), 'oidc:ann')
  await issuer.rotate('k2')
  const token = await issuer.token()
  assert.equal(await desk.outcome(token), '401 authn.signature')
  desk.now += MINUTE
  assert.equal(await desk.outcome(token), 'oidc:ann')
})

test('a token whose key the issuer has withdrawn ends, also where it was verified before', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  const token = await issuer.token()
  assert.equal(await desk.outcome(token), 'oidc:ann')
  await issuer.rotate('k2')
  desk.now += limits.authn.keysMillis
  // The first to come after the keys came of age is still answered by the old ones, and has new ones fetched.
  assert.equal(await desk.outcome(token), 'oidc:ann')
  await new Promise(setImmediate)
  assert.equal(await desk.outcome(token), '401 authn.signature')
})

test('keys that have not changed leave what was verified in memory', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  const fields = ['Authorization', `Bearer ${await issuer.token()}`]
  await desk.authenticator.authenticate(fields, undefined)
  desk.now += limits.authn.keysMillis
  desk.authenticator.authenticate(fields, undefined)
  await new Promise(setImmediate)
  assert.equal(issuer.fetched.length, 4)
  assert.ok(!(desk.authenticator.authenticate(fields, undefined) instanceof Promise))
})

test('an issuer that is down: 503 and one try every two seconds; then, with keys at hand, no difference for a day', async () => {
  const issuer = await FakeIssuer.make()
  const desk = new Desk(issuer.get)
  const token = await issuer.token({ exp: desk.now / 1_000 + 10 * 86_400 })
  issuer.isDown = true
  for (let at = 0; at < 10; at += 1) assert.equal(await desk.outcome(token), '503 authn.issuer_down')
  assert.equal(issuer.fetched.length, 1)
  assert.deepEqual(desk.authenticator.issuersDown, ['https://issuer'])
  issuer.isDown = false
  desk.now += limits.authn.retryMillis
  assert.equal(await desk.outcome(token), 'oidc:ann')
  assert.deepEqual(desk.authenticator.issuersDown, [])

  issuer.isDown = true
  desk.now += limits.authn.keysStaleMillis - 1
  assert.equal(await desk.outcome(token), 'oidc:ann')
  await new Promise(setImmediate)
  assert.deepEqual(desk.authenticator.issuersDown, [])
  desk.now += limits.authn.retryMillis
  assert.equal(await desk.outcome(token), '503 authn.issuer_down')
  assert.deepEqual(desk.authenticator.issuersDown, ['https://issuer'])
})

test('a token that names no key is tried with those of its kind, a few of them', async () => {
  const issuer = await FakeIssuer.make()
  const own = issuer.keys
  const strangers = await Promise.all(
    Array.from({ length: limits.authn.keysTried }, async () =>
      exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey),
    ),
  )
  const token = await issuer.token({}, { kid: undefined })
  issuer.publish([...strangers.slice(1), ...own])
  assert.equal(await new Desk(issuer.get).outcome(token), 'oidc:ann')
  issuer.publish([...strangers, ...own])
  assert.equal(await new Desk(issuer.get).outcome(token), '401 authn.signature')
})

test('documents that are not the issuer’s own are not believed', async () => {
  const issuer = await FakeIssuer.make()
  const token = await issuer.token()
  const address = 'https://issuer/.well-known/openid-configuration'
  const keys = issuer.documents.get('https://issuer/jwks') as string
  const odd: readonly (readonly [string, string])[] = [
    [address, JSON.stringify({ issuer: 'https://issuer/', jwks_uri: 'https://issuer/jwks' })],
    [address, JSON.stringify({ jwks_uri: 'https://issuer/jwks' })],
    [address, JSON.stringify({ issuer: 'https://issuer', jwks_uri: 'http://issuer/jwks' })],
    [address, JSON.stringify({ issuer: 'https://issuer', jwks_uri: 7 })],
    [address, '{"issuer":"https://evil","issuer":"https://issuer","jwks_uri":"https://issuer/jwks"}'],
    [address, '<html>'],
    ['https://issuer/jwks', '[]'],
    ['https://issuer/jwks', '{"keys":{}}'],
    ['https://issuer/jwks', '{"keys":[7]}'],
    ['https://issuer/jwks', JSON.stringify({ keys: Array(limits.authn.keys + 1).fill(issuer.keys[0]) })],
  ]
  for (const [at, document] of odd) {
    issuer.publish(issuer.keys)
    issuer.documents.set(at, document)
    assert.equal(await new Desk(issuer.get).outcome(token), '503 authn.issuer_down', document.slice(0, 90))
  }
  issuer.publish(issuer.keys)
  issuer.documents.set('https://issuer/jwks', keys)
  assert.equal(await new Desk(issuer.get).outcome(token), 'oidc:ann')
})

test('discovery may stand elsewhere, but must be of the issuer', async () => {
  const issuer = await FakeIssuer.make()
  const config = issuerConfig('https://issuer')
  const elsewhere = { ...config, issuer: { ...config.issuer, discoveryURL: 'https://mirror/oidc' } }
  issuer.documents.set(
    'https://mirror/oidc',
    issuer.documents.get('https://issuer/.well-known/openid-configuration') as string,
  )
  const desk = new Desk(issuer.get, { jwt: [elsewhere] })
  assert.equal(await desk.outcome(await issuer.token()), 'oidc:ann')
  assert.deepEqual(issuer.fetched, ['https://mirror/oidc', 'https://issuer/jwks'])
})
