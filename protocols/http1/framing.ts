// What the fields of a head say about the connection: how the body is framed, whether it stays, upgrades and
// expectations (RFC 9112 sections 6 and 9, RFC 9110 sections 7.8 and 10.1.1). Whatever two readers could take differently is refused.

import type { Fields } from '../fields.ts'
import { HOST, isAll, PROTOCOL } from '../syntax.ts'
import { Http1Error } from './errors.ts'
import type { BodyFraming } from './events.ts'
import type { RequestLine, StatusLine } from './start-line.ts'

export interface RequestMeaning {
  readonly framing: number | 'chunked'
  readonly expectContinue: boolean
  readonly keepAlive: boolean
  /** The Upgrade field in lower case, where Connection asks for it. */
  readonly upgrade: string | undefined
}

export interface ResponseMeaning {
  /** 0 where a response to HEAD, a 1xx, 204 or 304 has no body whatever its fields say. */
  readonly framing: BodyFraming
  /** The sender leaves the connection open. */
  readonly keepAlive: boolean
}

/** Connection options a peer may name. Others make a proxy drop the fields it names (security bar, section 1a). */
const CONNECTION_OPTIONS = new Set(['close', 'keep-alive', 'upgrade'])

/** Fields that belong to a head: in trailers they would come too late to be checked, or change what was checked. */
const NOT_IN_TRAILERS = new Set(
  (
    'authorization connection content-encoding content-length content-range content-type cookie expect forwarded host ' +
    'keep-alive max-forwards proxy-authenticate proxy-authorization proxy-connection set-cookie te trailer ' +
    'transfer-encoding upgrade www-authenticate'
  ).split(' '),
)
const IDENTITY_PREFIXES = ['impersonate-', 'x-remote-', 'x-forwarded-']

/** The meaning of a whole request head. Throws Http1Error. */
export function requestMeaning(line: RequestLine, fields: Fields): RequestMeaning {
  const scan = new FieldScan(fields)
  checkNames(fields)
  checkHost(scan.host, line.minor)
  if (scan.isChunked && line.minor === 0) {
    throw new Http1Error(400, 'http1.transfer_encoding.http10', 'HTTP/1.0 has no Transfer-Encoding')
  }
  const framing = scan.isChunked ? 'chunked' : Math.max(0, scan.contentLength)
  if (scan.expect !== undefined) checkExpect(scan.expect, line.minor, framing)
  const upgrade = requestUpgrade(scan, line.minor, framing)
  return { framing, expectContinue: scan.expect !== undefined, keepAlive: line.minor === 1 && !scan.isClose, upgrade }
}

/** The meaning of a whole response head, to a request of the given method. Throws Http1Error. */
export function responseMeaning(line: StatusLine, fields: Fields, method: string): ResponseMeaning {
  const scan = new FieldScan(fields)
  if (scan.isChunked && line.minor === 0) {
    throw new Http1Error(400, 'http1.response.chunked_http10', 'HTTP/1.0 has no Transfer-Encoding')
  }
  const keepAlive = line.minor === 1 && !scan.isClose
  if (line.status < 200 || line.status === 204) {
    if (scan.isChunked || scan.contentLength > 0) {
      throw new Http1Error(400, 'http1.response.framed_bodiless', 'a 1xx or 204 answer that announces a body')
    }
    if (line.status === 101 && !(scan.isUpgrade && scan.upgrade !== undefined)) {
      throw new Http1Error(400, 'http1.switch.fields', 'a 101 without its Connection or Upgrade field')
    }
    return { framing: 0, keepAlive }
  }
  if (line.status === 304 || method === 'HEAD') return { framing: 0, keepAlive }
  if (scan.isChunked) return { framing: 'chunked', keepAlive }
  if (scan.contentLength >= 0) return { framing: scan.contentLength, keepAlive }
  return { framing: 'close', keepAlive: false }
}

/** Refuses request fields that are spelt so that some reader takes them for another. Throws Http1Error. */
export function checkNames(fields: Fields): void {
  for (let at = 0; at < fields.length; at += 2) {
    // CGI-like readers turn "-" into "_", and then X_Remote_User is X-Remote-User.
    if (fields[at]!.includes('_')) {
      throw new Http1Error(400, 'http1.field.underscore', 'an underscore in the name of a request field')
    }
  }
}

/** Whether a field may come behind a body (RFC 9110 section 6.5.1). `name` in any case. */
export function isTrailer(name: string): boolean {
  const lower = name.toLowerCase()
  return !NOT_IN_TRAILERS.has(lower) && !IDENTITY_PREFIXES.some((prefix) => lower.startsWith(prefix))
}

/** Refuses trailers that frame, route or identify. Throws Http1Error. */
export function checkTrailers(fields: Fields): void {
  for (let at = 0; at < fields.length; at += 2) {
    if (!isTrailer(fields[at]!)) throw new Http1Error(400, 'http1.trailer.field', 'a field that may not be a trailer')
  }
}

/** The fields that HTTP itself acts on, found in one pass. */
class FieldScan {
  /** -1: no Content-Length. */
  contentLength = -1
  isChunked = false
  isClose = false
  /** Connection has the option "upgrade". */
  isUpgrade = false
  host: string | undefined = undefined
  expect: string | undefined = undefined
  upgrade: string | undefined = undefined

  constructor(fields: Fields) {
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at]!
      // The length keeps all but a few names from being lower-cased.
      switch (name.length) {
        case 4:
        case 6:
        case 7:
        case 10:
        case 14:
        case 17:
          this.#field(name.toLowerCase(), fields[at + 1]!)
      }
    }
    if (this.isChunked && this.contentLength >= 0) {
      throw new Http1Error(400, 'http1.framing.both', 'both Content-Length and Transfer-Encoding')
    }
  }

  #field(name: string, value: string): void {
    switch (name) {
      case 'host':
        if (this.host !== undefined) throw new Http1Error(400, 'http1.host.repeated', 'more than one Host')
        this.host = value
        return
      case 'expect':
        if (this.expect !== undefined) throw new Http1Error(417, 'http1.expect.repeated', 'more than one Expect')
        this.expect = value
        return
      case 'upgrade':
        if (this.upgrade !== undefined) throw new Http1Error(400, 'http1.upgrade.repeated', 'more than one Upgrade')
        this.upgrade = value.toLowerCase()
        return
      case 'connection':
        this.#connection(value)
        return
      case 'content-length':
        if (this.contentLength >= 0) {
          throw new Http1Error(400, 'http1.content_length.repeated', 'more than one Content-Length')
        }
        this.contentLength = parseLength(value)
        return
      case 'transfer-encoding':
        if (this.isChunked) {
          throw new Http1Error(400, 'http1.transfer_encoding.repeated', 'more than one Transfer-Encoding')
        }
        if (value.length !== 7 || value.toLowerCase() !== 'chunked') {
          throw new Http1Error(400, 'http1.transfer_encoding.unknown', 'a Transfer-Encoding other than chunked')
        }
        this.isChunked = true
        return
    }
  }

  #connection(value: string): void {
    for (const element of value.toLowerCase().split(',')) {
      const option = trimBlanks(element)
      if (!CONNECTION_OPTIONS.has(option)) {
        throw new Http1Error(
          400,
          'http1.connection.option',
          'a Connection option other than close, keep-alive, upgrade',
        )
      }
      if (option === 'close') this.isClose = true
      if (option === 'upgrade') this.isUpgrade = true
    }
  }
}

/** Without SP and HTAB at both ends. (`trim` also takes U+00A0, which is a byte of obs-text here.) */
function trimBlanks(text: string): string {
  let at = 0
  let end = text.length
  while (at < end && (text[at] === ' ' || text[at] === '\t')) at++
  while (end > at && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--
  return text.slice(at, end)
}

/** Decimal digits and nothing else; no list, even of equal lengths; no leading zero, which some readers take for octal. */
function parseLength(value: string): number {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if (code < 0x30 || code > 0x39) {
      throw new Http1Error(400, 'http1.content_length.character', 'a Content-Length is decimal digits')
    }
  }
  if (value === '' || (value.length > 1 && value.charCodeAt(0) === 0x30)) {
    throw new Http1Error(400, 'http1.content_length.form', 'a Content-Length is one number without leading zeros')
  }
  const length = Number(value)
  if (!Number.isSafeInteger(length)) {
    throw new Http1Error(400, 'http1.content_length.overflow', 'a Content-Length past 2^53')
  }
  return length
}

function checkHost(host: string | undefined, minor: 0 | 1): void {
  if (host === undefined) {
    if (minor === 0) return
    throw new Http1Error(400, 'http1.host.missing', 'a request without Host')
  }
  if (!isAll(host, HOST)) throw new Http1Error(400, 'http1.host.form', 'a Host that is not a name and a port')
}

/** An expectation without a body, or from HTTP/1.0, is one that some readers wait for and others ignore. */
function checkExpect(expect: string, minor: 0 | 1, framing: number | 'chunked'): void {
  if (expect.toLowerCase() !== '100-continue') {
    throw new Http1Error(417, 'http1.expect.unknown', 'an expectation other than 100-continue')
  }
  if (framing === 0 || minor === 0) {
    throw new Http1Error(417, 'http1.expect.bodiless', 'an expectation that the request cannot have')
  }
}

/**
 * Kubernetes takes for an upgrade what has "upgrade" anywhere in Connection, and looks at Upgrade later, if at all. So
 * the two fields must agree, and name one protocol; then its reading and the strict one are the same.
 */
function requestUpgrade(scan: FieldScan, minor: 0 | 1, framing: number | 'chunked'): string | undefined {
  if (!scan.isUpgrade) {
    if (scan.upgrade === undefined) return undefined
    throw new Http1Error(400, 'http1.upgrade.option_missing', 'Upgrade without the Connection option')
  }
  if (scan.upgrade === undefined) {
    throw new Http1Error(400, 'http1.upgrade.field_missing', 'the Connection option upgrade without Upgrade')
  }
  if (minor === 0) throw new Http1Error(400, 'http1.upgrade.http10', 'HTTP/1.0 has no upgrade')
  if (framing !== 0) throw new Http1Error(400, 'http1.upgrade.body', 'an upgrade with a body')
  if (!isAll(scan.upgrade, PROTOCOL)) {
    throw new Http1Error(400, 'http1.upgrade.protocol', 'Upgrade must name one protocol')
  }
  // Behind h2c a peer would see requests that this one does not (h2c smuggling).
  if (scan.upgrade.includes('h2c')) throw new Http1Error(400, 'http1.upgrade.h2c', 'HTTP/2 in clear text is not spoken')
  return scan.upgrade
}
