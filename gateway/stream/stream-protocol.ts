// What the relay of an upgraded connection asks of the protocol that runs on it: two machines, and what each event means.

import type { Connection } from '../../protocols/connection.ts'
import type { PeerError } from '../../protocols/errors.ts'
import type { MaskerOptions, TextMasked, TextMasker } from '../../protocols/kube/text-masker.ts'
import type { MaskedChannels } from './masked-channels.ts'

/** What masks the bytes of one stream, for this caller. */
export interface StreamMask {
  /** A masker for one direction of one channel. */
  masker(options: MaskerOptions): TextMasker
  /** The caller sees what is masked on the tape. */
  readonly isExempt: boolean
  /** Whether what is compressed or encrypted, and so cannot be looked into, may pass. */
  readonly opaque: 'pass' | 'deny'
  /** Encrypts what is masked, as it was, where that is kept. */
  readonly seal?: ((bytes: Uint8Array) => Uint8Array) | undefined
}

/** Where a stream's bytes go before they pass. Throws TapeFailed: then nothing passes. */
export interface StreamRecorder {
  bytes(channel: number, piece: Uint8Array): void
  note(code: string, text: string, facts?: Readonly<Record<string, string | number | boolean>>): void
  /** What was masked on a channel since this was told last. */
  masked(channel: number, masked: TextMasked): void
  /** Bytes of a channel as they were before they were masked, encrypted; `at` and `length`: of the bytes in the clear. */
  original(channel: number, at: number, length: number, bytes: Uint8Array): void
}

/** Why the gateway ends a stream: the tape's word for it, and a sentence for the person at the terminal. */
export interface Cut {
  readonly reason: string
  readonly message: string
  /** What a peer did wrong, where that is why: a protocol that has a code for it says it. */
  readonly fault?: PeerError
}

/**
 * One protocol on an upgraded connection. `fromClient` and `fromCluster` record an event and then hand its bytes to the
 * other machine, or return what ends the stream, a peer's fault or a rule of ours; bytes behind it never pass.
 */
export interface StreamProtocol<Event, Command> {
  /** Faces the client. */
  readonly client: Connection<Event, Command>
  /** Faces the cluster. */
  readonly cluster: Connection<Event, Command>
  fromClient(event: Event): PeerError | Cut | undefined
  fromCluster(event: Event): PeerError | Cut | undefined
  /** What holds back bytes of this session. */
  readonly masked: MaskedChannels
  /** True once a side has ended the session the way its protocol says (a Close frame, a GOAWAY). */
  readonly orderly: boolean
  /**
   * Queues the last words for the sides that may still be told: why, to the client, in the form that kubectl shows; and
   * an end, to the cluster. What was held back has been let go of before. A side is `heard` if all that its machine counts as passed has been or will be written.
   */
  cut(cut: Cut, heard: { readonly client: boolean; readonly cluster: boolean }): void
}
