import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { portForwardLabels, remoteCommandLabels } from '../../../gateway/stream/spdy-labels.ts'
import { SpdyStream } from '../../../gateway/stream/spdy-stream.ts'
import { CHANNEL, FORWARD, forwardChannel } from '../../../protocols/kube/channels.ts'
import { SpdyTunnel } from '../../../protocols/kube/spdy-tunnel.ts'
import { exitStatus, failureStatus } from '../../../protocols/kube/status.ts'
import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import { WebSocketConnection } from '../../../protocols/websocket/connection.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'
import { block, control, data, PeerDeflater, split, synStream } from '../../protocols/spdy/frames.ts'
import { masked, plain } from '../../protocols/websocket/frames.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { MASK, type MaskOptions, MemoryRecorder, SECRET, Session, wordChannels } from './session.ts'

const FIN = 1
const RST_STREAM = 3
const PING = 6
const GOAWAY = 7
const CANCEL = 5

const { STDIN, STDOUT, STDERR, ERROR } = CHANNEL
/** In the order in which kubectl opens them. */
const IDS = { error: 1, stdin: 3, stdout: 5, stderr: 7 } as const

type Streams = readonly (readonly [id: number, ...pairs: (readonly [name: string, value: string])[]])[]

const EXEC: Streams = Object.entries(IDS).map(([label, id]) => [id, ['streamtype', label]] as const)

/** An error and a data stream for each connection, from stream 1 on. */
const FORWARDS: Streams = [0, 1].flatMap((connection) =>
  ['error', 'data'].map(
    (type, at) =>
      [4 * connection + 2 * at + 1, ['streamtype', type], ['port', '80'], ['requestid', String(connection)]] as const,
  ),
)

/** The client's frames that open streams, and the cluster's that say yes. */
function opening(streams: Streams) {
  const there = new PeerDeflater()
  const back = new PeerDeflater()
  return {
    asked: Buffer.concat(streams.map(([id, ...pairs]) => synStream(id, there.deflate(block(...pairs))))),
    answered: Buffer.concat(streams.map(([id]) => control(2, 0, id, back.deflate(block())))),
    back,
  }
}

/** A session with its streams open; what passed for that is not in what is looked at. */
class Opened extends Session {
  #toClient = 0
  #toCluster = 0
  /** The cluster's. */
  deflater = new PeerDeflater()

  static exec(version = 4, options: MaskOptions = {}, fromClient = false): Opened {
    const recorder = new MemoryRecorder()
    const labels = remoteCommandLabels({ stdin: true, stdout: true, stderr: true, tty: false, version })
    return new Opened(spdy(labels, recorder, options), recorder, fromClient).with(EXEC)
  }

  static forward(options: MaskOptions = {}, fromClient = false): Opened {
    const recorder = new MemoryRecorder()
    return new Opened(spdy(portForwardLabels(recorder), recorder, options), recorder, fromClient).with(FORWARDS)
  }

  with(streams: Streams): this {
    const { asked, answered, back } = opening(streams)
    this.deflater = back
    this.client(asked)
    this.cluster(answered)
    this.#toClient = super.toClient.length
    this.#toCluster = super.toCluster.length
    assert.deepEqual(super.toClient, answered)
    assert.deepEqual(super.toCluster, asked)
    return this
  }

  override get toClient(): Buffer {
    return super.toClient.subarray(this.#toClient)
  }

  override get toCluster(): Buffer {
    return super.toCluster.subarray(this.#toCluster)
  }
}

function spdy(labels: ReturnType<typeof portForwardLabels>, recorder: MemoryRecorder, options: MaskOptions) {
  const client = new SpdyConnection('server', limits.spdy)
  const cluster = new SpdyConnection('client', limits.spdy)
  return new SpdyStream(
    client,
    cluster,
    labels,
    recorder,
    wordChannels(recorder, options),
  ) as unknown as Session['protocol']
}

type Heard = [what: number | string, text: string]

/** Frames in order: data of a stream joined, `fin N`, and controls by type. */
function read(bytes: Buffer): Heard[] {
  const heard: Heard[] = []
  for (const frame of split(bytes)) {
    const first = frame.readUInt32BE(0)
    if (first >= 0x8000_0000) {
      const type = first & 0xffff
      heard.push([`control ${type}`, type === RST_STREAM ? String(frame.readUInt32BE(8)) : ''])
      continue
    }
    const text = frame.toString('latin1', 8)
    const last = heard.at(-1)
    if (last?.[0] === first) last[1] += text
    else if (text !== '') heard.push([first, text])
    if ((frame[4]! & FIN) !== 0) heard.push(['fin', String(first)])
  }
  return heard
}

const BEGUN = SECRET.slice(0, 9)

describe('masked exec over SPDY', () => {
  for (const version of [1, 2, 3, 4]) {
    it(`v${version}: the client gets masked what the tape gets, under any cut`, () => {
      const words = `no such thing: ${SECRET}!`
      const bytes = Buffer.concat([
        data(IDS.stdout, ''),
        data(IDS.stdout, `one ${SECRET} two ${SECRET.slice(0, 5)}`),
        data(IDS.stderr, `${SECRET.slice(5)}three`),
        control(PING, 0, 2),
        data(IDS.stdout, `${SECRET.slice(5)}four ${BEGUN}`),
        data(IDS.stderr, `five ${BEGUN}`, FIN),
        data(IDS.error, version >= 4 ? failureStatus(words) : words),
        data(IDS.error, '', FIN),
        data(IDS.stdout, '', FIN),
        control(GOAWAY, 0, 0, 0),
      ])
      const { observed } = assertAnyCut(() => Opened.exec(version), bytes, {
        observe: ({ toClient, recorder, ended }) => ({ heard: read(toClient), entries: recorder.entries, ended }),
      })
      const status = `no such thing: ${MASK}!`
      const said = version >= 4 ? Buffer.from(failureStatus(status)).toString() : status
      assert.deepEqual(observed, {
        heard: [
          [IDS.stdout, `one ${MASK} two `],
          [IDS.stderr, `${SECRET.slice(5)}three`],
          ['control 6', ''],
          [IDS.stdout, `${MASK}four `],
          [IDS.stderr, `five ${BEGUN}`],
          ['fin', String(IDS.stderr)],
          [IDS.stdout, '~'.repeat(9)],
          [IDS.error, said],
          ['fin', String(IDS.error)],
          ['fin', String(IDS.stdout)],
          ['control 7', ''],
        ],
        entries: [
          [STDOUT, `one ${MASK} two `],
          [STDERR, `${SECRET.slice(5)}three`],
          [STDOUT, `${MASK}four `],
          [STDERR, `five ${BEGUN}`],
          [STDOUT, '~'.repeat(9)],
          [ERROR, said],
        ],
        ended: undefined,
      })
    })
  }

  it('a caller who is exempt gets all as it was, and the tape gets it masked', () => {
    const bytes = Buffer.concat([data(IDS.stdout, `a ${SECRET.slice(0, 7)}`), data(IDS.stdout, SECRET.slice(7), FIN)])
    const { observed } = assertAnyCut(() => Opened.exec(4, { isExempt: true }), bytes, {
      observe: ({ toClient, recorder }) => [read(toClient), recorder.entries, recorder.count(STDOUT)],
    })
    assert.deepEqual(observed, [
      [
        [IDS.stdout, `a ${SECRET}`],
        ['fin', '5'],
      ],
      [[STDOUT, `a ${MASK}`]],
      1,
    ])
  })

  it('the cluster gets what is typed, and the tape gets it masked, under any cut', () => {
    const bytes = Buffer.concat([
      data(IDS.stdin, `echo ${SECRET.slice(0, 3)}`),
      control(PING, 0, 1),
      data(IDS.stdin, `${SECRET.slice(3)}\r${BEGUN}`),
      data(IDS.stdin, '', FIN),
    ])
    const { observed } = assertAnyCut(() => Opened.exec(4, {}, true), bytes, {
      observe: ({ toCluster, recorder }) => [read(toCluster), recorder.entries],
    })
    assert.deepEqual(observed, [
      [
        [IDS.stdin, 'echo '],
        ['control 6', ''],
        [IDS.stdin, `${SECRET}\r${BEGUN}`],
        ['fin', String(IDS.stdin)],
      ],
      [[STDIN, `echo ${MASK}\r${BEGUN}`]],
    ])
  })

  it('frames in which nothing is masked or held pass byte for byte as they came', () => {
    const session = Opened.exec()
    const bytes = Buffer.concat([
      data(IDS.stdout, ''),
      data(IDS.stdout, 'plain'),
      data(IDS.stderr, 'words', FIN),
      data(IDS.error, exitStatus(0), FIN),
      data(IDS.stdout, '', FIN),
    ])
    session.cluster(bytes)
    assert.deepEqual(session.toClient, bytes)
    const typed = Buffer.concat([data(IDS.stdin, 'ls\r'), control(PING, 0, 1), data(IDS.stdin, '', FIN)])
    session.client(typed)
    assert.deepEqual(session.toCluster, typed)
    assert.equal(session.protocol.masked.isHolding, false)
  })

  it('what is held passes once it is quiet, before a reset, and before FIN on HEADERS', () => {
    const ends: readonly [string, (session: Opened) => void, Heard[]][] = [
      ['quiet', (session) => session.quiet(), []],
      ['reset', (session) => session.cluster(control(RST_STREAM, 0, IDS.stdout, CANCEL)), [['control 3', '5']]],
      ['going away', (session) => session.cluster(control(GOAWAY, 0, 0, 0)), [['control 7', '']]],
      [
        'headers',
        (session) => session.cluster(control(8, FIN, IDS.stdout, session.deflater.deflate(block()))),
        [['control 8', '']],
      ],
    ]
    for (const [name, end, behind] of ends) {
      const session = Opened.exec()
      session.cluster(data(IDS.stdout, `$ ${SECRET.slice(0, 3)}`))
      assert.deepEqual(read(session.toClient), [[IDS.stdout, '$ ']], name)
      end(session)
      assert.deepEqual(read(session.toClient), [[IDS.stdout, `$ ${SECRET.slice(0, 3)}`], ...behind], name)
    }
  })

  it('nothing is sent on a stream that the client has reset, held or new', () => {
    const session = Opened.exec()
    session.cluster(data(IDS.stdout, SECRET.slice(0, 3)))
    session.cluster(data(IDS.stdout, `${SECRET.slice(3)} and more`).subarray(0, 14))
    session.client(control(RST_STREAM, 0, IDS.stdout, CANCEL))
    session.cluster(data(IDS.stdout, `${SECRET.slice(3)} and more`).subarray(14))
    session.cluster(data(IDS.stdout, 'more'))
    session.quiet()
    assert.deepEqual(read(session.toClient), [])
    assert.equal(session.ended, undefined)
  })

  it('the last words come behind what was held, and behind half a frame', () => {
    const session = Opened.exec()
    session.cluster(data(IDS.stdout, `a long line ${SECRET.slice(0, 5)} and on`).subarray(0, 25))
    session.client(data(IDS.stdin, SECRET.slice(0, 4)))
    session.cut({ reason: 'token expired', message: 'expired' })
    assert.deepEqual(read(session.toClient), [
      [IDS.stdout, `a long line ${SECRET.slice(0, 5)}`],
      [IDS.error, Buffer.from(failureStatus('expired')).toString()],
      ['fin', String(IDS.error)],
      ['control 7', ''],
    ])
    assert.deepEqual(read(session.toCluster), [
      [IDS.stdin, SECRET.slice(0, 4)],
      ['control 7', ''],
    ])
  })

  it('what cannot be inspected ends a command where a rule denies it', () => {
    const session = Opened.exec(4, { opaque: 'deny' })
    session.cluster(data(IDS.stdout, Buffer.from('28b52ffd0458', 'hex')))
    const heard = read(session.toClient)
    assert.match(heard[0]![1], /looks like zstd/)
    assert.deepEqual(
      heard.map(([what]) => what),
      [IDS.error, 'fin', 'control 7'],
    )
    assert.equal(session.recorder.text(STDOUT), '')
  })
})

const from = (connection: number) => forwardChannel(connection, FORWARD.FROM_POD)
const to = (connection: number) => forwardChannel(connection, FORWARD.TO_POD)
/** Data streams of the two connections, and their error streams. */
const DATA = [3, 7] as const
const ERRORS = [1, 5] as const
const HELLO = Buffer.from('16030100f8010000f40303', 'hex')

describe('masked port-forward over SPDY', () => {
  it('each connection is a stream of its own, under any cut', () => {
    const bytes = Buffer.concat([
      data(DATA[0], `HTTP/1.1 200 OK\r\n\r\n${SECRET.slice(0, 6)}`),
      data(DATA[1], SECRET.slice(6)),
      data(DATA[0], `${SECRET.slice(6)}. ${BEGUN}`),
      data(ERRORS[0], `no ${SECRET}`, FIN),
      data(DATA[0], '', FIN),
      data(DATA[1], BEGUN, FIN),
    ])
    const { observed } = assertAnyCut(() => Opened.forward(), bytes, {
      observe: ({ toClient, recorder }) => [read(toClient), recorder.entries],
    })
    assert.deepEqual(observed, [
      [
        [DATA[0], 'HTTP/1.1 200 OK\r\n\r\n'],
        [DATA[1], SECRET.slice(6)],
        [DATA[0], `${MASK}. ${'~'.repeat(9)}`],
        [ERRORS[0], `no ${MASK}`],
        ['fin', String(ERRORS[0])],
        ['fin', String(DATA[0])],
        [DATA[1], BEGUN],
        ['fin', String(DATA[1])],
      ],
      [
        [from(0), 'HTTP/1.1 200 OK\r\n\r\n'],
        [from(1), SECRET.slice(6)],
        [from(0), `${MASK}. ${'~'.repeat(9)}`],
        [forwardChannel(0, FORWARD.ERROR_FROM_POD), `no ${MASK}`],
        [from(1), BEGUN],
      ],
    ])
  })

  it('the pod gets what is sent to it, and the tape gets it masked', () => {
    const session = Opened.forward()
    session.client(Buffer.concat([data(DATA[0], `GET ${SECRET.slice(0, 4)}`), data(DATA[0], `${SECRET.slice(4)} `)]))
    assert.deepEqual(read(session.toCluster), [[DATA[0], `GET ${SECRET} `]])
    assert.equal(session.recorder.text(to(0)), `GET ${MASK} `)
  })

  it('TLS passes with a note on the tape', () => {
    const session = Opened.forward()
    session.client(data(DATA[1], HELLO))
    assert.deepEqual(read(session.toCluster), [[DATA[1], HELLO.toString('latin1')]])
    assert.deepEqual(session.recorder.notes.at(-1), {
      code: 'mask.opaque',
      facts: { channel: to(1), content: 'TLS', connection: 1 },
    })
  })

  it('where a rule denies TLS its connection is reset with words that say why, and the others go on', () => {
    const bytes = Buffer.concat([
      data(DATA[0], HELLO),
      data(DATA[0], 'more of it'),
      data(DATA[1], 'GET / HTTP/1.1\r\n\r\n'),
      data(DATA[0], '', FIN),
    ])
    const { observed } = assertAnyCut(() => Opened.forward({ opaque: 'deny' }, true), bytes, {
      observe: (session) => {
        // The pod has not heard of it yet.
        session.cluster(Buffer.concat([data(DATA[0], 'x'), data(ERRORS[0], 'y', FIN), data(DATA[1], '200', FIN)]))
        session.client(data(ERRORS[0], '', FIN))
        const heard = read(session.toClient)
        const cluster = read(session.toCluster).filter(([what]) => what !== DATA[0])
        return [heard.map(([what, text]) => [what, text.slice(0, 21)]), cluster, session.ended]
      },
    })
    assert.deepEqual(observed, [
      [
        [ERRORS[0], 'sallyport: stream cut'],
        ['fin', String(ERRORS[0])],
        ['control 3', String(DATA[0])],
        [DATA[1], '200'],
        ['fin', String(DATA[1])],
      ],
      [
        ['control 3', String(DATA[0])],
        [DATA[1], 'GET / HTTP/1.1\r\n\r\n'],
        ['fin', String(ERRORS[0])],
      ],
      undefined,
    ])
  })
})

describe('masked port-forward in a WebSocket tunnel', () => {
  function tunnel(): Session {
    const recorder = new MemoryRecorder()
    const client = new SpdyTunnel('server', limits)
    const cluster = new SpdyTunnel('client', limits, () => 0)
    const stream = new SpdyStream(client, cluster, portForwardLabels(recorder), recorder, wordChannels(recorder))
    const session = new Session(stream as unknown as Session['protocol'], recorder)
    const { asked, answered } = opening(FORWARDS)
    session.client(masked(0x82, asked))
    session.cluster(plain(0x82, answered))
    return session
  }

  /** The SPDY in the messages, and whether a Close came behind. */
  function unwrap(bytes: Buffer, role: 'client' | 'server'): { readonly spdy: Buffer; readonly isClosed: boolean } {
    const peer = new WebSocketConnection(role, limits.websocket, () => 0)
    const pieces: Uint8Array[] = []
    for (const event of peer.receive(bytes)) {
      assert.ok(event.type === 'frame')
      if (event.opcode === OPCODE.BINARY) pieces.push(event.payload)
    }
    return { spdy: Buffer.concat(pieces), isClosed: peer.isClosed }
  }

  it('what came before a Close, in the same chunk or held, passes before it', () => {
    const close = plain(0x88, Buffer.from([0x03, 0xe8]))
    const bytes = Buffer.concat([plain(0x82, data(DATA[0], `a ${SECRET} b ${BEGUN}`)), close])
    const { observed } = assertAnyCut(tunnel, bytes, {
      observe: ({ toClient, protocol }) => {
        const { spdy, isClosed } = unwrap(toClient, 'client')
        return [read(spdy).filter(([what]) => typeof what === 'number'), isClosed, protocol.orderly]
      },
    })
    assert.deepEqual(observed, [[[DATA[0], `a ${MASK} b ${BEGUN}`]], true, true])
  })

  it('what a client sent before its Close passes before it', () => {
    const session = tunnel()
    session.client(Buffer.concat([masked(0x82, data(DATA[0], `a ${BEGUN}`)), masked(0x88)]))
    const { spdy, isClosed } = unwrap(session.toCluster, 'server')
    assert.deepEqual(read(spdy).at(-1), [DATA[0], `a ${BEGUN}`])
    assert.equal(isClosed, true)
  })
})
