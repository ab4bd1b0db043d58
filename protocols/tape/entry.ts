// What is on a tape: entries of `msgpack([seq, microseconds since the tape opened, kind, body])`, each hashed as stored.
// This file names the kinds and the bodies; codec.ts turns them into bytes and back, chain.ts hashes them.

import type { Fields } from '../fields.ts'

export type EntryKind =
  | 'open'
  | 'request'
  | 'requestBody'
  | 'decision'
  | 'response'
  | 'responseBody'
  | 'stream'
  | 'masked'
  | 'original'
  | 'note'
  | 'seal'

/**
 * What a tape records: the API calls of one client connection, or one session of a streaming subresource; `control`: what
 * people and the clock do to approvals, grants, locks and the policy, as notes.
 */
export type TapeKind = 'api' | 'exec' | 'attach' | 'portforward' | 'control'

/** Always entry 0. */
export interface OpenBody {
  /** The format's version: 1. */
  readonly format: 1
  /** The tape's id, a ULID. */
  readonly tape: string
  readonly kind: TapeKind
  /** Microseconds since 1970-01-01 UTC. */
  readonly openedAt: number
  /** "" for `control`, which is about all of them. */
  readonly cluster: string
  /** The client's address, "127.0.0.1:51234"; "" for `control`. */
  readonly client: string
  /** Who writes: "sallyport/0.1.0". */
  readonly writer: string
  /** The API or control tape that this one continues. */
  readonly previous?: string
}

/** Who calls, as the gateway established it. */
export interface PrincipalBody {
  readonly user: string
  readonly groups: readonly string[]
  /** The agent acting for the user (JWT `act`, RFC 8693 section 4.1), "" if nobody. */
  readonly actor: string
}

/** Kubernetes' request attributes (apiserver requestinfo.go) as the gateway parsed them. */
export interface AttributesBody {
  /** get, list, watch, create, update, patch, delete, deletecollection; exec, attach, portforward, proxy; a lower-case method for non-resource paths. */
  readonly verb: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** The path rebuilt from what was parsed, without the query. */
  readonly path: string
}

/** A request head, before it goes anywhere. `exchange` numbers the requests of a tape from 1. */
export interface RequestBody {
  readonly exchange: number
  readonly method: string
  /** Path and query as they go upstream. */
  readonly target: string
  /** As received; the values of credentials (Authorization, Cookie, bearer subprotocols) replaced by "<redacted>". */
  readonly fields: Fields
  /** Null while nobody could be identified. */
  readonly principal: PrincipalBody | null
  /** Null for a path that could not be parsed. */
  readonly attributes: AttributesBody | null
  /** argv of an exec; empty otherwise. */
  readonly command: readonly string[]
  /** The Audit-ID sent to the cluster; also Status.details.uid of a refusal. */
  readonly auditId: string
  /** What the caller says of itself; absent where it says nothing. */
  readonly claims?: ClaimsBody
}

/** The `Sallyport-*` fields of a request, cleaned and bounded: each or "". Nobody has checked them. */
export interface ClaimsBody {
  readonly run: string
  readonly intent: string
  readonly ticket: string
}

/** A request body (whole, one entry) or a piece of a response body. The last entry of a body has `end`. */
export interface BodyPiece {
  readonly exchange: number
  readonly bytes: Uint8Array
  readonly end?: BodyEnd
}

/** The sum of a body: its length and SHA-256 cover all that passed, also what was not kept. */
export interface BodyEnd {
  readonly length: number
  readonly sha256: Uint8Array
  /** True if bytes past the cap were not kept on the tape. */
  readonly cut: boolean
  /** True if the body ended before it was complete (a peer went away). */
  readonly broken?: boolean
}

export interface DecisionBody {
  readonly exchange: number
  /** `ask`: a rule has put the call to people, who have not said yes in time. */
  readonly effect: 'allow' | 'deny' | 'ask'
  /** The rule's name, "default", or the check that refused ("authn.expired"). */
  readonly rule: string
  readonly reason: string
  /** The approval or standing grant that the call has to do with, by its id. */
  readonly approval?: string
}

export interface ResponseBody {
  readonly exchange: number
  readonly status: number
  readonly fields: Fields
  /** Who answered: the cluster, or the gateway itself. */
  readonly by: 'cluster' | 'gateway'
}

/**
 * Bytes of an exec, attach or port-forward, several frames joined. `runs` is flat: [microseconds after this entry's
 * time, channel, length, …]; the lengths add up to `bytes`. Channels: protocols/kube/channels.ts.
 */
export interface StreamBody {
  readonly runs: readonly number[]
  readonly bytes: Uint8Array
}

/**
 * Bytes that are on this tape in a masked form, as they were: encrypted to auditors whose keys the gateway does not have. Each
 * is a file of its own in the age format (https://age-encryption.org/v1).
 */
export interface OriginalBody {
  readonly of: 'requestBody' | 'responseBody' | 'stream'
  /** Of a body; 0 of a stream. */
  readonly exchange: number
  /** Of a stream; 0 of a body. */
  readonly channel: number
  /** Where its bytes begin in the body, or in what has come on the channel, and how many there are before encryption. */
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

/** Something worth knowing that is not a byte of the stream: a port-forward connection opened, a token expired, a cut. */
export interface NoteBody {
  readonly code: string
  readonly text: string
  /** Structured facts: port, channel, stream headers. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>
}

/** Always the last entry. */
export interface SealBody {
  /** Why the tape ended: "closed", "client gone", "cluster gone", "token expired", "drained", "locked", "rotated", "fault", "crashed". */
  readonly reason: string
  /** How many entries there are, this one counted. */
  readonly entries: number
}

export interface EntryBodies {
  open: OpenBody
  request: RequestBody
  requestBody: BodyPiece
  decision: DecisionBody
  response: ResponseBody
  responseBody: BodyPiece
  stream: StreamBody
  masked: NoteBody
  original: OriginalBody
  note: NoteBody
  seal: SealBody
}

/** One entry, decoded. */
export type Entry = {
  [K in EntryKind]: { readonly seq: number; readonly micros: number; readonly kind: K; readonly body: EntryBodies[K] }
}[EntryKind]
