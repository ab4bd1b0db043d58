// SPDY/3.1 frames whose counts, lengths or compression make their reader allocate, lose step or loop, and streams that
// Kubernetes does not open.

import { limits } from '../../../protocols/limits.ts'
import { block, control, data, PeerDeflater, synStream, word } from '../../protocols/spdy/frames.ts'
import { facingClient, facingCluster } from '../../protocols/spdy/sessions.ts'
import { forwardedSpdy, SPDY_SWITCHING, spdyRequest } from '../exec-scenes.ts'
import type { Bytes, GatewayPlay, Play, Playbook } from '../playbook.ts'
import { machine } from '../scenes.ts'

const PROTOCOL_ERROR = 1
const INVALID_STREAM = 2
const REFUSED_STREAM = 3
const STREAM_IN_USE = 8
const STREAM_ALREADY_CLOSED = 9
const FRAME_TOO_LARGE = 11

/** Behind streams 1, 3 and 5, as the machines of these plays have them. */
const next = (bytes: Uint8Array): Buffer => facingClient().peer.deflate(bytes)
/** GOAWAY of the gateway's own to the cluster. */
const GOAWAY = control(7, 0, 0, 0)
const ERROR_AND_STDIN = ((): Buffer => {
  const peer = new PeerDeflater()
  return Buffer.concat([
    synStream(1, peer.deflate(block(['streamtype', 'error']))),
    synStream(3, peer.deflate(block(['streamtype', 'stdin']))),
  ])
})()

/** The first frames of a client's session, refused by the gateway: GOAWAY to both, of it nothing to the cluster. */
function fromClient(name: string, bytes: Bytes, rule: string, passed: Uint8Array = Buffer.alloc(0)): GatewayPlay {
  return {
    against: 'gateway',
    name: `${name}: gateway`,
    client: [spdyRequest(), { answer: 101 }, bytes],
    cluster: [{ answer: SPDY_SWITCHING }, { closed: true }],
    expect: {
      client: [{ goAway: true }, { closed: true }],
      cluster: [forwardedSpdy(), Buffer.concat([passed, GOAWAY])],
      tape: [
        {
          kind: 'exec',
          kinds: ['open', 'request', 'decision', 'response', 'note', 'seal'],
          decisions: ['admins'],
          notes: [rule],
          seal: 'fault',
        },
      ],
    },
  }
}

function client(name: string, bytes: Uint8Array, rule: string, code: number, told: readonly string[] = []): Play {
  return machine(`${name}: machine`, 'spdy facing a client', bytes, rule, code, told)
}

function cluster(name: string, bytes: Uint8Array, rule: string, code: number): Play {
  return machine(`${name}: machine`, 'spdy facing a cluster', bytes, rule, code)
}

/** A header block that says it has this many names. */
const names = (count: number): Buffer => Buffer.concat([word(count), Buffer.alloc(64)])
/** One name that says it has this length. */
const long = (length: number): Buffer => Buffer.concat([word(1), word(length), Buffer.alloc(64)])
const BOMB = Buffer.alloc(60_000_000)
/** 60 MB in 60 KB. */
const first = (bytes: Uint8Array): Buffer => synStream(1, new PeerDeflater().deflate(bytes))

function flood(): Buffer {
  const { peer } = facingClient()
  const frames = Array.from({ length: limits.spdy.streams }, (_, at) => synStream(7 + 2 * at, peer.deflate(block())))
  return Buffer.concat(frames)
}

export const spdyFrames: readonly Playbook[] = [
  {
    name: 'counts and lengths taken at their word',
    sources: ['CVE-2026-35469', 'GHSA-pc3f-x583-g7j2'],
    why: 'Twelve bytes that count 2^28 settings, or 2^31 headers, make their reader allocate gigabytes before it reads on.',
    plays: [
      client('2^28 settings', control(4, 0, 0x1000_0000), 'spdy.settings.too_many', FRAME_TOO_LARGE),
      fromClient('2^28 settings', control(4, 0, 0x1000_0000), 'spdy.settings.too_many'),
      client('fewer settings than counted', control(4, 0, 2, 1, 1), 'spdy.settings.length', PROTOCOL_ERROR),
      client('2^31 headers', synStream(7, next(names(0x8000_0000))), 'spdy.headers.too_many', FRAME_TOO_LARGE),
      fromClient('2^31 headers', first(names(0x8000_0000)), 'spdy.headers.too_many'),
      client('2^32-1 headers', synStream(7, next(names(0xffff_ffff))), 'spdy.headers.too_many', FRAME_TOO_LARGE),
      client('a name of 2^31 bytes', synStream(7, next(long(0x8000_0000))), 'spdy.headers.short', PROTOCOL_ERROR),
      fromClient('a name of 2^31 bytes', first(long(0x8000_0000)), 'spdy.headers.short'),
      client(
        'a control frame of 16 MiB, by its header',
        Buffer.from('8003000100ffffff', 'hex'),
        'spdy.frame.too_large',
        FRAME_TOO_LARGE,
      ),
      fromClient(
        'a control frame of 16 MiB, by its header',
        Buffer.from('8003000100ffffff', 'hex'),
        'spdy.frame.too_large',
      ),
    ],
  },
  {
    name: 'zlib bombs',
    sources: ['CVE-2026-35469', 'GHSA-pc3f-x583-g7j2'],
    why: 'A header block of 60 KB that inflates to 60 MB is a thousand times what its sender paid.',
    plays: [
      client('1,000 to 1', synStream(7, next(BOMB)), 'spdy.compression.too_large', FRAME_TOO_LARGE),
      fromClient('1,000 to 1', first(BOMB), 'spdy.compression.too_large'),
      client(
        'a block that is not zlib',
        synStream(7, Buffer.from('junk')),
        'spdy.compression.no_flush',
        PROTOCOL_ERROR,
      ),
      fromClient('another dictionary', synStream(1, Buffer.from('78bb00000000', 'hex')), 'spdy.compression.dictionary'),
    ],
  },
  {
    name: 'stream ids',
    sources: ['CVE-2026-35469', 'SPDY draft 3.1 section 2.3.2'],
    why: 'A stream that is opened twice, or by the wrong side, is two streams to two readers.',
    plays: [
      client('one that is open', synStream(5, next(block())), 'spdy.stream.id_not_increasing', STREAM_IN_USE),
      client('one below the last', synStream(1, next(block())), 'spdy.stream.id_not_increasing', STREAM_IN_USE),
      client('one of the other side', synStream(2, next(block())), 'spdy.stream.parity', PROTOCOL_ERROR),
      client('0', synStream(0, next(block())), 'spdy.stream.parity', PROTOCOL_ERROR),
      client('the reserved bit', synStream(0x8000_0007, next(block())), 'spdy.stream.reserved_bit', PROTOCOL_ERROR),
      fromClient(
        'one that is open',
        Buffer.concat([ERROR_AND_STDIN, synStream(3, Buffer.alloc(0))]),
        'spdy.compression.no_flush',
        ERROR_AND_STDIN,
      ),
      cluster(
        'an odd one of a cluster',
        synStream(7, facingCluster().peer.deflate(block())),
        'spdy.stream.parity',
        PROTOCOL_ERROR,
      ),
    ],
  },
  {
    name: 'floods',
    sources: ['CVE-2026-35469'],
    why: 'Streams that are opened and never used, or opened and reset, fill tables on both sides.',
    plays: [
      client('more streams than are taken', flood(), 'spdy.stream.too_many', REFUSED_STREAM, ['synStream']),
      client('RST_STREAM for a stream never opened', control(3, 0, 9, 5), 'spdy.reset.unknown_stream', INVALID_STREAM),
      client('RST_STREAM for stream 0', control(3, 0, 0, 5), 'spdy.reset.unknown_stream', INVALID_STREAM),
      fromClient('SETTINGS, which Kubernetes does not send', control(4, 0, 0), 'kube.spdy.unexpected_frame'),
      fromClient(
        'WINDOW_UPDATE, which it does not send',
        Buffer.concat([ERROR_AND_STDIN, control(9, 0, 3, 1)]),
        'kube.spdy.unexpected_frame',
        ERROR_AND_STDIN,
      ),
      {
        against: 'gateway',
        name: 'what comes behind GOAWAY is nobody’s',
        client: [
          spdyRequest(),
          { answer: 101 },
          Buffer.concat([ERROR_AND_STDIN, control(7, 0, 0, 0), data(3, 'id\n')]),
        ],
        cluster: [{ answer: SPDY_SWITCHING }, { until: control(7, 0, 0, 0) }],
        expect: {
          client: [],
          cluster: [forwardedSpdy(), Buffer.concat([ERROR_AND_STDIN, control(7, 0, 0, 0)])],
          tape: [
            {
              kind: 'exec',
              kinds: ['open', 'request', 'decision', 'response', 'note', 'seal'],
              decisions: ['admins'],
              notes: ['spdy.goAway'],
              seal: 'closed',
            },
          ],
        },
      },
    ],
  },
  {
    name: 'data out of turn',
    sources: ['moby/spdystream', 'SPDY draft 3.1 section 2.2.2'],
    why: 'Go delivers or drops such data, at random: what is on the tape would not be what the container got.',
    plays: [
      client(
        'before SYN_REPLY',
        Buffer.concat([synStream(7, next(block())), data(7, 'x')]),
        'spdy.data.before_reply',
        PROTOCOL_ERROR,
        ['synStream'],
      ),
      client(
        'behind FIN',
        Buffer.concat([data(3, '', 1), data(3, 'x')]),
        'spdy.data.after_fin',
        STREAM_ALREADY_CLOSED,
        ['data'],
      ),
      client('on a stream never opened', data(7, 'x'), 'spdy.data.unknown_stream', INVALID_STREAM),
      client('on stream 0', data(0, 'x'), 'spdy.data.unknown_stream', INVALID_STREAM),
      fromClient('on a stream never opened', data(7, 'id\n'), 'spdy.data.unknown_stream'),
      fromClient(
        'before SYN_REPLY',
        Buffer.concat([ERROR_AND_STDIN, data(3, 'id\n')]),
        'spdy.data.before_reply',
        ERROR_AND_STDIN,
      ),
    ],
  },
  {
    name: 'frames within frames',
    sources: ['moby/spdystream', 'SPDY draft 3.1 section 2.2.1'],
    why: 'A reader that takes a fixed length where another takes the length that is written reads other frames behind it.',
    plays: [
      client(
        'RST_STREAM with a PING inside',
        control(3, 0, 3, 5, control(6, 0, 1)),
        'spdy.frame.length',
        PROTOCOL_ERROR,
      ),
      client('PING with data inside', control(6, 0, 1, data(3, 'x')), 'spdy.frame.length', PROTOCOL_ERROR),
      client('more settings than counted', control(4, 0, 0, 1, 1), 'spdy.settings.length', PROTOCOL_ERROR),
      client('another version', Buffer.from('800200060000000400000001', 'hex'), 'spdy.frame.version', 4),
      client('an unknown type', control(0x0101, 0, 1, 0), 'spdy.frame.type', PROTOCOL_ERROR),
      client('flags that are none', control(6, 1, 1), 'spdy.frame.flags', PROTOCOL_ERROR),
      fromClient('PING with data inside', control(6, 0, 1, data(3, 'x')), 'spdy.frame.length'),
    ],
  },
  {
    name: 'streams that exec does not have',
    sources: ['KEP-4006', 'open-cluster-management-io/cluster-proxy#329'],
    why: 'A stream with another label, or with more headers than its label, carries what nobody judged or recorded.',
    plays: [
      ...(
        [
          ['another label', [['streamtype', 'data']], 'kube.exec.label'],
          ['one that was not asked for', [['streamtype', 'stderr']], 'kube.exec.label'],
          ['two labels', [['streamtype', 'stdin\0stdout']], 'kube.exec.label_count'],
          ['no label', [], 'kube.exec.label_count'],
          [
            'Impersonate-User beside the label',
            [
              ['streamtype', 'stdin'],
              ['impersonate-user', 'admin'],
            ],
            'kube.exec.header',
          ],
        ] as const
      ).map(([name, pairs, rule]) =>
        fromClient(name, first(block(...(pairs as readonly (readonly [string, string])[]))), rule),
      ),
      fromClient(
        'a label twice',
        Buffer.concat([ERROR_AND_STDIN, thirdStream(['streamtype', 'stdin'])]),
        'kube.exec.label',
        ERROR_AND_STDIN,
      ),
    ],
  },
]

/** Stream 5, behind `ERROR_AND_STDIN`. */
function thirdStream(...pairs: readonly (readonly [string, string])[]): Buffer {
  const peer = new PeerDeflater()
  peer.deflate(block(['streamtype', 'error']))
  peer.deflate(block(['streamtype', 'stdin']))
  return synStream(5, peer.deflate(block(...pairs)))
}
