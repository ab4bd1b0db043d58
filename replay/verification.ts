// A source of tapes, and what was kept of its log elsewhere -> a report on the log and on each tape. The log is read
// first, so that a tape that is being written cannot seem shorter than it was; tapes that only the log knows are missing.

import { splitStored } from '../protocols/tape/chain.ts'
import type { VerifierKey } from '../protocols/tape/checkpoint.ts'
import { TapeError } from '../protocols/tape/errors.ts'
import { type TapeReport, TapeVerification } from '../protocols/tape/verify.ts'
import { type KeptCheckpoint, type LogReport, LogVerification } from '../protocols/tape/verify-log.ts'
import { LIST_LIMIT } from './tape-filter.ts'
import { NoSuchTape, type Tapes } from './tapes.ts'

export interface VerificationOptions {
  /** The log's public key; without it signatures are not checked, only that roots agree. */
  readonly key: VerifierKey | undefined
  /** Checkpoints that were kept elsewhere; the store's own is taken as well. */
  readonly checkpoints: readonly KeptCheckpoint[]
  /** Only these tapes; all of the store and of the log if absent. */
  readonly ids?: readonly string[]
}

/** The log and what it was held against. */
export interface LogFindings extends LogReport {
  /** How many checkpoints were at hand. Without any, nothing shows that the log is whole. */
  readonly checkpoints: number
}

/** What the store's own checkpoint is called in a report. */
const OWN_CHECKPOINT = 'the store'

/** Reads and verifies the log. */
export async function verifyWholeLog(tapes: Tapes, options: VerificationOptions): Promise<LogFindings> {
  // The checkpoint first: the leaves that it has seen are all there by the time they are read.
  const own = await tapes.log.checkpoint()
  const checkpoints =
    own === undefined ? options.checkpoints : [{ source: OWN_CHECKPOINT, note: own }, ...options.checkpoints]
  const verification = new LogVerification(checkpoints, options.key)
  for await (const leaf of tapes.log.leaves()) verification.add(leaf)
  return { ...verification.finish(), checkpoints: checkpoints.length }
}

/** Verifies the tapes that were asked for, one after the other, the newest first. */
export async function* verifyEach(
  tapes: Tapes,
  log: LogFindings,
  options: VerificationOptions,
): AsyncGenerator<TapeReport> {
  for (const id of options.ids ?? (await idsOf(tapes, log))) yield verifyOne(tapes, id, log)
}

/** True if nothing is wrong with the tape. One that is still open is whole as far as anybody can know. */
export function isWhole(report: TapeReport): boolean {
  return report.integrity === 'intact' && report.completeness !== 'incomplete'
}

async function verifyOne(tapes: Tapes, id: string, log: LogFindings): Promise<TapeReport> {
  // An empty log with no checkpoint says nothing about any tape; what is wrong with that, the log's findings say.
  const leaves = log.size === 0 && log.checkpoints === 0 ? undefined : (log.tapes.get(id) ?? [])
  const verification = new TapeVerification(id, leaves)
  try {
    for await (const value of tapes.stored(id)) verification.add(split(value))
  } catch (error) {
    // A tape that the log knows and the store has not is a finding; one that nobody knows was mistyped.
    if (!(error instanceof NoSuchTape) || leaves === undefined || leaves.length === 0) throw error
  }
  return verification.finish()
}

/** A value too short for a hash becomes an entry that cannot be read, so that it is judged in its place. */
function split(value: Uint8Array) {
  try {
    return splitStored(value)
  } catch (error) {
    if (error instanceof TapeError) return { hash: NOTHING, bytes: value }
    throw error
  }
}

const NOTHING = new Uint8Array(0)

async function idsOf(tapes: Tapes, log: LogFindings): Promise<string[]> {
  const ids = new Set(log.tapes.keys())
  let cursor: string | undefined
  for (;;) {
    let count = 0
    for await (const { id } of tapes.list({ limit: LIST_LIMIT.largest, ...(cursor !== undefined && { cursor }) })) {
      ids.add(id)
      cursor = id
      count++
    }
    if (count < LIST_LIMIT.largest) return [...ids].sort().reverse()
  }
}
