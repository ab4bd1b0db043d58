// Sessions of real kubectl with a real kubelet, on plain SPDY and in a WebSocket tunnel, through the two machines of a
// gateway: every byte passes unchanged, under any cut, and the stream labels give what was typed and printed.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CHANNEL, FORWARD, forwardChannel } from '../../../protocols/kube/channels.ts'
import { SpdyPortForward } from '../../../protocols/kube/spdy-port-forward.ts'
import { SpdyRemoteCommand } from '../../../protocols/kube/spdy-remote-command.ts'
import { limits } from '../../../protocols/limits.ts'
import { SpdyConnection } from '../../../protocols/spdy/connection.ts'
import type { SpdyEvent } from '../../../protocols/spdy/events.ts'
import { cut } from '../../support/cut.ts'

type From = 'client' | 'cluster'
interface Turn {
  readonly from: From
  readonly bytes: Buffer
}
type Labels = SpdyRemoteCommand | SpdyPortForward

/** What the two sides of a capture said behind their HTTP heads, in the order it came. */
function turns(file: string): Turn[] {
  const url = new URL(`../../vectors/captures/${file}`, import.meta.url)
  const lines = readFileSync(url, 'utf8').trim().split('\n').slice(1)
  const heads = { client: Buffer.alloc(0), cluster: Buffer.alloc(0) }
  const inHead = { client: true, cluster: true }
  const list: Turn[] = []
  for (const line of lines) {
    const { from, bytes } = JSON.parse(line) as { from: From; bytes: string }
    let rest = Buffer.from(bytes, 'base64')
    if (inHead[from]) {
      heads[from] = Buffer.concat([heads[from], rest])
      const end = heads[from].indexOf('\r\n\r\n')
      if (end < 0) continue
      inHead[from] = false
      rest = heads[from].subarray(end + 4)
    }
    if (rest.length > 0) list.push({ from, bytes: rest })
  }
  return list
}

/** The payload of the binary WebSocket frames in a tunnel's turns, read by hand; no capture cuts a frame's header. */
function unwrapped(wrapped: readonly Turn[]): Turn[] {
  const rest = { client: Buffer.alloc(0), cluster: Buffer.alloc(0) }
  const list: Turn[] = []
  for (const { from, bytes } of wrapped) {
    let held = Buffer.concat([rest[from], bytes])
    for (;;) {
      const long = held.length > 1 && (held[1]! & 0x7f) === 126
      const header = (long ? 4 : 2) + (from === 'client' ? 4 : 0)
      const length = long ? (held.length > 3 ? held.readUInt16BE(2) : 0) : (held[1] ?? 0) & 0x7f
      if (held.length < header || held.length < header + length) break
      const payload = Buffer.from(held.subarray(header, header + length))
      if (from === 'client') for (let at = 0; at < length; at++) payload[at]! ^= held[header - 4 + (at % 4)]!
      if ((held[0]! & 0x0f) <= 2 && length > 0) list.push({ from, bytes: payload })
      held = held.subarray(header + length)
    }
    rest[from] = held
  }
  return list
}

/** Relays turns; returns what each side would have got and the bytes of each channel. */
function relay(list: readonly Turn[], labels: Labels): { passed: Record<From, Buffer>; channels: Map<number, Buffer> } {
  const machines = {
    client: new SpdyConnection('server', limits.spdy),
    cluster: new SpdyConnection('client', limits.spdy),
  }
  const passed = { client: [] as Buffer[], cluster: [] as Buffer[] }
  const channels = new Map<number, Buffer>()
  for (const { from, bytes } of list) {
    const to = machines[from === 'client' ? 'cluster' : 'client']
    for (const event of machines[from].receive(bytes)) {
      label(event, from === 'client', labels, channels)
      if (event.type === 'failed') throw event.error
      if (event.type === 'data') {
        to.send({ type: 'pass', bytes: event.header })
        to.send({ type: 'pass', bytes: event.payload })
      } else if ('headers' in event) to.send({ type: 'passHeaders', event })
      else to.send({ type: 'pass', bytes: event.raw })
    }
    passed[from].push(...to.takeOutput().map((piece) => Buffer.from(piece)))
  }
  assert.equal(machines.client.ignoredBytes + machines.cluster.ignoredBytes, 0)
  return { passed: { client: Buffer.concat(passed.client), cluster: Buffer.concat(passed.cluster) }, channels }
}

function label(event: SpdyEvent, fromClient: boolean, labels: Labels, channels: Map<number, Buffer>): void {
  if (event.type === 'synStream') {
    const opened = labels.open(event, fromClient)
    if (opened instanceof Error) throw opened
  } else if (event.type === 'data') {
    const channel = labels.data(event, fromClient)
    if (channel instanceof Error) throw channel
    channels.set(channel, Buffer.concat([channels.get(channel) ?? Buffer.alloc(0), event.payload]))
  } else if (event.type === 'reset' && labels instanceof SpdyPortForward) labels.reset(event.streamId)
}

const bytesOf = (list: readonly Turn[], from: From): Buffer =>
  Buffer.concat(list.filter((turn) => turn.from === from).map((turn) => turn.bytes))

/** Relays a capture in its own chunks and in ever smaller ones: always the same bytes on, and the same channels. */
function assertPasses(list: readonly Turn[], make: () => Labels): Map<number, Buffer> {
  const whole = relay(list, make())
  assert.deepEqual(whole.passed.client, bytesOf(list, 'client'))
  assert.deepEqual(whole.passed.cluster, bytesOf(list, 'cluster'))
  for (const lengths of [[1], [3, 5], [8, 1, 9], [1_000, 7]]) {
    const small = list.flatMap(({ from, bytes }) =>
      cut(bytes, lengths).map((piece) => ({ from, bytes: Buffer.from(piece) })),
    )
    assert.deepEqual(relay(small, make()), whole)
  }
  return whole.channels
}

const text = (channels: Map<number, Buffer>, channel: number): string => channels.get(channel)?.toString() ?? 'nothing'
const NONE = { stdin: false, stdout: true, stderr: true, tty: false, version: 4 }

for (const file of ['exec-output.kubectl-1.20/c06.jsonl', 'exec-output.kubectl-1.27/c20.jsonl']) {
  test(`${file}: both outputs and the exit code`, () => {
    const channels = assertPasses(turns(file), () => new SpdyRemoteCommand(NONE))
    assert.equal(text(channels, CHANNEL.STDOUT), 'out\n')
    assert.equal(text(channels, CHANNEL.STDERR), 'err\n')
    assert.deepEqual(JSON.parse(text(channels, CHANNEL.ERROR)).details.causes, [{ reason: 'ExitCode', message: '7' }])
  })
}

test('exec with 100,000 bytes of input: their digest is what the command printed', () => {
  const list = turns('exec-stdin-100k-spdy.kubectl-1.37/c66.jsonl')
  const channels = relay(list, new SpdyRemoteCommand({ ...NONE, stdin: true })).channels
  const stdin = channels.get(CHANNEL.STDIN)
  assert.equal(stdin?.length, 100_000)
  const digest = createHash('sha256').update(stdin).digest('hex')
  assert.ok(text(channels, CHANNEL.STDOUT).startsWith(`${digest}  -`))
  assert.equal(text(channels, CHANNEL.ERROR), '{"status":"Success"}')
})

test('exec with a terminal: stdin, stdout, resize, and no stderr', () => {
  const make = (): Labels => new SpdyRemoteCommand({ ...NONE, stdin: true, tty: true })
  const channels = assertPasses(turns('exec-tty.kubectl-1.27/c24.jsonl'), make)
  assert.equal(text(channels, CHANNEL.STDOUT), '0 0\r\n\x1b[1mdone\r\n')
})

for (const [file, isTunnel] of [
  ['port-forward.kubectl-1.27/c28.jsonl', false],
  ['port-forward.kubectl-1.37/c56.jsonl', true],
] as const) {
  test(`${file}: two connections, their requests and responses apart`, () => {
    const list = isTunnel ? unwrapped(turns(file)) : turns(file)
    const make = (): SpdyPortForward => new SpdyPortForward()
    const channels = assertPasses(list, make)
    for (const [connection, path, length] of [
      [0, '/hello', 132],
      [1, '/bytes?n=20000', 20_138],
    ] as const) {
      assert.ok(text(channels, forwardChannel(connection, FORWARD.TO_POD)).startsWith(`GET ${path} HTTP/1.1\r\n`))
      assert.equal(channels.get(forwardChannel(connection, FORWARD.FROM_POD))?.length, length)
      assert.equal(text(channels, forwardChannel(connection, FORWARD.ERROR_TO_POD)), '')
    }
  })
}

test('a forwarded connection is forgotten once both its streams have ended both ways', () => {
  const forward = new SpdyPortForward()
  relay(turns('port-forward.kubectl-1.27/c28.jsonl'), forward)
  assert.equal(forward.size, 1, 'kubectl was ended while the second connection was open')
})
