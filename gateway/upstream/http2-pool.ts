// One user's HTTP/2 connections to one cluster: calls go on the fullest that has room, and a new one is dialled where none
// has. Learns by ALPN whether the cluster speaks HTTP/2 at all; calls then go back to who asked.

import type { TLSSocket } from 'node:tls'
import { limits } from '../../protocols/limits.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Call } from './call.ts'
import type { Dials, Pending } from './dial.ts'
import { closedEarly } from './failure.ts'
import { Http2Connection, type Http2ConnectionOwner } from './http2-connection.ts'
import type { ClientCertificate } from './kubeconfig.ts'
import type { UpstreamFailed } from './upstream.ts'

/** What is offered where HTTP/2 is wanted: a cluster without it says so in the same handshake. */
const OFFERED = ['h2', 'http/1.1']

/** The cluster's upstream, as this pool sees it. */
export interface Http2PoolOwner {
  readonly name: string
  readonly deadlines: Deadlines
  readonly authority: string
  readonly basePath: string
  readonly certificate: ClientCertificate | undefined
  /** The cluster speaks only HTTP/1.1: the socket carries that, and the calls are the owner's again. */
  onlyHttp1(socket: TLSSocket, certificate: ClientCertificate | undefined, calls: readonly Call[]): void
  unauthorized(): void
  /** The user has neither a connection nor a call waiting for one. */
  emptied(user: string): void
}

export class Http2Pool implements Http2ConnectionOwner {
  readonly name: string
  readonly deadlines: Deadlines
  readonly authority: string
  readonly basePath: string
  readonly #owner: Http2PoolOwner
  readonly #dialer: Dials
  readonly #user: string
  /** In the order of their making: the first with room is the fullest. */
  readonly #connections: Http2Connection[] = []
  /** Retired, with calls still under way. */
  readonly #retired = new Set<Http2Connection>()
  #waiting: Call[] = []
  #dialling: Pending | undefined
  #ending = false
  #closed: UpstreamFailed | undefined

  constructor(owner: Http2PoolOwner, dialer: Dials, user: string) {
    this.name = owner.name
    this.deadlines = owner.deadlines
    this.authority = owner.authority
    this.basePath = owner.basePath
    this.#owner = owner
    this.#dialer = dialer
    this.#user = user
  }

  carry(call: Call): void {
    if (this.#closed !== undefined) {
      call.failed(this.#closed)
      return
    }
    const { certificate } = this.#owner
    for (const connection of this.#connections) {
      if (connection.room === 0 || connection.certificate !== certificate) continue
      connection.carry(call)
      return
    }
    this.#waiting.push(call)
    this.#dial()
  }

  /** Idle connections end, and the others behind their last call. */
  retire(): void {
    this.#ending = true
    for (const connection of [...this.#connections]) connection.retire()
  }

  close(error: UpstreamFailed): void {
    this.#closed = error
    this.#dialling?.cancel()
    this.#dialling = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) call.failed(error)
    for (const connection of [...this.#connections, ...this.#retired]) connection.fail(error)
  }

  // -- from the connections

  retired(connection: Http2Connection): void {
    const at = this.#connections.indexOf(connection)
    if (at !== -1) this.#connections.splice(at, 1)
    this.#retired.add(connection)
  }

  lost(connection: Http2Connection): void {
    this.#retired.delete(connection)
    this.#lookIfEmpty()
  }

  repeat(call: Call): void {
    call.tries += 1
    if (call.tries > limits.gateway.tries) call.failed(closedEarly(this.name, undefined))
    else if (!call.isOver) this.carry(call)
  }

  unauthorized(): void {
    this.#owner.unauthorized()
  }

  #dial(): void {
    if (this.#dialling !== undefined) return
    const { certificate } = this.#owner
    this.#dialling = this.#dialer.dial(certificate, OFFERED, {
      dialled: (socket) => this.#dialled(socket, certificate),
      dialFailed: (error) => {
        for (const call of this.#takeWaiting()) call.failed(error)
        this.#lookIfEmpty()
      },
    })
  }

  #dialled(socket: TLSSocket, certificate: ClientCertificate | undefined): void {
    const calls = this.#takeWaiting()
    if (socket.alpnProtocol !== 'h2') {
      this.#owner.onlyHttp1(socket, certificate, calls)
      this.#lookIfEmpty()
      return
    }
    this.#connections.push(new Http2Connection(this, socket, certificate))
    // Those for whom this one has no room wait for the next.
    for (const call of calls) this.carry(call)
    if (this.#ending) this.retire()
  }

  #lookIfEmpty(): void {
    if (this.#connections.length === 0 && this.#retired.size === 0 && this.#dialling === undefined) {
      this.#owner.emptied(this.#user)
    }
  }

  /** The calls that still want an answer. */
  #takeWaiting(): readonly Call[] {
    const waiting = this.#waiting.filter((call) => !call.isOver)
    this.#waiting = []
    this.#dialling = undefined
    return waiting
  }
}
