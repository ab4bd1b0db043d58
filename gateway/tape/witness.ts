// Checkpoints -> a file outside the database that always holds one whole note, the latest that was written. Whoever copies
// it elsewhere holds what shows that the store was put back to an older state.

import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

export class FileWitness {
  readonly #path: string
  readonly #failed: (error: Error) => void
  #next: string | undefined
  #writing: Promise<void> | undefined

  /** `failed`: told when a note could not be written. The next one is tried all the same. */
  constructor(path: string, failed: (error: Error) => void) {
    this.#path = path
    this.#failed = failed
  }

  /** The note in the file, undefined if there is no file. */
  async last(): Promise<string | undefined> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Takes a note that is on disk in the store. One that comes while another is being written takes its turn. */
  keep(note: string): void {
    this.#next = note
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#next !== undefined) {
      const note = this.#next
      this.#next = undefined
      try {
        await replace(this.#path, note)
      } catch (error) {
        this.#failed(error as Error)
      }
    }
  }
}

/** The file is the old one or the new one, whole, whenever the power goes. */
async function replace(path: string, content: string): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', 0o644)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
