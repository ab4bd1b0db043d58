// Field lines of HTTP/2 -> heads of requests and responses, and trailers (RFC 9113 sections 8.1 to 8.3). Refuses as
// malformed, always on its stream alone, what a lenient reader or the next hop could read in two ways.

import type { Fields } from '../fields.ts'
import { isTrailer } from '../http1/framing.ts'
import { HOST, isAll, METHODS, PATH, QUERY, skip, TOKEN, VALUE } from '../syntax.ts'
import { wrong } from './errors.ts'
import type { Http2RequestHead, Http2ResponseHead } from './events.ts'

/** A head, and the Content-Length that it states. */
export interface Meaning<Head> {
  readonly head: Head
  readonly length: number | undefined
}

/** Fields of an HTTP/1.1 connection, which mean nothing here and something to a hop that translates (section 8.2.2). */
const CONNECTION_SPECIFIC = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])

const SPACE = 0x20
const HTAB = 0x09
const COLON = 0x3a
const UNDERSCORE = 0x5f
/** Digits of a Content-Length that a double holds exactly. */
const LENGTH_DIGITS = 15

/** Throws Http2Error, for the stream. `longestPath`: octets. */
export function requestMeaning(lines: Fields, longestPath: number): Meaning<Http2RequestHead> {
  const pseudo = new Map<string, string>()
  const fields: string[] = []
  let host: string | undefined
  let cookie: string | undefined
  let length: number | undefined
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] as string
    const value = lines[at + 1] as string
    if (name.charCodeAt(0) === COLON) {
      if (fields.length > 0 || host !== undefined || cookie !== undefined) {
        throw wrong('http2.pseudo.late', 'a pseudo-header field behind a field')
      }
      takePseudo(pseudo, name, value, REQUEST_PSEUDO)
      continue
    }
    checkField(name, value, true)
    if (name === 'cookie') {
      // Crumbs of one field, which a client may part to compress them better (section 8.2.3).
      cookie = cookie === undefined ? value : `${cookie}; ${value}`
    } else if (name === 'host') {
      if (host !== undefined) throw wrong('http2.host.twice', 'two Host fields')
      host = value
    } else {
      if (name === 'content-length') length = contentLength(value, length)
      fields.push(name, value)
    }
  }
  if (cookie !== undefined) fields.push('cookie', cookie)
  const method = pseudo.get(':method')
  const path = pseudo.get(':path')
  const scheme = pseudo.get(':scheme')
  if (method === undefined || path === undefined || scheme === undefined) {
    throw wrong('http2.pseudo.missing', 'a request without :method, :scheme or :path')
  }
  if (!METHODS.has(method)) throw wrong('http2.method.unknown', 'a method that is not served')
  if (scheme !== 'https' && scheme !== 'http') throw wrong('http2.scheme.unknown', 'a scheme that is not served')
  checkPath(path, longestPath)
  return { head: { method, path, authority: authorityOf(pseudo.get(':authority'), host), fields }, length }
}

/** Throws Http2Error, for the stream. */
export function responseMeaning(lines: Fields): Meaning<Http2ResponseHead> {
  const pseudo = new Map<string, string>()
  const fields: string[] = []
  let length: number | undefined
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] as string
    const value = lines[at + 1] as string
    if (name.charCodeAt(0) === COLON) {
      if (fields.length > 0) throw wrong('http2.pseudo.late_in_response', 'a pseudo-header field behind a field')
      takePseudo(pseudo, name, value, RESPONSE_PSEUDO)
      continue
    }
    checkField(name, value, false)
    if (name === 'content-length') length = contentLength(value, length)
    fields.push(name, value)
  }
  const status = pseudo.get(':status') ?? ''
  // 101 does not exist here (section 8.6).
  if (!/^[1-5][0-9][0-9]$/.test(status) || status === '101') {
    throw wrong('http2.status.form', 'a response without a status of three digits, 100 to 599')
  }
  return { head: { status: Number(status), fields }, length }
}

/** Trailers have no pseudo-header fields, and none that frame, route or identify (RFC 9110 section 6.5.1). */
export function checkTrailers(lines: Fields, isRequest: boolean): void {
  for (let at = 0; at < lines.length; at += 2) {
    const name = lines[at] as string
    if (name.charCodeAt(0) === COLON) throw wrong('http2.pseudo.in_trailers', 'a pseudo-header field in trailers')
    checkField(name, lines[at + 1] as string, isRequest)
    if (!isTrailer(name)) {
      throw wrong('http2.trailers.framing', 'a trailer that belongs in a head')
    }
  }
}

const REQUEST_PSEUDO = new Set([':method', ':scheme', ':authority', ':path'])
const RESPONSE_PSEUDO = new Set([':status'])

function takePseudo(pseudo: Map<string, string>, name: string, value: string, known: ReadonlySet<string>): void {
  if (!known.has(name)) throw wrong('http2.pseudo.unknown', 'a pseudo-header field that does not belong here')
  if (pseudo.has(name)) throw wrong('http2.pseudo.twice', 'a pseudo-header field twice')
  pseudo.set(name, value)
}

function checkField(name: string, value: string, isRequest: boolean): void {
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at)
    if (code >= 0x41 && code <= 0x5a) throw wrong('http2.field.uppercase', 'a field name with a capital letter')
    // Servers behind us read them as hyphens, and so as another field (oauth2-proxy CVE-2025-64484).
    if (code === UNDERSCORE && isRequest) throw wrong('http2.field.underscore', 'a field name with an underscore')
  }
  if (!isAll(name, TOKEN)) throw wrong('http2.field.name', 'a field name that is no token')
  if (skip(value, 0, value.length, VALUE) !== value.length) {
    throw wrong('http2.field.control', 'a control character in a field value')
  }
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1))) {
    throw wrong('http2.field.space', 'white space around a field value')
  }
  if (CONNECTION_SPECIFIC.has(name)) throw wrong('http2.field.connection', 'a field of an HTTP/1.1 connection')
  if (name === 'te' && value !== 'trailers') throw wrong('http2.field.te', 'TE may only say trailers')
}

function contentLength(value: string, earlier: number | undefined): number {
  if (earlier !== undefined) throw wrong('http2.length.twice', 'two Content-Length fields')
  if (!/^[0-9]+$/.test(value) || value.length > LENGTH_DIGITS) {
    throw wrong('http2.length.form', 'a Content-Length that is no plain number')
  }
  return Number(value)
}

/** The same characters as in an HTTP/1.1 request line: the path goes into one. */
function checkPath(path: string, longest: number): void {
  if (path.length > longest) throw wrong('http2.path.too_long', 'a path longer than is taken')
  if (path.charCodeAt(0) !== 0x2f) throw wrong('http2.path.form', 'a path that does not begin with "/"')
  const end = path.length
  let at = skip(path, 0, end, PATH)
  if (at < end && path.charCodeAt(at) === 0x3f) at = skip(path, at + 1, end, QUERY)
  if (at < end) throw wrong('http2.path.character', 'a character that must be percent-encoded in the path')
}

function authorityOf(authority: string | undefined, host: string | undefined): string {
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    throw wrong('http2.authority.mismatch', ':authority and Host name two hosts')
  }
  const name = authority ?? host ?? ''
  if (!isAll(name, HOST)) throw wrong('http2.authority.form', 'no host, or one with characters that no host has')
  return name
}

function isBlank(code: number): boolean {
  return code === SPACE || code === HTAB
}
