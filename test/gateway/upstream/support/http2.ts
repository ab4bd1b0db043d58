// Clusters that speak HTTP/2, for tests: node:http2's answers, and our own machine's where those will not do.

import assert from 'node:assert/strict'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { UpstreamRequest } from '../../../../gateway/upstream/upstream.ts'
import type { Http2ServerEvent } from '../../../../protocols/http2/events.ts'
import { Http2Server } from '../../../../protocols/http2/server.ts'
import { limits } from '../../../../protocols/limits.ts'
import { type Answer, type Bench, get } from './cluster.ts'

export function assertFailed(answer: Answer, status: number, rule: string): void {
  assert.deepEqual([answer.failure?.status, answer.failure?.rule], [status, rule], answer.failure?.message)
}

export function watch(target: string): UpstreamRequest {
  return { ...get(target), longRunning: true }
}

export function as(user: string, request: UpstreamRequest): UpstreamRequest {
  return { ...request, user }
}

/** Connections that the cluster still has. */
export function open(bench: Bench): number {
  return bench.connections.filter((socket) => !socket.destroyed).length
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}

/** Long enough for what is under way on loopback to have come. */
export async function settle(): Promise<void> {
  for (let at = 0; at < 50; at++) await new Promise(setImmediate)
}

/** Answers with what it was asked for. */
export function echo(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.respond({ ':status': 200 })
  stream.end(headers[':path'])
}

type Request = Http2ServerEvent & { type: 'request' }

/** A cluster that our own machine speaks for: it does what node:http2 will not, as to reset a stream without its end. */
export function machines(
  bench: Bench,
  serve: (request: Request, machine: Http2Server, socket: TLSSocket, connection: number) => void,
): Promise<number> {
  const all = new Map<TLSSocket, Http2Server>()
  return bench.tls(
    (socket, connection, text) => {
      const machine = all.get(socket) ?? new Http2Server(limits)
      if (!all.has(socket)) socket.write(Buffer.concat(machine.takeOutput()))
      all.set(socket, machine)
      for (const event of machine.receive(Buffer.from(text, 'latin1'))) {
        if (event.type === 'request') serve(event, machine, socket, connection)
      }
      socket.write(Buffer.concat(machine.takeOutput()))
    },
    { ALPNProtocols: ['h2'] },
  )
}

/** An answer of a machine, whole. */
export function answer(machine: Http2Server, stream: number, body: string): void {
  machine.send({ type: 'response', stream, status: 200, fields: [], end: false })
  machine.send({ type: 'data', stream, bytes: Buffer.from(body), end: true })
}

/** A GOAWAY frame without an error. */
export function goaway(lastStream: number): Buffer {
  return Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, lastStream, 0, 0, 0, 0])
}
