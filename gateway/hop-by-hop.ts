// Turns a client's header fields into those that may go to the cluster, and a cluster's into those that may go to the
// client. What belongs to one hop goes first (RFC 9110 section 7.6.1), so that it can never take a field of ours along;
// a client that brings identity headers of its own is refused.

import { type Fields, fieldList } from '../protocols/fields.ts'
import { type Refusal, refuse } from './decision.ts'

/** Fields of one connection, whether or not Connection names them (RFC 9110 section 7.6.1, RFC 9112 section 9). */
const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/**
 * Request fields that end here: credentials are the gateway's own towards the cluster, framing and Host are written
 * anew, the body has been read whole (Expect), and addresses and audit ids are not the client's to state (the API
 * server's audit log believes X-Forwarded-For, X-Real-Ip and Audit-ID). WebSocket extensions would hide the frames'
 * payload from the tape.
 */
const REQUEST_ONLY_HERE = new Set([
  ...HOP_BY_HOP,
  'audit-id',
  'authorization',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'sec-websocket-extensions',
  'x-real-ip',
])

/** The same by prefix. `Sallyport-*` is for the gateway alone. */
const REQUEST_ONLY_HERE_PREFIXES = ['proxy-', 'sallyport-', 'x-forwarded-']

/** Fields by which the API server learns who calls: impersonation, and the front proxy's (security bar 1a). */
const IDENTITY_PREFIXES = ['impersonate-', 'x-remote-']

/** What a client may say in Connection. Any other name would be one of a field to remove: nobody honest asks for that. */
const CONNECTION_OPTIONS = new Set(['close', 'keep-alive', 'upgrade'])

/** A credential among the WebSocket subprotocols (apiserver pkg/authentication/request/websocket/protocol.go). */
const BEARER_SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

/**
 * Answer fields that end here: framing is written anew; cookies, authentication challenges, alternative addresses and
 * policies for the origin would be the cluster speaking for the gateway's own origin, where the client's only business
 * with cookies and challenges is the gateway.
 */
const ANSWER_ONLY_HERE = new Set([
  ...HOP_BY_HOP,
  'alt-svc',
  'authentication-info',
  'clear-site-data',
  'content-length',
  'proxy-authenticate',
  'proxy-authentication-info',
  'set-cookie',
  'strict-transport-security',
  'www-authenticate',
])

/**
 * What of a request's fields goes to the cluster, in order, repeated lines apart; or why the request goes nowhere:
 * 403 for identity headers, 400 for a Connection option that names a field. Names are judged in any case and with
 * underscores read as hyphens, since servers behind the cluster read them so.
 *
 * Accept-Encoding passes: who masks bodies narrows it where it knows that it will. Upgrade does not: whoever asks the
 * cluster for an upgrade sets it after this (gateway/upstream/upgrade.ts).
 */
export function forwardable(fields: Fields): Fields | Refusal {
  for (const option of fieldList(fields, 'connection')) {
    if (!CONNECTION_OPTIONS.has(option.toLowerCase())) {
      const message = 'the Connection header may say close, keep-alive or upgrade; it names something else'
      return refuse(400, 'BadRequest', 'hop_by_hop.connection_option', message)
    }
  }
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    const plain = plainName(name)
    if (startsWithAny(plain, IDENTITY_PREFIXES)) {
      const message =
        'requests may not carry Impersonate- or X-Remote- headers (kubectl --as and --as-group send them): the gateway tells the cluster who you are; leave them out'
      return refuse(403, 'Forbidden', 'identity.client_header', message)
    }
    if (REQUEST_ONLY_HERE.has(plain) || startsWithAny(plain, REQUEST_ONLY_HERE_PREFIXES)) continue
    const value = fields[at + 1] as string
    if (plain !== 'sec-websocket-protocol') {
      kept.push(name, value)
      continue
    }
    const offered = withoutBearer(value)
    if (offered !== '') kept.push(name, offered)
  }
  return kept
}

/** What of an answer's fields goes to the client, in order; also drops every field that the answer's Connection names. */
export function answerable(fields: Fields): Fields {
  const named = fieldList(fields, 'connection').map(plainName)
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    const plain = plainName(name)
    if (ANSWER_ONLY_HERE.has(plain) || named.includes(plain)) continue
    kept.push(name, fields[at + 1] as string)
  }
  return kept
}

function plainName(name: string): string {
  const lower = name.toLowerCase()
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (name.startsWith(prefix)) return true
  return false
}

/** The subprotocols offered, without the credential among them; in any case, as a lax reader might take it. */
function withoutBearer(value: string): string {
  if (!value.toLowerCase().includes(BEARER_SUBPROTOCOL)) return value
  return value
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '' && !element.toLowerCase().startsWith(BEARER_SUBPROTOCOL))
    .join(', ')
}
