// Leaves -> the Merkle tree of RFC 6962 section 2.1: roots, inclusion and consistency proofs, and their verification. An
// appender keeps the tree's right edge only, one hash for each bit of the size that is set; proofs need all leaf hashes.

import { createHash } from 'node:crypto'
import { MisuseError } from '../errors.ts'
import { HASH_LENGTH } from './chain.ts'
import { TapeError } from './errors.ts'

const LEAF = Uint8Array.of(0x00)
const NODE = Uint8Array.of(0x01)

/** MTH({d}): SHA-256(0x00 ‖ leaf). */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return createHash('sha256').update(LEAF).update(leaf).digest()
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

/** A tree that grows at its end. Subtrees that are full stand as one hash each, the largest first. */
export class MerkleEdge {
  #size = 0
  readonly #subtrees: Uint8Array[] = []

  get size(): number {
    return this.#size
  }

  append(leaf: Uint8Array): void {
    let hash = leafHash(leaf)
    // As many full subtrees close as the size has ones at its end.
    for (let size = this.#size; size % 2 === 1; size = half(size)) {
      hash = nodeHash(this.#subtrees.pop() as Uint8Array, hash)
    }
    this.#subtrees.push(hash)
    this.#size++
  }

  /** MTH of all leaves; of none, the hash of nothing. */
  root(): Uint8Array {
    let root = this.#subtrees.at(-1)
    if (root === undefined) return createHash('sha256').digest()
    for (let at = this.#subtrees.length - 2; at >= 0; at--) root = nodeHash(this.#subtrees[at]!, root)
    return root
  }

  /** The hashes of the full subtrees, one behind the other: with the size, all that is needed to go on. */
  save(): Uint8Array {
    const saved = new Uint8Array(HASH_LENGTH * this.#subtrees.length)
    for (const [index, hash] of this.#subtrees.entries()) saved.set(hash, HASH_LENGTH * index)
    return saved
  }

  /** An edge as saved. It proves nothing by itself: hold its root against a signed one. Throws TapeError. */
  static restore(size: number, saved: Uint8Array): MerkleEdge {
    let ones = 0
    for (let left = size; left > 0; left = half(left)) ones += left % 2
    if (saved.length !== HASH_LENGTH * ones) throw new TapeError('tape.log.edge', "the log's edge is not of its size")
    const edge = new MerkleEdge()
    edge.#size = size
    for (let at = 0; at < saved.length; at += HASH_LENGTH) edge.#subtrees.push(saved.slice(at, at + HASH_LENGTH))
    return edge
  }
}

/** MTH over leaf hashes (section 2.1). */
export function rootOf(leaves: readonly Uint8Array[], from = 0, to = leaves.length): Uint8Array {
  if (from === to) return createHash('sha256').digest()
  if (to - from === 1) return leaves[from]!
  const middle = from + split(to - from)
  return nodeHash(rootOf(leaves, from, middle), rootOf(leaves, middle, to))
}

/** PATH(m, D[n]) over leaf hashes (section 2.1.1). Throws MisuseError if there is no such leaf. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number, size = leaves.length): Uint8Array[] {
  if (index < 0 || index >= size || size > leaves.length) throw new MisuseError('there is no such leaf to prove')
  return path(leaves, index, 0, size)
}

function path(leaves: readonly Uint8Array[], index: number, from: number, to: number): Uint8Array[] {
  if (to - from === 1) return []
  const middle = from + split(to - from)
  return index < middle
    ? [...path(leaves, index, from, middle), rootOf(leaves, middle, to)]
    : [...path(leaves, index, middle, to), rootOf(leaves, from, middle)]
}

/** PROOF(m, D[n]) over leaf hashes (section 2.1.2): that the tree of `before` leaves is the beginning of that of `size`. */
export function consistencyProof(leaves: readonly Uint8Array[], before: number, size = leaves.length): Uint8Array[] {
  if (before < 1 || before > size || size > leaves.length) throw new MisuseError('there is no such tree to prove')
  return subproof(leaves, before, 0, size, true)
}

/** SUBPROOF. `known`: the verifier has this subtree's root already, because it is the whole smaller tree. */
function subproof(
  leaves: readonly Uint8Array[],
  before: number,
  from: number,
  to: number,
  known: boolean,
): Uint8Array[] {
  if (before === to) return known ? [] : [rootOf(leaves, from, to)]
  const middle = from + split(to - from)
  return before <= middle
    ? [...subproof(leaves, before, from, middle, known), rootOf(leaves, middle, to)]
    : [...subproof(leaves, before, middle, to, false), rootOf(leaves, from, middle)]
}

/** Whether a leaf is in the tree of that root (RFC 9162 section 2.1.3.2). */
export function isIncluded(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0 || index >= size) return false
  let at = index
  let last = size - 1
  let hash = leafHash(leaf)
  for (const sibling of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 && same(hash, root)
}

/** Whether the tree of `before` leaves is the beginning of that of `after` (RFC 9162 section 2.1.4.2). */
export function isConsistent(
  before: number,
  after: number,
  proof: readonly Uint8Array[],
  rootBefore: Uint8Array,
  rootAfter: Uint8Array,
): boolean {
  if (before < 1 || before > after) return false
  if (before === after) return proof.length === 0 && same(rootBefore, rootAfter)
  let at = before - 1
  let last = after - 1
  while (at % 2 === 1) {
    at = half(at)
    last = half(last)
  }
  // A tree of 2^k leaves is a subtree of the larger one, so its root need not be sent.
  const hashes = at === 0 ? [rootBefore, ...proof] : proof
  const first = hashes[0]
  if (first === undefined) return false
  let one = first
  let other = first
  for (const hash of hashes.slice(1)) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      one = nodeHash(hash, one)
      other = nodeHash(hash, other)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else {
      other = nodeHash(other, hash)
    }
    at = half(at)
    last = half(last)
  }
  return last === 0 && same(one, rootBefore) && same(other, rootAfter)
}

/** Whether two hashes are equal. They are public, so time may tell. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

/** The largest power of two below `count`. */
function split(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

/** Sizes may pass 2^31, so no shifts. */
function half(value: number): number {
  return Math.floor(value / 2)
}
