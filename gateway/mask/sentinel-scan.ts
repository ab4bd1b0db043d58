// Looks for sentinels and text masks in a request body, so that a mask never overwrites a secret: in its bytes, and in what
// JSON, YAML and protobuf make of them, nested base64 and JSON included. Refuses bodies in forms that it cannot read.

import { hasTextMark } from '../../protocols/detect/mask-text.ts'
import { PeerError } from '../../protocols/errors.ts'
import { limits } from '../../protocols/limits.ts'
import { findInProtobuf } from '../../protocols/protobuf/search.ts'
import { type Refusal, refuse } from '../decision.ts'
import { bytesHaveSentinel, hasSentinel } from './sentinel.ts'
import { readJson, readYaml } from './yaml-body.ts'

/** Base64 or JSON within strings, one in another. */
const NESTED = 4

/** Why a write goes no further: it holds a sentinel, or cannot be read; undefined: it may. `mediaType`: lower-cased, "" where none is said. */
export function scanForSentinels(body: Uint8Array, mediaType: string, encoding: string): Refusal | undefined {
  if (encoding !== '' && encoding !== 'identity') {
    return unreadable(415, 'compressed bodies cannot be checked for masked values; send it without Content-Encoding')
  }
  if (mediaType.includes('cbor')) return unreadable(415, 'CBOR cannot be checked for masked values; send JSON')
  if (mediaType.includes('protobuf')) return scanProtobuf(body)
  const inBytes = bytesHaveSentinel(body) || hasTextMark(body)
  let documents: unknown[]
  try {
    documents = read(body, mediaType)
  } catch {
    return inBytes
      ? sentinelIn('the body')
      : unreadable(400, 'the body is neither JSON nor YAML, or has a key twice, so it cannot be checked')
  }
  const path = find(documents.length === 1 ? documents[0] : documents, '', 0)
  if (path !== undefined) return sentinelIn(path === '' ? 'the body' : path)
  return inBytes ? sentinelIn('the body') : undefined
}

/** The same for a body of no known form: looked through as it stands. */
export function scanBytes(body: Uint8Array): Refusal | undefined {
  return bytesHaveSentinel(body) || hasTextMark(body) ? sentinelIn('the body') : undefined
}

function scanProtobuf(body: Uint8Array): Refusal | undefined {
  try {
    const path = findInProtobuf(body, (value) => isHeld(asBuffer(value).toString('latin1'), 0), limits.mask)
    return path === undefined ? undefined : sentinelIn(path === '' ? 'the body' : path)
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    return unreadable(400, 'the body is no object in Kubernetes protobuf, so it cannot be checked')
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function isMask(text: string): boolean {
  return hasSentinel(text) || hasTextMark(text)
}

function read(body: Uint8Array, mediaType: string): unknown[] {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  if (text.trim() === '') return []
  return mediaType.includes('yaml') ? readYaml(text) : [readJson(text)]
}

/** The path of the first string or key that holds a sentinel. Iterative: a body may nest as deep as it is long. */
function find(root: unknown, at: string, nested: number): string | undefined {
  const open: { readonly value: unknown; readonly path: string }[] = [{ value: root, path: at }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next
    if (typeof value === 'string') {
      if (isHeld(value, nested)) return path
    } else if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index -= 1)
        open.push({ value: value[index], path: `${path}[${index}]` })
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, below] of Object.entries(value).reverse()) {
        if (isMask(key)) return path
        const isPlain = /^[\w-]+$/.test(key)
        open.push({ value: below, path: isPlain ? `${path}${path === '' ? '' : '.'}${key}` : `${path}[${key}]` })
      }
    }
  }
  return undefined
}

/** Whether a string has a sentinel in it, or in what it is the base64 or the JSON of. */
function isHeld(text: string, nested: number): boolean {
  if (isMask(text)) return true
  if (nested === NESTED) return false
  const first = text.trimStart()[0]
  if (first === '{' || first === '[' || first === '"') {
    try {
      return find(JSON.parse(text), '', nested + 1) !== undefined
    } catch {
      return false
    }
  }
  const packed = text.replace(/\s/g, '')
  if (packed.length < 24 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(packed)) return false
  return isHeld(Buffer.from(packed, 'base64').toString('latin1'), nested + 1)
}

function sentinelIn(path: string): Refusal {
  const message = `${path} holds a masked value ("sallyport-masked-..." or "~mask~"), which would overwrite the real one; leave this field out of the request (kubectl patch, or server-side apply without it), or write the value itself`
  return refuse(422, 'Invalid', 'mask.sentinel', message)
}

function unreadable(status: 400 | 415, message: string): Refusal {
  return refuse(status, status === 400 ? 'BadRequest' : 'UnsupportedMediaType', 'mask.unreadable_body', message)
}
