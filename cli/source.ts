// The options that say where tapes are -> an open source of tapes: the admin API of a gateway that runs, or a store at
// rest. Every way in which that fails ends with what to do about it.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RemoteTapes } from '../replay/remote.ts'
import { openAtRest, StoreHeld, StoreMissing } from '../replay/store-at-rest.ts'
import { StoredTapes } from '../replay/stored-tapes.ts'
import type { Tapes } from '../replay/tapes.ts'
import { CommandFailed, EXIT } from './exit-codes.ts'
import type { SourceOptions } from './program.ts'
import { DATA } from './source-options.ts'

/** Throws CommandFailed. */
export async function openTapes(options: SourceOptions): Promise<Tapes> {
  if (options.admin !== undefined) {
    if (options.data !== undefined) throw new CommandFailed('give either --admin or --data', EXIT.USAGE)
    if (options.tokenFile === undefined) {
      throw new CommandFailed(
        '--admin needs --token-file: admin.token in the data directory of the gateway',
        EXIT.USAGE,
      )
    }
    return remote(options.admin, options.tokenFile, options.ca)
  }
  const data = options.data ?? DATA
  const running = await announced(data)
  if (running !== undefined) return remote(running.address, running.tokenFile, running.ca)
  try {
    return new StoredTapes(await openAtRest(data))
  } catch (error) {
    if (error instanceof StoreMissing) {
      throw new CommandFailed(`there are no tapes in ${data}; name the data directory of the gateway with --data`)
    }
    if (error instanceof StoreHeld) {
      throw new CommandFailed(
        `another process holds the tapes in ${data} and has no admin API there; stop it, or read through it with --admin`,
      )
    }
    throw error
  }
}

async function remote(address: string, tokenFile: string, ca: string | undefined): Promise<Tapes> {
  const url = URL.canParse(address) ? new URL(address) : undefined
  // The token would otherwise go over the network in the clear.
  if (url?.protocol !== 'https:') throw new CommandFailed('--admin must be an https:// address', EXIT.USAGE)
  const token = (await readText(tokenFile, 'the token')).trim()
  return new RemoteTapes({
    url,
    token,
    ca: ca === undefined ? undefined : await readText(ca, 'the certificate authority'),
  })
}

export async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CommandFailed(`${what} cannot be read from ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** What a gateway writes into admin.json (gateway/admin/announcement.ts), as far as it is used here. */
export interface Running {
  readonly address: string
  readonly ca: string
  readonly tokenFile: string
  /** Where calls to clusters go, or "": older gateways do not say. */
  readonly gateway: string
}

/** The gateway that runs on this directory, if there is one. A file left behind by a killed one does not count. */
export async function announced(data: string): Promise<Running | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(join(data, 'admin.json'), 'utf8'))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { address, ca, tokenFile, pid, gateway } = value as Record<string, unknown>
  if (typeof address !== 'string' || typeof ca !== 'string' || typeof tokenFile !== 'string') return undefined
  return typeof pid === 'number' && isAlive(pid)
    ? { address, ca, tokenFile, gateway: typeof gateway === 'string' ? gateway : '' }
    : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
