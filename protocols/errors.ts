// Errors typed by who is wrong: the peer (PeerError, with a wire code) or our own code (MisuseError).
// Policy refusals are not errors but values (gateway/decision.ts); I/O errors stay Node's own, passed on as `cause`.

/**
 * The peer broke its protocol. `rule` names the one check that failed: it is unique in the source, counted in metrics
 * and asserted by tests. The message is fixed text: bytes of the peer never enter it.
 */
export abstract class PeerError extends Error {
  abstract readonly protocol: 'http1' | 'http2' | 'websocket' | 'spdy' | 'kubernetes' | 'tape'
  /** The code that goes on the wire: an HTTP status, an HTTP/2 error code, a WebSocket close code, a SPDY status. */
  abstract readonly code: number
  /** Which check failed, as `protocol.part.fault` ("http1.field.bare_lf"). */
  readonly rule: string

  constructor(rule: string, explanation: string) {
    super(`${rule}: ${explanation}`)
    this.rule = rule
  }
}

/** Our own code called a machine out of turn. A bug: it is never answered with a wire code. */
export class MisuseError extends Error {}
