// Listens for clients over TLS and hands each secured socket to the session of the protocol that was agreed on. Refuses
// what is not TLS 1.2 or newer, what does not finish its handshake in time, and connections past the caps.

import { constants } from 'node:crypto'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import { limits } from '../protocols/limits.ts'
import type { Deadlines, Waiting } from './deadlines.ts'
import type { ServerIdentity } from './pki.ts'

/** A client's connection, secured; who it is, is not known yet. */
export interface Arrival {
  readonly socket: TLSSocket
  /** "127.0.0.1:51234", "[::1]:51234". */
  readonly client: string
  /** Tells the listener who calls is known, so that the connection no longer counts against limits.gateway.unidentified. Idempotent. */
  identified(): void
}

export interface ListenOptions {
  /** "127.0.0.1:8443", "[::1]:8443", ":8443" for all addresses; port 0 takes a free one. */
  readonly address: string
  readonly identity: ServerIdentity
  /** By ALPN name, the preferred first. A client that offers no ALPN (kubectl's upgrades) gets http/1.1. */
  readonly protocols: ReadonlyMap<string, (arrival: Arrival) => void>
  readonly deadlines: Deadlines
  /** A connection that was not handed on, for the metrics: the cap ("connections", "unidentified", "address_connections", "address_unidentified"), "handshake", "pressure", "gone", or the error's code. */
  readonly refused: (why: string) => void
}

/** The address cannot be listened on; the message says what to change. */
export class ListenError extends Error {}

/** TLS 1.3, and of TLS 1.2 what has forward secrecy and authenticated encryption (RFC 9325 section 4.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const KEEP_ALIVE_MILLIS = 60_000

/** Where a client stands on its way in; counted until its TCP connection closes, whatever happens to TLS. */
class Admission implements Waiting {
  /** For the whole handshake: Node's own timeout begins anew with every byte. */
  deadline: number
  readonly #tcp: Socket
  readonly #refused: (why: string) => void
  /** "127.0.0.1", as it was when the connection came. */
  readonly address: string
  identified = false

  constructor(tcp: Socket, address: string, options: ListenOptions) {
    this.#tcp = tcp
    this.address = address
    this.#refused = options.refused
    this.deadline = options.deadlines.now() + limits.gateway.handshakeMillis
  }

  get secured(): boolean {
    return this.deadline === Number.POSITIVE_INFINITY
  }

  expired(): void {
    this.deadline = Number.POSITIVE_INFINITY
    this.drop()
    this.#refused('handshake')
  }

  drop(): void {
    this.#tcp.destroy()
  }
}

export class Listener {
  readonly #options: ListenOptions
  readonly #tcp: Server
  readonly #tls: TlsServer
  /** By the client's address and port, which no two open connections to one listening port share. */
  readonly #admissions = new Map<string, Admission>()
  #unidentified = 0
  /** How many connections each address has, and how many of them nobody is known of. */
  readonly #addresses = new Map<string, { connections: number; unidentified: number }>()

  /** Resolves once the address is taken. Rejects with ListenError. */
  static async open(options: ListenOptions): Promise<Listener> {
    const { host, port } = parseAddress(options.address)
    const listener = new Listener(options)
    await listener.#listen(host, port)
    return listener
  }

  private constructor(options: ListenOptions) {
    this.#options = options
    // One identity for every name: no SNICallback and no ALPNCallback, so none that could throw (CVE-2026-21637).
    this.#tls = createTlsServer({
      ...secureOptions(options.identity),
      ALPNProtocols: [...options.protocols.keys()],
    })
    this.#tls.on('secureConnection', (socket) => this.#secured(socket))
    this.#tls.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      socket.destroy()
      options.refused(error.code ?? 'tls')
    })
    // The caps come before TLS: a handshake is the dearest thing that a stranger can ask for.
    this.#tcp = createTcpServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MILLIS }, (tcp) =>
      this.#accept(tcp),
    )
  }

  /** "127.0.0.1:8443"; brackets around IPv6. */
  get address(): string {
    const bound = this.#tcp.address()
    if (bound === null || typeof bound === 'string') return ''
    return hostAndPort(bound.address, bound.port)
  }

  get connections(): number {
    return this.#admissions.size
  }

  get unidentified(): number {
    return this.#unidentified
  }

  /** Memory is at its end: drops the newest half of the connections of which nobody knows whose they are. */
  dropStrangers(): void {
    const strangers = [...this.#admissions.values()].filter((admission) => !admission.identified)
    for (const admission of strangers.slice(strangers.length >> 1)) admission.drop()
    this.#options.refused('pressure')
  }

  /** New handshakes get another certificate; connections that are up stay. */
  renew(identity: ServerIdentity): void {
    this.#tls.setSecureContext(secureOptions(identity))
  }

  /** Accepts no more and drops handshakes under way. What was handed on is its owner's to end. */
  close(): void {
    this.#tcp.close()
    for (const admission of this.#admissions.values()) if (!admission.secured) admission.drop()
  }

  #listen(host: string | undefined, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => reject(listenError(this.#options.address, error))
      this.#tcp.once('error', failed)
      this.#tcp.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        this.#tcp.off('error', failed)
        // Out of file descriptors and the like: the connection is lost, the listener is not.
        this.#tcp.on('error', (error: NodeJS.ErrnoException) => this.#options.refused(error.code ?? 'accept'))
        resolve()
      })
    })
  }

  #accept(tcp: Socket): void {
    tcp.on('error', () => undefined) // 'close' follows and says all there is to do
    const client = clientAddress(tcp)
    const address = tcp.remoteAddress ?? ''
    const full = this.#full(address)
    if (client === undefined || full !== undefined) {
      tcp.destroy()
      this.#options.refused(full ?? 'gone')
      return
    }
    const admission = new Admission(tcp, address, this.#options)
    this.#admissions.set(client, admission)
    this.#unidentified++
    this.#countFor(address, 1, 1)
    this.#options.deadlines.watch(admission)
    tcp.once('close', () => {
      this.#options.deadlines.forget(admission)
      this.#admissions.delete(client)
      this.#identified(admission)
      this.#countFor(address, -1, 0)
    })
    this.#tls.emit('connection', tcp)
  }

  /** The cap that leaves no room for one more from this address. */
  #full(address: string): string | undefined {
    if (this.#admissions.size >= limits.gateway.connections) return 'connections'
    if (this.#unidentified >= limits.gateway.unidentified) return 'unidentified'
    const counts = this.#addresses.get(address)
    if (counts === undefined) return undefined
    if (counts.connections >= limits.gateway.addressConnections) return 'address_connections'
    return counts.unidentified >= limits.gateway.addressUnidentified ? 'address_unidentified' : undefined
  }

  #countFor(address: string, connections: number, unidentified: number): void {
    const counts = this.#addresses.get(address) ?? { connections: 0, unidentified: 0 }
    counts.connections += connections
    counts.unidentified += unidentified
    if (counts.connections === 0) this.#addresses.delete(address)
    else this.#addresses.set(address, counts)
  }

  #secured(socket: TLSSocket): void {
    socket.on('error', () => undefined) // until a session listens, and after it has gone
    const client = clientAddress(socket)
    const admission = client === undefined ? undefined : this.#admissions.get(client)
    const session = this.#options.protocols.get(socket.alpnProtocol || 'http/1.1')
    if (client === undefined || admission === undefined || session === undefined || !this.#tcp.listening) {
      socket.destroy()
      return
    }
    admission.deadline = Number.POSITIVE_INFINITY
    this.#options.deadlines.forget(admission)
    socket.disableRenegotiation()
    session({ socket, client, identified: () => this.#identified(admission) })
  }

  #identified(admission: Admission): void {
    if (admission.identified) return
    admission.identified = true
    this.#unidentified--
    this.#countFor(admission.address, 0, -1)
  }
}

/** Splits "host:port", "[v6]:port" or ":port". Throws ListenError. */
export function parseAddress(address: string): { host: string | undefined; port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new ListenError(`"${address}" is not an address to listen on; write HOST:PORT, or [IPV6]:PORT`)
  }
  const host = match[1] ?? match[2] ?? ''
  return { host: host === '' ? undefined : host, port }
}

function secureOptions(identity: ServerIdentity) {
  return {
    key: identity.key,
    cert: identity.cert,
    minVersion: 'TLSv1.2' as const,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
  }
}

function clientAddress(socket: Socket): string | undefined {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined || remotePort === undefined ? undefined : hostAndPort(remoteAddress, remotePort)
}

function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function listenError(address: string, error: NodeJS.ErrnoException): ListenError {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another process listens there; stop it, or choose another port',
    EACCES: 'ports below 1024 need a privilege; choose another port',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'no such host name',
  }
  return new ListenError(`cannot listen on ${address}: ${advice[error.code ?? ''] ?? error.message}`, { cause: error })
}
