// The one error of Kubernetes' stream handshakes: which rule an offer or its answer broke.

import { PeerError } from '../errors.ts'

export class HandshakeError extends PeerError {
  readonly protocol = 'kubernetes'
  /** The HTTP status: 400 or 403 for what the client asks, 502 for what the cluster answers. */
  readonly code: number

  constructor(code: 400 | 403 | 502, rule: string, explanation: string) {
    super(rule, explanation)
    this.code = code
  }
}
