// A cluster on loopback to test the pool against: node:https where its behaviour will do, a scripted TLS server where the
// bytes matter, and a handler that collects one answer.

import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import {
  createSecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Deadlines } from '../../../../gateway/deadlines.ts'
import type { Kubeconfig } from '../../../../gateway/upstream/kubeconfig.ts'
import { ClusterUpstream } from '../../../../gateway/upstream/pool.ts'
import type {
  UpstreamCall,
  UpstreamFailed,
  UpstreamHandler,
  UpstreamRequest,
} from '../../../../gateway/upstream/upstream.ts'
import type { Fields } from '../../../../protocols/fields.ts'
import type { ResponseHead } from '../../../../protocols/http1/events.ts'
import { type PeerIdentity, peerIdentity } from '../../../support/peer-pki.ts'

/** What a test made, undone at its end. */
export class Bench {
  readonly peer: PeerIdentity
  now = 0
  readonly deadlines = new Deadlines(() => this.now)
  /** The server's side of every connection, in the order they came. */
  readonly connections: TLSSocket[] = []
  /** The server's side of every HTTP/2 connection, in the order they came. */
  readonly sessions: ServerHttp2Session[] = []
  readonly #servers: Server[] = []
  readonly #upstreams: ClusterUpstream[] = []

  static async open(): Promise<Bench> {
    return new Bench(await peerIdentity())
  }

  private constructor(peer: PeerIdentity) {
    this.peer = peer
  }

  /** An HTTPS server; resolves with its port. */
  https(listener: RequestListener, options: object = {}): Promise<number> {
    const server = createHttpsServer({ key: this.peer.key, cert: this.peer.cert, ...options }, listener)
    server.on('secureConnection', (socket) => this.connections.push(socket))
    return this.#listen(server)
  }

  /** An HTTP/2 server; `serve` gets each request. Resolves with its port. */
  http2(
    serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
    options: SecureServerOptions = {},
  ): Promise<number> {
    const server = createSecureServer({ key: this.peer.key, cert: this.peer.cert, ...options })
    server.on('secureConnection', (socket: TLSSocket) => this.connections.push(socket))
    server.on('session', (session) => this.sessions.push(session))
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => undefined)
      serve(stream, headers)
    })
    return this.#listen(server)
  }

  /** A TLS server that runs `script` on each connection with its number from 0 and each chunk of bytes as text. */
  tls(script: (socket: TLSSocket, connection: number, text: string) => void, options: object = {}): Promise<number> {
    const server = createTlsServer({ key: this.peer.key, cert: this.peer.cert, ...options }, (socket) => {
      const connection = this.connections.push(socket) - 1
      socket.on('error', () => undefined)
      socket.on('data', (bytes: Buffer) => script(socket, connection, bytes.toString('latin1')))
    })
    return this.#listen(server)
  }

  upstream(port: number, address: Partial<Kubeconfig['address']> = {}, user: Partial<Kubeconfig['user']> = {}) {
    const upstream = new ClusterUpstream(
      'prod',
      {
        address: {
          host: '127.0.0.1',
          port,
          authority: `127.0.0.1:${port}`,
          basePath: '',
          serverName: 'localhost',
          ca: this.peer.ca,
          ...address,
        },
        user: { token: 'gateway-token', tokenFile: undefined, certificate: undefined, exec: undefined, ...user },
      },
      this.deadlines,
    )
    this.#upstreams.push(upstream)
    return upstream
  }

  /** Moves the clock, and everything looks at it. */
  pass(milliseconds: number): void {
    this.now += milliseconds
    this.deadlines.look()
  }

  close(): void {
    for (const upstream of this.#upstreams) upstream.close()
    for (const socket of this.connections) socket.destroy()
    for (const server of this.#servers) server.close()
    this.deadlines.close()
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
}

export function get(target: string, fields: Fields = []): UpstreamRequest {
  return { method: 'GET', target, fields, body: undefined, longRunning: false, user: 'ann' }
}

export function post(target: string, body: string): UpstreamRequest {
  return { method: 'POST', target, fields: [], body: Buffer.from(body), longRunning: false, user: 'ann' }
}

/** Collects one answer, and holds its callbacks to their order. */
export class Answer implements UpstreamHandler {
  head: ResponseHead | undefined
  failure: UpstreamFailed | undefined
  trailers: Fields = []
  readonly pieces: Buffer[] = []
  readonly done: Promise<this>
  readonly responded: Promise<void>
  over = 0
  #settle: () => void = () => undefined
  #settleHead: () => void = () => undefined

  constructor() {
    this.done = new Promise((resolve) => {
      this.#settle = () => resolve(this)
    })
    this.responded = new Promise((resolve) => {
      this.#settleHead = resolve
    })
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('utf8')
  }

  onResponse(head: ResponseHead): void {
    if (this.head !== undefined || this.over > 0) throw new Error('a second head')
    this.head = head
    this.#settleHead()
  }

  onData(bytes: Uint8Array): void {
    if (this.head === undefined || this.over > 0) throw new Error('data out of turn')
    this.pieces.push(Buffer.from(bytes))
  }

  onEnd(trailers: Fields): void {
    this.trailers = trailers
    this.#end()
  }

  onFailed(error: UpstreamFailed): void {
    this.failure = error
    this.#end()
  }

  #end(): void {
    if (++this.over > 1) throw new Error('ended twice')
    this.#settle()
  }
}

/** Sends a request and resolves with the whole answer. */
export function ask(upstream: ClusterUpstream, request: UpstreamRequest): Promise<Answer> {
  return start(upstream, request).answer.done
}

export function start(upstream: ClusterUpstream, request: UpstreamRequest): { call: UpstreamCall; answer: Answer } {
  const answer = new Answer()
  return { call: upstream.send(request, answer), answer }
}
