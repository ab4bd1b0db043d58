// Bytes -> a file in the age format (https://age-encryption.org/v1) for X25519 recipients, in one synchronous call, so that an
// original is on the tape before its mask passes. Encrypts alone: nothing here could read what it has written.

import {
  createCipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/** A recipient's key, from the text that begins with "age1". */
export interface AgeRecipient {
  /** 32 bytes. */
  readonly raw: Buffer
  readonly key: KeyObject
}

/** A text that is no recipient; the message says what to write. */
export class RecipientError extends Error {}

const VERSION = 'age-encryption.org/v1'
const CHUNK = 65_536
const TAG = 16
/** DER of a SubjectPublicKeyInfo of X25519 up to the key (RFC 8410 section 4). */
const SPKI = Buffer.from('302a300506032b656e032100', 'hex')
/** The private key of such a recipient. */
const SECRET = /^AGE-SECRET-KEY/i

/** Throws RecipientError. */
export function ageRecipient(text: string): AgeRecipient {
  if (SECRET.test(text)) {
    throw new RecipientError('this is a private key, which the gateway must not have: write the recipient, "age1..."')
  }
  const raw = bech32(text)
  if (raw?.length !== 32) {
    throw new RecipientError('write an X25519 recipient of age, "age1..." with 58 characters behind it (age-keygen -y)')
  }
  const recipient = { raw, key: publicKey(raw) }
  try {
    stanza(recipient, Buffer.alloc(16))
  } catch {
    throw new RecipientError('nothing can be encrypted to this key: write one that age-keygen has made')
  }
  return recipient
}

/** At least one recipient. Any of them can read the file alone. */
export function ageFile(recipients: readonly AgeRecipient[], bytes: Uint8Array): Buffer {
  const fileKey = randomBytes(16)
  const stanzas = recipients.map((recipient) => stanza(recipient, fileKey))
  const head = `${VERSION}\n${stanzas.join('')}---`
  const mac = createHmac('sha256', derived(fileKey, Buffer.alloc(0), 'header'))
    .update(head)
    .digest()
  const nonce = randomBytes(16)
  const key = derived(fileKey, nonce, 'payload')
  const pieces: Buffer[] = [Buffer.from(`${head} ${base64(mac)}\n`), nonce]
  const counter = Buffer.alloc(12)
  let at = 0
  for (let number = 0; at < bytes.length || number === 0; number += 1) {
    const chunk = bytes.subarray(at, at + CHUNK)
    at += chunk.length
    counter.writeUInt32BE(number, 7)
    counter[11] = at === bytes.length ? 1 : 0
    pieces.push(...sealed(key, counter, chunk))
  }
  return Buffer.concat(pieces)
}

/** The file key, wrapped for one recipient. */
function stanza({ raw, key }: AgeRecipient, fileKey: Uint8Array): string {
  const ephemeral = generateKeyPairSync('x25519')
  const share = ephemeral.publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI.length)
  // Throws for a shared secret of zeros, which only a key that is none makes.
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: key })
  const wrapKey = derived(secret, Buffer.concat([share, raw]), `${VERSION}/X25519`)
  const body = Buffer.concat(sealed(wrapKey, Buffer.alloc(12), fileKey))
  return `-> X25519 ${base64(share)}\n${base64(body)}\n`
}

function sealed(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Buffer[] {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG })
  return [cipher.update(bytes), cipher.final(), cipher.getAuthTag()]
}

function derived(secret: Uint8Array, salt: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, 32))
}

function publicKey(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' })
}

/** Without padding (age, section "ABNF"). */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const PREFIX = 'age'
const CHECKSUM = 6

/** The bytes of a Bech32 text with the prefix "age" (BIP 173, without its bound of 90 characters); undefined where it is none. */
function bech32(text: string): Buffer | undefined {
  if (!text.startsWith(`${PREFIX}1`)) return undefined
  const words = [...text.slice(PREFIX.length + 1)].map((character) => ALPHABET.indexOf(character))
  if (words.length < CHECKSUM || words.includes(-1)) return undefined
  const codes = [...PREFIX].map((character) => character.charCodeAt(0))
  let sum = 1
  for (const word of [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...words]) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ word
    for (const [bit, generator] of GENERATORS.entries()) if (((top >>> bit) & 1) === 1) sum ^= generator
  }
  if (sum !== 1) return undefined
  const bytes: number[] = []
  let held = 0
  let bits = 0
  for (const word of words.slice(0, -CHECKSUM)) {
    held = ((held << 5) | word) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  // What does not fill a byte is zeros, and less than a character.
  return bits < 5 && (held & ((1 << bits) - 1)) === 0 ? Buffer.from(bytes) : undefined
}
