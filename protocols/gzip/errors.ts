// What makes a compressed answer unreadable: one class, a rule for each check.

import { PeerError } from '../errors.ts'

/** A gzip body that is cut, does not inflate to its own sums, or inflates to more than is taken: 502. */
export class GzipError extends PeerError {
  readonly protocol = 'kubernetes'
  readonly code = 502
}
