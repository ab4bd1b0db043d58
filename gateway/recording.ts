// What the pipeline knows, as entries of a tape. Credentials are taken out here, before anything reaches the codec.

import { createHash } from 'node:crypto'
import type { Fields } from '../protocols/fields.ts'
import type {
  AttributesBody,
  DecisionBody,
  NoteBody,
  OriginalBody,
  PrincipalBody,
  RequestBody,
} from '../protocols/tape/entry.ts'
import { type Claims, claimsOf } from './claims.ts'
import type { Decision } from './decision.ts'
import type { Masked } from './mask/masked.ts'
import type { Original } from './mask/original.ts'
import type { MaskedWords } from './mask/text.ts'
import type { Principal } from './principal.ts'
import type { RequestAttributes } from './request-attributes.ts'
import type { Tape } from './tape/tape.ts'

const REDACTED = '<redacted>'

/** Fields whose value is a credential, in either direction. */
const CREDENTIALS = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'x-amz-security-token',
  'x-api-key',
])

/** The subprotocol that carries a bearer token (apiserver authentication/request/websocket/protocol.go). */
const BEARER_SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.'

/**
 * Three words with dots between them, as a token in a place where nobody takes one (RFC 6750 section 2.3) would be. It
 * begins at a boundary, so that no target makes the search longer than itself.
 */
const THREE_WORDS = /(?<![\w-])[\w-]+\.[\w-]+\.[\w-]*/g

/** A JSON object in base64url begins with these: the header of a JWT. */
function withoutToken(words: string): string {
  const at = words.indexOf('eyJ')
  return at === -1 ? words : words.slice(0, at) + REDACTED
}

/** The same field lines with the values of credentials replaced; the array itself where there are none. */
export function redacted(fields: Fields): Fields {
  let copy: string[] | undefined
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase()
    const value = fields[at + 1] as string
    let clean = value
    if (CREDENTIALS.has(name)) clean = REDACTED
    else if (name === 'sec-websocket-protocol' && value.includes(BEARER_SUBPROTOCOL)) {
      const kept = value.split(',').map((element) => element.trim())
      clean = kept.map((element) => (element.startsWith(BEARER_SUBPROTOCOL) ? REDACTED : element)).join(', ')
    }
    if (clean === value) continue
    copy ??= fields.slice()
    copy[at + 1] = clean
  }
  return copy ?? fields
}

export function principalBody(principal: Principal): PrincipalBody {
  return { user: principal.user, groups: principal.groups, actor: principal.actor }
}

export function attributesBody(attributes: RequestAttributes): AttributesBody {
  return {
    verb: attributes.verb,
    apiGroup: attributes.apiGroup,
    apiVersion: attributes.apiVersion,
    namespace: attributes.namespace,
    resource: attributes.resource,
    subresource: attributes.subresource,
    name: attributes.name,
    path: attributes.path,
  }
}

/**
 * A request entry from what is known so far; a refusal may come before the caller or the path is known. Its words are
 * masked: a token on a command line is not for the tape.
 */
export function requestBody(
  words: MaskedWords,
  exchange: number,
  auditId: string,
  asked: { readonly method: string; readonly target: string; readonly fields: Fields },
  principal: Principal | undefined,
  attributes: RequestAttributes | undefined,
): RequestBody {
  const target = words.target(asked.target.replace(THREE_WORDS, withoutToken))
  const claims = claimsOf(asked.fields)
  const isSaid = claims.run !== '' || claims.intent !== '' || claims.ticket !== ''
  return {
    exchange,
    method: asked.method,
    target,
    fields: words.fields(redacted(asked.fields)),
    principal: principal === undefined ? null : principalBody(principal),
    attributes: attributes === undefined ? null : maskedAttributes(words, attributes, target === asked.target),
    command: attributes === undefined ? [] : words.command(attributes.command),
    auditId,
    ...(isSaid ? { claims: maskedClaims(words, claims) } : {}),
  }
}

function maskedClaims(words: MaskedWords, { run, intent, ticket }: Claims): Claims {
  return { run: words.text(run), intent: words.text(intent), ticket: words.text(ticket) }
}

/** The path says what the target does. Names of kinds and namespaces stay, or nobody could search for them. */
function maskedAttributes(words: MaskedWords, attributes: RequestAttributes, isPlain: boolean): AttributesBody {
  const body = attributesBody(attributes)
  return isPlain ? body : { ...body, name: words.text(body.name), path: words.text(body.path) }
}

export function decisionBody(words: MaskedWords, exchange: number, decision: Decision): DecisionBody {
  const { rule } = decision
  const approval = 'consent' in decision && decision.consent !== undefined ? { approval: decision.consent.id } : {}
  if (decision.allowed) return { exchange, effect: 'allow', rule, reason: words.text(decision.reason), ...approval }
  const { consent } = decision
  const reason = words.text(decision.message)
  if (consent === undefined) return { exchange, effect: 'deny', rule, reason }
  return { exchange, effect: consent.isOpen ? 'ask' : 'deny', rule: consent.rule, reason, approval: consent.id }
}

/** What was masked in an exchange: by which rule, which fields, how many values. */
export function maskedBody(exchange: number, { rule, fields, count }: Masked): NoteBody {
  return { code: rule, text: fields, facts: { exchange, count } }
}

/** Part of a body as it was before it was masked. */
export function originalBody(
  of: 'requestBody' | 'responseBody',
  exchange: number,
  { at, length, bytes }: Original,
): OriginalBody {
  return { of, exchange, channel: 0, at, length, bytes }
}

/** A body that is there whole, as one entry: kept up to `cap` bytes, its sum over all of it. Throws TapeFailed. */
export function recordWhole(
  tape: Tape,
  kind: 'requestBody' | 'responseBody',
  exchange: number,
  body: Uint8Array,
  cap: number,
): void {
  const cut = body.length > cap
  const sha256 = createHash('sha256').update(body).digest()
  const bytes = cut ? body.subarray(0, cap) : body
  tape.append(kind, { exchange, bytes, end: { length: body.length, sha256, cut } })
}
