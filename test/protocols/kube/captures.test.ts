// WebSocket sessions of real kubectl with a real API server: the handshake is understood, and both directions are read
// wholly and alike under any cut, each byte on its channel.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Fields } from '../../../protocols/fields.ts'
import { CHANNEL } from '../../../protocols/kube/channels.ts'
import {
  readAgreement,
  readOffer,
  type StreamAgreement,
  type StreamSubresource,
} from '../../../protocols/kube/handshake.ts'
import { HandshakeError } from '../../../protocols/kube/handshake-error.ts'
import { type CommandResult, readCommandStatus } from '../../../protocols/kube/status.ts'
import { limits } from '../../../protocols/limits.ts'
import { OPCODE } from '../../../protocols/websocket/events.ts'
import { assertAnyCut, cut, hear } from '../../support/cut.ts'
import { client, joinPieces, server } from '../websocket/frames.ts'
import { bytesOf, type ChannelEvent, joinBytes, remoteCommand } from './channel-machine.ts'

interface Chunk {
  readonly from: 'client' | 'cluster'
  readonly bytes: string
}

interface Side {
  readonly fields: Fields
  readonly bytes: Buffer
}

function readCapture(file: string): { client: Side; cluster: Side } {
  const url = new URL(`../../vectors/captures/${file}`, import.meta.url)
  const chunks = readFileSync(url, 'utf8').trim().split('\n').slice(1)
  const side = (from: Chunk['from']): Side => {
    const all = chunks.map((line) => JSON.parse(line) as Chunk).filter((chunk) => chunk.from === from)
    const bytes = Buffer.concat(all.map((chunk) => Buffer.from(chunk.bytes, 'base64')))
    const end = bytes.indexOf('\r\n\r\n')
    const lines = bytes.toString('latin1', 0, end).split('\r\n').slice(1)
    const fields = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
    return { fields, bytes: bytes.subarray(end + 4) }
  }
  return { client: side('client'), cluster: side('cluster') }
}

function agree(capture: { client: Side; cluster: Side }, subresource: StreamSubresource): StreamAgreement {
  const offer = readOffer(capture.client.fields, subresource)
  assert.ok(!(offer instanceof HandshakeError))
  const agreed = readAgreement(capture.cluster.fields, offer)
  assert.ok(!(agreed instanceof HandshakeError))
  return agreed
}

interface Session {
  readonly input: readonly ChannelEvent[]
  readonly output: readonly ChannelEvent[]
  readonly result: CommandResult | undefined
}

function readSession(file: string, subresource: 'exec' | 'attach'): Session {
  const capture = readCapture(file)
  const { version, base64, closes } = agree(capture, subresource)
  assert.deepEqual([version, base64, closes], [5, false, true])
  const input = readDirection(capture.client.bytes, true)
  const output = readDirection(capture.cluster.bytes, false)
  const result = readCommandStatus(bytesOf(output, CHANNEL.ERROR), version, limits.kubernetes)
  return { input, output, result }
}

/** Every cut of a short stream; of a long one some, since each costs the whole of it. */
function readDirection(bytes: Buffer, fromClient: boolean): readonly ChannelEvent[] {
  const make = (): ReturnType<typeof remoteCommand> => remoteCommand({ fromClient, closes: true })
  if (bytes.length < 10_000) return assertAnyCut(make, bytes, { join: joinBytes }).events
  const whole = hear(make(), [bytes], { join: joinBytes })
  for (const lengths of [[1], [2, 3], [7, 1_000], [16_384], [4_096, 1]]) {
    assert.deepEqual(hear(make(), cut(bytes, lengths), { join: joinBytes }), whole)
  }
  return whole.events
}

function closed(events: readonly ChannelEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'closed' ? [event.channel] : []))
}

function isSound(events: readonly ChannelEvent[]): boolean {
  return events.every((event) => event.type !== 'failed')
}

for (const version of ['1.33', '1.37']) {
  test(`exec of a shell that writes to both outputs and exits 7 (kubectl ${version})`, () => {
    const file = version === '1.33' ? 'exec-output.kubectl-1.33/c34.jsonl' : 'exec-output.kubectl-1.37/c48.jsonl'
    const { input, output, result } = readSession(file, 'exec')
    assert.ok(isSound(input) && isSound(output))
    assert.equal(bytesOf(output, CHANNEL.STDOUT).toString(), 'out\n')
    assert.equal(bytesOf(output, CHANNEL.STDERR).toString(), 'err\n')
    assert.deepEqual([result?.success, result?.exitCode], [false, 7])
    assert.equal(bytesOf(input, CHANNEL.STDIN).length, 0)
  })
}

test('exec -i of sha256sum with 100,000 bytes', () => {
  const { input, output, result } = readSession('exec-stdin-100k.kubectl-1.37/c50.jsonl', 'exec')
  const stdin = bytesOf(input, CHANNEL.STDIN)
  assert.equal(stdin.length, 100_000)
  const sum = createHash('sha256').update(stdin).digest('hex')
  assert.equal(bytesOf(output, CHANNEL.STDOUT).toString(), `${sum}  -\n`)
  assert.deepEqual(closed(input), [CHANNEL.STDIN])
  assert.deepEqual(result, { success: true, exitCode: 0, message: '' })
})

test('exec -it: one output, and in this capture no resize (its stty says 0 0)', () => {
  const { input, output, result } = readSession('exec-tty.kubectl-1.37/c52.jsonl', 'exec')
  assert.deepEqual(input, [])
  assert.equal(bytesOf(output, CHANNEL.STDOUT).toString('latin1'), '0 0\r\n\x1b[1mdone\r\n')
  assert.equal(bytesOf(output, CHANNEL.STDERR).length, 0)
  assert.deepEqual(result, { success: true, exitCode: 0, message: '' })
})

test('attach, and cp’s test for a folder', () => {
  for (const [file, subresource] of [
    ['attach.kubectl-1.37/c62.jsonl', 'attach'],
    ['cp-upload.kubectl-1.37/c59.jsonl', 'exec'],
  ] as const) {
    const { input, output, result } = readSession(file, subresource)
    assert.ok(isSound(input) && isSound(output))
    assert.notEqual(result, undefined, file)
  }
})

test('port-forward in a tunnel: binary messages that make up a stream of SPDY frames, from either side', () => {
  const capture = readCapture('port-forward.kubectl-1.37/c56.jsonl')
  const agreed = agree(capture, 'portforward')
  assert.equal(agreed.kind, 'portforward-tunnel')
  for (const [bytes, make] of [
    [capture.client.bytes, server],
    [capture.cluster.bytes, client],
  ] as const) {
    const whole = hear(make(), [bytes], { join: joinPieces })
    for (const lengths of [[1], [2, 3], [7, 1_000], [4_096, 1]]) {
      assert.deepEqual(hear(make(), cut(bytes, lengths), { join: joinPieces }), whole)
    }
    const frames = whole.events.flatMap((event) => (event.type === 'frame' ? [event] : []))
    assert.equal(frames.length, whole.events.length)
    const data = frames.filter((frame) => frame.message === OPCODE.BINARY)
    assert.ok(frames.every((frame) => frame.message !== OPCODE.TEXT))
    // The first frame of SPDY in either direction is a control frame of version 3.
    assert.equal(Buffer.concat(data.map((frame) => frame.payload)).readUInt16BE(0), 0x8003)
  }
})
