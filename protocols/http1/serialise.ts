// Turns heads, chunk lines and trailers into bytes. The machine alone writes the fields that frame a message or govern its connection:
// those of the owner are left out. What would not read back as one field throws MisuseError, so nothing can be injected.

import { MisuseError } from '../errors.ts'
import type { Fields } from '../fields.ts'
import { isAll, skip, TOKEN, VALUE } from '../syntax.ts'
import { isTrailer } from './framing.ts'

/** The end of a chunk's bytes. */
export const CHUNK_END: Uint8Array = Buffer.from('\r\n')

export const CONTINUE: Uint8Array = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

/** Fields that belong to one connection (RFC 9110 section 7.6.1), by lower-case name. `Upgrade` is the owner's. */
const OURS = new Set(['connection', 'content-length', 'keep-alive', 'proxy-connection', 'transfer-encoding'])

/** Reasons for statuses whose owner names none (RFC 9110 section 15; only people read them). */
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

/**
 * A status line and the owner's field lines, each with its CRLF. Text is latin1, one byte a character: who has UTF-8
 * to send encodes it so first.
 */
export function responseLines(status: number, reason: string, fields: Fields): string {
  if (!(status >= 101 && status <= 599)) throw new MisuseError('a status is 101 to 599')
  const phrase = reason === '' ? (REASONS[status] ?? '') : reason
  if (skip(phrase, 0, phrase.length, VALUE) !== phrase.length) throw new MisuseError('a reason has no controls')
  return `HTTP/1.1 ${status} ${phrase}\r\n${fieldLines(fields)}`
}

/** A request line and the owner's field lines; `method` and `target` were checked. */
export function requestLines(method: string, target: string, fields: Fields): string {
  return `${method} ${target} HTTP/1.1\r\n${fieldLines(fields)}`
}

/** A whole head: the lines, then the machine's own field lines, then the empty one. */
export function headBytes(lines: string, own: string): Uint8Array {
  return Buffer.from(`${lines}${own}\r\n`, 'latin1')
}

/** The line before a chunk's bytes; `length` is at least 1, because a chunk of 0 ends the body. */
export function chunkStart(length: number): Uint8Array {
  return Buffer.from(`${length.toString(16)}\r\n`, 'latin1')
}

/** The end of a chunked body. Throws MisuseError for fields that may not be trailers. */
export function lastChunk(trailers: Fields): Uint8Array {
  for (let at = 0; at < trailers.length; at += 2) {
    if (!isTrailer(trailers[at]!)) throw new MisuseError('a field that may not be a trailer')
  }
  return Buffer.from(`0\r\n${fieldLines(trailers)}\r\n`, 'latin1')
}

function fieldLines(fields: Fields): string {
  let lines = ''
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    const value = fields[at + 1]
    if (!isAll(name, TOKEN)) throw new MisuseError('a field name that is not a token')
    if (value === undefined || skip(value, 0, value.length, VALUE) !== value.length) {
      throw new MisuseError('a field value with a control or a character above latin1')
    }
    if (!OURS.has(name.toLowerCase())) lines += `${name}: ${value}\r\n`
  }
  return lines
}
