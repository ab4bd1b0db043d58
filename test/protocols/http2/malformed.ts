// Heads that are malformed (RFC 9113 sections 8.1 to 8.3), with the rule that names each; every one ends its stream alone.

import { limits } from '../../../protocols/limits.ts'
import { REQUEST } from './frames.ts'

type Lines = typeof REQUEST

const lacks = (name: string): Lines => REQUEST.filter(([other]) => other !== name)
const instead = (name: string, value: string): Lines => [...lacks(name), [name, value]]
const LONG_PATH = `/${'a'.repeat(limits.http1.startLine)}`
const CONNECTION_SPECIFIC = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

/** Fields that neither side may send. */
export const MALFORMED_FIELDS: readonly (readonly [what: string, rule: string, name: string, value: string])[] = [
  ['a name in capital letters', 'http2.field.uppercase', 'Impersonate-User', 'a'],
  ['an empty name', 'http2.field.name', '', 'a'],
  ['a colon within a name', 'http2.field.name', 'a:b', 'c'],
  ['a line end within a name', 'http2.field.name', 'a\r\nb', 'c'],
  ['a name above ASCII', 'http2.field.name', '\xe9', 'c'],
  ['CR within a value', 'http2.field.control', 'a', 'b\rc'],
  ['LF within a value', 'http2.field.control', 'a', 'b\nc'],
  ['NUL within a value', 'http2.field.control', 'a', 'b\0c'],
  ['DEL within a value', 'http2.field.control', 'a', 'b\x7fc'],
  ['a space before a value', 'http2.field.space', 'a', ' b'],
  ['a tab behind a value', 'http2.field.space', 'a', 'b\t'],
  ...CONNECTION_SPECIFIC.map((name) => [`the field ${name}`, 'http2.field.connection', name, 'a'] as const),
  ['TE of gzip', 'http2.field.te', 'te', 'gzip'],
]

/** Heads of requests. */
export const MALFORMED_REQUESTS: readonly (readonly [what: string, rule: string, lines: Lines])[] = [
  ['no :method', 'http2.pseudo.missing', lacks(':method')],
  ['no :scheme', 'http2.pseudo.missing', lacks(':scheme')],
  ['no :path', 'http2.pseudo.missing', lacks(':path')],
  ['no host at all', 'http2.authority.form', lacks(':authority')],
  ['a user before the host', 'http2.authority.form', instead(':authority', 'user@cluster')],
  ['two hosts', 'http2.authority.mismatch', [...REQUEST, ['host', 'other']]],
  ['Host twice', 'http2.host.twice', [...REQUEST, ['host', 'cluster'], ['host', 'cluster']]],
  ['CONNECT', 'http2.method.unknown', instead(':method', 'CONNECT')],
  ['TRACE', 'http2.method.unknown', instead(':method', 'TRACE')],
  ['a scheme of neither kind', 'http2.scheme.unknown', instead(':scheme', 'ftp')],
  ['an empty path', 'http2.path.form', instead(':path', '')],
  ['a path without "/"', 'http2.path.form', instead(':path', 'api')],
  ['a fragment', 'http2.path.character', instead(':path', '/api#a')],
  ['a space in the path', 'http2.path.character', instead(':path', '/api HTTP/1.1')],
  ['a path of too many octets', 'http2.path.too_long', instead(':path', LONG_PATH)],
  ['extended CONNECT', 'http2.pseudo.unknown', [...REQUEST, [':protocol', 'websocket']]],
  ['a pseudo-header field of answers', 'http2.pseudo.unknown', [...REQUEST, [':status', '200']]],
  ['a pseudo-header field twice', 'http2.pseudo.twice', [...REQUEST, [':path', '/api']]],
  ['a pseudo-header field behind a field', 'http2.pseudo.late', [...lacks(':path'), ['a', 'b'], [':path', '/']]],
  ['a pseudo-header field behind Host', 'http2.pseudo.late', [...lacks(':path'), ['host', 'cluster'], [':path', '/']]],
  ['an underscore', 'http2.field.underscore', [...REQUEST, ['x_remote_user', 'a']]],
  ...MALFORMED_FIELDS.map(([what, rule, name, value]) => [what, rule, [...REQUEST, [name, value]]] as const),
]
