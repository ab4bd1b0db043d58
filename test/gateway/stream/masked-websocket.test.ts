import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WebSocketStream } from '../../../gateway/stream/websocket-stream.ts'
import { CHANNEL, FORWARD, forwardChannel } from '../../../protocols/kube/channels.ts'
import { announcedPort, LegacyPortForward } from '../../../protocols/kube/legacy-port-forward.ts'
import { exitStatus, failureStatus } from '../../../protocols/kube/status.ts'
import { channelMessage, closeMessage } from '../../../protocols/kube/websocket-channels.ts'
import { limits } from '../../../protocols/limits.ts'
import { masked, plain } from '../../protocols/websocket/frames.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { type Form, type Heard, read, V5 } from './messages.ts'
import { MASK, type MaskOptions, MemoryRecorder, SECRET, Session, wordChannels } from './session.ts'

const { STDIN, STDOUT, STDERR, ERROR, RESIZE } = CHANNEL

const FORMS: readonly (readonly [name: string, form: Form])[] = [
  ['channel.k8s.io', { version: 1, base64: false }],
  ['base64.channel.k8s.io', { version: 1, base64: true }],
  ['v2.channel.k8s.io', { version: 2, base64: false }],
  ['v3.channel.k8s.io', { version: 3, base64: false }],
  ['v4.channel.k8s.io', { version: 4, base64: false }],
  ['v4.base64.channel.k8s.io', { version: 4, base64: true }],
  ['v5.channel.k8s.io', { version: 5, base64: false }],
]

function exec(form: Form = V5, options: MaskOptions = {}, fromClient = false): Session {
  const recorder = new MemoryRecorder()
  const stream = new WebSocketStream({ ...form, closes: form.version === 5 }, recorder, wordChannels(recorder, options))
  return new Session(stream, recorder, fromClient) as unknown as Session
}

function forward(options: MaskOptions = {}, fromClient = false): Session {
  const recorder = new MemoryRecorder()
  const legacy = { version: 1, base64: false, closes: false, forward: new LegacyPortForward([80, 8080]) }
  return new Session(
    new WebSocketStream(legacy, recorder, wordChannels(recorder, options)),
    recorder,
    fromClient,
  ) as unknown as Session
}

/** A server's message. */
function says(channel: number, text: string | Uint8Array, { base64 }: Form = V5): Buffer {
  return plain(base64 ? 0x81 : 0x82, channelMessage(channel, Buffer.from(text as string), base64))
}

/** A client's message. */
function types(channel: number, text: string | Uint8Array, { base64 }: Form = V5): Buffer {
  return masked(base64 ? 0x81 : 0x82, channelMessage(channel, Buffer.from(text as string), base64))
}

const NOT_A_SECRET = SECRET.slice(0, 9)

describe('masked exec over WebSocket', () => {
  for (const [name, form] of FORMS) {
    it(`${name}: the client gets masked what the tape gets, under any cut`, () => {
      const words = `no such thing: ${SECRET}!`
      const bytes = Buffer.concat([
        says(STDOUT, '', form),
        says(STDERR, '', form),
        says(STDOUT, `one ${SECRET} two ${SECRET.slice(0, 5)}`, form),
        says(STDERR, SECRET.slice(5), form),
        says(STDERR, `three ${NOT_A_SECRET}`, form),
        says(STDOUT, `${SECRET.slice(5)}four ${NOT_A_SECRET}`, form),
        plain(0x89, 'ping'),
        says(ERROR, form.version >= 4 ? failureStatus(words) : words, form),
        plain(0x88, Buffer.from([0x03, 0xe8])),
      ])
      const { observed } = assertAnyCut(() => exec(form), bytes, {
        observe: ({ toClient, recorder, ended }) => ({ heard: read(toClient, form), entries: recorder.entries, ended }),
      })
      const status = `no such thing: ${MASK}!`
      assert.deepEqual(observed, {
        heard: [
          [STDOUT, ''],
          [STDERR, ''],
          [STDOUT, `one ${MASK} two `],
          [STDERR, `${SECRET.slice(5)}three `],
          [STDOUT, `${MASK}four `],
          ['ping', ''],
          // What is long enough to be a secret's beginning comes out masked: no more of it may come.
          ...flushed(),
          [ERROR, form.version >= 4 ? Buffer.from(failureStatus(status)).toString() : status],
          ['close', ''],
        ],
        entries: [
          [STDOUT, `one ${MASK} two `],
          [STDERR, `${SECRET.slice(5)}three `],
          [STDOUT, `${MASK}four ${'~'.repeat(9)}`],
          [STDERR, '~'.repeat(9)],
          [ERROR, form.version >= 4 ? Buffer.from(failureStatus(status)).toString() : status],
        ],
        ended: undefined,
      })
    })
  }

  it('a caller who is exempt gets all as it was, and the tape gets it masked', () => {
    const bytes = Buffer.concat([says(STDOUT, `a ${SECRET.slice(0, 7)}`), says(STDOUT, SECRET.slice(7)), plain(0x88)])
    const { observed } = assertAnyCut(() => exec(V5, { isExempt: true }), bytes, {
      observe: ({ toClient, recorder }) => [read(toClient), recorder.entries, recorder.count(STDOUT)],
    })
    assert.deepEqual(observed, [
      [
        [STDOUT, `a ${SECRET}`],
        ['close', ''],
      ],
      [[STDOUT, `a ${MASK}`]],
      1,
    ])
  })

  for (const [name, form] of FORMS) {
    it(`${name}: the cluster gets what is typed, and the tape gets it masked, under any cut`, () => {
      const bytes = Buffer.concat([
        types(STDIN, `echo ${SECRET.slice(0, 3)}`, form),
        types(RESIZE, '{"Width":80,"Height":24}', form),
        types(STDIN, '', form),
        types(STDIN, `${SECRET.slice(3)}\r`, form),
        masked(0x89),
        types(STDIN, NOT_A_SECRET, form),
        ...(form.version === 5 ? [masked(0x82, closeMessage(STDIN)), masked(0x82, closeMessage(STDIN))] : []),
        masked(0x88, Buffer.from([0x03, 0xe8])),
      ])
      const { observed } = assertAnyCut(() => exec(form, {}, true), bytes, {
        observe: ({ toCluster, recorder }) => [read(toCluster, form, false), recorder.entries],
      })
      assert.deepEqual(observed, [
        [
          [STDIN, 'echo '],
          [RESIZE, '{"Width":80,"Height":24}'],
          [STDIN, ''],
          [STDIN, `${SECRET}\r`],
          ['ping', ''],
          [STDIN, NOT_A_SECRET],
          ...(form.version === 5 ? [['closed', '0']] : []),
          ['close', ''],
        ],
        [
          [STDIN, 'echo '],
          [RESIZE, '{"Width":80,"Height":24}'],
          [STDIN, `${MASK}\r${NOT_A_SECRET}`],
        ],
      ])
    })
  }

  it('frames in which nothing is masked or held pass byte for byte as they came', () => {
    const session = exec()
    const bytes = Buffer.concat([says(STDOUT, 'plain'), says(STDERR, 'words'), says(STDOUT, ''), plain(0x89)])
    session.cluster(bytes)
    assert.deepEqual(session.toClient, bytes)
    const typed = Buffer.concat([types(STDIN, 'ls\r'), types(RESIZE, '{}'), masked(0x89)])
    session.client(typed)
    assert.deepEqual(session.toCluster, typed)
    assert.equal(session.protocol.masked.isHolding, false)
  })

  it('a Status is one message however the cluster cut it, and comes behind all output', () => {
    const status = exitStatus(3)
    const message = channelMessage(ERROR, status, false)
    const session = exec()
    session.cluster(says(STDOUT, SECRET.slice(0, 4)))
    session.cluster(plain(0x02, message.subarray(0, 20)))
    session.cluster(plain(0x00, message.subarray(20, 40)))
    assert.deepEqual(session.toClient, Buffer.alloc(0))
    session.cluster(plain(0x80, message.subarray(40)))
    assert.deepEqual(session.toClient, Buffer.concat([says(STDOUT, SECRET.slice(0, 4)), plain(0x82, message)]))
  })

  it('a Status that no one would send is passed on in pieces, masked', () => {
    const long = `${'x'.repeat(limits.kubernetes.status)} ${SECRET} ${SECRET}`
    const session = exec()
    const message = channelMessage(ERROR, Buffer.from(long), false)
    for (let at = 0; at < message.length; at += 1_000) {
      const isLast = at + 1_000 >= message.length
      session.cluster(plain((at === 0 ? 0x02 : 0) | (isLast ? 0x80 : 0), message.subarray(at, at + 1_000)))
    }
    assert.deepEqual(read(session.toClient), [[ERROR, long.replaceAll(SECRET, MASK)]])
  })

  it('what is held passes once it is quiet, and what goes on behind it is still masked', () => {
    const session = exec(V5, { isTerminal: true })
    session.cluster(says(STDOUT, `$ ${SECRET.slice(0, 3)}`))
    assert.equal(session.protocol.masked.isHolding, true)
    assert.deepEqual(read(session.toClient), [[STDOUT, '$ ']])
    session.quiet()
    assert.deepEqual(read(session.toClient), [[STDOUT, `$ ${SECRET.slice(0, 3)}`]])
    assert.equal(session.protocol.masked.isHolding, false)
    session.cluster(says(STDOUT, `${SECRET.slice(3)} $`))
    assert.deepEqual(read(session.toClient), [[STDOUT, `$ ${SECRET.slice(0, 3)}${MASK.slice(3)} $`]])
  })

  it('a look lets go of nothing that has just come', () => {
    const session = exec(V5, { isTerminal: true })
    session.cluster(says(STDOUT, SECRET.slice(0, 3)))
    session.protocol.masked.look()
    assert.equal(session.protocol.masked.isHolding, true)
    session.cluster(says(STDOUT, SECRET.slice(3)))
    assert.deepEqual(read(session.toClient), [[STDOUT, MASK]])
  })

  it('the last words come behind what was held', () => {
    const session = exec()
    session.cluster(says(STDOUT, SECRET.slice(0, 4)))
    session.client(types(STDIN, SECRET.slice(0, 4)))
    session.cut({ reason: 'token expired', message: 'expired' })
    assert.deepEqual(read(session.toClient), [
      [STDOUT, SECRET.slice(0, 4)],
      [ERROR, Buffer.from(failureStatus('expired')).toString()],
      ['close', ''],
    ])
    assert.deepEqual(read(session.toCluster, V5, false), [
      [STDIN, SECRET.slice(0, 4)],
      ['close', ''],
    ])
  })

  it('half a frame of the cluster’s never hinders the last words', () => {
    const session = exec()
    session.cluster(says(STDOUT, 'a long line').subarray(0, 8))
    session.cut({ reason: 'drain', message: 'drain' })
    assert.deepEqual(
      read(session.toClient).map(([channel]) => channel),
      [STDOUT, ERROR, 'close'],
    )
  })

  it('a flood of matches is one entry on the tape for each quarter of a second, and one at the end', () => {
    const session = exec(V5, { isTerminal: true })
    const looks = (2 * limits.mask.maskedMillis) / limits.mask.terminalQuietMillis
    for (let look = 1; look <= 2 * looks; look++) {
      for (let frame = 0; frame < 10; frame++) session.cluster(says(STDOUT, `${SECRET} `))
      session.protocol.masked.look()
    }
    assert.deepEqual(
      session.recorder.notes.map(({ facts }) => facts?.count),
      [10 * looks, 10 * looks],
    )
    session.cluster(says(STDOUT, `${SECRET} `))
    session.cut({ reason: 'drain', message: 'drain' })
    assert.equal(session.recorder.count(STDOUT), 20 * looks + 1)
    assert.equal(session.recorder.notes.length, 3)
  })

  it('what breaks the channels’ rules ends the session behind what came before it', () => {
    const bytes = Buffer.concat([says(STDOUT, `a ${SECRET} b`), says(7, 'x'), says(STDOUT, 'never')])
    const { observed } = assertAnyCut(() => exec(), bytes, {
      observe: ({ toClient, ended }) => [read(toClient).map(([channel, text]) => [channel, text.slice(0, 18)]), ended],
    })
    assert.deepEqual(observed, [
      [
        [STDOUT, `a ${MASK} b`],
        [ERROR, '{"metadata":{},"st'],
        ['close', ''],
      ],
      { rule: 'kube.channel.unknown', code: 1002 },
    ])
  })
})

/** The beginnings of words that are held on both outputs when the Status comes. */
function flushed(): Heard[] {
  return [
    [STDOUT, '~'.repeat(9)],
    [STDERR, '~'.repeat(9)],
  ]
}

describe('masked port-forward over WebSocket channels', () => {
  const allows = (channel: number) => channel < 4
  const from = (connection: number) => forwardChannel(connection, FORWARD.FROM_POD)

  it('each port is a stream of its own, and its announcement is a message of its own', () => {
    const bytes = Buffer.concat([
      ...[0, 1].map((channel) => says(channel, announcedPort(80))),
      ...[2, 3].map((channel) => says(channel, announcedPort(8080))),
      says(0, `HTTP/1.1 200 OK\r\n\r\n${SECRET.slice(0, 6)}`),
      says(2, SECRET.slice(6)),
      says(0, `${SECRET.slice(6)}.`),
      says(1, `no ${SECRET}`),
      plain(0x88),
    ])
    const session = forward()
    session.cluster(bytes)
    assert.deepEqual(session.toClient.subarray(0, 20), bytes.subarray(0, 20))
    const { observed } = assertAnyCut(() => forward(), bytes, {
      observe: ({ toClient, recorder }) => [
        read(toClient, V5, true, allows),
        recorder.entries,
        recorder.count(from(0)),
      ],
    })
    assert.deepEqual(observed, [
      [
        [0, 'P\0'],
        [1, 'P\0'],
        [2, '\x90\x1f'],
        [3, '\x90\x1f'],
        [0, 'HTTP/1.1 200 OK\r\n\r\n'],
        [2, SECRET.slice(6)],
        [0, `${MASK}.`],
        [1, `no ${MASK}`],
        ['close', ''],
      ],
      [
        [from(0), 'HTTP/1.1 200 OK\r\n\r\n'],
        [from(1), SECRET.slice(6)],
        [from(0), `${MASK}.`],
        [forwardChannel(0, FORWARD.ERROR_FROM_POD), `no ${MASK}`],
      ],
      1,
    ])
  })

  it('an announcement that comes with data, or in two messages, is still whole', () => {
    const together = forward()
    together.cluster(Buffer.concat([says(0, Buffer.concat([announcedPort(80), Buffer.from('data')]))]))
    assert.deepEqual(together.toClient, Buffer.concat([says(0, announcedPort(80)), says(0, 'data')]))
    const apart = forward()
    apart.cluster(says(0, announcedPort(80).subarray(0, 1)))
    assert.equal(apart.toClient.length, 0)
    apart.cluster(says(0, announcedPort(80).subarray(1)))
    assert.deepEqual(apart.toClient, says(0, announcedPort(80)))
  })

  it('the pod gets what is sent to it, and the tape gets it masked', () => {
    const session = forward()
    session.client(Buffer.concat([types(0, `POST ${SECRET.slice(0, 4)}`), types(0, `${SECRET.slice(4)} `)]))
    assert.deepEqual(read(session.toCluster, V5, false, allows), [[0, `POST ${SECRET} `]])
    assert.equal(session.recorder.text(forwardChannel(0, FORWARD.TO_POD)), `POST ${MASK} `)
  })
})

describe('streams that cannot be inspected', () => {
  const gzip = Buffer.concat([Buffer.from([0x1f, 0x8b, 0x08]), Buffer.from(`\0\0 ${SECRET} `)])

  it('pass with a note on the tape, and are looked through all the same', () => {
    const bytes = Buffer.concat([says(STDOUT, gzip), plain(0x88)])
    const { observed } = assertAnyCut(() => exec(), bytes, {
      observe: ({ recorder }) => [recorder.notes[0], recorder.text(STDOUT)],
    })
    assert.deepEqual(observed, [
      { code: 'mask.opaque', facts: { channel: STDOUT, content: 'gzip' } },
      gzip.toString('latin1').replace(SECRET, MASK),
    ])
  })

  it('are cut where a rule denies them, with words that say why', () => {
    const session = exec(V5, { opaque: 'deny' })
    session.cluster(says(STDERR, 'tar: removing leading /'))
    session.cluster(says(STDOUT, gzip))
    session.cluster(says(STDOUT, 'more'))
    const heard = read(session.toClient)
    assert.deepEqual(
      heard.map(([channel]) => channel),
      [STDERR, ERROR, 'close'],
    )
    assert.match(heard[1]![1], /looks like gzip/)
    assert.equal(session.recorder.text(STDOUT), '')
  })

  it('are cut under any cut of their first bytes', () => {
    const { observed } = assertAnyCut(() => exec(V5, { opaque: 'deny' }), says(STDOUT, gzip), {
      observe: ({ ended, recorder }) => [ended !== undefined, recorder.text(STDOUT).length < 3, recorder.notes.length],
    })
    assert.deepEqual(observed, [true, true, 1])
  })

  it('TLS to a pod ends a session whose form has no way to end one connection', () => {
    const session = forward({ opaque: 'deny' })
    session.client(types(0, Buffer.from('16030100f8010000f40303', 'hex')))
    assert.deepEqual(
      read(session.toClient, V5, true, () => true),
      [['close', '']],
    )
    assert.deepEqual(session.recorder.notes, [
      { code: 'mask.opaque', facts: { channel: 16, content: 'TLS', connection: 0 } },
    ])
    assert.equal(session.recorder.text(forwardChannel(0, FORWARD.TO_POD)), '')
  })
})
