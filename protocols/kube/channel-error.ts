// The one error of Kubernetes' WebSocket channels: which rule a message broke that RFC 6455 itself has no objection to.

import { PeerError } from '../errors.ts'

export class ChannelError extends PeerError {
  readonly protocol = 'kubernetes'
  /** The WebSocket close code: PROTOCOL_ERROR. */
  readonly code = 1002
}
