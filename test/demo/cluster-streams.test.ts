import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { hasTerminals } from '../../demo/cluster/process.ts'
import { drive, flush } from '../../gateway/drive.ts'
import { CHANNEL, CLOSE_CHANNEL } from '../../protocols/kube/channels.ts'
import { limits } from '../../protocols/limits.ts'
import { SpdyConnection } from '../../protocols/spdy/connection.ts'
import { WebSocketConnection } from '../../protocols/websocket/connection.ts'
import { OPCODE } from '../../protocols/websocket/events.ts'
import { type Answer, type TestCluster, testCluster, type Upgraded, websocketFields } from './support/cluster.ts'

const POD = '/api/v1/namespaces/default/pods'
const OUTPUTS = 'stdout=true&stderr=true'
const V5 = 'v5.channel.k8s.io'
const SPDY = {
  upgrade: 'SPDY/3.1',
  'x-stream-protocol-version': ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
  'content-length': '0',
}

let peer: TestCluster

before(async () => {
  peer = await testCluster()
})
after(() => peer.close())

function command(...argv: readonly string[]): string {
  return argv.map((word) => `command=${encodeURIComponent(word)}`).join('&')
}

async function upgraded(answer: Promise<Upgraded | Answer>): Promise<Upgraded> {
  const result = await answer
  assert.ok('socket' in result, 'text' in result ? result.text : '')
  return result
}

/** One end of a session: what came on each channel, and a way to send. */
interface Session {
  readonly channels: Map<number, string>
  readonly ended: Promise<void>
  send(channel: number, bytes: Uint8Array): void
  end(channel: number): void
}

function collect(channels: Map<number, string>, channel: number, bytes: Uint8Array): void {
  channels.set(channel, (channels.get(channel) ?? '') + Buffer.from(bytes).toString('latin1'))
}

function websocketSession({ socket, head }: Upgraded): Session {
  const machine = new WebSocketConnection('client', limits.websocket, () => randomInt(2 ** 32))
  const channels = new Map<number, string>()
  const send = (payload: Uint8Array): void => {
    machine.send({ type: 'frame', opcode: OPCODE.BINARY, payload })
    flush(socket, machine)
  }
  let channel = 0
  const ended = new Promise<void>((resolve) => {
    const event = (frame: ReturnType<typeof machine.receive>[number]): void => {
      if (frame.type === 'failed') return
      if (frame.opcode === OPCODE.CLOSE) {
        machine.send({ type: 'close', code: 1000, reason: '' })
        flush(socket, machine)
        socket.end()
      } else if (frame.message === OPCODE.BINARY) {
        if (frame.start) channel = frame.payload[0]!
        collect(channels, channel, frame.start ? frame.payload.subarray(1) : frame.payload)
      }
    }
    drive(socket, machine, { event, closed: () => resolve() }, head)
  })
  return {
    channels,
    ended,
    send: (to, bytes) => send(Buffer.concat([Uint8Array.of(to), bytes])),
    end: (which) => send(Uint8Array.of(CLOSE_CHANNEL, which)),
  }
}

/** A session over SPDY with these streams, in kubectl's order. */
function spdySession(
  { socket, head }: Upgraded,
  names: readonly (readonly [name: string, channel: number])[],
): Session {
  const machine = new SpdyConnection('client', limits.spdy)
  const channels = new Map<number, string>()
  const byId = new Map(names.map(([, channel], at) => [2 * at + 1, channel]))
  const idOf = (channel: number): number => [...byId].find(([, one]) => one === channel)?.[0] ?? 0
  for (const [at, [name]] of names.entries())
    machine.send({ type: 'synStream', streamId: 2 * at + 1, headers: ['streamtype', name] })
  const held: (() => void)[] = []
  let replies = 0
  const whenOpen = (act: () => void): void => {
    if (replies < names.length) held.push(act)
    else act()
  }
  const ended = endOf(socket, machine, head, (event) => {
    if (event.type === 'synReply' && ++replies === names.length) for (const act of held) act()
    if (event.type !== 'data') return
    const channel = byId.get(event.streamId) ?? -1
    collect(channels, channel, event.payload)
    if (channel === CHANNEL.ERROR && event.fin && event.end) socket.end()
  })
  const data = (channel: number, payload: Uint8Array, fin: boolean): void =>
    whenOpen(() => {
      machine.send({ type: 'data', streamId: idOf(channel), payload, fin })
      flush(socket, machine)
    })
  return {
    channels,
    ended,
    send: (channel, bytes) => data(channel, bytes, false),
    end: (channel) => data(channel, new Uint8Array(0), true),
  }
}

type SpdyEvents = ReturnType<SpdyConnection['receive']>[number]

function endOf(
  socket: Duplex,
  machine: SpdyConnection,
  head: Uint8Array,
  event: (event: SpdyEvents) => void,
): Promise<void> {
  return new Promise((resolve) => {
    drive(socket, machine, { event, closed: () => resolve() }, head)
    flush(socket, machine)
  })
}

const STREAMS = [
  ['error', CHANNEL.ERROR],
  ['stdin', CHANNEL.STDIN],
  ['stdout', CHANNEL.STDOUT],
  ['stderr', CHANNEL.STDERR],
] as const

test('exec over WebSocket: outputs apart, exit code in the Status', async () => {
  const path = `${POD}/shell/exec?${command('sh', '-c', 'echo out; echo err >&2; exit 3')}&${OUTPUTS}`
  const upgrade = await upgraded(peer.upgrade('GET', path, websocketFields(V5)))
  assert.equal(upgrade.headers['sec-websocket-protocol'], V5)
  const session = websocketSession(upgrade)
  await session.ended
  assert.equal(session.channels.get(CHANNEL.STDOUT), 'out\n')
  assert.equal(session.channels.get(CHANNEL.STDERR), 'err\n')
  const status = JSON.parse(session.channels.get(CHANNEL.ERROR) ?? '') as { reason: string; details: unknown }
  assert.equal(status.reason, 'NonZeroExitCode')
  assert.deepEqual(status.details, { causes: [{ reason: 'ExitCode', message: '3' }] })
})

test('exec over WebSocket: input goes through and ends', async () => {
  const session = websocketSession(
    await upgraded(
      peer.upgrade('GET', `${POD}/shell/exec?${command('cat')}&stdin=true&${OUTPUTS}`, websocketFields(V5)),
    ),
  )
  const blob = Buffer.alloc(300_000, 'sallyport')
  for (let at = 0; at < blob.length; at += 32_768) session.send(CHANNEL.STDIN, blob.subarray(at, at + 32_768))
  session.end(CHANNEL.STDIN)
  await session.ended
  assert.equal(session.channels.get(CHANNEL.STDOUT), blob.toString('latin1'))
  assert.match(session.channels.get(CHANNEL.ERROR) ?? '', /"Success"/)
})

test('exec over SPDY: the same', async () => {
  const upgrade = await upgraded(
    peer.upgrade('POST', `${POD}/shell/exec?${command('cat')}&stdin=true&${OUTPUTS}`, SPDY),
  )
  assert.equal(upgrade.headers['x-stream-protocol-version'], 'v4.channel.k8s.io')
  const session = spdySession(upgrade, STREAMS)
  const blob = Buffer.alloc(300_000, 'sallyport')
  session.send(CHANNEL.STDIN, blob)
  session.end(CHANNEL.STDIN)
  await session.ended
  assert.equal(session.channels.get(CHANNEL.STDOUT), blob.toString('latin1'))
  assert.match(session.channels.get(CHANNEL.ERROR) ?? '', /"Success"/)
})

test('exec of a program that is not there says so', async () => {
  const session = websocketSession(
    await upgraded(
      peer.upgrade('GET', `${POD}/shell/exec?${command('no-such-program')}&${OUTPUTS}`, websocketFields(V5)),
    ),
  )
  await session.ended
  assert.match(session.channels.get(CHANNEL.ERROR) ?? '', /executable file not found/)
})

test('exec with a terminal gets the size that the client says first', { skip: !hasTerminals() }, async () => {
  const path = `${POD}/shell/exec?${command('stty', 'size')}&stdin=true&stdout=true&tty=true`
  const session = websocketSession(await upgraded(peer.upgrade('GET', path, websocketFields(V5))))
  session.send(CHANNEL.RESIZE, Buffer.from('{"Width":99,"Hei'))
  session.send(CHANNEL.RESIZE, Buffer.from('ght":33}\n'))
  await session.ended
  assert.equal(session.channels.get(CHANNEL.STDOUT), '33 99\r\n')
})

test('the environment of this process does not reach a pod', async () => {
  process.env.SALLYPORT_TEST_SECRET = 'hidden'
  const session = websocketSession(
    await upgraded(peer.upgrade('GET', `${POD}/shell/exec?${command('env')}&${OUTPUTS}`, websocketFields(V5))),
  )
  await session.ended
  delete process.env.SALLYPORT_TEST_SECRET
  assert.match(session.channels.get(CHANNEL.STDOUT) ?? '', /^CONTAINER_NAME=main$/m)
  assert.doesNotMatch(session.channels.get(CHANNEL.STDOUT) ?? '', /hidden/)
})

test('a variable of a container has what the Secret holds that its spec refers to', async () => {
  const path = `${POD}/shell/exec?${command('printenv', 'DB_PASSWORD')}&${OUTPUTS}`
  const session = websocketSession(await upgraded(peer.upgrade('GET', path, websocketFields(V5))))
  await session.ended
  assert.equal(session.channels.get(CHANNEL.STDOUT), 'default-s3cret\n')
})

test('attach joins the process of the container', async () => {
  const session = websocketSession(
    await upgraded(peer.upgrade('GET', `${POD}/repl/attach?container=pipe&stdin=true&${OUTPUTS}`, websocketFields(V5))),
  )
  session.send(CHANNEL.STDIN, Buffer.from('hello\n'))
  // cat answers, and goes on; the end of its pod ends the session.
  await peer.lines(`${POD}/repl/log?container=pipe&follow=true`, 1)
  assert.equal((await peer.ask('DELETE', `${POD}/repl`)).status, 200)
  await session.ended
  assert.equal(session.channels.get(CHANNEL.STDOUT), 'hello\n')
})

test('port-forward over SPDY reaches the web server, and says which port it does not', async () => {
  const fields = { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'portforward.k8s.io', 'content-length': '0' }
  const { socket, head } = await upgraded(peer.upgrade('POST', `${POD}/web/portforward`, fields))
  const machine = new SpdyConnection('client', limits.spdy)
  const texts = new Map<number, string>()
  const ended = new Set<number>()
  const open = (streamId: number, streamtype: string, port: string, requestid: string): void =>
    machine.send({
      type: 'synStream',
      streamId,
      headers: ['streamtype', streamtype, 'port', port, 'requestid', requestid],
    })
  open(1, 'error', '80', '0')
  open(3, 'data', '80', '0')
  open(5, 'error', '81', '1')
  open(7, 'data', '81', '1')
  await endOf(socket, machine, head, (event) => {
    if (event.type === 'synReply' && event.streamId === 3) {
      machine.send({ type: 'data', streamId: 3, payload: Buffer.from('GET / HTTP/1.0\r\n\r\n') })
    }
    if (event.type !== 'data') return
    collect(texts, event.streamId, event.payload)
    if (event.fin && event.end) ended.add(event.streamId)
    if (ended.size === 4) socket.end()
  })
  assert.match(texts.get(3) ?? '', /^HTTP\/1\.1 200 OK[\s\S]*hello from web\n$/)
  assert.equal(texts.get(1), '')
  assert.match(texts.get(5) ?? '', /does not listen on port 81/)
})

const REFUSED: readonly (readonly [title: string, path: string, fields: Record<string, string>, status: number])[] = [
  ['no such pod', `${POD}/none/exec?command=id`, websocketFields(V5), 404],
  ['no command', `${POD}/shell/exec`, websocketFields(V5), 400],
  ['no such container', `${POD}/shell/exec?command=id&container=none`, websocketFields(V5), 400],
  ['a protocol that is not served', `${POD}/shell/exec?command=id`, websocketFields('v9.channel.k8s.io'), 403],
  ['another upgrade', `${POD}/shell/exec?command=id`, { upgrade: 'h2c' }, 400],
  ['what is no pod', '/api/v1/namespaces/default/secrets/db/exec', websocketFields(V5), 400],
]
for (const [title, path, fields, status] of REFUSED) {
  test(`an upgrade is refused with a Status: ${title}`, async () => {
    const answer = await peer.upgrade('GET', path, fields)
    assert.ok('status' in answer)
    assert.equal(answer.status, status)
    assert.equal(answer.json.kind, 'Status')
  })
}
