// The first entries of a tape and its last one -> its line in a list, or nothing if the filter asks for something else.
// It reads no further than to the first request that matches.

import { commandLine } from '../protocols/kube/command-line.ts'
import type { Entry, OpenBody, RequestBody } from '../protocols/tape/entry.ts'
import { cutToColumns } from './printable.ts'
import { DamagedTape } from './stream-runs.ts'
import { asksOfRequests, matchesOpening, matchesRequest, type TapeFilter } from './tape-filter.ts'
import type { TapeSummary } from './tapes.ts'

/** Columns of a command line in a list: a page of 1,000 tapes must stay below what one JSON answer may be. */
const LINE_COLUMNS = 1_024

/** `last` is the tape's last entry. Throws DamagedTape if the tape does not begin with its opening. */
export async function summarise(
  entries: AsyncIterable<Entry>,
  last: Entry,
  filter: TapeFilter,
): Promise<TapeSummary | undefined> {
  let open: OpenBody | undefined
  for await (const entry of entries) {
    if (open === undefined) {
      if (entry.kind !== 'open') throw new DamagedTape('a tape does not begin with its opening')
      open = entry.body
      if (!matchesOpening(filter, open)) return undefined
    }
    if (entry.kind === 'request' && matchesRequest(filter, entry.body)) return summary(open, entry.body, last)
  }
  return open === undefined || asksOfRequests(filter) ? undefined : summary(open, undefined, last)
}

function summary(open: OpenBody, request: RequestBody | undefined, last: Entry): TapeSummary {
  return {
    id: open.tape,
    kind: open.kind,
    cluster: open.cluster,
    client: open.client,
    openedAt: open.openedAt,
    duration: last.micros,
    entries: last.seq + 1,
    sealed: last.kind === 'seal' ? last.body.reason : '',
    user: request?.principal?.user ?? '',
    actor: request?.principal?.actor ?? '',
    line: request === undefined ? '' : cutToColumns(commandLine(request), LINE_COLUMNS),
  }
}
