// Puts a message body on the wire in the framing its head announced (RFC 9112 section 6), and holds its owner to that:
// a body longer or shorter than its Content-Length would turn its own bytes into the next message.

import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { CHUNK_END, chunkStart, lastChunk } from './serialise.ts'

// How the body now being written is framed.
const CLOSED = 0
const LENGTH = 1
const CHUNKED = 2
const UNTIL_CLOSE = 3
/** The answer to HEAD: its owner may treat it as one to GET, and the body goes nowhere. */
const DISCARDED = 4

/** Methods whose requests carry a Content-Length even for no body (RFC 9110 section 8.6). */
const WITH_LENGTH = new Set(['POST', 'PUT', 'PATCH'])

export class BodyWriter {
  #framing = CLOSED
  /** Bytes still to be written, where there is a length. */
  #left = 0

  /** Nothing is being written. */
  get isClosed(): boolean {
    return this.#framing === CLOSED
  }

  /** The body now being written ends with the connection. */
  get isUntilClose(): boolean {
    return this.#framing === UNTIL_CLOSE
  }

  /** Begins an answer's body, and returns the field line that frames it, with its CRLF. HTTP/1.0 knows no chunks. */
  openResponse(status: number, framing: number | 'chunked' | 'none', method: string, minor: 0 | 1): string {
    this.#checkClosed()
    if (method === 'HEAD') {
      const line = typeof framing === 'number' ? contentLength(framing) : ''
      this.#framing = DISCARDED
      return line
    }
    if (status === 204 || status === 304) {
      this.#openLength(0)
      return ''
    }
    if (framing !== 'chunked') return this.#openLength(framing === 'none' ? 0 : framing)
    if (minor === 1) return this.#openChunked()
    this.#framing = UNTIL_CLOSE
    return ''
  }

  /** Begins a request's body, and returns the field line that frames it, with its CRLF. */
  openRequest(method: string, framing: number | 'chunked'): string {
    this.#checkClosed()
    if (framing === 'chunked') return this.#openChunked()
    const line = this.#openLength(framing)
    return framing > 0 || WITH_LENGTH.has(method) ? line : ''
  }

  /** Bytes of the body. They are not copied: they must stay as they are until the output is written. */
  data(bytes: Uint8Array, output: Uint8Array[]): void {
    switch (this.#framing) {
      case CLOSED:
        throw new MisuseError('body bytes without a head before them')
      case LENGTH:
        if (bytes.length > this.#left) throw new MisuseError('more body bytes than the head announced')
        this.#left -= bytes.length
        if (bytes.length > 0) output.push(bytes)
        return
      case CHUNKED:
        // A chunk of no bytes would end the body.
        if (bytes.length > 0) output.push(chunkStart(bytes.length), bytes, CHUNK_END)
        return
      case UNTIL_CLOSE:
        if (bytes.length > 0) output.push(bytes)
        return
    }
  }

  /** The end of the body. Trailers go out behind chunks; in any other framing there is no place for them. */
  end(trailers: Fields, output: Uint8Array[]): void {
    if (this.#framing === CLOSED) throw new MisuseError('an end without a head before it')
    if (this.#framing === LENGTH && this.#left > 0) throw new MisuseError('fewer body bytes than the head announced')
    if (this.#framing === CHUNKED) output.push(lastChunk(trailers))
    this.#framing = CLOSED
  }

  #openLength(length: number): string {
    const line = contentLength(length)
    this.#framing = LENGTH
    this.#left = length
    return line
  }

  #openChunked(): string {
    this.#framing = CHUNKED
    return 'Transfer-Encoding: chunked\r\n'
  }

  #checkClosed(): void {
    if (this.#framing !== CLOSED) throw new MisuseError('the message before is not complete')
  }
}

function contentLength(length: number): string {
  if (!Number.isSafeInteger(length) || length < 0) throw new MisuseError('a length is a whole number of bytes')
  return `Content-Length: ${length}\r\n`
}
