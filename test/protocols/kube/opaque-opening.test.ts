import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { OpaqueOpening } from '../../../protocols/kube/opaque-opening.ts'
import { assertAnyCut } from '../../support/cut.ts'

/** What it says at which byte, cut in any way. */
class Opening {
  readonly #opening = new OpaqueOpening()
  found: string | undefined

  receive(bytes: Uint8Array): readonly never[] {
    if (this.#opening.isOpen) this.found ??= this.#opening.receive(bytes)
    return []
  }

  get isOpen(): boolean {
    return this.#opening.isOpen
  }
}

function found(bytes: Uint8Array): string | undefined {
  const { observed } = assertAnyCut(() => new Opening(), bytes, { observe: ({ found, isOpen }) => [found, isOpen] })
  assert.equal((observed as [unknown, boolean])[1], false)
  return (observed as [string | undefined, boolean])[0]
}

const OPAQUE: readonly (readonly [name: string, hex: string])[] = [
  ['TLS', '16030100f8010000f40303'],
  ['TLS', '1603030031020000'],
  ['TLS', '15030300020228'],
  ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.9\r\n').toString('hex')],
  ['gzip', gzipSync('text').toString('hex')],
  ['zstd', '28b52ffd0458210000'],
  ['zip', '504b03041400'],
  ['xz', 'fd377a585a000004'],
  ['bzip2', '425a683931415926535962'],
  ['lz4', '04224d186440'],
  ['7z', '377abcaf271c0004'],
]

const PLAIN: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ['text', Buffer.from('HTTP/1.1 200 OK\r\n')],
  ['a request for bzip2 by name', Buffer.from('BZh9 is how bzip2 begins')],
  ['an older SSH word', Buffer.from('SSH-1.5-x')],
  ['a text that begins as zip does', Buffer.from('PK, said he')],
  ['a tar', Buffer.concat([Buffer.from('etc/passwd'), Buffer.alloc(90)])],
  ['an ELF', Buffer.from('7f454c4602010100', 'hex')],
  ['a record of a version that is none', Buffer.from('16030900f801', 'hex')],
  ['a record that is too long', Buffer.from('160301ff00', 'hex')],
]

describe('the first bytes of a stream', () => {
  for (const [name, hex] of OPAQUE) {
    it(`are ${name}: ${hex.slice(0, 12)}`, () => {
      assert.equal(found(Buffer.from(hex, 'hex')), name)
    })
  }

  for (const [name, bytes] of PLAIN) {
    it(`are nothing opaque: ${name}`, () => {
      assert.equal(found(bytes), undefined)
    })
  }

  it('are known from a real archive', () => {
    const archive = execFileSync('tar', ['czf', '-', '--files-from=/dev/null'])
    assert.equal(found(archive), 'gzip')
  })

  it('are not known before they have come', () => {
    const opening = new OpaqueOpening()
    assert.equal(opening.receive(new Uint8Array(0)), undefined)
    assert.equal(opening.isOpen, true)
    assert.equal(opening.receive(Uint8Array.of(0x1f)), undefined)
    assert.equal(opening.isOpen, true)
  })
})
