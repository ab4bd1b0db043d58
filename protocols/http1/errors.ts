// The one error of the HTTP/1.1 machines: which check a peer failed, and the status that tells it so.

import { PeerError } from '../errors.ts'

/** Statuses for what a message can be wrong in (RFC 9110 section 15). */
export type Http1Code = 400 | 417 | 431 | 501 | 505

/** The peer broke HTTP/1.1. A cluster's faults carry the same codes, but its caller is told 502 whatever they are. */
export class Http1Error extends PeerError {
  readonly protocol = 'http1'
  readonly code: Http1Code

  constructor(code: Http1Code, rule: string, explanation: string) {
    super(rule, explanation)
    this.code = code
  }
}
