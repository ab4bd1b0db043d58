// What an HTTP/1.1 machine says and is told, in both roles (RFC 9112).

import type { Fields } from '../fields.ts'
import type { Http1Error } from './errors.ts'

/** A request line and its fields, as parsed; `target` is origin-form and starts with "/". */
export interface RequestHead {
  readonly method: string
  readonly target: string
  /** The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: 0 | 1
  readonly fields: Fields
}

export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly minor: 0 | 1
  readonly fields: Fields
}

/** How a body is framed (RFC 9112 section 6): a length in bytes, chunked, or until the connection closes (responses only). */
export type BodyFraming = number | 'chunked' | 'close'

export type Http1ServerEvent =
  /**
   * A whole request head. With `upgrade` (the lower-cased Upgrade token list, asked for by Connection) nothing that
   * follows is parsed until the answer decides: after `switch` it is `takeTrailing()`, after any other answer the
   * connection ends.
   */
  | {
      readonly type: 'request'
      readonly head: RequestHead
      readonly framing: number | 'chunked'
      readonly expectContinue: boolean
      readonly keepAlive: boolean
      readonly upgrade: string | undefined
    }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly trailers: Fields }
  | { readonly type: 'failed'; readonly error: Http1Error }

export type Http1ServerCommand =
  | { readonly type: 'continue' }
  /** `framing` decides what is written: the machine adds Content-Length or Transfer-Encoding itself, and Connection: close where it will close. */
  | {
      readonly type: 'response'
      readonly status: number
      readonly reason: string
      readonly fields: Fields
      readonly framing: number | 'chunked' | 'none'
      readonly close?: boolean
    }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly trailers?: Fields }
  /** 101 Switching Protocols: HTTP ends here. */
  | { readonly type: 'switch'; readonly fields: Fields }

export type Http1ClientEvent =
  /** A 1xx answer other than 101. */
  | { readonly type: 'informational'; readonly head: ResponseHead }
  | { readonly type: 'response'; readonly head: ResponseHead; readonly framing: BodyFraming }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  /** `reusable`: the connection may carry another request. */
  | { readonly type: 'end'; readonly trailers: Fields; readonly reusable: boolean }
  /** 101 to a request that asked for it. HTTP ends here; what follows is `takeTrailing()`. */
  | { readonly type: 'switched'; readonly head: ResponseHead }
  | { readonly type: 'failed'; readonly error: Http1Error }

export type Http1ClientCommand =
  /** `upgrade`: a 101 is allowed as the answer; without it a 101 is a fault. */
  | {
      readonly type: 'request'
      readonly method: string
      readonly target: string
      readonly fields: Fields
      readonly framing: number | 'chunked'
      readonly upgrade?: boolean
    }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
