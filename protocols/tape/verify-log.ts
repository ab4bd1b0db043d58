// The leaves of the log and every checkpoint that somebody kept of it -> whether the log is the one that was signed, and
// what it says of each tape. A checkpoint kept elsewhere is what shows a roll-back: the store's own goes back with it.

import { type Checkpoint, openCheckpoint, readCheckpoint, type VerifierKey } from './checkpoint.ts'
import { TapeError } from './errors.ts'
import { decodeLeaf, type Leaf } from './leaf.ts'
import { MerkleEdge, same } from './merkle.ts'

/** A signed note and where it comes from: "store", "data/checkpoint", a witness's name. */
export interface KeptCheckpoint {
  readonly source: string
  readonly note: string
}

/**
 * `rolled back`: the checkpoint has seen more leaves than there are. `forked`: it has seen others. `unsigned`: it is not
 * a note of the key's. `leaf`: a leaf cannot be read, or contradicts the one before.
 */
export type LogFault = 'rolled back' | 'forked' | 'unsigned' | 'leaf'

export interface LogProblem {
  readonly fault: LogFault
  /** The checkpoint's source, or "leaf N". */
  readonly where: string
  readonly message: string
}

export interface LogReport {
  /** Leaves. */
  readonly size: number
  readonly root: Uint8Array
  /** Leaves that a checkpoint without fault covers. */
  readonly signed: number
  /** The leaves of each tape, in order: what verify.ts takes. */
  readonly tapes: ReadonlyMap<string, readonly Leaf[]>
  readonly problems: readonly LogProblem[]
}

/** Verifies leaves and checkpoints that are at hand. Without a key, signatures are not checked, only roots. */
export function verifyLog(
  leaves: Iterable<Uint8Array>,
  checkpoints: readonly KeptCheckpoint[],
  key?: VerifierKey,
): LogReport {
  const verification = new LogVerification(checkpoints, key)
  for (const leaf of leaves) verification.add(leaf)
  return verification.finish()
}

/** Verifies a log leaf by leaf. It holds all leaves, decoded: some 300 bytes each. */
export class LogVerification {
  readonly #edge = new MerkleEdge()
  /** By size, the smallest first. */
  readonly #waiting: { readonly source: string; readonly checkpoint: Checkpoint }[] = []
  readonly #tapes = new Map<string, Leaf[]>()
  readonly #problems: LogProblem[] = []
  #signed = 0

  constructor(checkpoints: readonly KeptCheckpoint[], key: VerifierKey | undefined) {
    for (const { source, note } of checkpoints) {
      try {
        const checkpoint = key === undefined ? readCheckpoint(note) : openCheckpoint(note, key)
        this.#waiting.push({ source, checkpoint })
      } catch (error) {
        if (!(error instanceof TapeError)) throw error
        this.#problems.push({ fault: 'unsigned', where: source, message: error.message })
      }
    }
    this.#waiting.sort((one, other) => one.checkpoint.size - other.checkpoint.size)
    this.#compare()
  }

  /** The next leaf's bytes as stored. */
  add(bytes: Uint8Array): void {
    const index = this.#edge.size
    this.#edge.append(bytes)
    this.#compare()
    const leaf = read(bytes)
    const fault = leaf === undefined ? 'the leaf cannot be read' : this.#contradiction(leaf)
    if (fault !== undefined) this.#problems.push({ fault: 'leaf', where: `leaf ${index}`, message: fault })
    if (leaf === undefined) return
    const before = this.#tapes.get(leaf.tape)
    if (before === undefined) this.#tapes.set(leaf.tape, [leaf])
    else before.push(leaf)
  }

  finish(): LogReport {
    const size = this.#edge.size
    for (const { source, checkpoint } of this.#waiting) {
      const message = `the checkpoint has ${checkpoint.size} leaves, the log ${size}: later ones are gone`
      this.#problems.push({ fault: 'rolled back', where: source, message })
    }
    return { size, root: this.#edge.root(), signed: this.#signed, tapes: this.#tapes, problems: this.#problems }
  }

  /** Holds the root against every checkpoint of just this size. */
  #compare(): void {
    for (;;) {
      const first = this.#waiting[0]
      if (first === undefined || first.checkpoint.size !== this.#edge.size) return
      this.#waiting.shift()
      if (same(first.checkpoint.root, this.#edge.root())) {
        this.#signed = this.#edge.size
      } else {
        const message = `among the first ${this.#edge.size} leaves there are others than the checkpoint has seen`
        this.#problems.push({ fault: 'forked', where: first.source, message })
      }
    }
  }

  #contradiction(leaf: Leaf): string | undefined {
    const before = this.#tapes.get(leaf.tape)?.at(-1)
    if (before === undefined) return leaf.type === 'open' ? undefined : 'the first leaf of a tape is no opening'
    if (leaf.type === 'open') return 'a tape is opened again'
    if (before.type === 'seal') return 'a sealed tape goes on'
    return leaf.entries <= before.entries ? 'a tape has become shorter' : undefined
  }
}

function read(bytes: Uint8Array): Leaf | undefined {
  try {
    return decodeLeaf(bytes)
  } catch (error) {
    if (error instanceof TapeError) return undefined
    throw error
  }
}
