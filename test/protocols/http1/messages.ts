// Short forms for HTTP/1.1 tests: text to bytes, machines with default limits, pieces of a body joined.

import { Http1Client } from '../../../protocols/http1/client.ts'
import type { Http1ClientCommand, Http1ClientEvent, Http1ServerEvent } from '../../../protocols/http1/events.ts'
import { Http1Server } from '../../../protocols/http1/server.ts'
import { limits } from '../../../protocols/limits.ts'

/** One byte a character. */
export function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

export function text(pieces: readonly Uint8Array[]): string {
  return Buffer.concat(pieces).toString('latin1')
}

/** Lines with their CRLF, then the empty line, then the body. */
export function message(lines: readonly string[], body = ''): string {
  return `${lines.map((line) => `${line}\r\n`).join('')}\r\n${body}`
}

/** A request with a Host and these further lines. */
export function request(start: string, lines: readonly string[] = [], body = ''): string {
  return message([start, 'Host: cluster', ...lines], body)
}

export function server(): Http1Server {
  return new Http1Server(limits.http1)
}

/** A client that has sent a whole request. */
export function client(command: Partial<Http1ClientCommand & { type: 'request' }> = {}): Http1Client {
  const machine = new Http1Client(limits.http1)
  ask(machine, command)
  machine.takeOutput()
  return machine
}

export function ask(machine: Http1Client, command: Partial<Http1ClientCommand & { type: 'request' }> = {}): void {
  const fields = ['Host', 'cluster']
  machine.send({ type: 'request', method: 'GET', target: '/', fields, framing: 0, ...command })
  machine.send({ type: 'end' })
}

/** A client that asked for an upgrade. */
export function upgrading(): Http1Client {
  return client({ upgrade: true, fields: ['Host', 'cluster', 'Upgrade', 'SPDY/3.1'] })
}

export function joinData<Event extends Http1ServerEvent | Http1ClientEvent>(a: Event, b: Event): Event | undefined {
  if (a.type !== 'data' || b.type !== 'data') return undefined
  return { ...a, bytes: new Uint8Array(Buffer.concat([a.bytes, b.bytes])) }
}
