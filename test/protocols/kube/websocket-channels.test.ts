// Channels in WebSocket messages: each piece goes to its channel under any cut, in the binary and the base64 forms, and
// whatever an API server would read otherwise than we do is refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CHANNEL } from '../../../protocols/kube/channels.ts'
import { channelMessage, closeMessage } from '../../../protocols/kube/websocket-channels.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { masked, pattern, plain } from '../websocket/frames.ts'
import { bytesOf, type ChannelEvent, joinBytes, remoteCommand } from './channel-machine.ts'

const join = joinBytes
const CLIENT = { fromClient: true, closes: true } as const
const SERVER = { fromClient: false, closes: true } as const

/** A client's message, binary. */
function input(channel: number, bytes: Uint8Array | string): Buffer {
  return masked(0x82, channelMessage(channel, Buffer.from(bytes), false))
}

function output(channel: number, bytes: Uint8Array | string): Buffer {
  return plain(0x82, channelMessage(channel, Buffer.from(bytes), false))
}

function rule(events: readonly ChannelEvent[]): string | undefined {
  const last = events.at(-1)
  return last?.type === 'failed' ? last.error.rule : undefined
}

test('a client of v5 writes to stdin and resizes, in binary and in text, and closes stdin', () => {
  const stream = Buffer.concat([
    input(CHANNEL.STDIN, 'ls\n'),
    masked(0x89),
    masked(0x81, '\x00text is data too'),
    input(CHANNEL.RESIZE, '{"Width":1,"Height":2}'),
    input(CHANNEL.STDIN, pattern(300)),
    input(CHANNEL.STDIN, ''),
    masked(0x82, closeMessage(CHANNEL.STDIN)),
    masked(0x82, closeMessage(CHANNEL.STDIN)),
    input(CHANNEL.RESIZE, ' '),
    masked(0x88, Uint8Array.of(0x03, 0xe8)),
  ])
  const { events } = assertAnyCut(() => remoteCommand(CLIENT), stream, { join })
  assert.deepEqual(
    bytesOf(events, CHANNEL.STDIN),
    Buffer.concat([Buffer.from('ls\n'), Buffer.from('text is data too'), pattern(300)]),
  )
  assert.equal(bytesOf(events, CHANNEL.RESIZE).toString(), '{"Width":1,"Height":2} ')
  assert.deepEqual(
    events.filter((event) => event.type === 'closed'),
    [{ type: 'closed', channel: 0 }],
  )
  assert.equal(rule(events), undefined)
})

test('a server writes to its three channels, in fragments too, and its first empty message tells nothing', () => {
  const stream = Buffer.concat([
    output(CHANNEL.STDOUT, ''),
    output(CHANNEL.STDOUT, 'out'),
    output(CHANNEL.STDERR, 'err'),
    plain(0x02, Uint8Array.of(CHANNEL.STDOUT)),
    plain(0x00, 'in '),
    plain(0x8a),
    plain(0x80, 'parts'),
    output(CHANNEL.ERROR, '{"status":"Success"}'),
  ])
  const { events } = assertAnyCut(() => remoteCommand(SERVER), stream, { join })
  assert.equal(bytesOf(events, CHANNEL.STDOUT).toString(), 'outin parts')
  assert.equal(bytesOf(events, CHANNEL.STDERR).toString(), 'err')
  assert.equal(bytesOf(events, CHANNEL.ERROR).toString(), '{"status":"Success"}')
  assert.equal(events[0]?.type === 'bytes' && Buffer.from(events[0].bytes).toString(), 'out')
})

test('base64 forms carry a digit and each message’s own base64, from either side', () => {
  const pieces = [pattern(0), pattern(1), pattern(2), pattern(3), pattern(200)]
  for (const fromClient of [true, false]) {
    const channel = fromClient ? CHANNEL.STDIN : CHANNEL.STDERR
    const write = fromClient ? masked : plain
    const stream = Buffer.concat(pieces.map((piece) => write(0x81, channelMessage(channel, piece, true))))
    assert.match(Buffer.from(channelMessage(channel, pattern(2), true)).toString(), /^[02]AB8=$/)
    const { events } = assertAnyCut(() => remoteCommand({ fromClient, base64: true }), stream, { join })
    assert.deepEqual(bytesOf(events, channel), Buffer.concat(pieces))
  }
})

test('a client of a base64 form may send its text in binary messages, as a Go server takes it', () => {
  const stream = masked(0x82, channelMessage(CHANNEL.STDIN, Buffer.from('hello'), true))
  const { events } = assertAnyCut(() => remoteCommand({ fromClient: true, base64: true }), stream, { join })
  assert.equal(bytesOf(events, CHANNEL.STDIN).toString(), 'hello')
})

const REFUSALS: readonly [
  what: string,
  machine: Parameters<typeof remoteCommand>[0],
  stream: Buffer[],
  rule: string,
][] = [
  [
    'a client’s fragments, which x/net/websocket reads as messages of their own',
    CLIENT,
    [masked(0x02, '\x00AAA'), masked(0x80, '\x04BBB')],
    'kube.channel.fragmented',
  ],
  ['a client’s first fragment even if it is empty', CLIENT, [masked(0x02)], 'kube.channel.fragmented'],
  ['a client’s bytes on stdout', CLIENT, [input(1, 'x')], 'kube.channel.unknown'],
  ['a client’s bytes on the error channel', CLIENT, [input(3, 'x')], 'kube.channel.unknown'],
  ['a channel past the last', CLIENT, [input(5, '')], 'kube.channel.unknown'],
  ['a server’s bytes on stdin', SERVER, [output(0, 'x')], 'kube.channel.unknown'],
  ['a server’s bytes on the resize channel', SERVER, [output(4, 'x')], 'kube.channel.unknown'],
  ['a server that closes a channel', SERVER, [plain(0x82, closeMessage(1))], 'kube.channel.unknown'],
  ['a close before v5', { fromClient: true }, [masked(0x82, closeMessage(0))], 'kube.channel.unknown'],
  ['a close of nothing', CLIENT, [masked(0x82, Uint8Array.of(255))], 'kube.channel.close_unknown'],
  ['a close of two channels', CLIENT, [masked(0x82, Uint8Array.of(255, 0, 4))], 'kube.channel.close_length'],
  ['a close of a server’s channel', CLIENT, [masked(0x82, closeMessage(1))], 'kube.channel.close_unknown'],
  ['a close of a channel that does not exist', CLIENT, [masked(0x82, closeMessage(9))], 'kube.channel.close_unknown'],
  ['a close of the close', CLIENT, [masked(0x82, closeMessage(255))], 'kube.channel.close_unknown'],
  ['data behind a close', CLIENT, [masked(0x82, closeMessage(0)), input(0, 'x')], 'kube.channel.closed'],
  ['an empty message behind a close', CLIENT, [masked(0x82, closeMessage(4)), input(4, '')], 'kube.channel.closed'],
  ['a message without a channel', CLIENT, [masked(0x82)], 'kube.channel.empty'],
  ['a message without a channel from the server', SERVER, [plain(0x02), plain(0x80)], 'kube.channel.empty'],
  ['text from the server in a binary form', SERVER, [plain(0x81, '\x01x')], 'kube.channel.opcode'],
  [
    'binary from the server in a base64 form',
    { fromClient: false, base64: true },
    [plain(0x82, '1eA==')],
    'kube.channel.opcode',
  ],
  ['a channel below the digits', { fromClient: true, base64: true }, [masked(0x81, '/AA==')], 'kube.channel.unknown'],
  [
    'a digit past the last channel',
    { fromClient: true, base64: true },
    [masked(0x81, '5AA==')],
    'kube.channel.unknown',
  ],
  [
    'a channel in binary in a base64 form',
    { fromClient: true, base64: true },
    [masked(0x81, '\x00AA==')],
    'kube.channel.unknown',
  ],
  ['base64 without its padding', { fromClient: true, base64: true }, [masked(0x81, '0eHh')], 'kube.channel.base64_cut'],
  ['base64 of the URL alphabet', { fromClient: true, base64: true }, [masked(0x81, '0__8=')], 'kube.channel.base64'],
  ['a line end in base64', { fromClient: true, base64: true }, [masked(0x81, '0eHh4\n')], 'kube.channel.base64'],
  [
    'two base64 texts in a message',
    { fromClient: true, base64: true },
    [masked(0x81, '0eA==eA==')],
    'kube.channel.base64',
  ],
]
for (const [what, form, stream, expected] of REFUSALS) {
  test(`refuses ${what}`, () => {
    const sound = form.base64 === true ? 'MA==' : '0'
    const prefix = form.base64 === true ? (form.fromClient ? '0' : '1') : form.fromClient ? '\x00' : '\x01'
    const write = form.fromClient ? masked : plain
    const first = write(form.base64 === true ? 0x81 : 0x82, prefix + sound)
    const last = write(0x89)
    const { events } = assertAnyCut(() => remoteCommand(form), Buffer.concat([first, ...stream, last]), { join })
    assert.equal(rule(events), expected)
    assert.equal(bytesOf(events, form.fromClient ? 0 : 1).toString('latin1', 0, 1), '0')
  })
}

test('messages of any sizes and channels keep their bytes and their order, in both forms', () => {
  const message = fc.tuple(fc.constantFrom(0, 4), fc.uint8Array({ maxLength: 80 }))
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 10 }), fc.boolean(), (messages, base64) => {
      const stream = messages.map(([channel, bytes]) =>
        masked(base64 ? 0x81 : 0x82, channelMessage(channel, bytes, base64)),
      )
      const make = (): ReturnType<typeof remoteCommand> => remoteCommand({ fromClient: true, base64, closes: !base64 })
      const { events } = assertAnyCut(make, Buffer.concat(stream), { join })
      const told = events.map((event) => (event.type === 'bytes' ? `${event.channel}${hex(event.bytes)}` : event.type))
      const expected: ChannelEvent[] = []
      for (const [channel, bytes] of messages) {
        const last = expected.at(-1)
        const event = { type: 'bytes', channel, bytes } as const
        const joined = last === undefined ? undefined : join(last, event)
        if (joined !== undefined) expected[expected.length - 1] = joined
        else if (bytes.length > 0) expected.push(event)
      }
      assert.deepEqual(
        told,
        expected.map((event) => (event.type === 'bytes' ? `${event.channel}${hex(event.bytes)}` : '')),
      )
    }),
    { numRuns: 20 },
  )
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
