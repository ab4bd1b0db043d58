// What makes Kubernetes protobuf unreadable: one class, a rule for each check.

import { PeerError } from '../errors.ts'

/** A protobuf body that cannot be read with one meaning, that cannot be masked, or that is longer than is taken: 502. */
export class ProtobufError extends PeerError {
  readonly protocol = 'kubernetes'
  readonly code = 502
}
