// The masked channels of one session: what comes in on a channel, and what of it may pass, in its masked form on the tape
// before. What looks compressed or encrypted is noted on the tape, or refused where the rule says so.

import { FORWARD_BASE } from '../../protocols/kube/channels.ts'
import { OpaqueOpening } from '../../protocols/kube/opaque-opening.ts'
import type { Shown, TextMasker } from '../../protocols/kube/text-masker.ts'
import { limits } from '../../protocols/limits.ts'
import type { Cut, StreamMask, StreamRecorder } from './stream-protocol.ts'

/** Puts bytes that were let go of into frames. They are borrowed. */
export interface Outlet {
  release(channel: MaskedChannel, bytes: Uint8Array): void
}

const NOTHING = new Uint8Array(0)

export class MaskedChannels {
  readonly mask: StreamMask
  readonly recorder: StreamRecorder
  readonly quietMillis: number
  readonly isTerminal: boolean
  /** How many looks make limits.mask.maskedMillis. */
  readonly looks: number
  /** Set by a channel: bytes are held back, or masks are not on the tape yet, and `look` has to be called. */
  isHolding = false
  readonly #open = new Set<MaskedChannel>()
  #outlet: Outlet | undefined

  constructor(mask: StreamMask, recorder: StreamRecorder, isTerminal: boolean) {
    this.mask = mask
    this.recorder = recorder
    this.isTerminal = isTerminal
    this.quietMillis = isTerminal ? limits.mask.terminalQuietMillis : limits.mask.quietMillis
    this.looks = Math.ceil((2 * limits.mask.maskedMillis) / this.quietMillis)
  }

  /** Who frames what is let go of; before anything is received. */
  leadTo(outlet: Outlet): void {
    this.#outlet = outlet
  }

  /** A channel in one direction. `wire` is its protocol's number for it, `tape` that of the tape. */
  open(wire: number, tape: number, toClient: boolean): MaskedChannel {
    const channel = new MaskedChannel(this, wire, tape, toClient)
    this.#open.add(channel)
    return channel
  }

  /** Called twice in `quietMillis` while `isHolding`. Throws TapeFailed. */
  look(): void {
    this.isHolding = false
    for (const channel of this.#open) {
      const bytes = channel.look()
      if (bytes.length > 0) this.#outlet?.release(channel, bytes)
    }
  }

  /** The channel will get no more: lets go of what it holds. Throws TapeFailed. */
  end(channel: MaskedChannel): void {
    this.#open.delete(channel)
    const bytes = channel.end()
    if (bytes.length > 0) this.#outlet?.release(channel, bytes)
  }

  /** Nobody gets any more of the channel. Throws TapeFailed. */
  drop(channel: MaskedChannel): void {
    this.#open.delete(channel)
    channel.tell()
  }

  /** Ends all channels, or all of one direction. Throws TapeFailed. */
  endAll(toClient?: boolean): void {
    for (const channel of this.#open) if (toClient === undefined || channel.toClient === toClient) this.end(channel)
  }

  /** What a command says on its error channel comes behind all that it wrote, and a connection's error behind its data. Throws TapeFailed. */
  flushBefore(last: MaskedChannel): void {
    for (const channel of this.#open) {
      if (channel === last || channel.toClient !== last.toClient || groupOf(channel) !== groupOf(last)) continue
      const bytes = channel.flush()
      if (bytes.length > 0) this.#outlet?.release(channel, bytes)
    }
  }
}

/** Channels of one command, or of one forwarded connection. */
function groupOf({ tape }: MaskedChannel): number {
  return tape < FORWARD_BASE ? -1 : (tape - FORWARD_BASE) >> 2
}

export class MaskedChannel {
  readonly wire: number
  readonly tape: number
  readonly toClient: boolean
  readonly #all: MaskedChannels
  readonly #masker: TextMasker
  /** What passes is the original: to the cluster, and to a caller who is exempt. */
  readonly #passesOriginal: boolean
  readonly #opening = new OpaqueOpening()
  #moved = false
  /** Bytes of the channel that are on the tape. */
  #at = 0
  /** Looks since something was masked that the tape has not been told; -1: nothing. */
  #untold = -1
  #isOver = false
  /** Why nothing more may pass. */
  refusal: Cut | undefined

  constructor(all: MaskedChannels, wire: number, tape: number, toClient: boolean) {
    this.wire = wire
    this.tape = tape
    this.toClient = toClient
    this.#all = all
    this.#masker = all.mask.masker({ terminal: all.isTerminal })
    this.#passesOriginal = !toClient || all.mask.isExempt
  }

  get isHolding(): boolean {
    return this.#masker.held > 0
  }

  /** Takes borrowed bytes. What may pass now is on the tape; it is borrowed until the next call. Nothing once there is a `refusal`. Throws TapeFailed. */
  receive(bytes: Uint8Array): Uint8Array {
    if (this.#opening.isOpen) this.#look(bytes)
    if (this.refusal !== undefined) return NOTHING
    this.#moved = true
    return this.#pass(this.#masker.receive(bytes))
  }

  /** More may come, but what is held goes now. Throws TapeFailed. */
  flush(): Uint8Array {
    return this.#masker.held > 0 ? this.#pass(this.#masker.flush()) : NOTHING
  }

  /** What nothing has come behind since the last look. Throws TapeFailed. */
  look(): Uint8Array {
    if (this.#untold >= 0 && ++this.#untold >= this.#all.looks) this.tell()
    const bytes = this.#moved ? NOTHING : this.flush()
    this.#moved = false
    if (this.#masker.held > 0 || this.#untold >= 0) this.#all.isHolding = true
    return bytes
  }

  /** The last bytes. Throws TapeFailed. */
  end(): Uint8Array {
    if (this.#isOver) return NOTHING
    this.#isOver = true
    const bytes = this.refusal === undefined ? this.#pass(this.#masker.end()) : NOTHING
    this.tell()
    return bytes
  }

  /** Puts on the tape what was masked. Throws TapeFailed. */
  tell(): void {
    this.#untold = -1
    const masked = this.#masker.taken()
    if (masked !== undefined) this.#all.recorder.masked(this.tape, masked)
  }

  #pass({ original, masked }: Shown): Uint8Array {
    if (masked !== original && masked.length > 0) this.#keepOriginal(original)
    if (masked.length > 0) this.#all.recorder.bytes(this.tape, masked)
    this.#at += masked.length
    if (masked !== original && masked.length > 0 && this.#untold < 0) this.#untold = 0
    if (this.#untold >= 0 || this.#masker.held > 0) this.#all.isHolding = true
    return this.#passesOriginal ? original : masked
  }

  #keepOriginal(original: Uint8Array): void {
    const { mask, recorder } = this.#all
    if (mask.seal !== undefined) recorder.original(this.tape, this.#at, original.length, mask.seal(original))
  }

  /** Its masker runs over an opaque stream as well: else two bytes in front of a text would hide all that follows. */
  #look(bytes: Uint8Array): void {
    const content = this.#opening.receive(bytes)
    if (content === undefined) return
    const isDenied = this.#all.mask.opaque === 'deny'
    const text = isDenied ? 'it cannot be inspected, so it does not pass' : 'it passes; what is in it was not inspected'
    const { tape } = this
    const facts = { channel: tape, content, ...(tape < FORWARD_BASE ? {} : { connection: groupOf(this) }) }
    this.#all.recorder.note('mask.opaque', text, facts)
    if (!isDenied) return
    const message = `sallyport: stream cut: it looks like ${content}, and what cannot be inspected may not pass here; send it plain`
    this.refusal = { reason: 'opaque content', message }
  }
}

/** True if both are the same memory: bytes went through a masker untouched, and none is held. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.byteOffset === other.byteOffset && one.buffer === other.buffer
}

/** The bytes in memory that a masker does not write to: a view of `source`, which nobody writes to, or a copy. */
export function kept(bytes: Uint8Array, source: Uint8Array): Uint8Array {
  const isView =
    bytes.buffer === source.buffer &&
    bytes.byteOffset >= source.byteOffset &&
    bytes.byteOffset + bytes.length <= source.byteOffset + source.length
  return isView ? bytes : new Uint8Array(bytes)
}
