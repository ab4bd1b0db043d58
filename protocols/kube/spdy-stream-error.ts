// The one error of Kubernetes' stream labels on SPDY: which rule a stream broke that SPDY itself has no objection to.

import { PeerError } from '../errors.ts'
import { STATUS } from '../spdy/errors.ts'

/** A stream that the session did not ask for, or bytes that go the wrong way on one. Ends the session. */
export class SpdyStreamError extends PeerError {
  readonly protocol = 'kubernetes'
  /** RST_STREAM's PROTOCOL_ERROR: what an API server answers when it refuses a stream at all. */
  readonly code = STATUS.PROTOCOL_ERROR
  readonly streamId: number

  constructor(rule: string, explanation: string, streamId: number) {
    super(rule, explanation)
    this.streamId = streamId
  }
}
