// A file that holds disk space free for the worst hour: LevelDB cannot even be opened on a full disk, so this much is
// given up to it when that happens, and taken again once there is room.

import { randomFillSync } from 'node:crypto'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

const PIECE = 1_048_576

export class Ballast {
  readonly #path: string
  readonly #length: number

  /** `length`: bytes; two of LevelDB's write buffers let it finish what it has begun. */
  constructor(path: string, length: number) {
    this.#path = path
    this.#length = length
  }

  /**
   * Takes the space if it is not yet taken and leaves as much again to the store. Resolves to whether it is taken; a disk
   * without room for it is no error.
   */
  async take(): Promise<boolean> {
    const found = await stat(this.#path).catch(() => undefined)
    if (found?.size === this.#length) return true
    try {
      const { bavail, bsize } = await statfs(dirname(this.#path))
      if (bavail * bsize < 2 * this.#length) return false
      await this.#fill()
      return true
    } catch {
      await this.drop()
      return false
    }
  }

  async drop(): Promise<void> {
    await rm(this.#path, { force: true })
  }

  async #fill(): Promise<void> {
    // Random, because a file of zeros can be stored as nothing.
    const piece = randomFillSync(new Uint8Array(Math.min(PIECE, this.#length)))
    const file = await open(this.#path, 'w', 0o600)
    try {
      for (let at = 0; at < this.#length; at += piece.length) {
        await file.write(piece, 0, Math.min(piece.length, this.#length - at))
      }
      await file.datasync()
    } finally {
      await file.close()
    }
  }
}

/** Whether an error, or what caused it, is that of a full disk. LevelDB says so in its message only. */
export function isDiskFull(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC' || cause.message.includes('No space left on device'))
      return true
  }
  return false
}
