// What somebody typed for a tape -> its id. "last" is the newest tape that fits; anything that is no ULID is refused
// before a store is asked for it.

import type { TapeKind } from '../protocols/tape/entry.ts'
import { isUlid } from '../protocols/tape/ulid.ts'
import { TAPE_KINDS } from '../replay/tape-filter.ts'
import type { Tapes } from '../replay/tapes.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'

/** What somebody who asks for the last tape means. */
const CALLERS = TAPE_KINDS.filter((kind) => kind !== 'control')

/** `kinds`: what "last" may be; every kind of a caller's tapes if absent. Throws CommandFailed. */
export async function tapeId(tapes: Tapes, typed: string, kinds?: readonly TapeKind[]): Promise<string> {
  if (typed === 'last') return newest(tapes, kinds)
  const id = typed.toUpperCase()
  if (isUlid(id)) return id
  throw new CommandFailed('a tape is named by its id (26 digits and letters, see `tapes ls`) or by "last"', EXIT.USAGE)
}

async function newest(tapes: Tapes, kinds: readonly TapeKind[] | undefined): Promise<string> {
  let found: string | undefined
  for (const kind of kinds ?? CALLERS) {
    for await (const { id } of tapes.list({ limit: 1, kind })) if (found === undefined || id > found) found = id
  }
  if (found === undefined) throw new CommandFailed('there is no such tape yet')
  return found
}
