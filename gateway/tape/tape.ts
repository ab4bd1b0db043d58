// The tape as the pipeline sees it: append in order, know when it is on disk, be told when the store has failed.

import type { BodyEnd, EntryBodies, EntryKind, TapeKind } from '../../protocols/tape/entry.ts'

export interface TapeOpening {
  readonly kind: TapeKind
  readonly cluster: string
  readonly client: string
  readonly previous?: string
}

export interface Tape {
  /** A ULID. */
  readonly id: string
  /** Bytes stored so far, for rotation. */
  readonly size: number
  /** Opened at, milliseconds since 1970. */
  readonly openedAt: number
  /**
   * Appends an entry: synchronous, in order, hashed at once and queued for the next batch. Views in the body are copied
   * before it returns. Throws TapeFailed if the store has failed: then nothing may pass.
   */
  append<K extends Exclude<EntryKind, 'open' | 'seal' | 'stream'>>(kind: K, body: EntryBodies[K]): void
  /** Appends stream bytes; small ones are joined (limits.tape.joinBytes, joinMillis). Copies. Throws TapeFailed. */
  stream(channel: number, bytes: Uint8Array): void
  /** Appends bytes of an answer's body, joined likewise; `exchange` from 1. Copies. Throws TapeFailed. */
  body(exchange: number, bytes: Uint8Array): void
  /** Ends an answer's body: its sum goes into the entry of its last bytes where that is still open. Throws TapeFailed. */
  bodyEnd(exchange: number, end: BodyEnd): void
  /** Resolves when all that was appended so far is on disk (fdatasync); rejects with TapeFailed. */
  durable(): Promise<void>
  /** The last entry. Idempotent. After it append throws MisuseError. */
  seal(reason: string): void
}

export interface TapeStore {
  /** Opens a tape; its `open` entry is queued. Throws TapeFailed. */
  open(opening: TapeOpening): Tape
  /** Set from the first write error until the store has been reopened. */
  readonly failed: Error | undefined
  /** True while sources must be paused: backlog over limits.tape.backlogBytes, or older than groupMillis. */
  readonly congested: boolean
  /** Called when `congested` turns false, and once when the store fails (within 100 ms of the fault). Returns the remover. */
  onChange(listener: () => void): () => void
  /** Seals what is open, writes everything, closes the database. */
  close(): Promise<void>
}

/** The store cannot take entries. Its cause is the I/O error; the message names the path's problem and the fix, not a secret. */
export class TapeFailed extends Error {}
