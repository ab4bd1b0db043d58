// The one error of everything that reads tapes, leaves and checkpoints: which check the bytes failed.

import { PeerError } from '../errors.ts'

/** What was read is no tape, leaf or checkpoint of ours. Nobody waits on a wire for an answer, so the code is 0. */
export class TapeError extends PeerError {
  readonly protocol = 'tape'
  readonly code = 0
}
