import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import {
  consistencyProof,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  MerkleEdge,
  nodeHash,
  rootOf,
} from '../../../protocols/tape/merkle.ts'

/** The leaves and roots that the implementations of Certificate Transparency test RFC 6962 with. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(
  (hex) => new Uint8Array(Buffer.from(hex, 'hex')),
)
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const many = Array.from({ length: 33 }, (_, index) => Uint8Array.of(index, 1))
const hashes = many.map(leafHash)

test('roots are those of RFC 6962, appended or computed whole', () => {
  const edge = new MerkleEdge()
  for (const [size, root] of ROOTS.entries()) {
    assert.equal(hex(edge.root()), root)
    assert.equal(hex(rootOf(LEAVES.slice(0, size).map(leafHash))), root)
    const leaf = LEAVES[size]
    if (leaf !== undefined) edge.append(leaf)
  }
})

test('an edge that was saved goes on as the one that was not', () => {
  const edge = new MerkleEdge()
  for (const leaf of many) {
    const restored = MerkleEdge.restore(edge.size, edge.save())
    edge.append(leaf)
    restored.append(leaf)
    assert.equal(hex(restored.root()), hex(edge.root()))
    assert.equal(restored.size, edge.size)
  }
})

test('an edge that is not of its size is refused', () => {
  for (const size of [0, 2, 7])
    assert.throws(() => MerkleEdge.restore(size, new Uint8Array(64)), { rule: 'tape.log.edge' })
})

test('every leaf of every tree is proved, and no other leaf, place, size or root', () => {
  for (let size = 1; size <= 33; size++) {
    const root = rootOf(hashes, 0, size)
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(hashes, index, size)
      const leaf = many[index]!
      assert.ok(isIncluded(leaf, index, size, proof, root))
      assert.ok(!isIncluded(Uint8Array.of(255), index, size, proof, root))
      assert.ok(!isIncluded(leaf, index + 1, size, proof, root))
      assert.ok(!isIncluded(leaf, index, size, [...proof, root], root))
      assert.ok(!isIncluded(leaf, index, size, proof, leafHash(root)))
      if (proof.length > 0) assert.ok(!isIncluded(leaf, index, size, proof.slice(1), root))
    }
  }
})

test('every tree is proved to be the beginning of every larger one, and no other tree is', () => {
  for (let after = 1; after <= 33; after++) {
    const rootAfter = rootOf(hashes, 0, after)
    for (let before = 1; before <= after; before++) {
      const rootBefore = rootOf(hashes, 0, before)
      const proof = consistencyProof(hashes, before, after)
      assert.ok(isConsistent(before, after, proof, rootBefore, rootAfter))
      assert.ok(!isConsistent(before, after, proof, leafHash(rootBefore), rootAfter))
      assert.ok(!isConsistent(before, after, proof, rootBefore, leafHash(rootAfter)))
      assert.ok(!isConsistent(before, after, [...proof, rootAfter], rootBefore, rootAfter))
      if (proof.length > 0) assert.ok(!isConsistent(before, after, proof.slice(1), rootBefore, rootAfter))
    }
  }
})

test('a proof of size 3 to 7 is the one of RFC 6962 section 2.1.3', () => {
  const [a, b, c, d] = hashes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const g = nodeHash(a, b)
  const l = rootOf(hashes, 4, 7)
  assert.deepEqual(consistencyProof(hashes, 3, 7).map(hex), [c, d, g, l].map(hex))
})

test('a proof of what is not there is our mistake', () => {
  assert.throws(() => inclusionProof(hashes, 33), MisuseError)
  assert.throws(() => consistencyProof(hashes, 0), MisuseError)
  assert.throws(() => consistencyProof(hashes, 5, 4), MisuseError)
})
