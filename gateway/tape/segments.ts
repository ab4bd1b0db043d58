// Long entries -> append-only files beside LevelDB, and pointers to them in their place. LevelDB would write each byte
// three times, with a checksum each time (log, table, compaction); a segment is written once. What a batch points to is on
// disk before the batch is.

import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '../../protocols/limits.ts'
import { HASH_LENGTH } from '../../protocols/tape/chain.ts'
import { encodePointer, LONG_ENTRY, SEGMENTS, segmentName } from '../../protocols/tape/pointer.ts'
import type { Change } from './database.ts'

export class Segments {
  readonly #directory: string
  readonly #segmentBytes: number
  #next: number
  #file: FileHandle | undefined
  #segment = 0
  #offset = 0

  private constructor(directory: string, next: number, segmentBytes: number) {
    this.#directory = directory
    this.#segmentBytes = segmentBytes
    this.#next = next
  }

  /**
   * Begins behind the segments that are there: what a crash left in the last one is never written on. `segmentBytes`:
   * a segment is followed by a new one past this.
   */
  static async open(store: string, segmentBytes = limits.tape.segmentBytes): Promise<Segments> {
    const directory = join(store, SEGMENTS)
    await mkdir(directory, { recursive: true, mode: 0o700 })
    let last = 0
    for (const name of await readdir(directory)) last = Math.max(last, Number.parseInt(name, 10) || 0)
    return new Segments(directory, last + 1, segmentBytes)
  }

  /** The changes with pointers for the long entries, which are on disk when it resolves. Rejects with the I/O error. */
  async move(changes: readonly Change[]): Promise<readonly Change[]> {
    const bytes: Uint8Array[] = []
    const moved: Change[] = []
    let offset = this.#offset
    for (const change of changes) {
      if (change.type === 'del' || change.value.length < LONG_ENTRY) {
        moved.push(change)
        continue
      }
      if (this.#file === undefined) await this.#begin()
      if (bytes.length === 0) offset = this.#offset
      const { key, value } = change
      const entry = value.subarray(HASH_LENGTH)
      const pointer = { segment: this.#segment, offset, length: entry.length }
      moved.push({ type: 'put', key, value: encodePointer(value.subarray(0, HASH_LENGTH), pointer) })
      bytes.push(entry)
      offset += entry.length
    }
    if (bytes.length === 0 || this.#file === undefined) return changes
    await writeAll(this.#file, bytes, this.#offset)
    await this.#file.datasync()
    this.#offset = offset
    if (offset >= this.#segmentBytes) await this.close()
    return moved
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #begin(): Promise<void> {
    this.#segment = this.#next++
    this.#offset = 0
    this.#file = await open(join(this.#directory, segmentName(this.#segment)), 'wx', 0o600)
    // The file's name must outlive a power cut as its bytes do.
    const directory = await open(this.#directory, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  }
}

/** IOV_MAX of Linux: more pieces in one call are an error. */
const PIECES = 1_024

/** Throws where the system wrote less than it was given: the disk is full, and what is behind is not on it. */
async function writeAll(file: FileHandle, bytes: readonly Uint8Array[], offset: number): Promise<void> {
  let at = offset
  for (let first = 0; first < bytes.length; first += PIECES) {
    const pieces = bytes.slice(first, first + PIECES)
    let length = 0
    for (const piece of pieces) length += piece.length
    const { bytesWritten } = await file.writev(pieces, at)
    if (bytesWritten !== length) throw new Error(`only ${bytesWritten} of ${length} bytes were written to a segment`)
    at += length
  }
}
