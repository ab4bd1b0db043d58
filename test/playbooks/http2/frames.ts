// HTTP/2 as a way to make a server work, hold or loop for next to nothing, and frames that two readers part over.

import { limits } from '../../../protocols/limits.ts'
import {
  block,
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  flood,
  frame,
  GET,
  goaway,
  HEADERS,
  number,
  open,
  PING,
  PRIORITY,
  RST_STREAM,
  request,
  reset,
  SETTINGS,
  setting,
  text,
  WINDOW_UPDATE,
} from '../http2-scenes.ts'
import type { Playbook } from '../playbook.ts'

const PROTOCOL_ERROR = 1
const FLOW_CONTROL_ERROR = 3
const STREAM_CLOSED = 5
const FRAME_SIZE_ERROR = 6
const REFUSED_STREAM = 7
const COMPRESSION_ERROR = 9
const ENHANCE_YOUR_CALM = 11

const { continuations, blockBytes, pings, settings, emptyFrames, settingsEntries, streams } = limits.http2
const DATA = 0
/** One fewer than are taken: the refusal of a stream is one more. */
const RESETS = limits.http2.resets - 1
const times = (count: number, bytes: Uint8Array): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes))
const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts)
const CANCEL = number(8)
const head = (...extra: readonly (readonly [string, string])[]): Buffer => block(...GET, ...extra)

/** A request whose head is this block, whole. */
const blockOf = (bytes: Uint8Array): Buffer => frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes)
const compression = (name: string, rule: string, ...octets: readonly number[]) =>
  goaway(name, blockOf(Buffer.from(octets)), rule, COMPRESSION_ERROR)

export const http2Frames: readonly Playbook[] = [
  {
    name: 'Rapid Reset',
    sources: ['CVE-2023-44487'],
    why: 'Streams that are opened and reset at once count against no limit and cost the server and the cluster a request each.',
    plays: [
      ...flood(
        'requests, each of them reset',
        (stream) => join(request(stream), frame(RST_STREAM, 0, stream, CANCEL)),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['request', 'reset'],
      ),
      ...reset(
        'work under way counts, not open streams: a stream that is reset is no free place',
        join(
          ...Array.from({ length: RESETS }, (_, at) =>
            join(open(2 * at + 1), frame(RST_STREAM, 0, 2 * at + 1, CANCEL)),
          ),
          ...Array.from({ length: streams - RESETS + 1 }, (_, at) => open(2 * (RESETS + at) + 1)),
        ),
        'http2.streams.too_many',
        REFUSED_STREAM,
        {
          told: [...Array.from({ length: RESETS }, () => ['request', 'reset']).flat(), 'request'],
          stream: 2 * streams + 1,
        },
      ),
    ],
  },
  {
    name: 'MadeYouReset',
    sources: ['CVE-2025-8671'],
    why: 'A client that makes the server reset its streams, by a fault on each, gains what Rapid Reset gained.',
    plays: [
      ...flood(
        'WINDOW_UPDATE of nothing',
        (stream) => join(open(stream), frame(WINDOW_UPDATE, 0, stream, number(0))),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['request', 'reset'],
      ),
      ...flood(
        'WINDOW_UPDATE past 2^31-1',
        (stream) => join(open(stream), frame(WINDOW_UPDATE, 0, stream, number(0x7fff_ffff))),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['request', 'reset'],
      ),
      // These two end the connection the first time (RFC 9113 section 5.4).
      ...goaway(
        'PRIORITY on itself',
        join(open(1), frame(PRIORITY, 0, 1, join(number(1), Buffer.of(0)))),
        'http2.priority.self_dependency',
        PROTOCOL_ERROR,
        ['request'],
      ),
      ...goaway(
        'PRIORITY of another length',
        join(open(1), frame(PRIORITY, 0, 1, number(0))),
        'http2.priority.length',
        FRAME_SIZE_ERROR,
        ['request'],
      ),
      ...flood(
        'HEADERS behind END_STREAM',
        (stream) => join(request(stream), request(stream)),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['request', 'reset'],
      ),
      ...flood(
        'DATA behind END_STREAM',
        (stream) => join(request(stream), frame(DATA, 0, stream, Buffer.of(1))),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['request', 'reset'],
      ),
      ...flood(
        'more DATA than Content-Length',
        (stream) => join(open(stream, [...GET, ['content-length', '1']]), frame(DATA, 0, stream, Buffer.of(1, 2))),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['request', 'data', 'reset'],
      ),
    ],
  },
  {
    name: 'CONTINUATION floods',
    sources: ['CVE-2024-27316', 'CVE-2024-27983', 'CVE-2023-45288'],
    why: 'A field block that never ends is decoded, or held, without a request that any limit could count.',
    plays: [
      ...goaway(
        'one frame more than is taken',
        join(frame(HEADERS, 0, 1, head()), times(continuations + 1, frame(CONTINUATION, 0, 1, block(['a', 'b'])))),
        'http2.continuation.flood',
        ENHANCE_YOUR_CALM,
      ),
      ...goaway(
        'empty ones',
        join(frame(HEADERS, 0, 1, head()), times(continuations + 1, frame(CONTINUATION, 0, 1))),
        'http2.continuation.flood',
        ENHANCE_YOUR_CALM,
      ),
      ...goaway(
        'more octets than are taken, in few frames',
        join(
          frame(HEADERS, 0, 1, Buffer.alloc(16_384)),
          times(Math.ceil(blockBytes / 16_384), frame(CONTINUATION, 0, 1, Buffer.alloc(16_384))),
        ),
        'http2.block.too_long',
        ENHANCE_YOUR_CALM,
      ),
      ...goaway(
        'another frame within a block',
        join(frame(HEADERS, 0, 1, head()), frame(PING, 0, 0, Buffer.alloc(8))),
        'http2.continuation.interrupted',
        PROTOCOL_ERROR,
      ),
      ...goaway(
        'the block of another stream',
        join(frame(HEADERS, 0, 1, head()), frame(CONTINUATION, END_HEADERS, 3)),
        'http2.continuation.interrupted',
        PROTOCOL_ERROR,
      ),
      ...goaway('of nothing', frame(CONTINUATION, END_HEADERS, 1, head()), 'http2.continuation.alone', PROTOCOL_ERROR),
    ],
  },
  {
    name: 'the HTTP/2 bomb',
    sources: ['CVE-2026-49975', 'CVE-2026-47774', 'CVE-2016-6581', 'CVE-2019-9516'],
    why: 'A reference of one octet stands for a field of 4 KiB: 16 KiB of them are 64 MiB of fields in one request.',
    plays: [
      ...reset(
        'more references than fields are taken',
        blockOf(join(head(), Buffer.alloc(limits.hpack.fieldCount, 0x80 | 16))),
        'http2.fields.too_large',
        0,
      ),
      ...reset(
        'a table entry of 3,900 octets, referred to 17 times',
        blockOf(join(head(), Buffer.of(0x40), text('a'), text('b'.repeat(3_900)), Buffer.alloc(17, 0x80 | 62))),
        'http2.fields.too_large',
        0,
      ),
      ...reset(
        'cookie crumbs, each of them counted',
        blockOf(join(head(), times(limits.hpack.fieldCount, block(['cookie', 'a=b'])))),
        'http2.fields.too_large',
        0,
      ),
      ...compression(
        'far more references than fields are taken',
        'hpack.block.bomb',
        ...Array.from({ length: 8 * limits.hpack.fieldCount + 1 }, () => 0x80 | 16),
      ),
      ...reset('fields without a name', blockOf(head(['', 'x'])), 'http2.field.name', PROTOCOL_ERROR),
    ],
  },
  {
    name: 'HPACK that two decoders read apart',
    sources: ['RFC 7541', 'CVE-2022-41723', 'CVE-2016-6581'],
    why: 'Tables out of step give one client’s fields to the next request; integers and codes without end cost time squared.',
    plays: [
      ...compression('index 0', 'hpack.index.zero', 0x80),
      ...compression('an index that no table has', 'hpack.index.unknown', 0x80 | 62),
      ...compression(
        'an integer without end',
        'hpack.integer.overflow',
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0x01,
      ),
      ...compression('an integer of leading zeros', 'hpack.integer.overflow', 0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00),
      ...compression('an integer that is cut', 'hpack.integer.cut', 0xff, 0xff),
      ...compression('a table larger than was allowed', 'hpack.size_update.limit', 0x3f, 0xe2, 0x1f),
      ...compression('a size update behind a field', 'hpack.size_update.late', 0x82, 0x20),
      ...compression('three size updates', 'hpack.size_update.count', 0x20, 0x20, 0x20),
      ...compression('a text longer than its block', 'hpack.string.cut', 0x00, 0x7f, 0xff, 0x7f),
      ...compression('a text that is missing', 'hpack.string.missing', 0x00),
      ...compression('EOS within a text', 'hpack.huffman.eos', 0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00),
      ...compression('padding of more than seven bits', 'hpack.huffman.padding', 0x00, 0x82, 0x1f, 0xff, 0x00),
      ...compression('padding that is not ones', 'hpack.huffman.padding', 0x00, 0x81, 0x18, 0x00),
    ],
  },
  {
    name: 'floods of frames that move nothing',
    sources: ['CVE-2019-9512', 'CVE-2019-9513', 'CVE-2019-9514', 'CVE-2019-9515', 'CVE-2019-9518'],
    why: 'Pings, settings, priorities and empty frames cost their sender nothing and their reader an answer or a look each.',
    plays: [
      ...goaway('pings', times(pings + 1, frame(PING, 0, 0, Buffer.alloc(8))), 'http2.flood.ping', ENHANCE_YOUR_CALM),
      ...goaway('settings', times(settings, frame(SETTINGS, 0, 0)), 'http2.flood.settings', ENHANCE_YOUR_CALM),
      ...goaway(
        'priorities',
        times(emptyFrames + 1, frame(PRIORITY, 0, 3, join(number(1), Buffer.of(0)))),
        'http2.flood.empty',
        ENHANCE_YOUR_CALM,
      ),
      ...goaway(
        'empty DATA',
        join(open(1), times(emptyFrames + 1, frame(DATA, 0, 1))),
        'http2.flood.empty',
        ENHANCE_YOUR_CALM,
        ['request'],
      ),
      ...goaway(
        'frames of unknown types',
        times(emptyFrames + 1, frame(0xbe, 0, 0)),
        'http2.flood.empty',
        ENHANCE_YOUR_CALM,
      ),
      ...flood(
        'requests that are each answered with a reset',
        (stream) => request(stream, [[':method', 'GET']]),
        'http2.flood.resets',
        ENHANCE_YOUR_CALM,
        ['reset'],
      ),
      ...goaway(
        'more settings in one frame than are taken',
        frame(SETTINGS, 0, 0, times(settingsEntries + 1, setting(1, 0))),
        'http2.settings.count',
        ENHANCE_YOUR_CALM,
      ),
    ],
  },
  {
    name: 'settings and windows out of range',
    sources: ['CVE-2026-33814', 'CVE-2026-21714', 'RFC 9113 section 6.5.2', 'RFC 9113 section 6.9.1'],
    why: 'A frame size of 0 makes the sender loop for ever, and a window past 2^31-1 leaked the session.',
    plays: [
      ...goaway('a frame size of 0', frame(SETTINGS, 0, 0, setting(5, 0)), 'http2.settings.frame_size', PROTOCOL_ERROR),
      ...goaway(
        'a frame size of 16,383',
        frame(SETTINGS, 0, 0, setting(5, 16_383)),
        'http2.settings.frame_size',
        PROTOCOL_ERROR,
      ),
      ...goaway(
        'a frame size of 2^24',
        frame(SETTINGS, 0, 0, setting(5, 2 ** 24)),
        'http2.settings.frame_size',
        PROTOCOL_ERROR,
      ),
      ...goaway(
        'an initial window of 2^31',
        frame(SETTINGS, 0, 0, setting(4, 2 ** 31)),
        'http2.settings.window',
        FLOW_CONTROL_ERROR,
      ),
      ...goaway(
        'an initial window that overflows a stream’s',
        join(
          open(1),
          frame(WINDOW_UPDATE, 0, 1, number(0x7fff_ffff - 65_535)),
          frame(SETTINGS, 0, 0, setting(4, 65_536)),
        ),
        'http2.settings.overflow',
        FLOW_CONTROL_ERROR,
        ['request'],
      ),
      ...goaway('push of 2', frame(SETTINGS, 0, 0, setting(2, 2)), 'http2.settings.push', PROTOCOL_ERROR),
      ...goaway('half an entry', frame(SETTINGS, 0, 0, Buffer.alloc(3)), 'http2.settings.length', FRAME_SIZE_ERROR),
      ...goaway(
        'an acknowledgement with a payload',
        frame(SETTINGS, 1, 0, setting(1, 0)),
        'http2.settings.ack_length',
        FRAME_SIZE_ERROR,
      ),
      ...goaway(
        'the connection’s window past 2^31-1',
        frame(WINDOW_UPDATE, 0, 0, number(0x7fff_ffff)),
        'http2.window_update.overflow',
        FLOW_CONTROL_ERROR,
      ),
      ...goaway(
        'the connection’s window by nothing',
        frame(WINDOW_UPDATE, 0, 0, number(0)),
        'http2.window_update.zero',
        PROTOCOL_ERROR,
      ),
      ...goaway(
        'more DATA than the connection may carry',
        join(open(1), times(4, frame(DATA, 0, 1, Buffer.alloc(16_384)))),
        'http2.window.connection',
        FLOW_CONTROL_ERROR,
        ['request', 'data'],
      ),
    ],
  },
  {
    name: 'frames out of turn',
    sources: ['RFC 9113 section 5.1', 'RFC 9113 section 6'],
    why: 'Where two readers disagree what state a stream is in, one of them hands its bytes to another request.',
    plays: [
      ...goaway('DATA on a stream never opened', frame(DATA, 0, 1, Buffer.of(1)), 'http2.data.idle', PROTOCOL_ERROR),
      ...goaway('DATA without a stream', frame(DATA, 0, 0, Buffer.of(1)), 'http2.data.stream', PROTOCOL_ERROR),
      ...goaway('an even stream', request(2), 'http2.headers.order', PROTOCOL_ERROR),
      ...goaway('a lower stream', join(request(3), request(1)), 'http2.headers.order', PROTOCOL_ERROR, ['request']),
      ...goaway('a push', frame(5, END_HEADERS, 1, number(2)), 'http2.push_promise', PROTOCOL_ERROR),
      ...goaway(
        'RST_STREAM for a stream never opened',
        frame(RST_STREAM, 0, 1, CANCEL),
        'http2.rst_stream.idle',
        PROTOCOL_ERROR,
      ),
      ...goaway(
        'a frame longer than was allowed, by its header',
        frame(DATA, 0, 1, Buffer.alloc(16_385)),
        'http2.frame.too_long',
        FRAME_SIZE_ERROR,
      ),
      ...goaway(
        'padding longer than its frame',
        frame(HEADERS, END_HEADERS | 8, 1, Buffer.of(9, 1)),
        'http2.headers.padding',
        PROTOCOL_ERROR,
      ),
      ...reset('HEADERS behind END_STREAM', join(request(1), request(1)), 'http2.headers.half_closed', STREAM_CLOSED, {
        told: ['request'],
      }),
      {
        against: 'machine',
        name: 'HTTP/1.1 where HTTP/2 was agreed on',
        machine: 'http2 facing a client',
        bytes: 'GET /api HTTP/1.1\r\nHost: gateway\r\n\r\n',
        expect: { rule: 'http2.preface', code: PROTOCOL_ERROR },
      },
      {
        against: 'machine',
        name: 'the preface without SETTINGS',
        machine: 'http2 facing a client',
        bytes: Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), request(1)]),
        expect: { rule: 'http2.settings.missing', code: PROTOCOL_ERROR },
      },
    ],
  },
]
