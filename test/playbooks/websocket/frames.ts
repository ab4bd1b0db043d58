// Frames that make two readers of one WebSocket lose step, or make one of them hold what is never finished (RFC 6455), and
// Kubernetes' channels inside them.

import { limits } from '../../../protocols/limits.ts'
import { frameBytes, KEY, masked, plain } from '../../protocols/websocket/frames.ts'
import { EXEC, forwardedUpgrade, HANDSHAKE, SWITCHING, upgradeRequest } from '../exec-scenes.ts'
import type { Bytes, ClosingFrame, GatewayPlay, Play, Playbook } from '../playbook.ts'
import { answered, machine, refusedByBoth, refusedByGateway, request } from '../scenes.ts'

const FROM_CLIENT = 'websocket facing a client'
const FROM_CLUSTER = 'websocket facing a cluster'
const PROTOCOL_ERROR = 1002
const INVALID_PAYLOAD = 1007
const POLICY = 1008
const TOO_BIG = 1009
const NOT_UTF8 = masked(0x81, Buffer.from([0xff]))

const EXEC_TAPE = { kind: 'exec', kinds: ['open', 'request', 'decision', 'response', 'note', 'seal'] } as const

/** The client sends it behind the 101: both sides are closed, and of it the cluster gets nothing. */
function fromClient(
  name: string,
  bytes: Bytes,
  rule: string,
  code: number,
  cluster: readonly (Bytes | ClosingFrame)[] = [{ close: 1001 }],
): GatewayPlay {
  return {
    against: 'gateway',
    name: `${name}: gateway`,
    client: [upgradeRequest(), { answer: 101 }, bytes],
    cluster: [{ answer: SWITCHING }, { closed: true }],
    expect: {
      client: [{ webSocketClose: code }, { closed: true }],
      cluster: [forwardedUpgrade(), ...cluster],
      tape: [{ ...EXEC_TAPE, decisions: ['admins'], notes: [rule], seal: 'fault' }],
    },
  }
}

/** The cluster sends it. */
function fromCluster(name: string, bytes: Bytes, rule: string, code: number): GatewayPlay {
  return {
    against: 'gateway',
    name: `${name}: gateway`,
    client: [upgradeRequest(), { answer: 101 }],
    cluster: [{ answer: SWITCHING }, { send: bytes }, { closed: true }],
    expect: {
      client: [{ webSocketClose: code }, { closed: true }],
      cluster: [forwardedUpgrade(), { close: 1001 }],
      tape: [{ ...EXEC_TAPE, decisions: ['admins'], notes: [rule], seal: 'fault' }],
    },
  }
}

/** The same fault of a client against the machine and the gateway. */
function client(name: string, bytes: Uint8Array, rule: string, code: number, told: readonly string[] = []): Play[] {
  return [machine(`${name}: machine`, FROM_CLIENT, bytes, rule, code, told), fromClient(name, bytes, rule, code)]
}

const header = (first: number, length: number | bigint, form: 0 | 2 | 8): Buffer =>
  frameBytes({ first, length, form, key: KEY })

/** A message of so many fragments of one byte, not yet at its end. */
function fragments(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, at) => masked(at === 0 ? 0x02 : 0x00, '\x00')))
}

export const frames: readonly Playbook[] = [
  {
    name: 'fragments without end',
    sources: ['CVE-2026-48779', 'websockets/ws#2331'],
    why: 'A message of 131,000 one-byte fragments, 0.9 MB on the wire, pins 13 MB for as long as its sender likes.',
    plays: [
      machine(
        'one more than are taken: machine',
        FROM_CLIENT,
        fragments(limits.websocket.fragments + 1),
        'websocket.message.fragments',
        POLICY,
        ['frame'],
      ),
      // The channels of Kubernetes refuse the first of them: the API server would read it as a message of its own.
      fromClient('the first of them', fragments(1), 'kube.channel.fragmented', PROTOCOL_ERROR),
    ],
  },
  {
    name: 'masks',
    sources: ['RFC 6455 section 5.1', 'RFC 6455 section 10.3'],
    why: 'Bytes that a client may choose unmasked poison the caches between; a server’s mask makes readers differ.',
    plays: [
      ...client('a frame of a client without one', plain(0x82, '\x00id\n'), 'websocket.frame.unmasked', PROTOCOL_ERROR),
      machine(
        'a frame of a server with one: machine',
        FROM_CLUSTER,
        masked(0x82, '\x01x'),
        'websocket.frame.masked',
        PROTOCOL_ERROR,
      ),
      fromCluster('a frame of a server with one', masked(0x82, '\x01x'), 'websocket.frame.masked', PROTOCOL_ERROR),
    ],
  },
  {
    name: 'compressed frames that nobody agreed on',
    sources: ['CVE-2026-1526', 'CVE-2026-2229', 'CVE-2026-45736'],
    why: 'A few bytes inflate to gigabytes, or a window of another size crashes the inflater.',
    plays: [
      ...[0xc2, 0xa2, 0x92].flatMap((first) =>
        client(
          `first octet ${first.toString(16)}`,
          masked(first, '\x00x'),
          'websocket.frame.reserved_bits',
          PROTOCOL_ERROR,
        ),
      ),
      {
        against: 'gateway',
        name: 'the offer of permessage-deflate goes nowhere',
        client: [upgradeRequest('alice', ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8'])],
        cluster: [{ answer: SWITCHING }],
        expect: {
          client: [{ answer: 101, lacks: ['sec-websocket-extensions'] }],
          cluster: [forwardedUpgrade()],
          tape: [
            {
              kind: 'exec',
              kinds: ['open', 'request', 'decision', 'response', 'seal'],
              decisions: ['admins'],
              seal: 'client gone',
            },
          ],
        },
      },
    ],
  },
  {
    name: 'lengths',
    sources: ['CVE-2026-1528', 'RFC 6455 section 5.2'],
    why: 'A 64-bit length overflows, is negative, or is allocated before a byte of it has come.',
    plays: [
      ...client('the highest bit', header(0x82, 1n << 63n, 8), 'websocket.frame.length_sign', PROTOCOL_ERROR),
      ...client('all ones', header(0x82, (1n << 64n) - 1n, 8), 'websocket.frame.length_sign', PROTOCOL_ERROR),
      ...client('2^62', header(0x82, 1n << 62n, 8), 'websocket.frame.too_long', TOO_BIG),
      ...client('2^53', header(0x82, 1n << 53n, 8), 'websocket.frame.too_long', TOO_BIG),
      ...client(
        'one more than is taken',
        header(0x82, limits.websocket.frame + 1, 8),
        'websocket.frame.too_long',
        TOO_BIG,
      ),
      ...client('125 in 16 bits', header(0x82, 125, 2), 'websocket.frame.length_form', PROTOCOL_ERROR),
      ...client('65,535 in 64 bits', header(0x82, 65_535, 8), 'websocket.frame.length_form_64', PROTOCOL_ERROR),
    ],
  },
  {
    name: 'control frames',
    sources: ['RFC 6455 section 5.5'],
    why: 'A ping in fragments or of a megabyte is held by who must answer it.',
    plays: [
      ...client('a ping of 126 octets', header(0x89, 126, 2), 'websocket.control.too_long', PROTOCOL_ERROR),
      ...client('a close of 65,536 octets', header(0x88, 65_536, 8), 'websocket.control.too_long', PROTOCOL_ERROR),
      ...client('a ping that goes on', masked(0x09), 'websocket.control.fragmented', PROTOCOL_ERROR),
      ...client('a close that goes on', masked(0x08), 'websocket.control.fragmented', PROTOCOL_ERROR),
      ...[3, 7, 0xb, 0xf].flatMap((opcode) =>
        client(`opcode ${opcode}`, masked(0x80 | opcode), 'websocket.frame.opcode', PROTOCOL_ERROR),
      ),
      machine(
        'a flood of pings: machine',
        FROM_CLIENT,
        Buffer.concat(Array.from({ length: limits.websocket.controlFrames + 1 }, () => masked(0x89))),
        'websocket.control.flood',
        POLICY,
        ['frame'],
      ),
      {
        against: 'gateway',
        name: 'a flood of pings: gateway',
        client: [
          upgradeRequest(),
          { answer: 101 },
          { flood: Buffer.concat(Array.from({ length: 4_096 }, () => masked(0x89))), times: 32 },
        ],
        cluster: [{ answer: SWITCHING }, { closed: true }],
        expect: {
          client: [{ webSocketClose: POLICY }, { closed: true }],
          cluster: [
            forwardedUpgrade(),
            {
              before: Buffer.concat(Array.from({ length: limits.websocket.controlFrames }, () => masked(0x89))),
              close: 1001,
            },
          ],
          tape: [{ ...EXEC_TAPE, decisions: ['admins'], notes: ['websocket.control.flood'], seal: 'fault' }],
        },
      },
    ],
  },
  {
    name: 'messages within messages',
    sources: ['RFC 6455 section 5.4', 'golang/go#16945'],
    why: 'Where one reader begins a message and the other goes on with the last, every later byte means two things.',
    plays: [
      machine(
        'a message within another: machine',
        FROM_CLIENT,
        Buffer.concat([masked(0x02, '\x00a'), masked(0x82, '\x00b')]),
        'websocket.message.interleaved',
        PROTOCOL_ERROR,
        ['frame'],
      ),
      ...client(
        'a continuation of nothing',
        masked(0x80, '\x00'),
        'websocket.message.nothing_to_continue',
        PROTOCOL_ERROR,
      ),
      machine(
        'a fragment of a client’s, in channels',
        'channels facing a client',
        masked(0x02, '\x00a'),
        'kube.channel.fragmented',
        PROTOCOL_ERROR,
      ),
    ],
  },
  {
    name: 'text and close codes',
    sources: ['RFC 6455 section 7.4', 'RFC 6455 section 8.1', 'RFC 3629'],
    why: 'What is not UTF-8, or a code that is never on the wire, throws in one peer and passes in the other.',
    plays: [
      machine('a text that is not UTF-8: machine', FROM_CLIENT, NOT_UTF8, 'websocket.text.not_utf8', INVALID_PAYLOAD, [
        'frame',
      ]),
      fromClient('a text that is not UTF-8', NOT_UTF8, 'websocket.text.not_utf8', INVALID_PAYLOAD),
      ...[0, 999, 1004, 1005, 1006, 1015, 5000].flatMap((code) =>
        client(
          `close ${code}`,
          masked(0x88, Buffer.from([code >> 8, code & 255])),
          'websocket.close.code',
          PROTOCOL_ERROR,
        ),
      ),
      ...client('half a code', masked(0x88, '\x03'), 'websocket.close.length', PROTOCOL_ERROR),
      ...client(
        'a reason that is not UTF-8',
        masked(0x88, Buffer.from([3, 0xe8, 0xc3, 0x28])),
        'websocket.close.reason',
        INVALID_PAYLOAD,
      ),
    ],
  },
  {
    name: 'the handshake',
    sources: ['CVE-2026-1527', 'CVE-2024-37890', 'RFC 6455 section 4.2.1'],
    why: 'CR LF in an upgrade’s fields writes more of them; many of them ended the ws server.',
    plays: [
      ...refusedByBoth(
        'CR within a subprotocol',
        upgradeRequest('alice', ['Sec-WebSocket-Protocol: a\rImpersonate-User: admin']),
        'http1.field.bare_cr',
      ),
      ...refusedByBoth(
        'many fields',
        upgradeRequest(
          'alice',
          Array.from({ length: limits.http1.fieldCount }, (_, at) => `A${at}: b`),
        ),
        'http1.field.too_many',
        { code: 431 },
      ),
      ...(
        [
          [
            'another version',
            [HANDSHAKE[0].replace('13', '8'), HANDSHAKE[1], HANDSHAKE[2]],
            'websocket.handshake.version',
          ],
          ['a short key', [HANDSHAKE[0], 'Sec-WebSocket-Key: AAAA', HANDSHAKE[2]], 'websocket.handshake.key'],
          ['two keys', [...HANDSHAKE, HANDSHAKE[1]], 'websocket.handshake.key'],
          ['no key', [HANDSHAKE[0], HANDSHAKE[2]], 'websocket.handshake.key'],
        ] as const
      ).map(([name, lines, rule]) =>
        refusedByGateway(
          name,
          request(EXEC, ['Connection: Upgrade', 'Upgrade: websocket', ...lines]),
          [{ answer: 400, rule }],
          answered(rule),
        ),
      ),
    ],
  },
  {
    name: 'channels that do not exist, or go the wrong way',
    sources: ['KEP-4006', 'kubernetes streaming wsstream'],
    why: 'Bytes that a container, or a client, puts on the error channel are read as the exit status or as an error.',
    plays: [
      ...channel('an unknown channel', '\x09x', 'kube.channel.unknown'),
      ...channel('the client’s own stdout', '\x01x', 'kube.channel.unknown'),
      ...channel('the client’s own exit status', '\x03{"status":"Success"}', 'kube.channel.unknown'),
      ...channel('no channel', '', 'kube.channel.empty'),
      ...channel('a close of an unknown channel', '\xff\x09', 'kube.channel.close_unknown'),
      ...channel('a close of two', '\xff\x00\x04', 'kube.channel.close_length'),
      machine(
        'stdin behind its close: machine',
        'channels facing a client',
        Buffer.concat([masked(0x82, Buffer.from([0xff, 0])), masked(0x82, '\x00id\n')]),
        'kube.channel.closed',
        PROTOCOL_ERROR,
        ['closed'],
      ),
      {
        against: 'gateway',
        name: 'stdin behind its close: gateway',
        client: [upgradeRequest(), { answer: 101 }, masked(0x82, Buffer.from([0xff, 0])), masked(0x82, '\x00id\n')],
        cluster: [{ answer: SWITCHING }, { closed: true }],
        expect: {
          client: [{ webSocketClose: PROTOCOL_ERROR }, { closed: true }],
          cluster: [forwardedUpgrade(), { before: masked(0x82, Buffer.from([0xff, 0])), close: 1001 }],
          tape: [
            { ...EXEC_TAPE, decisions: ['admins'], notes: ['channel.closed', 'kube.channel.closed'], seal: 'fault' },
          ],
        },
      },
      machine(
        'stdin of a cluster’s: machine',
        'channels facing a cluster',
        plain(0x82, '\x00x'),
        'kube.channel.unknown',
        PROTOCOL_ERROR,
      ),
      fromCluster('stdin of a cluster’s', plain(0x82, '\x00x'), 'kube.channel.unknown', PROTOCOL_ERROR),
      machine(
        'text from a cluster: machine',
        'channels facing a cluster',
        plain(0x81, '\x01x'),
        'kube.channel.opcode',
        PROTOCOL_ERROR,
      ),
    ],
  },
]

function channel(name: string, message: string, rule: string): readonly Play[] {
  const bytes = masked(0x82, Buffer.from(message, 'latin1'))
  return [
    machine(`${name}: machine`, 'channels facing a client', bytes, rule, PROTOCOL_ERROR),
    fromClient(name, bytes, rule, PROTOCOL_ERROR),
  ]
}
