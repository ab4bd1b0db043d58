import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { before, test } from 'node:test'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK } from 'jose'
import { Authenticator } from '../../../gateway/authn/authenticator.ts'
import { limits } from '../../../protocols/limits.ts'
import { type Claims, Desk, FakeIssuer, issuerConfig, NOW } from './support.ts'

let issuer: FakeIssuer
let desk: Desk
before(async () => {
  issuer = await FakeIssuer.make()
  desk = new Desk(issuer.get)
})

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

test('a token becomes a principal with prefixed names', async () => {
  const principal = await desk.ask(
    await issuer.token({ groups: ['dev', 'ops', 'dev'], act: { sub: 'claude', act: { sub: 'earlier' } } }),
  )
  assert.deepEqual(principal, {
    user: 'oidc:ann',
    groups: ['oidc:dev', 'oidc:ops'],
    actor: 'claude',
    issuer: 'https://issuer',
    expiresAt: NOW + 3_600_000,
  })
  assert.ok(Object.isFrozen(principal))
})

for (const algorithm of ['RS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  test(`a token signed by ${algorithm} is accepted`, async () => {
    const own = await FakeIssuer.make('https://issuer', algorithm)
    assert.equal(await new Desk(own.get).outcome(await own.token()), 'oidc:ann')
  })
}

/** Claims by what becomes of them. */
const CLAIMS: readonly (readonly [string, Claims, string])[] = [
  ['one group as a string', { groups: 'dev' }, 'oidc:ann'],
  ['an audience among several', { aud: ['x', 'sallyport'] }, 'oidc:ann'],
  ['the other audience', { aud: 'other-name' }, 'oidc:ann'],
  ['an authorised party that is another client', { aud: ['sallyport'], azp: 'cli' }, 'oidc:ann'],
  ['times with a fraction', { exp: NOW / 1_000 + 0.5, nbf: NOW / 1_000 - 0.5 }, 'oidc:ann'],
  ['a start within the clock’s skew', { nbf: NOW / 1_000 + 10, iat: NOW / 1_000 + 10 }, 'oidc:ann'],
  ['a start past the clock’s skew', { nbf: NOW / 1_000 + 11 }, '401 authn.not_yet'],
  ['an issue past the clock’s skew', { iat: NOW / 1_000 + 11 }, '401 authn.not_yet'],
  ['an end that is now', { exp: NOW / 1_000 }, '401 authn.expired'],
  ['an end in the past', { exp: NOW / 1_000 - 1 }, '401 authn.expired'],
  ['no end', { exp: undefined }, '401 authn.time'],
  ['an end as a string', { exp: String(NOW / 1_000 + 60) }, '401 authn.time'],
  ['an end beyond all time', { exp: 1e308 }, '401 authn.time'],
  ['an end in milliseconds', { exp: NOW + 60_000 }, '401 authn.time'],
  ['a negative end', { exp: -1 }, '401 authn.time'],
  ['a start as a string', { nbf: '0' }, '401 authn.time'],
  ['an issue that is null', { iat: null }, '401 authn.time'],
  ['another audience', { aud: 'elsewhere' }, '401 authn.audience'],
  ['an audience that begins alike', { aud: 'sallyport2' }, '401 authn.audience'],
  ['no audience', { aud: undefined }, '401 authn.audience'],
  ['an empty list of audiences', { aud: [] }, '401 authn.audience'],
  ['an audience in a list in a list', { aud: [['sallyport']] }, '401 authn.audience'],
  ['another issuer', { iss: 'https://evil' }, '401 authn.issuer'],
  ['the issuer with a slash', { iss: 'https://issuer/' }, '401 authn.issuer'],
  ['no issuer', { iss: undefined }, '401 authn.issuer'],
  ['an issuer in a list', { iss: ['https://issuer'] }, '401 authn.issuer'],
  ['an issuer that is a property of every object', { iss: '__proto__' }, '401 authn.issuer'],
  ['no user', { sub: undefined }, '401 authn.username'],
  ['an empty user', { sub: '' }, '401 authn.username'],
  ['a user that is a number', { sub: 7 }, '401 authn.username'],
  ['a user that is a list', { sub: ['ann'] }, '401 authn.username'],
  ['a user with a line break', { sub: 'ann\nImpersonate-Group: system:masters' }, '401 authn.name'],
  ['a user with a space at its end', { sub: 'ann ' }, '401 authn.name'],
  ['a user with half a surrogate pair', { sub: 'ann\ud800' }, '401 authn.name'],
  ['a user with a line separator', { sub: 'ann\u2028x' }, '401 authn.name'],
  ['groups that are a map', { groups: { dev: true } }, '401 authn.groups'],
  ['groups that hold a number', { groups: ['dev', 1] }, '401 authn.groups'],
  ['groups that hold an empty name', { groups: [''] }, '401 authn.groups'],
  ['groups that are null', { groups: null }, '401 authn.groups'],
  ['a group with a NUL', { groups: ['dev\u0000'] }, '401 authn.name'],
  ['an actor that is a string', { act: 'claude' }, '401 authn.actor'],
  ['an actor without a name', { act: {} }, '401 authn.actor'],
  ['an actor that is null', { act: null }, '401 authn.actor'],
  ['an actor with a control character', { act: { sub: 'a\u0007' } }, '401 authn.name'],
]

for (const [what, claims, outcome] of CLAIMS) {
  test(`${what}: ${outcome}`, async () => assert.equal(await desk.outcome(await issuer.token(claims)), outcome))
}

test('users and groups of Kubernetes’ own are refused, in any case, prefixed or mapped from any claim', async () => {
  const bare = new Desk(issuer.get, { jwt: [issuerConfig('https://issuer', '')] })
  assert.equal(await bare.outcome(await issuer.token({ sub: 'system:admin' })), '401 authn.system_name')
  assert.equal(await bare.outcome(await issuer.token({ sub: 'SYSTEM:admin' })), '401 authn.system_name')
  assert.equal(await bare.outcome(await issuer.token({ groups: ['dev', 'system:masters'] })), '401 authn.system_name')
  const joined = new Desk(issuer.get, { jwt: [issuerConfig('https://issuer', 'sys')] })
  assert.equal(await joined.outcome(await issuer.token({ sub: 'tem:admin' })), '401 authn.system_name')
  assert.equal(await desk.outcome(await issuer.token({ sub: 'system:admin' })), 'oidc:system:admin')
})

test('an address is a user only if it is verified', async () => {
  const config = issuerConfig('https://issuer')
  const mail = new Desk(issuer.get, {
    jwt: [{ ...config, claimMappings: { username: { claim: 'email', prefix: '' } } }],
  })
  const outcome = async (claims: Claims) => mail.outcome(await issuer.token({ email: 'ann@x', ...claims }))
  assert.equal(await outcome({ email_verified: true }), 'ann@x')
  for (const odd of [false, undefined, 'true', 1])
    assert.equal(await outcome({ email_verified: odd }), '401 authn.email')
})

test('a claim that is a property of every object is not the token’s', async () => {
  const config = issuerConfig('https://issuer')
  const odd = new Desk(issuer.get, {
    jwt: [{ ...config, claimMappings: { username: { claim: 'constructor', prefix: '' } } }],
  })
  assert.equal(await odd.outcome(await issuer.token()), '401 authn.username')
})

/** Headers by what becomes of them. */
const HEADERS: readonly (readonly [string, Claims, string])[] = [
  ['no type', { typ: undefined }, 'oidc:ann'],
  ['an access token', { typ: 'at+jwt' }, 'oidc:ann'],
  ['a type in capitals', { typ: 'application/AT+JWT' }, 'oidc:ann'],
  ['a logout token', { typ: 'logout+jwt' }, '401 authn.type'],
  ['a DPoP proof', { typ: 'dpop+jwt' }, '401 authn.type'],
  ['a type that is a list', { typ: ['JWT'] }, '401 authn.type'],
  ['a key id that is a path', { kid: '../../etc/passwd' }, '401 authn.signature'],
  ['a key id that is a property of every object', { kid: '__proto__' }, '401 authn.signature'],
  ['a key in the header', { jwk: { kty: 'oct', k: 'AA' }, x5u: 'https://evil', jku: 'https://evil/jwks' }, 'oidc:ann'],
]

for (const [what, header, outcome] of HEADERS) {
  test(`${what} in the header: ${outcome}`, async () => {
    assert.equal(await desk.outcome(await issuer.token({}, header)), outcome)
  })
}

test('what the header demands and the gateway does not know is refused', async () => {
  const [, claims, signature] = (await issuer.token()).split('.')
  const forged = (header: unknown) => desk.outcome(`${part(header)}.${claims}.${signature}`)
  assert.equal(await forged({ alg: 'ES256', kid: 'k1', crit: ['exp'], exp: 1 }), '401 authn.critical')
  assert.equal(await forged({ alg: 'ES256', kid: 'k1', crit: ['b64'], b64: false }), '401 authn.critical')
  assert.equal(await forged({ alg: 'ES256', kid: 'k1', crit: [] }), '401 authn.critical')
  assert.equal(await forged({ alg: 'ES256', kid: 7 }), '401 authn.key_id')
})

test('tokens without a signature, or with one by a secret, are refused', async () => {
  const [, claims] = (await issuer.token()).split('.')
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'HS256', ['ES256'], null]) {
    const outcome = await desk.outcome(`${part({ alg, kid: 'k1' })}.${claims}.${part('x')}`)
    assert.equal(outcome, '401 authn.algorithm', String(alg))
  }
  assert.equal(await desk.outcome(`${part({ alg: 'none' })}.${claims}.`), '401 authn.form')
})

test('a public key is never a shared secret', async () => {
  const own = await FakeIssuer.make('https://issuer', 'RS256')
  const victim = new Desk(own.get)
  assert.equal(await victim.outcome(await own.token()), 'oidc:ann')
  const [, claims] = (await own.token({ sub: 'admin' })).split('.')
  const key = (await importJWK(own.keys[0] as JWK, 'RS256', { extractable: true })) as Parameters<typeof exportSPKI>[0]
  const pem = await exportSPKI(key)
  for (const secret of [pem, pem.trim(), `\n${pem}`, JSON.stringify(own.keys[0])]) {
    const signed = `${part({ alg: 'HS256', kid: 'k1' })}.${claims}`
    const mac = createHmac('sha256', secret).update(signed).digest('base64url')
    assert.equal(await victim.outcome(`${signed}.${mac}`), '401 authn.algorithm')
  }
})

test('a secret among the issuer’s keys verifies nothing, nor does a key of another curve or a short one', async () => {
  const own = await FakeIssuer.make()
  const token = await own.token()
  const other = await exportJWK((await generateKeyPair('ES384', { extractable: true })).publicKey)
  own.publish([
    { kty: 'oct', k: 'AAAA', kid: 'k1' },
    { ...other, kid: 'k1' },
  ])
  assert.equal(await new Desk(own.get).outcome(token), '401 authn.signature')

  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 })
  own.publish([{ ...(short.publicKey.export({ format: 'jwk' }) as JWK), kid: 'k1', alg: 'RS256' }])
  const [, claims] = token.split('.')
  const head = `${part({ alg: 'RS256', kid: 'k1' })}.${claims}`
  const signature = sign('sha256', Buffer.from(head), short.privateKey).toString('base64url')
  assert.equal(await new Desk(own.get).outcome(`${head}.${signature}`), '401 authn.signature')
})

test('a changed, cut, foreign or all-zero signature is refused', async () => {
  const token = await issuer.token({ sub: 'mallory' })
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const bytes = Buffer.from(signature, 'base64url')
  bytes[10] = (bytes[10] as number) ^ 1
  const stranger = await FakeIssuer.make()
  const forgeries = [
    `${header}.${claims}.${bytes.toString('base64url')}`,
    `${header}.${claims}.${signature.slice(0, -4)}`,
    `${header}.${claims}.${Buffer.alloc(64).toString('base64url')}`,
    `${header}.${part({ iss: 'https://issuer', aud: 'sallyport', sub: 'admin', exp: NOW })}.${signature}`,
    await stranger.token(),
  ]
  for (const forged of forgeries) assert.equal(await desk.outcome(forged), '401 authn.signature')
})

test('what is not a signed JWT is refused before anything is decoded', async () => {
  const [header, claims, signature] = (await issuer.token()).split('.') as [string, string, string]
  const odd = [
    'x',
    `${header}.${claims}`,
    `${header}.${claims}.${signature}.`,
    `${header}.${claims}.${signature}.x.y`,
    '.'.repeat(5_000),
    `${header}.${claims}.`,
    `${header}.${claims}~.${signature}`,
    `${header}.${claims}+.${signature}`,
  ]
  for (const token of odd) assert.equal(await desk.outcome(token), '401 authn.form', token.slice(0, 20))
  assert.equal(await desk.outcome('x'.repeat(limits.gateway.token + 1)), '401 authn.length')
  assert.equal(await desk.outcome('x'.repeat(60_000)), '401 authn.length')
})

test('JSON that readers take apart is refused, though the issuer signed it', async () => {
  const [, , signature] = (await issuer.token()).split('.')
  const header = part({ alg: 'ES256', kid: 'k1' })
  const odd = [
    '{"iss":"https://issuer","sub":"ann","sub":"admin"}',
    '{"iss":"https://evil","\\u0069ss":"https://issuer"}',
    '{"iss":"https://issuer","act":{"sub":"a","sub":"b"}}',
    '["https://issuer"]',
    '"x"',
    'null',
    '{',
    '\ufeff{"iss":"https://issuer"}',
  ]
  for (const text of odd)
    assert.equal(await desk.outcome(`${header}.${part(text)}.${signature}`), '401 authn.json', text)
  const notUtf8 = Buffer.from([...Buffer.from('{"iss":"'), 0xff, ...Buffer.from('"}')]).toString('base64url')
  assert.equal(await desk.outcome(`${header}.${notUtf8}.${signature}`), '401 authn.json')
})

test('a request has exactly one credential, and it is a bearer token', async () => {
  const token = await issuer.token()
  const rule = async (fields: string[], subprotocol?: string) => {
    const answer = await desk.authenticator.authenticate(fields, subprotocol)
    return 'status' in answer ? `${answer.status} ${answer.reason} ${answer.rule}` : answer.user
  }
  assert.equal(await rule(['aUTHORIZATION', `bEARER   ${token}`]), 'oidc:ann')
  assert.equal(await rule([], token), 'oidc:ann')
  assert.equal(await rule([]), '401 Unauthorized authn.missing')
  assert.equal(await rule(['Authorization', '']), '401 Unauthorized authn.scheme')
  assert.equal(await rule(['Authorization', 'Basic YTpi']), '401 Unauthorized authn.scheme')
  assert.equal(await rule(['Authorization', `Bearer ${token}, Bearer ${token}`]), '401 Unauthorized authn.scheme')
  assert.equal(await rule(['Authorization', `Bearer ${token} x`]), '401 Unauthorized authn.scheme')
  assert.equal(await rule(['Authorization', token]), '401 Unauthorized authn.scheme')
  const bearer = ['Authorization', `Bearer ${token}`]
  assert.equal(await rule([...bearer, ...bearer]), '401 Unauthorized authn.repeated')
  assert.equal(await rule(bearer, token), '401 Unauthorized authn.repeated')
})

test('no refusal repeats anything of the token', async () => {
  const tokens = [
    await issuer.token({ sub: 'secret-name\n' }),
    await issuer.token({ iss: 'secret-name' }),
    await issuer.token({ groups: ['secret-name', 1] }),
    'secret-name',
  ]
  for (const token of tokens) {
    const answer = await desk.ask(token)
    assert.ok('status' in answer)
    assert.doesNotMatch(answer.message, /secret-name/)
  }
})

test('a verified token is answered at once, until it ends', async () => {
  const own = new Desk(issuer.get)
  const fields = ['Authorization', `Bearer ${await issuer.token()}`]
  const first = own.authenticator.authenticate(fields, undefined)
  assert.ok(first instanceof Promise)
  const principal = await first
  assert.equal(own.authenticator.authenticate(fields, undefined), principal)
  own.now = NOW + 3_600_000 - 1
  assert.equal(own.authenticator.authenticate(fields, undefined), principal)
  own.now = NOW + 3_600_000
  const late = own.authenticator.authenticate(fields, undefined)
  assert.ok('status' in late && late.rule === 'authn.expired')
  const again = await own.authenticator.authenticate(fields, undefined)
  assert.ok('status' in again && again.rule === 'authn.expired')
})

test('tokens that differ in their last character alone are never one another’s', async () => {
  const own = new Desk(issuer.get)
  const token = await issuer.token()
  assert.equal(await own.outcome(token), 'oidc:ann')
  // The last character of 64 bytes in base64url has spare bits, so that these decode to the same signature.
  for (const last of 'AQgw') {
    const answer = own.authenticator.authenticate(['Authorization', `Bearer ${token.slice(0, -1)}${last}`], undefined)
    if (!token.endsWith(last)) assert.ok(answer instanceof Promise, 'answered from memory')
    await answer
  }
})

test('two issuers with the same sub are two users, and neither signs for the other', async () => {
  const one = await FakeIssuer.make('https://one')
  const two = await FakeIssuer.make('https://two')
  const both = new Desk((url, ca) => (url.startsWith('https://one') ? one.get(url, ca) : two.get(url, ca)), {
    jwt: [issuerConfig('https://one', 'one:'), issuerConfig('https://two', 'two:')],
  })
  assert.equal(await both.outcome(await one.token()), 'one:ann')
  assert.equal(await both.outcome(await two.token()), 'two:ann')
  assert.equal(await both.outcome(await one.token({ iss: 'https://two' })), '401 authn.signature')
})

test('an authority file without a certificate is refused at the start', async () => {
  const config = issuerConfig('https://issuer')
  const issuerWithFile = { ...config.issuer, certificateAuthorityFile: import.meta.filename }
  assert.throws(
    () => new Authenticator({ jwt: [{ ...config, issuer: issuerWithFile }] }, { now: () => NOW }),
    /holds no certificate in PEM/,
  )
})
