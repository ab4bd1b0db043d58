// Tokens that say who somebody is and should not be believed: no signature, somebody else's, the right one for another
// purpose, and names that Kubernetes keeps for itself. Each is sent as a bearer token to a whole gateway.

import { limits } from '../../../protocols/limits.ts'
import type { GatewayPlay, Playbook, TokenSpec } from '../playbook.ts'
import { answer, answered, forwarded, LIST, request } from '../scenes.ts'

function refused(name: string, token: TokenSpec, rule: string, issuer?: readonly string[]): GatewayPlay {
  return {
    against: 'gateway',
    name,
    tokens: { mallory: token },
    client: [request(LIST, [], '', 'mallory')],
    expect: {
      client: [{ answer: 401, rule }],
      cluster: 'nothing',
      tape: [answered(rule)],
      ...(issuer === undefined ? {} : { issuer }),
    },
  }
}

/** Believed, and by this name: what is odd about it changes nothing. */
function believed(name: string, token: TokenSpec): GatewayPlay {
  return {
    against: 'gateway',
    name,
    tokens: { mallory: token },
    client: [request(LIST, [], '', 'mallory')],
    cluster: [{ answer: answer('200 OK', [], 'ok') }],
    expect: {
      client: [{ answer: 200, body: 'ok' }],
      cluster: [forwarded(LIST)],
      tape: [answered('admins')],
      issuer: [],
    },
  }
}

const header = (fields: Readonly<Record<string, unknown>>): TokenSpec => ({ header: fields })
const claims = (fields: Readonly<Record<string, unknown>>): TokenSpec => ({ claims: fields })
const AS_RSA = { kid: 'r1', alg: 'RS256' }
/** A compressed JWE in shape: five parts. */
const JWE = `${Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF"}').toString('base64url')}.AA.AA.${'A'.repeat(4_000)}.AA`
const STRANGERS = 30
const VERIFIED = { email: 'alice@example.com', email_verified: true }

export const tokens: readonly Playbook[] = [
  {
    name: 'no signature',
    sources: ['CVE-2015-9235', 'RFC 8725 section 3.1'],
    why: 'A verifier that lets the token choose lets it choose none.',
    plays: [
      refused('alg none', { header: { alg: 'none' }, signer: 'nobody' }, 'authn.form'),
      refused('alg None with some signature', { header: { alg: 'None' } }, 'authn.algorithm'),
      refused('alg nOnE with some signature', { header: { alg: 'nOnE' } }, 'authn.algorithm'),
      refused('alg "" with some signature', { header: { alg: '' } }, 'authn.algorithm'),
      refused('alg that is a list', { header: { alg: ['ES256'] } }, 'authn.algorithm'),
      refused('the right alg and no signature', { signer: 'nobody' }, 'authn.form'),
    ],
  },
  {
    name: 'a public key taken for a secret',
    sources: ['CVE-2026-34950', 'CVE-2026-48526', 'CVE-2016-10555', 'RFC 8725 section 3.2'],
    why: 'With the issuer’s public key as HMAC secret anybody can sign for anybody.',
    plays: [
      refused('HS256 with its PEM', { header: { alg: 'HS256' }, signer: 'hmac with pem' }, 'authn.algorithm'),
      refused(
        'HS256 with its PEM behind a space',
        { header: { alg: 'HS256' }, signer: 'hmac with spaced pem' },
        'authn.algorithm',
      ),
      refused('HS256 with its JWK', { header: { alg: 'HS256' }, signer: 'hmac with jwk' }, 'authn.algorithm'),
      refused('the HMAC under the name of ES256', { signer: 'hmac with pem' }, 'authn.signature'),
      refused('the HMAC under the name of RS256', { header: AS_RSA, signer: 'hmac with pem' }, 'authn.signature'),
    ],
  },
  {
    name: 'signatures that verify for everybody',
    sources: ['CVE-2022-21449'],
    why: 'r = s = 0 solves the equation of ECDSA for any message where it is not checked.',
    plays: [
      refused('r = s = 0', { signer: 'zeros' }, 'authn.signature'),
      refused('a key on another curve', { signer: 'other curve' }, 'authn.signature'),
      refused(
        'a key on another curve, as ES384',
        { header: { alg: 'ES384' }, signer: 'other curve' },
        'authn.signature',
      ),
      refused('somebody else’s key under the same id', { signer: 'stranger' }, 'authn.signature'),
      refused('an EC signature by the name of the RSA key', { header: { kid: 'r1' } }, 'authn.signature'),
      refused('an RSA signature as PSS', { header: { alg: 'PS256' }, signer: 'issuer rsa' }, 'authn.signature'),
    ],
  },
  {
    name: 'extensions that must be understood',
    sources: ['GHSA-hm7r-c7qw-ghp6', 'RFC 7515 section 4.1.11'],
    why: 'A verifier that skips crit accepts what its issuer says must not be accepted.',
    plays: [
      refused('an unknown one', header({ crit: ['exp-v2'], 'exp-v2': 1 }), 'authn.critical'),
      refused('an empty list', header({ crit: [] }), 'authn.critical'),
      refused('b64', header({ crit: ['b64'], b64: false }), 'authn.critical'),
      refused('b64 alone', header({ b64: true }), 'authn.critical'),
    ],
  },
  {
    name: 'one caller’s claims for another’s token',
    sources: ['GHSA-rp9m-7r4c-75qg'],
    why: 'A cache by less than the whole token answers with somebody else’s identity.',
    plays: [
      {
        against: 'gateway',
        name: 'the same but for its signature, after it was believed',
        tokens: { real: { claims: { jti: 'x' } }, forged: { claims: { jti: 'x' }, signer: 'stranger' } },
        client: [request(LIST, [], '', 'real'), { answer: 200 }, request(LIST, [], '', 'forged')],
        cluster: [{ answer: answer('200 OK') }],
        expect: {
          client: [{ answer: 401, rule: 'authn.signature' }],
          cluster: [forwarded(LIST)],
          tape: [answered('admins', 'authn.signature')],
        },
      },
    ],
  },
  {
    name: 'keys by the token’s word',
    sources: ['CVE-2018-0114', 'RFC 8725 section 3.10'],
    why: 'A header that brings its key, or says where it lies, verifies itself; a kid in a query or a path reads files.',
    plays: [
      refused('jwk', { header: { jwk: { kty: 'EC', crv: 'P-256' } }, signer: 'stranger' }, 'authn.signature', []),
      refused('jku', { header: { jku: '{{issuer}}/jku' }, signer: 'stranger' }, 'authn.signature', []),
      refused('x5u', { header: { x5u: '{{issuer}}/x5u' }, signer: 'stranger' }, 'authn.signature', []),
      refused('x5c', { header: { x5c: ['AAAA'] }, signer: 'stranger' }, 'authn.signature', []),
      believed('the issuer’s own token with a jku that nobody follows', header({ jku: '{{issuer}}/jku' })),
      refused('a kid that is a number', header({ kid: 1 }), 'authn.key_id'),
      refused('a kid that is null', header({ kid: null }), 'authn.key_id'),
      {
        against: 'gateway',
        name: `a storm of ${STRANGERS} made-up kids, paths, SQL and __proto__ among them: the issuer is asked once`,
        tokens: Object.fromEntries(
          Array.from({ length: STRANGERS }, (_, at) => [
            `m${at}`,
            { header: { kid: ['../../../etc/passwd', "' OR 1=1 --", '__proto__', 'constructor'][at] ?? `k${at}` } },
          ]),
        ),
        client: [
          { advance: limits.authn.unknownKeyMillis },
          ...Array.from({ length: STRANGERS }, (_, at) => [
            request(LIST, [], '', `m${at}`),
            { answer: 401, rule: 'authn.signature' },
          ]).flat(),
        ],
        expect: {
          client: [],
          cluster: 'nothing',
          tape: [answered(...Array.from({ length: STRANGERS }, () => 'authn.signature'))],
          issuer: ['/.well-known/openid-configuration', '/jwks'],
        },
      },
    ],
  },
  {
    name: 'tokens that cost before they are read',
    sources: ['CVE-2025-30204', 'CVE-2024-28176', 'RFC 8725 section 3.6'],
    why: 'Splitting a million dots, inflating a JWE or hashing a megabyte is work for nobody.',
    plays: [
      refused('longer than any token', { raw: `a.${'b'.repeat(limits.gateway.token)}.c` }, 'authn.length', []),
      refused('many dots', { raw: '.'.repeat(limits.gateway.token - 1) }, 'authn.form', []),
      refused('a compressed JWE', { raw: JWE }, 'authn.form', []),
      refused('no dots', { raw: 'opaque' }, 'authn.form', []),
      refused('base64 with padding', { raw: 'YQ==.YQ==.YQ==' }, 'authn.scheme', []),
    ],
  },
  {
    name: 'JSON that two readers take apart',
    sources: ['RFC 8725 section 2.4', 'RFC 8259 section 4'],
    why: 'Of two keys with one name the issuer’s library wrote one and the verifier reads the other.',
    plays: [
      refused('two subs', { json: '{"iss":"{{issuer}}","sub":"ann","sub":"admin"}' }, 'authn.json'),
      refused(
        'two subs, one of them escaped',
        { json: '{"iss":"{{issuer}}","sub":"ann","\\u0073ub":"admin"}' },
        'authn.json',
      ),
      refused('two algs', { headerJson: '{"alg":"none","alg":"ES256","kid":"k1"}' }, 'authn.json'),
      refused('a list', { json: '["{{issuer}}"]' }, 'authn.json'),
      refused('not JSON', { json: '{' }, 'authn.json'),
      refused('a byte order mark', { json: '\ufeff{"iss":"{{issuer}}"}' }, 'authn.json'),
      refused(
        '__proto__ as a claim is no claim',
        { json: '{"__proto__":{"iss":"{{issuer}}","sub":"admin"}}' },
        'authn.issuer',
      ),
    ],
  },
  {
    name: 'for somebody else',
    sources: ['RFC 7519 section 4.1.3', 'RFC 8725 section 3.9'],
    why: 'A token that another service of the same issuer was given opens this one.',
    plays: [
      refused('another audience', claims({ aud: 'elsewhere' }), 'authn.audience'),
      refused('none', claims({ aud: undefined }), 'authn.audience'),
      refused('an empty list', claims({ aud: [] }), 'authn.audience'),
      refused('only the beginning of ours', claims({ aud: 'sally' }), 'authn.audience'),
      refused('ours in another case', claims({ aud: 'Sallyport' }), 'authn.audience'),
      refused('a list in a list', claims({ aud: [['sallyport']] }), 'authn.audience'),
      refused('an object', claims({ aud: { 0: 'sallyport' } }), 'authn.audience'),
      refused('ours as the client alone', claims({ aud: 'elsewhere', azp: 'sallyport' }), 'authn.audience'),
    ],
  },
  {
    name: 'of another issuer',
    sources: ['RFC 8725 section 3.8', 'OpenID Connect Core section 3.1.3.7'],
    why: 'Two spellings of an issuer, or two issuers with the same sub, are two people with one name.',
    plays: [
      refused('with a slash behind it', claims({ iss: 'https://127.0.0.1/' }), 'authn.issuer'),
      refused('unknown', claims({ iss: 'https://evil' }), 'authn.issuer'),
      refused('none', claims({ iss: undefined }), 'authn.issuer'),
      refused('a list', claims({ iss: ['https://evil'] }), 'authn.issuer'),
      refused(
        'the first one’s name, signed by the second',
        { json: '{"iss":"{{issuer}}","sub":"alice","aud":"sallyport"}', signer: 'second issuer' },
        'authn.signature',
      ),
      {
        against: 'gateway',
        name: 'the second one’s alice and her admins are not the first one’s',
        tokens: { other: { signer: 'second issuer' } },
        client: [request('DELETE /api/v1/namespaces/prod/pods/p HTTP/1.1', [], '', 'other')],
        expect: { client: [{ answer: 403, rule: 'default' }], cluster: 'nothing', tape: [answered('default')] },
      },
    ],
  },
  {
    name: 'times that are none',
    sources: ['RFC 7519 section 2', 'RFC 7519 section 4.1.4'],
    why: 'A time that compares as not a number never ends.',
    plays: [
      refused('exp a minute ago', { expiresIn: -60 }, 'authn.expired'),
      refused('exp now', { expiresIn: 0 }, 'authn.expired'),
      refused('no exp', claims({ exp: undefined }), 'authn.time'),
      refused('exp as text', claims({ exp: '9999999999' }), 'authn.time'),
      refused('exp of 1e308', claims({ exp: 1e308 }), 'authn.time'),
      refused(
        'exp of 1e999, which is Infinity',
        { json: '{"iss":"{{issuer}}","aud":"sallyport","sub":"a","exp":1e999}' },
        'authn.time',
      ),
      refused('exp below zero', claims({ exp: -1 }), 'authn.time'),
      refused('exp null', claims({ exp: null }), 'authn.time'),
      refused('exp a list', claims({ exp: [9_999_999_999] }), 'authn.time'),
      refused('nbf as text', claims({ nbf: '0' }), 'authn.time'),
      refused('iat as text', claims({ iat: '0' }), 'authn.time'),
      refused('nbf an hour ahead', { notBeforeIn: 3_600 }, 'authn.not_yet'),
      refused('iat far ahead', claims({ iat: 253_402_300_000 }), 'authn.not_yet'),
    ],
  },
  {
    name: 'names that are Kubernetes’ own, or nobody’s',
    sources: ['Kubernetes OIDC authenticator', 'RFC 8725 section 3.12'],
    why: 'A user or group claim that an attacker may choose becomes system:masters, or another name behind a control.',
    plays: [
      refused('a sub that is a number', claims({ sub: 7 }), 'authn.username'),
      refused('an empty sub', claims({ sub: '' }), 'authn.username'),
      refused('no sub', claims({ sub: undefined }), 'authn.username'),
      refused('a CR LF in the sub', claims({ sub: 'a\r\nImpersonate-Group: system:masters' }), 'authn.name'),
      refused('a NUL in a group', claims({ groups: ['admins\0'] }), 'authn.name'),
      refused('a line separator in a group', claims({ groups: ['admins\u2028'] }), 'authn.name'),
      refused(
        'half a surrogate pair',
        { json: '{"iss":"{{issuer}}","aud":"sallyport","sub":"\\ud800","exp":99999999999}' },
        'authn.name',
      ),
      refused('groups as an object', claims({ groups: { 0: 'admins' } }), 'authn.groups'),
      refused('groups as a number', claims({ groups: 1 }), 'authn.groups'),
      refused('a group that is a list', claims({ groups: [['admins']] }), 'authn.groups'),
      refused('an empty group', claims({ groups: [''] }), 'authn.groups'),
      refused('an actor of the system’s', claims({ act: { sub: 'system:admin' } }), 'authn.system_name'),
      refused(
        'system:masters, by the prefix and the claim',
        { claims: { ...VERIFIED, groups: ['tem:masters'] }, signer: 'issuer by email' },
        'authn.system_name',
      ),
      refused(
        'sysTEM:masters',
        { claims: { ...VERIFIED, groups: ['TEM:masters'] }, signer: 'issuer by email' },
        'authn.system_name',
      ),
      refused(
        'system:anonymous',
        { claims: { email: 'tem:anonymous', email_verified: true }, signer: 'issuer by email' },
        'authn.system_name',
      ),
      refused(
        'an address that nobody has verified',
        { claims: { email: 'alice@example.com' }, signer: 'issuer by email' },
        'authn.email',
      ),
      refused(
        'an address that is said not to be verified',
        { claims: { email: 'alice@example.com', email_verified: false }, signer: 'issuer by email' },
        'authn.email',
      ),
      refused(
        'an address verified as text',
        { claims: { email: 'alice@example.com', email_verified: 'true' }, signer: 'issuer by email' },
        'authn.email',
      ),
    ],
  },
  {
    name: 'tokens for another purpose',
    sources: ['CVE-2024-47616', 'RFC 8725 section 3.11', 'RFC 9068 section 2.1'],
    why: 'A logout token, a DPoP proof or a service’s own token is signed by the same key and is nobody’s login.',
    plays: [
      refused('logout+jwt', header({ typ: 'logout+jwt' }), 'authn.type'),
      refused('dpop+jwt', header({ typ: 'dpop+jwt' }), 'authn.type'),
      refused('secevent+jwt', header({ typ: 'secevent+jwt' }), 'authn.type'),
      refused('a typ that is a list', header({ typ: ['JWT'] }), 'authn.type'),
    ],
  },
  {
    name: 'more than one credential',
    sources: ['RFC 6750 section 2', 'RFC 9110 section 11.6.2'],
    why: 'Of two tokens the gateway believes one and the cluster, or a filter before it, the other.',
    plays: [
      {
        against: 'gateway',
        name: 'two Authorization lines',
        client: [request(LIST, ['Authorization: Bearer {{bob}}'])],
        expect: {
          client: [{ answer: 401, rule: 'authn.repeated' }],
          cluster: 'nothing',
          tape: [answered('authn.repeated')],
        },
      },
      {
        against: 'gateway',
        name: 'two in one line',
        client: [`${LIST}\r\nHost: gateway\r\nAuthorization: Bearer {{alice}}, Bearer {{bob}}\r\n\r\n`],
        expect: {
          client: [{ answer: 401, rule: 'authn.scheme' }],
          cluster: 'nothing',
          tape: [answered('authn.scheme')],
        },
      },
      {
        against: 'gateway',
        name: 'Basic',
        client: [`${LIST}\r\nHost: gateway\r\nAuthorization: Basic YTpi\r\n\r\n`],
        expect: {
          client: [{ answer: 401, rule: 'authn.scheme' }],
          cluster: 'nothing',
          tape: [answered('authn.scheme')],
        },
      },
      {
        against: 'gateway',
        name: 'beside one in the query, which the cluster would keep in its log',
        client: [request('GET /api/v1/pods?access_token={{alice}} HTTP/1.1')],
        expect: {
          client: [{ answer: 400, rule: 'query.credential' }],
          cluster: 'nothing',
          tape: [answered('query.credential')],
        },
      },
      {
        against: 'gateway',
        name: 'in the query alone',
        client: [`GET /api/v1/pods?access_token={{alice}} HTTP/1.1\r\nHost: gateway\r\n\r\n`],
        expect: {
          client: [{ answer: 401, rule: 'authn.missing' }],
          cluster: 'nothing',
          tape: [answered('authn.missing')],
        },
      },
    ],
  },
]
