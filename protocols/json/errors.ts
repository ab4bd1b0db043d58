// What makes JSON of a cluster unreadable: one class, a rule for each check.

import { PeerError } from '../errors.ts'

/** A JSON body that cannot be read with one meaning (RFC 8259), or that is longer or deeper than is taken: 502. */
export class JsonError extends PeerError {
  readonly protocol = 'kubernetes'
  readonly code = 502
}
