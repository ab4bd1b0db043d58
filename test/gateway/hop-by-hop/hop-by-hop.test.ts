import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerable, forwardable } from '../../../gateway/hop-by-hop.ts'
import type { Fields } from '../../../protocols/fields.ts'

function kept(fields: Fields): Fields {
  const answer = forwardable(fields)
  assert.ok(Array.isArray(answer), `refused: ${JSON.stringify(answer)}`)
  return answer as Fields
}

function refused(fields: Fields): { status: number; rule: string } {
  const answer = forwardable(fields)
  assert.ok(!Array.isArray(answer), `forwarded: ${JSON.stringify(answer)}`)
  const { status, rule } = answer as { status: number; rule: string }
  return { status, rule }
}

test('every field by which a client could name itself to the cluster is refused', () => {
  const names = [
    'Impersonate-User',
    'impersonate-user',
    'IMPERSONATE-GROUP',
    'Impersonate-Uid',
    'Impersonate-Extra-scopes',
    'impersonate-extra-%73copes',
    'Impersonate-',
    'Impersonate-Anything-New',
    'Impersonate_User',
    'impersonate_extra_x',
    'IMPERSONATE_UID',
    'X-Remote-User',
    'x-remote-group',
    'X-Remote-Uid',
    'X-Remote-Extra-Scopes',
    'X_Remote_User',
    'X-Remote_User',
    'x_remote-group',
  ]
  for (const name of names) {
    assert.deepEqual(refused(['Accept', '*/*', name, 'system:masters']), {
      status: 403,
      rule: 'identity.client_header',
    })
    assert.deepEqual(refused([name, '']), { status: 403, rule: 'identity.client_header' })
  }
})

test('a Connection header that names a field is refused, however it is written', () => {
  const values = [
    'Impersonate-User',
    'close, Impersonate-User',
    'impersonate-group,keep-alive',
    'keep-alive,\tImpersonate-User',
    'Authorization',
    'Host',
    'Content-Length',
    'Audit-ID',
    'upgrade, HTTP2-Settings',
    'TE',
    '"close"',
    'close;q=1',
  ]
  for (const value of values) {
    assert.deepEqual(refused(['Connection', value]), { status: 400, rule: 'hop_by_hop.connection_option' })
    assert.deepEqual(refused(['connection', 'keep-alive', 'CONNECTION', value]).status, 400)
  }
  for (const value of ['close', 'Keep-Alive', 'keep-alive, Upgrade', 'Upgrade', '', ' , ']) {
    assert.deepEqual(kept(['Connection', value]), [])
  }
})

test('credentials, framing, addresses and other hops’ fields end at the gateway', () => {
  const names = [
    'Authorization',
    'AUTHORIZATION',
    'Cookie',
    'Host',
    'Content-Length',
    'Content_Length',
    'Transfer-Encoding',
    'Transfer_Encoding',
    'Expect',
    'TE',
    'Trailer',
    'Upgrade',
    'Keep-Alive',
    'HTTP2-Settings',
    'Proxy-Authorization',
    'Proxy-Connection',
    'Proxy-Anything',
    'Forwarded',
    'X-Forwarded-For',
    'X_Forwarded_For',
    'X-Forwarded-Uri',
    'X-Real-Ip',
    'Audit-ID',
    'audit_id',
    'Sec-WebSocket-Extensions',
  ]
  for (const name of names) assert.deepEqual(kept(['A', '1', name, 'x', 'B', '2']), ['A', '1', 'B', '2'], name)
})

test('everything kubectl needs survives, in order, with repeated lines apart', () => {
  const fields = [
    'User-Agent',
    'kubectl/v1.37.2',
    'Accept',
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    'Accept-Encoding',
    'gzip',
    'Content-Type',
    'application/apply-patch+yaml',
    'Kubectl-Command',
    'kubectl exec',
    'Kubectl-Session',
    '0b9c1b5e',
    'X-Stream-Protocol-Version',
    'v5.channel.k8s.io',
    'X-Stream-Protocol-Version',
    'v4.channel.k8s.io',
    'X-Stream-Protocol-Version',
    'channel.k8s.io',
    'Sec-WebSocket-Version',
    '13',
    'Sec-WebSocket-Key',
    'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol',
    'v5.channel.k8s.io',
    '__proto__',
    'x',
  ]
  assert.deepEqual(kept([...fields, 'Connection', 'Upgrade', 'Upgrade', 'websocket']), fields)
})

test('a bearer token among the subprotocols is taken out, the others stay', () => {
  const bearer = 'base64url.bearer.authorization.k8s.io.c2VjcmV0'
  const cases: [string, string[]][] = [
    [`${bearer}, v4.channel.k8s.io`, ['v4.channel.k8s.io']],
    [`v5.channel.k8s.io,${bearer},v4.channel.k8s.io`, ['v5.channel.k8s.io, v4.channel.k8s.io']],
    [`v5.channel.k8s.io,  ${bearer.toUpperCase()}`, ['v5.channel.k8s.io']],
    [bearer, []],
    [`${bearer},${bearer}x`, []],
  ]
  for (const [offered, left] of cases) {
    const answer = kept(['Sec-WebSocket-Protocol', offered])
    assert.deepEqual(
      answer.filter((_, at) => at % 2 === 1),
      left,
    )
  }
})

test('no field that passes has a name that was to be stopped, whatever its case and underscores', () => {
  const stopped = /^(impersonate-|x-remote-|proxy-|x-forwarded-|(authorization|cookie|host|connection|upgrade|te)$)/
  const names = fc
    .constantFrom(
      'Impersonate-User',
      'X-Remote-Extra-a',
      'Proxy-X',
      'X-Forwarded-A',
      'Authorization',
      'Cookie',
      'Te',
      'Ok',
    )
    .chain((name) =>
      fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map((flips) =>
        Array.from(name, (character, at) => {
          if (!flips[at]) return character
          return character === '-' ? '_' : character.toUpperCase()
        }).join(''),
      ),
    )
  fc.assert(
    fc.property(fc.array(names, { maxLength: 8 }), (list) => {
      const answer = forwardable(list.flatMap((name) => [name, 'v']))
      if (!Array.isArray(answer)) return
      for (let at = 0; at < answer.length; at += 2) {
        assert.doesNotMatch((answer[at] as string).toLowerCase().replaceAll('_', '-'), stopped)
      }
    }),
  )
})

test('an answer loses its hop’s fields, what its Connection names, and what would speak for the gateway', () => {
  const answer = answerable([
    'Content-Type',
    'application/json',
    'Connection',
    'X-Hop, close',
    'X-Hop',
    '1',
    'Keep-Alive',
    'timeout=5',
    'Content-Length',
    '3',
    'Transfer-Encoding',
    'chunked',
    'Set-Cookie',
    'a=b',
    'WWW-Authenticate',
    'Bearer',
    'Alt-Svc',
    'h2="evil:443"',
    'Strict-Transport-Security',
    'max-age=1',
    'Warning',
    '299 - "one"',
    'Warning',
    '299 - "two"',
    'Sec-WebSocket-Protocol',
    '',
    'X-Accepted-Stream-Protocol-Versions',
    'v4.channel.k8s.io',
    'Audit-Id',
    'a',
  ])
  assert.deepEqual(answer, [
    'Content-Type',
    'application/json',
    'Warning',
    '299 - "one"',
    'Warning',
    '299 - "two"',
    'Sec-WebSocket-Protocol',
    '',
    'X-Accepted-Stream-Protocol-Versions',
    'v4.channel.k8s.io',
    'Audit-Id',
    'a',
  ])
})
