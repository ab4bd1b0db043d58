// Stored values that point into segment files -> values that hold their entry. A segment that is missing or too short
// gives an entry without bytes, which no reader takes for one: verification then names it.

import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { limits } from '../protocols/limits.ts'
import { HASH_LENGTH } from '../protocols/tape/chain.ts'
import { decodePointer, type Pointer, SEGMENTS, segmentName } from '../protocols/tape/pointer.ts'

export class SegmentReader {
  readonly #directory: string
  /** The segment read last: tapes are read in order, so the next entry is most often in it. */
  #last: { readonly segment: number; readonly file: FileHandle } | undefined

  /** `directory`: the store's. */
  constructor(directory: string) {
    this.#directory = join(directory, SEGMENTS)
  }

  /** The value with its entry in it: itself, if it has. */
  async resolve(value: Uint8Array): Promise<Uint8Array> {
    const pointer = decodePointer(value)
    return pointer === undefined ? value : this.#read(value.subarray(0, HASH_LENGTH), pointer)
  }

  async close(): Promise<void> {
    const last = this.#last
    this.#last = undefined
    await last?.file.close()
  }

  async #read(hash: Uint8Array, { segment, offset, length }: Pointer): Promise<Uint8Array> {
    const nothing = hash.slice()
    if (length > limits.tape.entry) return nothing
    const file = await this.#open(segment)
    if (file === undefined) return nothing
    const value = new Uint8Array(HASH_LENGTH + length)
    value.set(hash)
    const { bytesRead } = await file.read(value, HASH_LENGTH, length, offset)
    return bytesRead === length ? value : nothing
  }

  async #open(segment: number): Promise<FileHandle | undefined> {
    if (this.#last?.segment === segment) return this.#last.file
    await this.close()
    try {
      const file = await open(join(this.#directory, segmentName(segment)), 'r')
      this.#last = { segment, file }
      return file
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}
