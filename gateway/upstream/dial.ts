// Opens verified TLS connections to one cluster, resuming the last session. Refuses an unverified certificate, a protocol
// older than TLS 1.2, an ALPN answer that was not offered, and a handshake that takes too long.

import { isIP } from 'node:net'
import { checkServerIdentity, connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { limits } from '../../protocols/limits.ts'
import type { Deadlines, Waiting } from '../deadlines.ts'
import { certificateFailed, dialFailed, protocolFailed, timedOut } from './failure.ts'
import type { ClientCertificate, ClusterAddress } from './kubeconfig.ts'
import type { UpstreamFailed } from './upstream.ts'

/** Below NLB's idle limit of 350 s; what keeps silent watches alive. */
const KEEP_ALIVE_MILLIS = 60_000

/** Who asked for a connection. Exactly one of the two is called, later, unless the dial was cancelled. */
export interface DialOwner {
  /** The socket is verified and has one listener for errors; it is the owner's now. Its `alpnProtocol` was offered, or is false. */
  dialled(socket: TLSSocket): void
  dialFailed(error: UpstreamFailed): void
}

/** What makes connections: a Dialer, or in a simulation something without sockets. */
export interface Dials {
  dial(certificate: ClientCertificate | undefined, protocols: readonly string[], owner: DialOwner): Pending
}

/** A connection on its way. */
export interface Pending {
  /** Nobody waits for it any more; no callback follows. */
  cancel(): void
}

export class Dialer implements Dials {
  readonly cluster: string
  readonly address: ClusterAddress
  readonly deadlines: Deadlines
  #certificate: ClientCertificate | undefined
  #context: SecureContext | undefined
  /** The newest session of this cluster and certificate; never used for another. */
  #session: Buffer | undefined

  constructor(cluster: string, address: ClusterAddress, deadlines: Deadlines) {
    this.cluster = cluster
    this.address = address
    this.deadlines = deadlines
  }

  /**
   * `protocols`: what is offered by ALPN, the preferred first. Nothing on upgrades, where clients offer none and some
   * servers choose by it (kubernetes-wire 1.1).
   */
  dial(certificate: ClientCertificate | undefined, protocols: readonly string[], owner: DialOwner): Pending {
    const { host, port, serverName } = this.address
    const socket = connect({
      host,
      port,
      secureContext: this.#contextFor(certificate),
      // SNI carries names only (RFC 6066 section 3); the identity is checked for both.
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      checkServerIdentity: (_, peer) => checkServerIdentity(serverName, peer),
      ...(protocols.length > 0 ? { ALPNProtocols: [...protocols] } : {}),
      ...(this.#session === undefined ? {} : { session: this.#session }),
      rejectUnauthorized: true,
    })
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MILLIS)
    return new Dialling(this, socket, protocols, owner)
  }

  /** A session that only a verified connection has given us. */
  keepSession(context: SecureContext | undefined, session: Buffer): void {
    if (context === this.#context) this.#session = session
  }

  get context(): SecureContext | undefined {
    return this.#context
  }

  #contextFor(certificate: ClientCertificate | undefined): SecureContext {
    if (this.#context === undefined || this.#certificate !== certificate) {
      this.#certificate = certificate
      this.#session = undefined
      this.#context = createSecureContext({
        minVersion: 'TLSv1.2',
        ...(this.address.ca === undefined ? {} : { ca: this.address.ca }),
        ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
      })
    }
    return this.#context
  }
}

/** One connection on its way. */
class Dialling implements Waiting, Pending {
  readonly deadline: number
  readonly #dialer: Dialer
  readonly #socket: TLSSocket
  readonly #protocols: readonly string[]
  readonly #owner: DialOwner
  readonly #context: SecureContext | undefined
  #over = false

  constructor(dialer: Dialer, socket: TLSSocket, protocols: readonly string[], owner: DialOwner) {
    this.#dialer = dialer
    this.#socket = socket
    this.#protocols = protocols
    this.#owner = owner
    this.#context = dialer.context
    this.deadline = dialer.deadlines.now() + limits.gateway.dialMillis
    dialer.deadlines.watch(this)
    // Stays on the socket for good: a fault between two owners must not end the process.
    socket.on('error', (error) => this.#failed(error))
    socket.once('close', this.#closed)
    socket.once('secureConnect', () => this.#secured())
  }

  cancel(): void {
    if (this.#finish()) this.#socket.destroy()
  }

  expired(): void {
    if (!this.#finish()) return
    this.#socket.destroy()
    this.#owner.dialFailed(timedOut(this.#dialer.cluster, 'accept a connection'))
  }

  #secured(): void {
    if (!this.#finish()) return
    const socket = this.#socket
    if (typeof socket.alpnProtocol === 'string' && !this.#protocols.includes(socket.alpnProtocol)) {
      socket.destroy()
      this.#owner.dialFailed(protocolFailed(this.#dialer.cluster, 'chose a protocol that the gateway did not offer'))
      return
    }
    // With TLS 1.3 sessions come after the handshake, with TLS 1.2 the one event has passed already.
    const session = socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : undefined
    if (session !== undefined) this.#dialer.keepSession(this.#context, session)
    socket.on('session', (fresh) => this.#dialer.keepSession(this.#context, fresh))
    socket.off('close', this.#closed)
    this.#owner.dialled(socket)
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (!this.#finish()) return
    const { cluster } = this.#dialer
    // Node sets this just before it destroys the socket for a certificate that did not pass.
    const unverified = (this.#socket.authorizationError as Error | string | null) !== null
    if (unverified) this.#owner.dialFailed(certificateFailed(cluster, error.code ?? 'UNVERIFIED', error))
    else this.#owner.dialFailed(dialFailed(cluster, error))
  }

  #closed = (): void => {
    if (this.#finish()) this.#owner.dialFailed(dialFailed(this.#dialer.cluster, new Error('closed in the handshake')))
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#dialer.deadlines.forget(this)
    return true
  }
}
