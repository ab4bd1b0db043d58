// A cluster: requests go over HTTP/2, on connections that only one user's requests share, or where the cluster does not
// speak it over HTTP/1.1, on kept connections, the last one used first. Upgrades have connections of their own.

import type { TLSSocket } from 'node:tls'
import type { Fields } from '../../protocols/fields.ts'
import { limits } from '../../protocols/limits.ts'
import type { Deadlines } from '../deadlines.ts'
import { Call } from './call.ts'
import { type Credentials, openCredentials } from './credentials.ts'
import { Dialer, type Dials } from './dial.ts'
import { Http2Pool, type Http2PoolOwner } from './http2-pool.ts'
import type { ClientCertificate, Kubeconfig } from './kubeconfig.ts'
import { type ConnectionOwner, PooledConnection } from './pooled-connection.ts'
import { UpgradeAttempt } from './upgrade.ts'
import {
  type UpgradeAnswer,
  type Upstream,
  type UpstreamCall,
  UpstreamFailed,
  type UpstreamHandler,
  type UpstreamRequest,
} from './upstream.ts'

export class ClusterUpstream implements Upstream, ConnectionOwner, Http2PoolOwner {
  readonly name: string
  readonly deadlines: Deadlines
  readonly authority: string
  readonly basePath: string
  readonly #credentials: Credentials
  readonly #dialer: Dials
  /** The last one released is the last element and is used first. */
  readonly #idle: PooledConnection[] = []
  readonly #connections = new Set<PooledConnection>()
  readonly #upgrades = new Set<UpgradeAttempt>()
  /** By user. */
  readonly #http2 = new Map<string, Http2Pool>()
  #speaksHttp2 = true
  #closed = false
  #retired = false

  /** `deadlines` must count milliseconds since 1970: credentials' expiry is compared with it. */
  constructor(name: string, kubeconfig: Kubeconfig, deadlines: Deadlines, dialer?: Dials) {
    this.name = name
    this.deadlines = deadlines
    this.authority = kubeconfig.address.authority
    this.basePath = kubeconfig.address.basePath
    this.#credentials = openCredentials(kubeconfig.user, () => deadlines.now())
    this.#dialer = dialer ?? new Dialer(name, kubeconfig.address, deadlines)
  }

  credentials(): Promise<Fields> {
    return this.#credentials.fields()
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const call = new Call(request, handler)
    if (this.#closed) process.nextTick(() => call.failed(shutDown(this.name)))
    else if (this.#speaksHttp2) this.#poolOf(request.user).carry(call)
    else this.#carry(call)
    return call
  }

  async upgrade(request: UpstreamRequest, signal: AbortSignal): Promise<UpgradeAnswer> {
    if (this.#closed) throw shutDown(this.name)
    const attempt = new UpgradeAttempt(this, request, signal)
    this.#upgrades.add(attempt)
    try {
      return await attempt.run(this.#dialer, this.#credentials.certificate)
    } finally {
      this.#upgrades.delete(attempt)
    }
  }

  retire(): void {
    this.#retired = true
    for (const connection of [...this.#idle]) connection.destroy()
    for (const pool of this.#http2.values()) pool.retire()
  }

  /** Ends every connection but those that were handed over by `upgrade`; calls under way fail. */
  close(): void {
    this.#closed = true
    for (const connection of [...this.#connections]) connection.fail(shutDown(this.name))
    for (const attempt of [...this.#upgrades]) attempt.fail(shutDown(this.name))
    for (const pool of [...this.#http2.values()]) pool.close(shutDown(this.name))
    this.#credentials.close()
  }

  // -- from the connections

  released(connection: PooledConnection): void {
    if (this.#retired) connection.destroy()
    else if (this.#idle.push(connection) > limits.gateway.pooled) this.#idle[0]?.destroy()
  }

  lost(connection: PooledConnection): void {
    this.#connections.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }

  repeat(call: Call): void {
    this.#dial(call)
  }

  unauthorized(): void {
    this.#credentials.refused()
  }

  // -- from the HTTP/2 connections

  get certificate(): ClientCertificate | undefined {
    return this.#credentials.certificate
  }

  onlyHttp1(socket: TLSSocket, certificate: ClientCertificate | undefined, calls: readonly Call[]): void {
    this.#speaksHttp2 = false
    const [first, ...others] = calls
    if (first === undefined) socket.destroy()
    else this.#adopt(socket, certificate).carry(first)
    for (const call of others) this.#carry(call)
  }

  emptied(user: string): void {
    this.#http2.delete(user)
  }

  #poolOf(user: string): Http2Pool {
    let pool = this.#http2.get(user)
    if (pool === undefined) {
      pool = new Http2Pool(this, this.#dialer, user)
      this.#http2.set(user, pool)
    }
    return pool
  }

  #carry(call: Call): void {
    const connection = this.#takeIdle()
    if (connection !== undefined) connection.carry(call)
    else this.#dial(call)
  }

  #adopt(socket: TLSSocket, certificate: ClientCertificate | undefined): PooledConnection {
    const connection = new PooledConnection(this, socket, certificate)
    this.#connections.add(connection)
    return connection
  }

  #takeIdle(): PooledConnection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable && connection.certificate === this.#credentials.certificate) return connection
      connection.destroy()
    }
    return undefined
  }

  #dial(call: Call): void {
    if (this.#closed) {
      process.nextTick(() => call.failed(shutDown(this.name)))
      return
    }
    const certificate = this.#credentials.certificate
    const dialling = this.#dialer.dial(certificate, ['http/1.1'], {
      dialled: (socket) => this.#adopt(socket, certificate).carry(call),
      dialFailed: (error) => call.failed(error),
    })
    call.awaits(dialling)
  }
}

function shutDown(cluster: string): UpstreamFailed {
  return new UpstreamFailed(503, 'upstream.closed', `the gateway is closing its connections to cluster ${cluster}`)
}
