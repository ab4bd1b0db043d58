// What makes a YAML answer unreadable: one class, a rule for each check.

import { PeerError } from '../errors.ts'

/** A YAML body that cannot be read with one meaning, or that is longer or deeper than is taken: 502. */
export class YamlError extends PeerError {
  readonly protocol = 'kubernetes'
  readonly code = 502
}
