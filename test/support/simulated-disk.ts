// A disk with a database on it that behaves as LevelDB was seen to: a batch is on disk when its write resolves, a write
// can fail before or after its bytes have reached the disk, and a handle that has failed once goes on acknowledging what
// is lost. Faults come at the write that the test names.

import type { Change, Database } from '../../gateway/tape/database.ts'
import { MemoryReader } from './memory-reader.ts'

export interface Fault {
  /** Which write fails, counted over all handles from 1. */
  readonly write: number
  readonly code: 'ENOSPC' | 'EIO'
  /** The bytes reached the disk although the write failed. */
  readonly landed: boolean
  /** How many attempts to open fail afterwards. */
  readonly opens: number
}

export class SimulatedDisk {
  /** What a power cut leaves. */
  readonly stored = new Map<string, Uint8Array>()
  /** Batches in the order in which they were written. */
  readonly batches: (readonly string[])[] = []
  readonly fault: Fault | undefined
  writes = 0
  /** Writes begun through a handle that had failed. */
  misuses = 0
  #failedOpens = 0
  #isOpen = false
  /** While set, writes wait for `release`. */
  held: (() => void)[] | undefined

  constructor(fault?: Fault) {
    this.fault = fault
  }

  readonly open = async (): Promise<Database> => {
    if (this.#isOpen) throw new Error('the database is open already')
    if (this.fault !== undefined && this.writes >= this.fault.write && this.#failedOpens < this.fault.opens) {
      this.#failedOpens++
      throw failure(this.fault.code)
    }
    this.#isOpen = true
    return this.#handle()
  }

  /** Lets held writes go on, and holds no more. */
  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const go of held) go()
  }

  #handle(): Database {
    const reader = new MemoryReader()
    for (const [key, value] of this.stored) reader.values.set(key, value)
    let isWriting = false
    let hasFailed = false
    let isClosed = false
    return {
      get: (key) => reader.get(key),
      entries: (from, to, options) => reader.entries(from, to, options),
      write: async (changes) => {
        if (isClosed) throw new Error('the database is closed')
        if (isWriting) throw new Error('two batches at once')
        const write = ++this.writes
        if (hasFailed) {
          // Acknowledged, and lost (google/leveldb #578).
          this.misuses++
          return
        }
        isWriting = true
        const held = this.held
        if (held !== undefined) await new Promise<void>((go) => held.push(go))
        await Promise.resolve()
        isWriting = false
        const fails = this.fault?.write === write
        if (!fails || this.fault?.landed === true) {
          apply(changes, this.stored)
          apply(changes, reader.values)
          this.batches.push(changes.map(({ key }) => key))
        }
        if (fails) {
          hasFailed = true
          throw failure(this.fault?.code ?? 'EIO')
        }
      },
      close: async () => {
        isClosed = true
        this.#isOpen = false
      },
    }
  }
}

function apply(changes: readonly Change[], values: Map<string, Uint8Array>): void {
  for (const change of changes) {
    // Copied: the writer may use the buffers again once the write has resolved.
    if (change.type === 'put') values.set(change.key, change.value.slice())
    else values.delete(change.key)
  }
}

/** As LevelDB says it: the errno is in the message only. */
function failure(code: 'ENOSPC' | 'EIO'): Error {
  const text = code === 'ENOSPC' ? 'No space left on device' : 'Input/output error'
  return Object.assign(new Error(`IO error: /data/tapes/000005.log: ${text}`), { code: 'LEVEL_IO_ERROR' })
}
