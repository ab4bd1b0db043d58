// What comes before any request: versions and names of TLS, protocols that were not agreed on, and clients that hold a
// place without ever saying who they are.

import { limits } from '../../../protocols/limits.ts'
import type { ClientStep, Connecting, GatewayPlay, Playbook, Sight } from '../playbook.ts'
import { answer, answered, CREATE, forwarded, LIST, malformed, request } from '../scenes.ts'

const { addressUnidentified, handshakeMillis, headMillis, idleMillis, requestBodyRate, unidentified } = limits.gateway
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** A second and a look of the gateway's at its deadlines: what is over must be over by then. */
const SOON = 1_000

/** Nobody was ever known: the connection ends, and no tape is opened. */
function ends(name: string, client: readonly ClientStep[], ...sights: readonly Sight[]): GatewayPlay {
  const seen = sights.length > 0 ? sights : [{ closed: true, within: SOON } as const]
  return { against: 'gateway', name, client, expect: { client: seen, cluster: 'nothing', tape: [] } }
}

const refused = (name: string, connect: Connecting): GatewayPlay => ends(name, [{ connect }], { refused: true })

/** Served as anybody: what is odd changes nothing. */
function served(name: string, ...client: readonly ClientStep[]): GatewayPlay {
  return {
    against: 'gateway',
    name,
    client: [...client, request(LIST)],
    cluster: [{ answer: answer('200 OK', [], 'ok') }],
    expect: { client: [{ answer: 200, body: 'ok' }], cluster: [forwarded(LIST)], tape: [answered('admins')] },
  }
}

/** A ClientHello of TLS 1.2 whose server name is these bytes. */
function clientHello(serverName: string): Buffer {
  const name = Buffer.from(serverName, 'latin1')
  const sized = (bytes: Buffer, octets: number): Buffer => {
    const length = Buffer.alloc(octets)
    length.writeUIntBE(bytes.length, 0, octets)
    return Buffer.concat([length, bytes])
  }
  const list = sized(Buffer.concat([Buffer.of(0), sized(name, 2)]), 2)
  const extensions = sized(Buffer.concat([Buffer.of(0, 0), sized(list, 2)]), 2)
  const suites = sized(Buffer.of(0xc0, 0x2b, 0xc0, 0x2f), 2)
  const hello = Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32, 7), Buffer.of(0), suites, Buffer.of(1, 0), extensions])
  const handshake = Buffer.concat([Buffer.of(1), sized(hello, 3)])
  return Buffer.concat([Buffer.of(0x16, 3, 1), sized(handshake, 2)])
}

export const connections: readonly Playbook[] = [
  {
    name: 'old versions and ciphers',
    sources: ['RFC 8996', 'RFC 9325 section 4.2'],
    why: 'A client that is talked down to TLS 1.1 or to a cipher without forward secrecy is read later.',
    plays: [
      refused('TLS 1.1', { maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      refused('TLS 1.2 without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }),
      refused('TLS 1.2 with CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
      served('TLS 1.2 as it should be', { connect: { maxVersion: 'TLSv1.2' } }),
    ],
  },
  {
    name: 'renegotiation',
    sources: ['CVE-2009-3555', 'CVE-2011-1473'],
    why: 'A handshake in the middle of a connection costs its server ten times what it costs its client.',
    plays: [
      {
        against: 'gateway',
        name: 'asked for by the client',
        client: [{ connect: { maxVersion: 'TLSv1.2', renegotiate: true } }],
        expect: { client: [], cluster: 'nothing', tape: [] },
      },
    ],
  },
  {
    name: 'another protocol than was agreed on',
    sources: ['RFC 7301 section 3.2', 'CVE-2021-3618'],
    why: 'What speaks one protocol where another was agreed is an attack on either (ALPACA).',
    plays: [
      refused('only a protocol that is not spoken', { alpn: ['spdy/3.1'] }),
      refused('only a protocol of certificates', { alpn: ['acme-tls/1'] }),
      {
        against: 'gateway',
        name: 'the HTTP/2 preface where HTTP/1.1 was agreed on',
        client: [{ connect: { alpn: ['http/1.1'] } }, PREFACE],
        expect: {
          client: [{ answer: 505, rule: 'http1.version.http2_preface' }, { closed: true }],
          cluster: 'nothing',
          tape: [malformed('http1.version.http2_preface')],
        },
      },
      {
        against: 'gateway',
        name: 'the HTTP/2 preface where nothing was agreed on',
        client: [{ connect: {} }, { alpn: false }, PREFACE],
        expect: {
          client: [{ answer: 505, rule: 'http1.version.http2_preface' }, { closed: true }],
          cluster: 'nothing',
          tape: [malformed('http1.version.http2_preface')],
        },
      },
      ends('HTTP without TLS', [{ connect: { plain: true } }, 'GET /api HTTP/1.1\r\nHost: a\r\n\r\n'], {
        brokenOff: true,
      }),
      ends('the HTTP/2 preface without TLS', [{ connect: { plain: true } }, PREFACE], { brokenOff: true }),
      ends('a NUL', [{ connect: { plain: true } }, '\0'.repeat(16)], { brokenOff: true }),
    ],
  },
  {
    name: 'server names',
    sources: ['CVE-2026-21637', 'CVE-2026-48928', 'CVE-2026-48930', 'CVE-2026-48618'],
    why: 'A name that is looked up, cut at a NUL or compared by case chose another certificate, or ended the process.',
    plays: [
      ...['__proto__', 'constructor', 'LOCALHOST', 'nobody.example', `${'a.'.repeat(120)}example`].map((serverName) =>
        served(serverName.slice(0, 20), { connect: { serverName } }),
      ),
      ends('a NUL in it', [{ connect: { plain: true } }, clientHello('local\0host')], { brokenOff: true }),
      ends('an empty one', [{ connect: { plain: true } }, clientHello('')], { brokenOff: true }),
    ],
  },
  {
    name: 'handshakes that do not end',
    sources: ['CVE-2007-6750', 'Slowloris'],
    why: 'Node’s own limit on a handshake begins anew with every byte, so a drip holds a place for ever.',
    plays: [
      ends('no byte at all', [{ connect: { plain: true } }, { advance: handshakeMillis }]),
      ends('a byte now and then', [
        { connect: { plain: true } },
        '\x16',
        { advance: handshakeMillis - 1_000 },
        '\x03',
        { advance: 1_000 },
      ]),
    ],
  },
  {
    name: 'heads and bodies that do not end',
    sources: ['CVE-2007-6750', 'CVE-2018-12122', 'Slowloris'],
    why: 'A raw TLS server has none of the limits in time that an HTTP server brings, and each slow client holds memory.',
    plays: [
      ends('no request', [{ connect: {} }, { advance: headMillis }]),
      ends('half a head', [`${LIST}\r\nHost: gat`, { advance: headMillis }]),
      ends('a field now and then', [
        `${LIST}\r\nHost: gateway\r\n`,
        { advance: headMillis - 1_000 },
        'A: b\r\n',
        { advance: 1_000 },
      ]),
      {
        against: 'gateway',
        name: 'a body slower than a kilobyte a second',
        client: [
          request(CREATE, [`Content-Length: ${2 * requestBodyRate}`], 'a'),
          { advance: headMillis },
          'a',
          { advance: 2_000 },
        ],
        expect: {
          client: [
            { answer: 408, rule: 'request.body.slow' },
            { closed: true, within: SOON },
          ],
          cluster: 'nothing',
          tape: [answered('request.body.slow')],
        },
      },
      {
        against: 'gateway',
        name: 'nothing more behind an answer',
        client: [request(LIST), { answer: 200 }, { advance: idleMillis }],
        cluster: [{ answer: answer('200 OK') }],
        expect: {
          client: [{ closed: true, within: SOON }],
          cluster: [forwarded(LIST)],
          tape: [{ ...answered('admins'), seal: 'idle' }],
        },
      },
    ],
  },
  {
    name: 'crowds of strangers',
    sources: ['CVE-2018-12122', 'Slowloris'],
    why: 'Whoever never says who he is takes the places of those who do.',
    plays: [
      ends(
        `${addressUnidentified} of one address that say nothing: its next is turned away`,
        [{ crowd: addressUnidentified, from: '127.0.0.1' }, { connect: {} }],
        { refused: true },
      ),
      ends(
        `${unidentified} of many addresses: the next stranger is turned away, and who is known is served`,
        [
          ...Array.from({ length: unidentified / addressUnidentified }, (_, at) => ({
            crowd: addressUnidentified,
            from: `127.0.0.${at + 2}`,
          })),
          { connect: {} },
        ],
        { refused: true },
      ),
      served('and once they are gone a stranger is served again'),
    ],
  },
]
