// Openings, heads and seals of all tapes -> leaves of one Merkle log and its signed checkpoints, as changes for the batch
// that the entries are in. A store whose log is not the one that its key signed is refused.

import { type Checkpoint, openCheckpoint, signCheckpoint } from '../../protocols/tape/checkpoint.ts'
import { TapeError } from '../../protocols/tape/errors.ts'
import { CHECKPOINT_KEY, EDGE_KEY, leafKey, leafRange } from '../../protocols/tape/keys.ts'
import { encodeLeaf, type Leaf } from '../../protocols/tape/leaf.ts'
import { MerkleEdge, same } from '../../protocols/tape/merkle.ts'
import { type Change, type Database, put } from './database.ts'
import type { LogKey } from './log-key.ts'

/** The log of this store has been tampered with, or put back to an older state. The message says what to do. */
export class LogRefused extends Error {}

export class Log {
  readonly #key: LogKey
  readonly #edge: MerkleEdge
  /** Leaves under the latest checkpoint. */
  #signed: number

  constructor(key: LogKey, edge: MerkleEdge, signed: number) {
    this.#key = key
    this.#edge = edge
    this.#signed = signed
  }

  /**
   * The log as stored. Only what came after the latest checkpoint is read: the edge at it is held against the signature.
   * `witnessed`: a note kept outside the database. Throws LogRefused.
   */
  static async restore(database: Database, key: LogKey, witnessed: string | undefined): Promise<Log> {
    const note = await database.get(CHECKPOINT_KEY)
    const checkpoint = note === undefined ? undefined : opened(new TextDecoder().decode(note), key, 'the store')
    const edge = await edgeAt(database, checkpoint)
    const signed = edge.size
    const { from, to } = leafRange(signed)
    for await (const [at, leaf] of database.entries(from, to)) {
      if (at !== leafKey(edge.size)) throw new LogRefused(`leaf ${edge.size} of the log is missing; ${ADVICE}`)
      edge.append(leaf)
    }
    const log = new Log(key, edge, signed)
    if (witnessed !== undefined) log.#compare(opened(witnessed, key, 'the file "checkpoint"'), checkpoint)
    return log
  }

  /** True while there are leaves that no checkpoint covers. */
  get isBehind(): boolean {
    return this.#edge.size > this.#signed
  }

  append(leaf: Leaf): Change {
    const bytes = encodeLeaf(leaf)
    const change = put(leafKey(this.#edge.size), bytes)
    this.#edge.append(bytes)
    return change
  }

  /** Signs the log as it is: the note, and the changes that store it. */
  checkpoint(): { readonly note: string; readonly changes: readonly Change[] } {
    const note = signCheckpoint(this.#edge.size, this.#edge.root(), this.#key.verifier, this.#key.privateKey)
    this.#signed = this.#edge.size
    const changes = [put(CHECKPOINT_KEY, new TextEncoder().encode(note)), put(EDGE_KEY, this.#edge.save())]
    return { note, changes }
  }

  /** A witness may be one checkpoint behind, never ahead, and never of another history. */
  #compare(witnessed: Checkpoint, stored: Checkpoint | undefined): void {
    if (witnessed.size > this.#edge.size) {
      const sizes = `the file "checkpoint" has seen ${witnessed.size} leaves, the store has ${this.#edge.size}`
      throw new LogRefused(`the store has been put back to an older state: ${sizes}; ${ADVICE}`)
    }
    const mine = witnessed.size === this.#edge.size ? this.#edge.root() : undefined
    const root = mine ?? (witnessed.size === stored?.size ? stored.root : undefined)
    if (root !== undefined && !same(root, witnessed.root)) {
      throw new LogRefused(`the file "checkpoint" has seen another log than the store has; ${ADVICE}`)
    }
  }
}

const ADVICE =
  'keep the data directory as evidence, run "sallyport tapes verify" on a copy, and start with a new data directory'

function opened(note: string, key: LogKey, where: string): Checkpoint {
  try {
    return openCheckpoint(note, key.verifier)
  } catch (error) {
    if (!(error instanceof TapeError)) throw error
    const message = `the log's checkpoint in ${where} is not one of the key in ${key.path} (${error.rule}); ${ADVICE}`
    throw new LogRefused(message, { cause: error })
  }
}

async function edgeAt(database: Database, checkpoint: Checkpoint | undefined): Promise<MerkleEdge> {
  if (checkpoint === undefined) return new MerkleEdge()
  try {
    const edge = MerkleEdge.restore(checkpoint.size, (await database.get(EDGE_KEY)) ?? new Uint8Array(0))
    if (same(edge.root(), checkpoint.root)) return edge
  } catch (error) {
    if (!(error instanceof TapeError)) throw error
  }
  throw new LogRefused(`the log's edge is not the one that its checkpoint signs; ${ADVICE}`)
}
