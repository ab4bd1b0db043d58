// A store of tapes -> a copy of it in which somebody has changed one recorded amount of output, as one with access to the
// disk could. The store itself is not touched: the running gateway holds it.

import { existsSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { entryRange } from '../protocols/tape/keys.ts'
import { SEGMENTS } from '../protocols/tape/pointer.ts'

/** What the gateway alone owns (LevelDB's lock, its keys and announcements, its journal, its reserve of disk space), and the demo's own. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...['LOCK', 'admin.json', 'admin.token', 'approvals', 'ballast', 'demo', 'log-key.pem', 'mask-key'],
])
/** A store that writes while it is copied may give a copy that does not open. */
const ATTEMPTS = 5

export interface Forgery {
  readonly tape: string
  /** Replaced, in the first entry that holds it... */
  readonly find: string
  /** ...by this, of the same length in bytes. */
  readonly replace: string
}

/** Copies the data directory to `copy` and changes it there. Resolves with the number of the entry that was changed. */
export async function forge(data: string, copy: string, forgery: Forgery): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    await rm(copy, { recursive: true, force: true })
    // The database first: what it points to in the segments is there by then.
    const isCopied = (source: string): boolean => !LEFT_OUT.has(basename(source)) && basename(source) !== SEGMENTS
    await cp(data, copy, { recursive: true, filter: isCopied })
    const segments = join('tapes', SEGMENTS)
    if (existsSync(join(data, segments))) await cp(join(data, segments), join(copy, segments), { recursive: true })
    try {
      return await edit(join(copy, 'tapes'), forgery)
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

async function edit(directory: string, { tape, find, replace }: Forgery): Promise<number> {
  const level = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
  try {
    await level.open({ createIfMissing: false })
    const { from, to } = entryRange(tape)
    for await (const [key, value] of level.iterator({ gte: from, lt: to })) {
      const at = Buffer.from(value).indexOf(find)
      if (at === -1) continue
      const changed = Buffer.from(value)
      changed.write(replace, at, 'utf8')
      await level.put(key, changed)
      return Number(key.slice(key.lastIndexOf('/') + 1))
    }
    throw new Error('no entry of the tape holds what was to be changed')
  } finally {
    await level.close()
  }
}
