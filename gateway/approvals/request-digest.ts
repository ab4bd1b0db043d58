// A request -> the digest that an approval binds to: SHA-256 over its parts, each with its length before it, so that no
// two requests have the same encoding. Whatever would change what runs, or as whom, changes the digest.

import { createHash, type Hash } from 'node:crypto'
import type { Fields } from '../../protocols/fields.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'

export interface DigestedRequest {
  readonly cluster: string
  readonly principal: Pick<Principal, 'user' | 'groups' | 'actor'>
  readonly method: string
  readonly attributes: Pick<RequestAttributes, 'verb' | 'path' | 'query' | 'command'>
  /** As received, or "". */
  readonly contentType: string
  /** The request's fields as they go to the cluster; only a proxied server, which may read any of them, has them count. */
  readonly fields: Fields
  readonly body: Uint8Array | undefined
}

/** 64 hexadecimal digits. */
export function requestDigest(request: DigestedRequest): string {
  const { cluster, principal, attributes, fields } = request
  const hash = createHash('sha256')
  add(hash, 'sallyport approval 1')
  add(hash, cluster)
  add(hash, principal.user)
  addAll(hash, [...new Set(principal.groups)].sort())
  add(hash, principal.actor)
  add(hash, attributes.verb)
  add(hash, STREAMS.has(attributes.verb) ? '' : request.method)
  add(hash, attributes.path)
  add(hash, attributes.query)
  addAll(hash, attributes.command)
  add(hash, request.contentType)
  addAll(hash, attributes.verb === 'proxy' ? fields : [])
  addBytes(hash, request.body ?? EMPTY)
  return hash.digest('hex')
}

/** The same command as a GET (WebSocket) and as a POST (SPDY), as which kubectl repeats it: the verb says what it does. */
const STREAMS = new Set(['exec', 'attach', 'portforward'])
const EMPTY = new Uint8Array(0)

/** In UTF-16: in UTF-8 all lone surrogates would be one character. */
function add(hash: Hash, text: string): void {
  addBytes(hash, Buffer.from(text, 'utf16le'))
}

function addAll(hash: Hash, texts: readonly string[]): void {
  addLength(hash, texts.length)
  for (const text of texts) add(hash, text)
}

function addBytes(hash: Hash, bytes: Uint8Array): void {
  addLength(hash, bytes.length)
  hash.update(bytes)
}

function addLength(hash: Hash, length: number): void {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  hash.update(bytes)
}
