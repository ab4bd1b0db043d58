// The maskers that the gateway runs with, in each protocol: what was learned does not come out, however it is cut.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MaskedChannels } from '../../../gateway/stream/masked-channels.ts'
import { portForwardLabels, remoteCommandLabels } from '../../../gateway/stream/spdy-labels.ts'
import { SpdyStream } from '../../../gateway/stream/spdy-stream.ts'
import type { StreamMask } from '../../../gateway/stream/stream-protocol.ts'
import { WebSocketStream } from '../../../gateway/stream/websocket-stream.ts'
import { Detection } from '../../../protocols/detect/detection.ts'
import { DETECTORS } from '../../../protocols/detect/detectors.ts'
import { LearnedValues } from '../../../protocols/detect/learned-values.ts'
import { CHANNEL } from '../../../protocols/kube/channels.ts'
import { failureStatus } from '../../../protocols/kube/status.ts'
import { channelMessage } from '../../../protocols/kube/websocket-channels.ts'
import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import { block, control, data, PeerDeflater, synStream } from '../../protocols/spdy/frames.ts'
import { plain } from '../../protocols/websocket/frames.ts'
import { assertAnyCut } from '../../support/cut.ts'
import { MemoryRecorder, Session } from './session.ts'

const { STDOUT, STDERR, ERROR } = CHANNEL
const VALUE = 'tr0ub4dor&3-staple'
const BOUNDS = { values: 100, bytes: 8_388_608, piece: 1_536, depth: 4, shortest: 6 }

/** What a command says, and on which channel; the value as itself, in base64, in hexadecimal digits and across messages. */
const SAID: readonly (readonly [channel: number, text: string])[] = [
  [STDOUT, `HOME=/root\nDB_PASSWORD=${VALUE}\nPATH=/bin\n`],
  [STDERR, `warning: ${VALUE.slice(0, 7)}`],
  [STDOUT, `${Buffer.from(`db:${VALUE}`).toString('base64')}\n${VALUE.slice(0, 9)}`],
  [STDERR, `${VALUE.slice(7)} is weak\n`],
  [STDOUT, `${VALUE.slice(9)}\n${Buffer.from(VALUE).toString('hex')}\n`],
  [STDOUT, 'export TOKEN=ghp_16C7e42F292c6912E7710c838347Ae178B4a\n'],
]
const STATUS = failureStatus(`command failed: ${VALUE}`)

function detection(isExempt = false): StreamMask {
  const learned = new LearnedValues(Buffer.alloc(32, 7), BOUNDS)
  learned.learn(Buffer.from(VALUE))
  const maskers = new Detection({ detectors: new Set(DETECTORS.keys()), patterns: [], learned })
  return { isExempt, opaque: 'pass', masker: (options) => maskers.masker(options) }
}

function channels(recorder: MemoryRecorder, isTerminal: boolean, isExempt = false): MaskedChannels {
  return new MaskedChannels(detection(isExempt), recorder, isTerminal)
}

function webSocket(base64: boolean, isTerminal: boolean, isExempt = false): Session {
  const recorder = new MemoryRecorder()
  const options = { version: 4, base64, closes: false }
  const stream = new WebSocketStream(options, recorder, channels(recorder, isTerminal, isExempt))
  return new Session(stream, recorder) as unknown as Session
}

function spdy(isTerminal: boolean, isExempt = false): Session {
  const recorder = new MemoryRecorder()
  const labels = remoteCommandLabels({ stdin: false, stdout: true, stderr: true, tty: false, version: 4 })
  const client = new SpdyConnection('server', limits.spdy)
  const cluster = new SpdyConnection('client', limits.spdy)
  const stream = new SpdyStream(client, cluster, labels, recorder, channels(recorder, isTerminal, isExempt))
  const session = new Session(stream as unknown as Session['protocol'], recorder)
  const [there, back] = [new PeerDeflater(), new PeerDeflater()]
  for (const [id, label] of STREAMS) {
    session.client(synStream(id, there.deflate(block(['streamtype', label]))))
    session.cluster(control(2, 0, id, back.deflate(block())))
  }
  return session
}

const STREAMS: readonly (readonly [id: number, label: string])[] = [
  [1, 'error'],
  [3, 'stdout'],
  [5, 'stderr'],
]
const IDS: Readonly<Record<number, number>> = { [ERROR]: 1, [STDOUT]: 3, [STDERR]: 5 }

function message(base64: boolean) {
  return (channel: number, bytes: Uint8Array) => plain(base64 ? 0x81 : 0x82, channelMessage(channel, bytes, base64))
}

type Frame = (channel: number, bytes: Uint8Array) => Buffer

const FORMS: readonly (readonly [
  name: string,
  frame: Frame,
  make: (isTerminal: boolean, isExempt?: boolean) => Session,
])[] = [
  ['WebSocket', message(false), (isTerminal, isExempt) => webSocket(false, isTerminal, isExempt)],
  ['base64 WebSocket', message(true), (isTerminal, isExempt) => webSocket(true, isTerminal, isExempt)],
  ['SPDY', (channel, bytes) => data(IDS[channel] as number, bytes), spdy],
]

const ALL = SAID.map(([, text]) => text).join('')

/** Nothing of the value is left, in any form. */
function assertHidden(text: string): void {
  assert.doesNotMatch(text, /tr0ub|dor&3|staple|ghp_16C7/)
  assert.ok(!text.includes(Buffer.from(VALUE).toString('hex').slice(4, 20)))
  assert.ok(!text.includes(Buffer.from(`db:${VALUE}`).toString('base64').slice(8, 24)))
}

describe('what was learned or is a credential by its form', () => {
  for (const [name, frame, make] of FORMS) {
    const bytes = Buffer.concat([
      ...SAID.map(([channel, text]) => frame(channel, Buffer.from(text))),
      frame(ERROR, STATUS),
    ])
    for (const isTerminal of [false, true]) {
      it(`${name}${isTerminal ? ', a terminal' : ''}: is masked under any cut, with all lengths as they were`, () => {
        const { observed } = assertAnyCut(() => make(isTerminal), bytes, {
          observe: ({ recorder }) => [STDOUT, STDERR, ERROR].map((channel) => recorder.text(channel)),
        })
        const [stdout, stderr, error] = observed as [string, string, string]
        assertHidden(stdout)
        assertHidden(stderr)
        assertHidden(error)
        assert.equal(stdout.length + stderr.length, ALL.length)
        assert.match(stdout, /^HOME=\/root\nDB_PASSWORD=~mask~~+\nPATH=\/bin\n/)
        assert.equal(error.length, STATUS.length)
        assert.match((JSON.parse(error) as { message: string }).message, /^command failed: ~mask~/)
      })
    }

    it(`${name}: reaches the client as the tape has it, and who is exempt as it was`, () => {
      const session = make(false)
      session.cluster(bytes)
      const exempt = make(false, true)
      exempt.cluster(bytes)
      assert.equal(exempt.recorder.text(STDOUT), session.recorder.text(STDOUT))
      if (name.startsWith('base64')) return
      assertHidden(session.toClient.toString('latin1'))
      assert.ok(exempt.toClient.includes(`DB_PASSWORD=${VALUE}`))
      assert.ok(exempt.toClient.includes(Buffer.from(STATUS)))
    })
  }

  it('is masked in what a pod answers over a forwarded port, and passes to the pod', () => {
    const recorder = new MemoryRecorder()
    const client = new SpdyConnection('server', limits.spdy)
    const cluster = new SpdyConnection('client', limits.spdy)
    const stream = new SpdyStream(client, cluster, portForwardLabels(recorder), recorder, channels(recorder, false))
    const session = new Session(stream as unknown as Session['protocol'], recorder)
    const [there, back] = [new PeerDeflater(), new PeerDeflater()]
    for (const [id, type] of [
      [1, 'error'],
      [3, 'data'],
    ] as const) {
      session.client(synStream(id, there.deflate(block(['streamtype', type], ['port', '80'], ['requestid', '0']))))
      session.cluster(control(2, 0, id, back.deflate(block())))
    }
    session.client(data(3, `GET /?q=${encodeURIComponent(VALUE)} HTTP/1.1\r\n\r\n`))
    session.quiet()
    session.cluster(data(3, `HTTP/1.1 200 OK\r\nContent-Length: ${VALUE.length}\r\n\r\n${VALUE}`, 1))
    assert.ok(session.toCluster.includes(encodeURIComponent(VALUE)))
    assertHidden(session.toClient.toString('latin1'))
    assertHidden(recorder.text(16) + recorder.text(17))
    assert.equal(recorder.text(17).length, `HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n${VALUE}`.length)
  })
})
