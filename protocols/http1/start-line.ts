// Request and status lines (RFC 9112 sections 3 and 4): single spaces, HTTP/1.0 or HTTP/1.1, targets in origin-form only.
// Everything a lenient reader would mend is refused, and so are the other HTTP versions.

import { METHODS, PATH, QUERY, skip, TOKEN, VALUE } from '../syntax.ts'
import { Http1Error } from './errors.ts'

export interface RequestLine {
  readonly method: string
  readonly target: string
  readonly minor: 0 | 1
}

export interface StatusLine {
  readonly status: number
  readonly reason: string
  readonly minor: 0 | 1
}

const SPACE = 0x20

/** Reads a request line without its CRLF. Throws Http1Error. */
export function parseRequestLine(line: string): RequestLine {
  if (line === '') throw new Http1Error(400, 'http1.request_line.empty', 'an empty line where a request line belongs')
  const methodEnd = skip(line, 0, line.length, TOKEN)
  if (methodEnd === 0 || line.charCodeAt(methodEnd) !== SPACE) {
    throw new Http1Error(400, 'http1.request_line.method', 'a request line begins with a method and one space')
  }
  const targetEnd = line.indexOf(' ', methodEnd + 1)
  if (targetEnd === -1) {
    throw new Http1Error(
      400,
      'http1.version.missing',
      'a request line without a version is HTTP/0.9, which is not spoken',
    )
  }
  if (targetEnd === methodEnd + 1) {
    throw new Http1Error(400, 'http1.request_line.spaces', 'the parts of a request line are parted by one space each')
  }
  const minor = parseVersion(line, targetEnd + 1)
  const method = line.slice(0, methodEnd)
  if (!METHODS.has(method)) throw new Http1Error(501, 'http1.method.unknown', 'a method that is not served')
  const target = line.slice(methodEnd + 1, targetEnd)
  checkTarget(target)
  return { method, target, minor }
}

/** Reads a status line without its CRLF. Throws Http1Error. */
export function parseStatusLine(line: string): StatusLine {
  const version = line.slice(0, 9)
  if (version !== 'HTTP/1.1 ' && version !== 'HTTP/1.0 ') {
    throw new Http1Error(505, 'http1.status_line.version', 'a status line begins with HTTP/1.1 or HTTP/1.0')
  }
  const status = digit(line, 9) * 100 + digit(line, 10) * 10 + digit(line, 11)
  if (!(status >= 100 && status <= 599)) {
    throw new Http1Error(400, 'http1.status_line.status', 'a status is three digits, 100 to 599')
  }
  if (line.charCodeAt(12) !== SPACE) {
    throw new Http1Error(400, 'http1.status_line.spaces', 'a space follows the status, even without a reason')
  }
  if (skip(line, 13, line.length, VALUE) !== line.length) {
    throw new Http1Error(400, 'http1.status_line.reason', 'a control character in the reason')
  }
  return { status, reason: line.slice(13), minor: version === 'HTTP/1.1 ' ? 1 : 0 }
}

/** Checks that a target is in origin-form: a path, and perhaps a query (RFC 9112 section 3.2.1). Throws Http1Error. */
export function checkTarget(target: string): void {
  if (target.charCodeAt(0) !== 0x2f) {
    if (target === '*') throw new Http1Error(400, 'http1.target.asterisk', 'the target "*" is not served')
    // Absolute-form names a host a second time, and the API server would take that one (security bar, section 0).
    if (target.includes('://'))
      throw new Http1Error(400, 'http1.target.absolute', 'the target must be a path, not a URL')
    throw new Http1Error(400, 'http1.target.authority', 'the target must be a path')
  }
  const end = target.length
  let at = skip(target, 0, end, PATH)
  if (at < end && target.charCodeAt(at) === 0x3f) at = skip(target, at + 1, end, QUERY)
  if (at < end) {
    throw new Http1Error(400, 'http1.target.character', 'a character that must be percent-encoded in the target')
  }
}

function parseVersion(line: string, at: number): 0 | 1 {
  const version = line.slice(at)
  if (version === 'HTTP/1.1') return 1
  if (version === 'HTTP/1.0') return 0
  if (line === 'PRI * HTTP/2.0') {
    throw new Http1Error(505, 'http1.version.http2_preface', 'HTTP/2 was begun where HTTP/1.1 was agreed')
  }
  const isVersion = version.length === 8 && version.startsWith('HTTP/') && version[6] === '.'
  if (isVersion && digit(version, 5) >= 0 && digit(version, 7) >= 0) {
    throw new Http1Error(505, 'http1.version.unsupported', 'only HTTP/1.1 and HTTP/1.0 are spoken here')
  }
  throw new Http1Error(400, 'http1.version.form', 'a request line ends with one space and HTTP/1.1')
}

/** The value of a decimal digit, or NaN, which fails every comparison. */
function digit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : Number.NaN
}
