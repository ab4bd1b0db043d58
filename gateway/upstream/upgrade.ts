// Asks a cluster to turn a connection into a stream (RFC 9110 section 7.8): on a connection of its own, never pooled. It
// is opaque only after a 101 whose fields match the request; any other answer is read whole and the connection closed,
// so that a refused upgrade never becomes a way to send more requests (CVE-2018-1002105). Redirects are refused.

import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { MisuseError } from '../../protocols/errors.ts'
import { field, fieldList, fieldValues } from '../../protocols/fields.ts'
import { Http1Client } from '../../protocols/http1/client.ts'
import type { Http1ClientEvent, ResponseHead } from '../../protocols/http1/events.ts'
import { limits } from '../../protocols/limits.ts'
import type { Deadlines, Waiting } from '../deadlines.ts'
import { type Driven, drive, flush } from '../drive.ts'
import type { DialOwner, Dials, Pending } from './dial.ts'
import { closedEarly, protocolFailed, timedOut } from './failure.ts'
import type { ClientCertificate } from './kubeconfig.ts'
import { type UpgradeAnswer, UpstreamFailed, type UpstreamRequest } from './upstream.ts'

/** What an attempt needs to know of its cluster. */
export interface UpgradeTarget {
  readonly name: string
  readonly deadlines: Deadlines
  readonly authority: string
  readonly basePath: string
  unauthorized(): void
}

/** RFC 6455 section 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export class UpgradeAttempt implements Driven<Http1ClientEvent>, DialOwner, Waiting {
  deadline = Number.POSITIVE_INFINITY
  readonly #target: UpgradeTarget
  readonly #request: UpstreamRequest
  readonly #signal: AbortSignal
  readonly #machine = new Http1Client(limits.http1)
  readonly #answer: Promise<UpgradeAnswer>
  #resolve: (answer: UpgradeAnswer) => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  #dialling: Pending | undefined
  #socket: TLSSocket | undefined
  #release: (() => void) | undefined
  #head: ResponseHead | undefined
  #body: Uint8Array[] = []
  #length = 0
  #over = false

  constructor(target: UpgradeTarget, request: UpstreamRequest, signal: AbortSignal) {
    this.#target = target
    this.#request = request
    this.#signal = signal
    this.#answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** `request.fields` holds exactly one Upgrade field, with one protocol; the machine adds Connection. */
  run(dialer: Dials, certificate: ClientCertificate | undefined): Promise<UpgradeAnswer> {
    const { fields, body } = this.#request
    if (fieldList(fields, 'upgrade').length !== 1) throw new MisuseError('an upgrade names exactly one protocol')
    if (body !== undefined && body.length > 0) throw new MisuseError('an upgrade request has no body')
    this.#signal.addEventListener('abort', this.#aborted)
    if (this.#signal.aborted) this.#aborted()
    // No ALPN: as kubectl does on its upgrade connections (kubernetes-wire 1.1).
    else this.#dialling = dialer.dial(certificate, [], this)
    return this.#answer
  }

  fail(error: UpstreamFailed): void {
    if (!this.#finish()) return
    this.#dialling?.cancel()
    this.#socket?.destroy()
    this.#reject(error)
  }

  // -- DialOwner

  dialled(socket: TLSSocket): void {
    const { deadlines, authority, basePath } = this.#target
    const { method, target, fields } = this.#request
    this.#socket = socket
    // For the whole answer: a 101, or another head with its body.
    this.deadline = deadlines.now() + limits.gateway.answerMillis
    deadlines.watch(this)
    this.#release = drive(socket, this.#machine, this)
    try {
      this.#machine.send({
        type: 'request',
        method,
        target: basePath + target,
        fields: ['Host', authority].concat(fields),
        framing: 0,
        upgrade: true,
      })
      this.#machine.send({ type: 'end' })
    } catch (error) {
      const cause = error instanceof Error ? error : undefined
      this.fail(protocolFailed(this.#target.name, 'was not asked: the request cannot be written', cause))
      return
    }
    flush(socket, this.#machine)
  }

  dialFailed(error: UpstreamFailed): void {
    this.fail(error)
  }

  // -- Driven

  event(event: Http1ClientEvent): void {
    if (this.#over) return
    switch (event.type) {
      case 'informational':
        return
      case 'switched':
        this.#switched(event.head)
        return
      case 'response':
        this.#responded(event.head)
        return
      case 'data':
        this.#length += event.bytes.length
        if (this.#length > limits.gateway.requestBody) this.#failProtocol('refused an upgrade at too great a length')
        else this.#body.push(event.bytes.slice()) // kept past this chunk, so copied
        return
      case 'end':
        this.#ended()
        return
      case 'failed':
        if (this.#socket?.readableEnded === true) this.fail(closedEarly(this.#target.name, undefined))
        else this.#failProtocol('answered an upgrade with something that is not sound HTTP', event.error)
        return
    }
  }

  closed(error: Error | undefined): void {
    this.fail(closedEarly(this.#target.name, error))
  }

  // -- Waiting

  expired(): void {
    this.fail(timedOut(this.#target.name, 'answer an upgrade'))
  }

  #responded(head: ResponseHead): void {
    if (head.status >= 300 && head.status < 400) {
      const message = `cluster ${this.#target.name} answered an upgrade with a redirect, which is never followed`
      this.fail(new UpstreamFailed(502, 'upstream.redirect', message))
      return
    }
    if (head.status === 401) this.#target.unauthorized()
    this.#head = head
  }

  #ended(): void {
    const head = this.#head
    if (head === undefined || !this.#finish()) return
    this.#socket?.destroy()
    this.#resolve({ switched: false, head, body: Buffer.concat(this.#body) })
  }

  #switched(head: ResponseHead): void {
    const fault = mismatch(this.#request, head)
    const socket = this.#socket
    if (fault !== undefined) {
      this.#failProtocol(fault)
      return
    }
    if (socket === undefined || !this.#finish()) return
    // Paused before its last listener goes: what comes between two owners waits in the socket.
    socket.pause()
    this.#release?.()
    this.#resolve({ switched: true, head, socket, trailing: this.#machine.takeTrailing().slice() })
  }

  #failProtocol(what: string, cause?: Error): void {
    this.fail(protocolFailed(this.#target.name, what, cause))
  }

  #aborted = (): void => {
    const message = `the upgrade to cluster ${this.#target.name} was given up: nobody waits for it any more`
    this.fail(new UpstreamFailed(503, 'upstream.aborted', message))
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#target.deadlines.forget(this)
    this.#signal.removeEventListener('abort', this.#aborted)
    return true
  }
}

/** What in a 101 does not answer the request, or undefined. */
function mismatch(request: UpstreamRequest, head: ResponseHead): string | undefined {
  const asked = (field(request.fields, 'upgrade') ?? '').toLowerCase()
  const agreed = fieldList(head.fields, 'upgrade').map((protocol) => protocol.toLowerCase())
  const options = fieldList(head.fields, 'connection').map((option) => option.toLowerCase())
  if (!options.includes('upgrade')) return 'switched protocols without Connection: Upgrade'
  if (agreed.length !== 1 || agreed[0] !== asked) return 'switched to another protocol than was asked for'
  if (asked !== 'websocket') return undefined
  const key = field(request.fields, 'sec-websocket-key') ?? ''
  const accept = createHash('sha1')
    .update(key + WEBSOCKET_GUID)
    .digest('base64')
  const accepts = fieldValues(head.fields, 'sec-websocket-accept')
  if (accepts.length !== 1 || accepts[0] !== accept) return 'proved no knowledge of the WebSocket key'
  const offered = fieldList(request.fields, 'sec-websocket-protocol')
  const chosen = fieldList(head.fields, 'sec-websocket-protocol')
  if (chosen.length > 1 || (chosen[0] !== undefined && !offered.includes(chosen[0]))) {
    return 'chose a WebSocket subprotocol that was not offered'
  }
  if (field(head.fields, 'sec-websocket-extensions') !== undefined) return 'chose a WebSocket extension'
  return undefined
}
