// The log's head <-> a signed note (C2SP tlog-checkpoint and signed-note): origin, size, base64 root, an empty line, and
// a line for each signature. Keys are arguments. Only Ed25519 (signature type 0x01) is made or believed.

import { createHash, type KeyObject, sign, verify } from 'node:crypto'
import { HASH_LENGTH } from './chain.ts'
import { TapeError } from './errors.ts'

export interface Checkpoint {
  /** Which log: the first line, and the name of its key. */
  readonly origin: string
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** Whose signature counts: a name, and an Ed25519 public key of 32 bytes. */
export interface VerifierKey {
  readonly name: string
  readonly publicKey: Uint8Array
}

const ED25519 = 0x01
const KEY_ID_LENGTH = 4
const SIGNATURE_LENGTH = 64
/** A checkpoint with a few witnesses' cosignatures is below 2 KiB. */
const LONGEST = 16_384
/** C2SP: no white space and no plus sign in a key's name. */
const NAME = /^[\x21-\x2a\x2c-\x7e]{1,128}$/
/** What node wants in front of a raw public key: SubjectPublicKeyInfo of Ed25519 (RFC 8410 section 4). */
const SPKI_HEAD = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

/** The signed note. The checkpoint's origin is the key's name. */
export function signCheckpoint(size: number, root: Uint8Array, key: VerifierKey, privateKey: KeyObject): string {
  const text = `${key.name}\n${size}\n${base64(root)}\n`
  const signature = sign(null, new TextEncoder().encode(text), privateKey)
  return `${text}\n— ${key.name} ${base64(joined(keyId(key), signature))}\n`
}

/** What a note says, unverified: nobody has vouched for it. Throws TapeError. */
export function readCheckpoint(note: string): Checkpoint {
  return parse(note).checkpoint
}

/** What a note says, if it is of the key's log and a signature of the key holds. Throws TapeError. */
export function openCheckpoint(note: string, key: VerifierKey): Checkpoint {
  const { checkpoint, text, signatures } = parse(note)
  if (checkpoint.origin !== key.name) throw new TapeError('tape.checkpoint.origin', 'a checkpoint of another log')
  const id = keyId(key)
  for (const { name, bytes } of signatures) {
    if (name !== key.name || bytes.length !== KEY_ID_LENGTH + SIGNATURE_LENGTH) continue
    if (!id.every((byte, at) => byte === bytes[at])) continue
    const signer = { key: spki(key.publicKey), format: 'der', type: 'spki' } as const
    if (verify(null, new TextEncoder().encode(text), signer, bytes.subarray(KEY_ID_LENGTH))) return checkpoint
    throw new TapeError('tape.checkpoint.signature', 'the signature does not hold')
  }
  throw new TapeError('tape.checkpoint.unsigned', 'no signature of the key that was asked for')
}

/** A public key with its name, which is made of the key, so that two logs never share one. */
export function verifierKey(publicKey: KeyObject): VerifierKey {
  const raw = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length))
  return { name: `sallyport.log/${createHash('sha256').update(raw).digest('hex').slice(0, 16)}`, publicKey: raw }
}

/** "name+id+base64(type ‖ key)", as C2SP's tools take it. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${hex(keyId(key))}+${base64(joined(Uint8Array.of(ED25519), key.publicKey))}`
}

/** Throws TapeError for what `formatVerifierKey` would not have written. */
export function parseVerifierKey(text: string): VerifierKey {
  // Base64 has plus signs of its own, so only the first two divide.
  const [, name = '', id = '', encoded = ''] = /^([^+]*)\+([^+]*)\+(.*)$/.exec(text.trim()) ?? []
  const typed = bytesOf(encoded)
  if (NAME.test(name) && typed?.length === 33 && typed[0] === ED25519) {
    const key = { name, publicKey: typed.subarray(1) }
    if (hex(keyId(key)) === id) return key
  }
  throw new TapeError('tape.checkpoint.key', 'not a verifier key: name+id+base64 of an Ed25519 key')
}

interface Signature {
  readonly name: string
  readonly bytes: Uint8Array
}

interface Note {
  readonly checkpoint: Checkpoint
  /** What is signed: everything before the empty line. */
  readonly text: string
  readonly signatures: readonly Signature[]
}

function parse(note: string): Note {
  const cut = note.length <= LONGEST ? note.indexOf('\n\n') : -1
  if (cut < 0 || !note.endsWith('\n')) throw new TapeError('tape.checkpoint.form', 'not a signed note')
  const [origin = '', size = '', root = '', ...more] = note.slice(0, cut).split('\n')
  const hash = bytesOf(root)
  // C2SP allows more lines. We make none, and one that we did not make we could not explain.
  if (!NAME.test(origin) || !/^(0|[1-9]\d{0,14})$/.test(size) || hash?.length !== HASH_LENGTH || more.length > 0) {
    throw new TapeError('tape.checkpoint.body', 'not the head of a log')
  }
  return {
    checkpoint: { origin, size: Number(size), root: hash },
    text: note.slice(0, cut + 1),
    signatures: note
      .slice(cut + 2, -1)
      .split('\n')
      .map(signatureOf),
  }
}

function signatureOf(line: string): Signature {
  const [dash, name = '', encoded = '', ...more] = line.split(' ')
  const bytes = bytesOf(encoded)
  if (dash !== '—' || !NAME.test(name) || bytes === undefined || bytes.length <= KEY_ID_LENGTH || more.length > 0) {
    throw new TapeError('tape.checkpoint.line', 'a line that is no signature')
  }
  return { name, bytes }
}

/** The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key) (C2SP signed-note). */
function keyId({ name, publicKey }: VerifierKey): Uint8Array {
  const hash = createHash('sha256').update(name).update(Uint8Array.of(0x0a, ED25519)).update(publicKey)
  return hash.digest().subarray(0, KEY_ID_LENGTH)
}

function spki(publicKey: Uint8Array): Buffer {
  return Buffer.from(joined(SPKI_HEAD, publicKey))
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.length + other.length)
  bytes.set(one)
  bytes.set(other, one.length)
  return bytes
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Standard base64 in its one right form, or undefined. */
function bytesOf(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}
