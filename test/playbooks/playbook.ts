// What a playbook is: an attack that was once found in somebody's proxy, as data. It names the source, what the client and
// the cluster send, and what must come out on each side and on the tape. The players turn it into tests.

import type { EntryKind, TapeKind } from '../../protocols/tape/entry.ts'

/**
 * Text is one byte a character. Marks in it stand for what is only known when it is played: `{{alice}}` a token (who is
 * who: `tokens`), `{{accept}}` the answer to the last WebSocket key; and, in what the cluster must get, `{{cluster}}` its
 * own address, `{{tape}}`, `{{issuer}}` and `{{audit}}`.
 */
export type Bytes = string | Uint8Array

export interface Playbook {
  readonly name: string
  /** CVE, GHSA, RFC section, issue or paper. */
  readonly sources: readonly string[]
  /** One sentence: what an attacker gains where this is not refused. */
  readonly why: string
  readonly plays: readonly Play[]
}

export type Play = MachinePlay | GatewayPlay

// -- against a pure machine

/** By the protocol and the side that is played against it: "client" is a machine that faces a client. */
export type MachineName =
  | 'http1 facing a client'
  | 'http1 facing a cluster'
  | 'http1 facing a cluster asked to upgrade'
  | 'websocket facing a client'
  | 'websocket facing a cluster'
  | 'channels facing a client'
  | 'channels facing a cluster'
  | 'spdy facing a client'
  | 'spdy facing a cluster'
  | 'http2 facing a client'

export interface MachinePlay {
  readonly against: 'machine'
  readonly name: string
  readonly machine: MachineName
  /** What the peer sends: the side that the machine faces. Played whole, byte by byte and under random cuts. */
  readonly bytes: Bytes
  /** The peer's connection ends behind the bytes. */
  readonly ends?: boolean
  readonly expect: {
    /** The one check that refuses it. */
    readonly rule: string
    /** HTTP status, HTTP/2 error, WebSocket close code or SPDY status. */
    readonly code: number
    /** HTTP/2: only this stream is reset; the connection goes on. */
    readonly stream?: number
    /** What the machine tells before it: types of events, those in a row once. Nothing, unless given. */
    readonly told?: readonly string[]
  }
}

// -- against a running gateway, with a recording cluster behind it

export interface GatewayPlay {
  readonly against: 'gateway'
  readonly name: string
  /**
   * Who is meant by which mark. `alice` and `bob` (admins), `reader` (no rule is for
   * her) and `guarded` (two denials are) are always there.
   */
  readonly tokens?: Readonly<Record<string, TokenSpec>>
  /** What the client does, in order. A connection is made before the first step unless that is `connect`. */
  readonly client: readonly ClientStep[]
  /** What the cluster does, in order, whatever connections the gateway makes. A request beyond the last is answered 200. */
  readonly cluster?: readonly ClusterStep[]
  readonly expect: {
    /** What the client must see next, after its last step. */
    readonly client: readonly Sight[]
    /** Every byte that the cluster gets: each request, then what came behind a 101, in one piece. */
    readonly cluster: 'nothing' | readonly (Bytes | ClosingFrame)[]
    /** Every tape of the play's connections, in the order in which they were opened. */
    readonly tape: readonly TapeSight[]
    /** Paths that the issuer was asked for; not looked at unless given. */
    readonly issuer?: readonly string[]
  }
}

/** What came behind a 101 ends in a Close frame of the gateway's own, under a mask that nobody can foretell. */
export interface ClosingFrame {
  readonly before?: Uint8Array
  readonly close: number
}

export type ClientStep =
  /** Sends. */
  | Bytes
  | Sight
  /** Goes on with a connection of its own; the earlier ones stay. */
  | { readonly connect: Connecting }
  /** Lets the gateway's clock go on by milliseconds, and waits until it has looked at it. */
  | { readonly advance: number }
  /** Waits until the cluster has done so many of its steps. */
  | { readonly after: number }
  /** A request of HTTP/2, encoded with its marks filled in; its pseudo-header fields are those of GET unless given. */
  | {
      readonly http2: readonly (readonly [name: string, value: string])[]
      readonly stream: number
    }
  /** Sends FIN. */
  | { readonly end: true }
  /** Opens so many TCP connections that say nothing, from an address of loopback. */
  | { readonly crowd: number; readonly from: string }
  /** Keeps sending these bytes, up to so many times, until the connection ends. */
  | { readonly flood: Bytes; readonly times: number }
  /** Each user sends so many requests on lanes of its own, all at once; every answer must be its own. */
  | { readonly race: readonly string[]; readonly requests: number; readonly lanes: number }

/** What the client sees. */
export type Sight =
  /** A whole answer: its status, the rule in its Status, its body; `lacks`: fields that it must not have. */
  | { readonly answer: number; readonly rule?: string; readonly body?: string; readonly lacks?: readonly string[] }
  /** The head of an answer to HEAD. */
  | { readonly head: number }
  /** These bytes next. */
  | { readonly receive: Bytes }
  /** WebSocket frames, then a Close with this code. */
  | { readonly webSocketClose: number }
  /** SPDY frames, then GOAWAY. */
  | { readonly goAway: true }
  /** HTTP/2 frames, then GOAWAY with this code; or RST_STREAM of a stream; or the end of a stream's body. */
  | { readonly http2Goaway: number }
  | { readonly http2Reset: number; readonly code: number }
  | { readonly http2Body: number; readonly rule?: string; readonly body?: string }
  /** Nothing more, and the end of the connection; `within`: milliseconds. */
  | { readonly closed: true; readonly within?: number }
  /** Whatever there is of an answer, and the end of the connection without the answer being complete. */
  | { readonly brokenOff: true; readonly within?: number }
  /** The connection does not come about; its `connect` was the step before. */
  | { readonly refused: true }
  /** The protocol that was agreed on, as TLS says it. */
  | { readonly alpn: string | false }

export interface Connecting {
  /** To the admin API. */
  readonly admin?: true
  /** The client's own address; 127.0.0.1 unless given. */
  readonly from?: string
  /** TCP alone. */
  readonly plain?: true
  readonly alpn?: readonly string[]
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2'
  readonly ciphers?: string
  readonly serverName?: string
  /** Asks for a renegotiation once connected, which must fail. */
  readonly renegotiate?: true
}

export type ClusterStep =
  /** Waits for a whole request on any connection, and writes this. */
  | { readonly answer: Bytes; readonly last?: 'end' }
  /** Waits for so many requests and does not answer them. */
  | { readonly asked: number }
  /** Waits for a request's head alone and writes this; the body is read later and not recorded. */
  | { readonly early: Bytes }
  /** Answers every further request with the name of whom it was sent for. */
  | { readonly echo: true }
  /** Writes this on the same connection, now. */
  | { readonly send: Bytes }
  /** Waits until this has come behind the 101. */
  | { readonly until: Bytes }
  /** Waits until the gateway has closed the connection. */
  | { readonly closed: true }
  /** Answers nothing more. */
  | { readonly keep: true }

export interface TapeSight {
  /** "api" unless given. */
  readonly kind?: TapeKind
  /** Kinds of all entries in order, those in a row once. */
  readonly kinds: readonly EntryKind[]
  /** Rules of all decisions, in order; none unless given. */
  readonly decisions?: readonly string[]
  /** What each request asks for, as policy judged it: "watch secrets", "exec pods/exec p"; not looked at unless given. */
  readonly asks?: readonly string[]
  /** Codes that are among the notes. */
  readonly notes?: readonly string[]
  readonly seal: string
}

// -- tokens

export interface TokenSpec {
  /** Over the defaults: alg, kid and typ of the issuer's key. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Over the defaults: iss, aud, sub, groups, exp in an hour. Undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Seconds from the moment of the play. */
  readonly expiresIn?: number
  readonly notBeforeIn?: number
  /** What signs; the issuer's own key unless given. */
  readonly signer?: Signer
  /** In place of the claims: JSON as text. */
  readonly json?: string
  /** In place of the header: JSON as text. */
  readonly headerJson?: string
  /** All of it, signed by nobody. */
  readonly raw?: string
}

export type Signer =
  | 'issuer'
  /** The issuer's RSA key, whose public half is published beside the other. */
  | 'issuer rsa'
  /** A key that the issuer has never seen. */
  | 'stranger'
  /** The second issuer that the gateway trusts. */
  | 'second issuer'
  /** A third one, whose users are their email, and whose names all begin with "sys". */
  | 'issuer by email'
  /** No signature at all, with the last dot. */
  | 'nobody'
  /** HMAC with what an attacker knows: the public key as PEM, with a space before it, or as JWK. */
  | 'hmac with pem'
  | 'hmac with spaced pem'
  | 'hmac with jwk'
  /** r = s = 0, of the right length (CVE-2022-21449). */
  | 'zeros'
  /** A key on another curve than the algorithm is for. */
  | 'other curve'
