// What somebody asks of a list of tapes <-> the query of the admin API; and whether a tape's opening and requests match.
// Values that mean nothing (an unknown kind, a time that is none) are refused with what would be right.

import { commandLine } from '../protocols/kube/command-line.ts'
import type { OpenBody, RequestBody, TapeKind } from '../protocols/tape/entry.ts'
import { isUlid } from '../protocols/tape/ulid.ts'

/** All given parts must hold; those about requests must hold for one and the same request. */
export interface TapeFilter {
  /** The caller's name, whole. */
  readonly user?: string
  /** The agent's name, whole. */
  readonly actor?: string
  readonly cluster?: string
  readonly kind?: TapeKind
  readonly verb?: string
  /** The plural, without a group. */
  readonly resource?: string
  readonly namespace?: string
  /** Opened at or after, before; milliseconds since 1970. */
  readonly since?: number
  readonly until?: number
  /** Part of the command line, upper and lower case alike. */
  readonly text?: string
  /** At most so many tapes. */
  readonly limit: number
  /** Only tapes older than this id: where the last page ended. */
  readonly cursor?: string
}

/** Tapes in one answer, unless asked otherwise, and at most. */
export const LIST_LIMIT = { default: 50, largest: 1_000 } as const

/** A filter that means nothing. The message says which part, and what would be right. */
export class BadFilter extends Error {}

export const TAPE_KINDS: readonly TapeKind[] = ['api', 'exec', 'attach', 'portforward', 'control']

const WORDS = ['user', 'actor', 'cluster', 'verb', 'resource', 'namespace', 'text'] as const
const NAMES: ReadonlySet<string> = new Set([...WORDS, 'kind', 'since', 'until', 'limit', 'cursor'])

/** Longest value of one part, in UTF-16 units. */
const LONGEST = 512
/** Reads a filter. Parts that are absent or empty are not asked for. Throws BadFilter. */
export function parseFilter(query: URLSearchParams): TapeFilter {
  for (const name of query.keys()) {
    if (!NAMES.has(name)) throw new BadFilter(`there is no such filter; take one of ${[...NAMES].join(', ')}`)
  }
  const filter: { -readonly [K in keyof TapeFilter]: TapeFilter[K] } = { limit: limitOf(query.get('limit')) }
  for (const name of WORDS) {
    const value = query.get(name) ?? ''
    if (value.length > LONGEST) throw new BadFilter(`${name} is longer than ${LONGEST} characters`)
    if (value !== '') filter[name] = value
  }
  const kind = query.get('kind') ?? ''
  if (kind !== '') filter.kind = kindOf(kind)
  for (const name of ['since', 'until'] as const) {
    const value = query.get(name) ?? ''
    if (value !== '') filter[name] = timeOf(name, value)
  }
  const cursor = query.get('cursor') ?? ''
  if (cursor !== '') {
    if (!isUlid(cursor)) throw new BadFilter('cursor must be the id of a tape')
    filter.cursor = cursor
  }
  return filter
}

/** The query that `parseFilter` reads as this filter. */
export function filterQuery(filter: TapeFilter): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    query.set(name, name === 'since' || name === 'until' ? new Date(Number(value)).toISOString() : String(value))
  }
  return query
}

/** Whether the parts about the tape itself hold. */
export function matchesOpening(filter: TapeFilter, open: OpenBody): boolean {
  const millis = open.openedAt / 1000
  return (
    (filter.cluster === undefined || filter.cluster === open.cluster) &&
    (filter.kind === undefined || filter.kind === open.kind) &&
    (filter.since === undefined || millis >= filter.since) &&
    (filter.until === undefined || millis < filter.until)
  )
}

/** Whether anything is asked of the tape's requests, so that they must be read. */
export function asksOfRequests({ user, actor, verb, resource, namespace, text }: TapeFilter): boolean {
  return [user, actor, verb, resource, namespace, text].some((part) => part !== undefined)
}

/** Whether the parts about a request hold for this one. */
export function matchesRequest(filter: TapeFilter, request: RequestBody): boolean {
  return (
    (filter.user === undefined || filter.user === request.principal?.user) &&
    (filter.actor === undefined || filter.actor === request.principal?.actor) &&
    (filter.verb === undefined || filter.verb === request.attributes?.verb) &&
    (filter.resource === undefined || filter.resource === request.attributes?.resource) &&
    (filter.namespace === undefined || filter.namespace === request.attributes?.namespace) &&
    (filter.text === undefined || commandLine(request).toLowerCase().includes(filter.text.toLowerCase()))
  )
}

function limitOf(text: string | null): number {
  if (text === null || text === '') return LIST_LIMIT.default
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > LIST_LIMIT.largest) throw new BadFilter(`limit must be from 1 to ${LIST_LIMIT.largest}`)
  return limit
}

function kindOf(text: string): TapeKind {
  const kind = TAPE_KINDS.find((known) => known === text)
  if (kind === undefined) throw new BadFilter(`kind must be one of ${TAPE_KINDS.join(', ')}`)
  return kind
}

function timeOf(name: string, text: string): number {
  const millis = /^\d{4}-\d\d-\d\d/.test(text) && text.length <= 40 ? Date.parse(text) : Number.NaN
  if (Number.isNaN(millis)) throw new BadFilter(`${name} must be a time as in 2026-11-23T12:00:00Z`)
  return millis
}
