// Stream handshakes: what real clients offer is described, the bearer token is taken out, and an answer that does not match
// the offer is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fields } from '../../../protocols/fields.ts'
import {
  type AnswerKind,
  readAgreement,
  readAnswerOffer,
  readOffer,
  type StreamOffer,
  type StreamSubresource,
} from '../../../protocols/kube/handshake.ts'
import { HandshakeError } from '../../../protocols/kube/handshake-error.ts'
import { acceptKey } from '../../../protocols/websocket/handshake.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const BEARER = 'base64url.bearer.authorization.k8s.io.'
const TUNNEL = 'SPDY/3.1+portforward.k8s.io'
const ALL_VERSIONS = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
  'channel.k8s.io',
]
const WEBSOCKET = ['Upgrade', 'websocket', 'Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', KEY]

/** A WebSocket request with these Sec-WebSocket-Protocol lines. */
function webSocket(...lines: string[]): Fields {
  return ['Connection', 'Upgrade', ...WEBSOCKET, ...lines.flatMap((line) => ['Sec-WebSocket-Protocol', line])]
}

function spdy(...lines: string[]): Fields {
  return [
    'Connection',
    'Upgrade',
    'Upgrade',
    'SPDY/3.1',
    ...lines.flatMap((line) => ['X-Stream-Protocol-Version', line]),
  ]
}

function offer(fields: Fields, subresource: StreamSubresource = 'exec'): StreamOffer {
  const read = readOffer(fields, subresource)
  assert.ok(!(read instanceof HandshakeError), read instanceof Error ? read.message : '')
  return read
}

function refusal(read: unknown): [string, number] {
  assert.ok(read instanceof HandshakeError)
  return [read.rule, read.code]
}

/** The fields of a 101 to a WebSocket request. */
function answer(...lines: string[]): Fields {
  const protocols = lines.flatMap((line) => ['Sec-WebSocket-Protocol', line])
  return ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept', acceptKey(KEY), ...protocols]
}

function spdyAnswer(...lines: string[]): Fields {
  return spdy(...lines)
}

test('kubectl’s exec on WebSocket offers v5 alone', () => {
  assert.deepEqual(offer(webSocket('v5.channel.k8s.io')), {
    transport: 'websocket',
    kind: 'remotecommand',
    protocols: ['v5.channel.k8s.io'],
    bearer: undefined,
    key: KEY,
    fields: [...WEBSOCKET, 'Sec-WebSocket-Protocol', 'v5.channel.k8s.io'],
  })
})

test('offers in several lines or one list are the same, and go upstream as one line', () => {
  const lines = offer(webSocket(...ALL_VERSIONS), 'attach')
  assert.deepEqual(offer(webSocket(ALL_VERSIONS.join(',')), 'attach'), lines)
  assert.deepEqual(lines.protocols, ALL_VERSIONS)
  assert.deepEqual(lines.fields.slice(-2), ['Sec-WebSocket-Protocol', ALL_VERSIONS.join(', ')])
})

test('an offer of no subprotocol is the oldest form', () => {
  const none = offer(webSocket())
  assert.deepEqual([none.kind, none.protocols, none.fields], ['remotecommand', [], WEBSOCKET])
  assert.equal(offer(webSocket(), 'portforward').kind, 'portforward-legacy')
})

test('port-forward is told apart by what it offers', () => {
  assert.equal(offer(webSocket(TUNNEL), 'portforward').kind, 'portforward-tunnel')
  assert.equal(offer(webSocket('v4.channel.k8s.io'), 'portforward').kind, 'portforward-legacy')
  assert.equal(offer(webSocket('v4.base64.channel.k8s.io'), 'portforward').kind, 'portforward-legacy')
  assert.equal(offer(webSocket(...ALL_VERSIONS), 'portforward').kind, 'portforward-legacy')
  assert.equal(offer(spdy('portforward.k8s.io'), 'portforward').kind, 'portforward-spdy')
})

test('kubectl’s SPDY offers five versions, one a line', () => {
  const { transport, kind, protocols, key, fields } = offer(spdy(...ALL_VERSIONS))
  assert.deepEqual([transport, kind, protocols, key], ['spdy', 'remotecommand', ALL_VERSIONS, ''])
  const lines = ALL_VERSIONS.flatMap((version) => ['X-Stream-Protocol-Version', version])
  assert.deepEqual(fields, ['Upgrade', 'SPDY/3.1', ...lines])
  assert.deepEqual(offer(spdy(ALL_VERSIONS.join(', '))).protocols, ALL_VERSIONS)
})

test('the bearer is decoded and taken out, and an extension is not passed on', () => {
  const token = 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln~+/='
  const bearer = BEARER + Buffer.from(token).toString('base64url')
  for (const lines of [
    [bearer, 'v4.channel.k8s.io'],
    ['v4.channel.k8s.io', bearer],
    [`v4.channel.k8s.io, ${bearer}`],
  ]) {
    const read = offer([...webSocket(...lines), 'Sec-WebSocket-Extensions', 'permessage-deflate'])
    assert.equal(read.bearer, token)
    assert.deepEqual(read.protocols, ['v4.channel.k8s.io'])
    assert.deepEqual(read.fields, [...WEBSOCKET, 'Sec-WebSocket-Protocol', 'v4.channel.k8s.io'])
  }
})

for (const [what, fields, subresource, expected] of [
  ['no upgrade', ['Connection', 'Upgrade'], 'exec', ['kube.upgrade.unknown', 403]],
  ['an upgrade to h2c', ['Connection', 'Upgrade', 'Upgrade', 'h2c'], 'exec', ['kube.upgrade.unknown', 403]],
  ['a choice of two', [...webSocket(), 'Upgrade', 'SPDY/3.1'], 'exec', ['kube.upgrade.unknown', 403]],
  ['a WebSocket without a key', webSocket().slice(0, 6), 'exec', ['websocket.handshake.key', 400]],
  ['a WebSocket without Connection', webSocket().slice(2), 'exec', ['websocket.handshake.connection', 400]],
  ['SPDY without Connection', spdy('v4.channel.k8s.io').slice(2), 'exec', ['kube.upgrade.connection', 400]],
  ['SPDY without a version', spdy(), 'exec', ['kube.upgrade.no_version', 400]],
  ['SPDY with an empty version', spdy('', ' , '), 'exec', ['kube.upgrade.no_version', 400]],
  ['an unknown version', spdy('v4.channel.k8s.io', 'v6.channel.k8s.io'), 'exec', ['kube.upgrade.version', 403]],
  ['base64 on SPDY', spdy('v4.base64.channel.k8s.io'), 'exec', ['kube.upgrade.version', 403]],
  ['exec’s version for a port-forward', spdy('v4.channel.k8s.io'), 'portforward', ['kube.upgrade.version', 403]],
  ['port-forward’s version for an exec', spdy('portforward.k8s.io'), 'exec', ['kube.upgrade.version', 403]],
  ['an unknown subprotocol', webSocket('v6.channel.k8s.io'), 'exec', ['kube.upgrade.subprotocol', 403]],
  ['a known one and an unknown one', webSocket('v5.channel.k8s.io, x'), 'exec', ['kube.upgrade.subprotocol', 403]],
  ['a log stream’s subprotocol', webSocket('binary.k8s.io'), 'exec', ['kube.upgrade.subprotocol', 403]],
  ['a tunnel for an exec', webSocket(TUNNEL), 'exec', ['kube.upgrade.subprotocol', 403]],
  [
    'a tunnel beside channels',
    webSocket(TUNNEL, 'v4.channel.k8s.io'),
    'portforward',
    ['kube.upgrade.subprotocol', 403],
  ],
  ['another tunnel', webSocket('SPDY/3.1+x.k8s.io'), 'portforward', ['kube.upgrade.subprotocol', 403]],
  ['a bearer alone', webSocket(`${BEARER}YQ`), 'exec', ['kube.upgrade.bearer_alone', 400]],
  [
    'two bearers',
    webSocket(`${BEARER}YQ`, `${BEARER}Yg`, 'v4.channel.k8s.io'),
    'exec',
    ['kube.upgrade.two_bearers', 400],
  ],
  ['the same bearer twice', webSocket(`${BEARER}YQ, ${BEARER}YQ`), 'exec', ['kube.upgrade.two_bearers', 400]],
  ['a bearer in other letters', webSocket(`B${BEARER.slice(1)}YQ`), 'exec', ['kube.upgrade.subprotocol', 403]],
] as [string, Fields, StreamSubresource, [string, number]][]) {
  test(`refuses an offer with ${what}`, () => assert.deepEqual(refusal(readOffer(fields, subresource)), expected))
}

for (const [what, encoded] of [
  ['nothing', ''],
  ['padding', 'YQ=='],
  ['the other alphabet', 'ab+/'],
  ['one character too many', 'YWFhY'],
  ['bits behind its end', 'YR'],
  ['a line end', Buffer.from('a\nb').toString('base64url')],
  ['a space', Buffer.from('a b').toString('base64url')],
  ['bytes that are not ASCII', Buffer.from('é').toString('base64url')],
] as const) {
  test(`refuses a bearer that holds ${what}, and does not say it`, () => {
    const read = readOffer(webSocket(BEARER + encoded, 'v4.channel.k8s.io'), 'exec')
    assert.deepEqual(refusal(read), ['kube.upgrade.bearer_encoding', 400])
    if (encoded !== '') assert.ok(!(read as HandshakeError).message.includes(encoded))
  })
}

for (const [protocol, expected] of [
  ['v5.channel.k8s.io', { version: 5, base64: false, closes: true }],
  ['v4.channel.k8s.io', { version: 4, base64: false, closes: false }],
  ['v4.base64.channel.k8s.io', { version: 4, base64: true, closes: false }],
  ['channel.k8s.io', { version: 1, base64: false, closes: false }],
  ['base64.channel.k8s.io', { version: 1, base64: true, closes: false }],
] as const) {
  test(`a 101 agrees to ${protocol}`, () => {
    const read = readAgreement(answer(protocol), offer(webSocket(protocol)))
    assert.deepEqual(read, { transport: 'websocket', kind: 'remotecommand', protocol, ...expected })
  })
}

test('a 101 to an offer of none names none, or an empty one', () => {
  for (const fields of [answer(), answer('')]) {
    const agreed = readAgreement(fields, offer(webSocket()))
    assert.deepEqual(agreed, {
      transport: 'websocket',
      kind: 'remotecommand',
      protocol: '',
      version: 1,
      base64: false,
      closes: false,
    })
  }
})

test('a 101 agrees to each form of port-forward', () => {
  const agree = (fields: Fields, asked: Fields): unknown => readAgreement(fields, offer(asked, 'portforward'))
  const form = { version: 1, base64: false, closes: false }
  assert.deepEqual(agree(answer(TUNNEL), webSocket(TUNNEL)), {
    transport: 'websocket',
    kind: 'portforward-tunnel',
    protocol: TUNNEL,
    ...form,
  })
  assert.deepEqual(agree(answer('v4.channel.k8s.io'), webSocket(...ALL_VERSIONS)), {
    transport: 'websocket',
    kind: 'portforward-legacy',
    protocol: 'v4.channel.k8s.io',
    ...form,
    version: 4,
  })
  assert.deepEqual(agree(spdyAnswer('portforward.k8s.io'), spdy('portforward.k8s.io')), {
    transport: 'spdy',
    kind: 'portforward-spdy',
    protocol: 'portforward.k8s.io',
    ...form,
  })
})

test('a 101 agrees to a version on SPDY, and none is version 1', () => {
  const agreed = readAgreement(spdyAnswer('v4.channel.k8s.io'), offer(spdy(...ALL_VERSIONS)))
  assert.deepEqual(agreed, {
    transport: 'spdy',
    kind: 'remotecommand',
    protocol: 'v4.channel.k8s.io',
    version: 4,
    base64: false,
    closes: false,
  })
  const first = readAgreement(spdyAnswer(), offer(spdy(...ALL_VERSIONS)))
  assert.ok(!(first instanceof HandshakeError))
  assert.deepEqual([first.protocol, first.version], ['channel.k8s.io', 1])
})

for (const [what, fields, asked, subresource, rule] of [
  ['WebSocket’s to SPDY', answer(), spdy('v4.channel.k8s.io'), 'exec', 'kube.upgrade.agreed_other'],
  ['SPDY’s to a WebSocket', spdyAnswer(), webSocket(), 'exec', 'websocket.handshake.answered_upgrade'],
  ['SPDY without Connection', ['Upgrade', 'SPDY/3.1'], spdy('channel.k8s.io'), 'exec', 'kube.upgrade.agreed_other'],
  [
    'a version not offered',
    spdyAnswer('v4.channel.k8s.io'),
    spdy('v2.channel.k8s.io'),
    'exec',
    'kube.upgrade.agreed_version',
  ],
  [
    'two versions',
    spdyAnswer('channel.k8s.io', 'channel.k8s.io'),
    spdy('channel.k8s.io'),
    'exec',
    'kube.upgrade.agreed_version',
  ],
  ['none where v1 was not offered', spdyAnswer(), spdy('v4.channel.k8s.io'), 'exec', 'kube.upgrade.agreed_version'],
  ['none to a port-forward', spdyAnswer(), spdy('portforward.k8s.io'), 'portforward', 'kube.upgrade.agreed_version'],
  ['no subprotocol to an offer', answer(), webSocket('v5.channel.k8s.io'), 'exec', 'websocket.handshake.protocol'],
  [
    'one that was not offered',
    answer('v4.channel.k8s.io'),
    webSocket('v5.channel.k8s.io'),
    'exec',
    'websocket.handshake.protocol',
  ],
  [
    'v3, which no server speaks',
    answer('v3.channel.k8s.io'),
    webSocket(...ALL_VERSIONS),
    'exec',
    'kube.upgrade.agreed_unserved',
  ],
  [
    'v5 to a port-forward',
    answer('v5.channel.k8s.io'),
    webSocket(...ALL_VERSIONS),
    'portforward',
    'kube.upgrade.agreed_unserved',
  ],
  ['another key', answer().with(5, acceptKey('x')), webSocket(), 'exec', 'websocket.handshake.accept'],
  [
    'an extension',
    [...answer(), 'Sec-WebSocket-Extensions', 'x'],
    webSocket(),
    'exec',
    'websocket.handshake.extension',
  ],
] as [string, Fields, Fields, StreamSubresource, string][]) {
  test(`refuses a 101 with ${what}`, () => {
    assert.deepEqual(refusal(readAgreement(fields, offer(asked, subresource))), [rule, 502])
  })
}

test('the token is not in a 101’s choices: a server that names it is refused', () => {
  const bearer = `${BEARER}YQ`
  const asked = offer(webSocket('v4.channel.k8s.io', bearer))
  assert.deepEqual(refusal(readAgreement(answer(bearer), asked)), ['websocket.handshake.protocol', 502])
})

const AGREED = ['Upgrade', 'websocket', 'Sec-WebSocket-Accept', acceptKey(KEY)]

for (const [kind, lines, protocol, base64] of [
  ['watch', [], undefined, false],
  ['watch', ['binary.k8s.io'], 'binary.k8s.io', false],
  ['watch', ['base64.binary.k8s.io'], 'base64.binary.k8s.io', false],
  ['log', [], undefined, false],
  ['log', ['binary.k8s.io, base64.binary.k8s.io'], 'binary.k8s.io', false],
  ['log', ['base64.binary.k8s.io', 'binary.k8s.io'], 'base64.binary.k8s.io', true],
] as [AnswerKind, string[], string | undefined, boolean][]) {
  test(`a ${kind} over WebSocket is agreed to with ${lines.length === 0 ? 'no subprotocol' : lines.join(' and ')}`, () => {
    const named = protocol === undefined ? [] : ['Sec-WebSocket-Protocol', protocol]
    const fields = [...AGREED, ...named]
    assert.deepEqual(readAnswerOffer(webSocket(...lines), kind), { kind, base64, bearer: undefined, fields })
  })
}

test('the bearer of a watch is taken out, and is not in the 101', () => {
  const bearer = BEARER + Buffer.from('a-token').toString('base64url')
  const read = readAnswerOffer(webSocket(`${bearer}, base64.binary.k8s.io`), 'watch')
  assert.ok(!(read instanceof HandshakeError))
  assert.equal(read.bearer, 'a-token')
  assert.deepEqual(read.fields, [...AGREED, 'Sec-WebSocket-Protocol', 'base64.binary.k8s.io'])
})

for (const [what, fields, expected] of [
  ['a channel protocol', webSocket('v4.channel.k8s.io'), ['kube.upgrade.answer_subprotocol', 403]],
  [
    'one that it knows and one that it does not',
    webSocket('binary.k8s.io, x'),
    ['kube.upgrade.answer_subprotocol', 403],
  ],
  ['a bearer alone', webSocket(`${BEARER}YQ`), ['kube.upgrade.bearer_alone', 400]],
  ['SPDY', spdy('v4.channel.k8s.io'), ['websocket.handshake.upgrade', 400]],
] as [string, Fields, [string, number]][]) {
  test(`refuses a log that offers ${what}`, () => assert.deepEqual(refusal(readAnswerOffer(fields, 'log')), expected))
}
