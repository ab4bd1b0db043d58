// Where a target's inputs are: one file each, in a folder of its name. Names tell a meaning, or are a hash of the content.

import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** With a slash at its end. */
export function corpusFolder(target: string): string {
  return fileURLToPath(new URL(`corpus/${target}/`, import.meta.url))
}

/** Paths, in the order of their names. */
export function corpusFiles(target: string): string[] {
  const folder = corpusFolder(target)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .map((file) => `${folder}${file}`)
}
