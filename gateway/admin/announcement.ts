// A running gateway -> `admin.json` in its data directory, by which commands on the same machine find the admin API.
// It holds no secret: only where the API listens and which files hold its token and its certificate authority.

import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The file's name; replay and the commands read it. */
export const ANNOUNCEMENT = 'admin.json'

/** What the file says, as JSON. Paths are absolute. */
export interface Announcement {
  /** "https://127.0.0.1:8444". */
  readonly address: string
  /** The PEM file that the API's certificate is verified with. */
  readonly ca: string
  readonly tokenFile: string
  /** "https://127.0.0.1:8443": where calls to clusters go. */
  readonly gateway: string
  readonly pid: number
}

/** Writes the file whole or not at all; one left behind by a killed gateway is replaced. Returns what removes it. */
export async function announce(data: string, announcement: Announcement): Promise<() => Promise<void>> {
  const path = join(data, ANNOUNCEMENT)
  const draft = `${path}.${announcement.pid}`
  await writeFile(draft, `${JSON.stringify(announcement)}\n`, { mode: 0o600 })
  await rename(draft, path)
  return () => rm(path, { force: true })
}
