// What is unsound in a compressed field block. The two ends' tables are then no longer the same, so it ends the connection.

import { PeerError } from '../errors.ts'

/** COMPRESSION_ERROR (RFC 9113 section 7). */
const COMPRESSION_ERROR = 9

export class HpackError extends PeerError {
  readonly protocol = 'http2'
  readonly code = COMPRESSION_ERROR
}
