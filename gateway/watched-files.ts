// Files and directories that a configuration is made of -> one call once they have been quiet for a moment. Their folders
// are watched, since a file that is replaced is another file, and a mounted ConfigMap is replaced by a link.

import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Editors write a file in several steps: look once they are done. */
const SETTLE_MILLIS = 200

/** What Kubernetes turns to put a mounted ConfigMap's new content in place, all of it at once (kubelet atomic_writer.go). */
const MOUNT_LINK = '..data'

export class WatchedFiles {
  readonly #changed: () => void
  readonly #failed: (error: Error) => void
  #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined

  /** `failed`: something cannot be watched, and changes of it are not seen. */
  constructor(changed: () => void, failed: (error: Error) => void) {
    this.#changed = changed
    this.#failed = failed
  }

  /** In place of what was watched before. */
  watch(paths: readonly string[]): void {
    this.close()
    for (const path of paths) {
      const name = basename(path)
      this.#watch(dirname(path), (seen) => seen === name || seen === MOUNT_LINK)
      const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
      if (isDirectory) this.#watch(path, (seen) => seen.endsWith('.yaml') || seen === MOUNT_LINK)
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  #watch(folder: string, isMeant: (name: string) => boolean): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || isMeant(name)) this.#soon()
      })
      watcher.on('error', this.#failed)
      this.#watchers.push(watcher)
    } catch (error) {
      this.#failed(error as Error)
    }
  }

  #soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#changed, SETTLE_MILLIS)
    this.#timer.unref()
  }
}
