// What a route of the admin API knows of its request besides the request: who calls, and what is in hand for them.

import type { IncomingMessage } from 'node:http'
import type { Refusal } from '../decision.ts'
import type { Caller } from './caller.ts'
import type { Held } from './in-hand.ts'

export interface AdminEnv {
  Bindings: { incoming: IncomingMessage }
  Variables: {
    caller: Caller
    /** The request's place among those that are in hand for its caller. */
    held: Held
    /** Why the caller is locked out, if they are by now. */
    lockedOut: () => Refusal | undefined
  }
}
