// The tapes of a stopped gateway, for the lab suite: each with its request, and its streams' bytes by channel.

import { join } from 'node:path'
import type { Entry } from '../../../protocols/tape/entry.ts'
import { openAtRest } from '../../../replay/store-at-rest.ts'
import { StoredTapes } from '../../../replay/stored-tapes.ts'
import { runsOf } from '../../../replay/stream-runs.ts'

export interface ReadTape {
  readonly id: string
  readonly kind: string
  readonly entries: readonly Entry[]
  /** argv of an exec, "" for others. */
  readonly command: string
  readonly user: string
  /** Why it ended. */
  readonly sealed: string
  /** All bytes of a channel, in order. */
  channel(number: number): Buffer
}

export async function readTapes(data: string): Promise<ReadTape[]> {
  const tapes = new StoredTapes(await openAtRest(join(data)))
  const read: ReadTape[] = []
  try {
    for await (const summary of tapes.list({ limit: 1_000 })) {
      const entries: Entry[] = []
      for await (const { entry } of tapes.entries(summary.id)) entries.push(entry)
      read.push(tapeOf(summary.id, summary.kind, entries))
    }
  } finally {
    await tapes.close()
  }
  return read
}

function tapeOf(id: string, kind: string, entries: readonly Entry[]): ReadTape {
  let command = ''
  let user = ''
  let sealed = ''
  for (const entry of entries) {
    if (entry.kind === 'request') {
      command = entry.body.command.join(' ')
      user = entry.body.principal?.user ?? ''
    }
    if (entry.kind === 'seal') sealed = entry.body.reason
  }
  return {
    id,
    kind,
    entries,
    command,
    user,
    sealed,
    channel(number) {
      const pieces: Uint8Array[] = []
      for (const entry of entries) {
        if (entry.kind !== 'stream') continue
        for (const run of runsOf(entry.micros, entry.body)) if (run.channel === number) pieces.push(run.bytes.slice())
      }
      return Buffer.concat(pieces)
    },
  }
}
