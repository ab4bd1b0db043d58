// A stream's protocol with a tape in memory, driven by bytes of either side: what passes to the other side, what is taped
// before, and what ends it.

import { MaskedChannels } from '../../../gateway/stream/masked-channels.ts'
import type { Cut, StreamMask, StreamProtocol, StreamRecorder } from '../../../gateway/stream/stream-protocol.ts'
import { PeerError } from '../../../protocols/errors.ts'
import { WordMasker } from './word-masker.ts'

export const SECRET = 'hunter2-secret'
export const MASK = '~'.repeat(SECRET.length)

/** What a tape was told, in order. Pieces of a channel that follow each other are one. */
export class MemoryRecorder implements StreamRecorder {
  readonly entries: [what: number | string, text: string][] = []
  readonly notes: { code: string; facts: Readonly<Record<string, string | number | boolean>> | undefined }[] = []

  readonly originals: { channel: number; at: number; length: number; text: string }[] = []

  bytes(channel: number, piece: Uint8Array): void {
    const text = Buffer.from(piece).toString('latin1')
    const last = this.entries.at(-1)
    if (last?.[0] === channel) last[1] += text
    else this.entries.push([channel, text])
  }

  note(code: string, _text: string, facts?: Readonly<Record<string, string | number | boolean>>): void {
    this.notes.push({ code, facts })
  }

  masked(channel: number, { rules, count }: { readonly rules: string; readonly count: number }): void {
    this.notes.push({ code: `masked ${rules}`, facts: { channel, count } })
  }

  original(channel: number, at: number, length: number, bytes: Uint8Array): void {
    this.originals.push({ channel, at, length, text: Buffer.from(bytes).toString('latin1') })
  }

  /** All bytes of a channel. */
  text(channel: number): string {
    return this.entries.map(([what, text]) => (what === channel ? text : '')).join('')
  }

  /** Masks told of a channel. */
  count(channel: number): number {
    let count = 0
    for (const { code, facts } of this.notes) {
      if (code.startsWith('masked ') && facts?.channel === channel) count += Number(facts.count)
    }
    return count
  }
}

export interface MaskOptions {
  readonly isExempt?: boolean
  readonly opaque?: 'pass' | 'deny'
  readonly isTerminal?: boolean
}

export function wordMask({ isExempt = false, opaque = 'pass' }: MaskOptions = {}): StreamMask {
  return { isExempt, opaque, masker: () => new WordMasker([SECRET]) }
}

export function wordChannels(recorder: StreamRecorder, options: MaskOptions = {}): MaskedChannels {
  return new MaskedChannels(wordMask(options), recorder, options.isTerminal ?? false)
}

/** Something that a stream says to itself: an event. */
type Said = { readonly type: string }

export class Session<E extends Said = Said> {
  readonly protocol: StreamProtocol<E, unknown>
  readonly recorder: MemoryRecorder
  readonly #fromClient: boolean
  readonly #toClient: Uint8Array[] = []
  readonly #toCluster: Uint8Array[] = []
  ended: PeerError | Cut | undefined

  /** `fromClient`: whose bytes `receive` takes, for assertAnyCut. */
  constructor(protocol: StreamProtocol<E, unknown>, recorder: MemoryRecorder, fromClient = false) {
    this.protocol = protocol
    this.recorder = recorder
    this.#fromClient = fromClient
  }

  receive(bytes: Uint8Array): readonly E[] {
    if (this.#fromClient) this.client(bytes)
    else this.cluster(bytes)
    return []
  }

  takeOutput(): readonly Uint8Array[] {
    this.#take()
    return []
  }

  client(bytes: Uint8Array): void {
    for (const event of this.protocol.client.receive(bytes)) {
      if (this.ended === undefined) this.#ended(this.protocol.fromClient(event))
    }
    this.#take()
  }

  cluster(bytes: Uint8Array): void {
    for (const event of this.protocol.cluster.receive(bytes)) {
      if (this.ended === undefined) this.#ended(this.protocol.fromCluster(event))
    }
    this.#take()
  }

  /** Two looks: nothing has come for as long as counts as quiet. */
  quiet(): void {
    this.protocol.masked.look()
    this.protocol.masked.look()
    this.#take()
  }

  /** What the relay does when it ends a stream. */
  cut(cut: Cut): void {
    this.protocol.masked.endAll()
    this.protocol.cut(cut, { client: true, cluster: true })
    this.#take()
  }

  get toClient(): Buffer {
    return Buffer.concat(this.#toClient)
  }

  get toCluster(): Buffer {
    return Buffer.concat(this.#toCluster)
  }

  #ended(end: PeerError | Cut | undefined): void {
    if (end === undefined) return
    this.ended = end
    this.cut(end instanceof PeerError ? { reason: 'fault', message: end.message, fault: end } : end)
  }

  #take(): void {
    for (const piece of this.protocol.client.takeOutput()) this.#toClient.push(new Uint8Array(piece))
    for (const piece of this.protocol.cluster.takeOutput()) this.#toCluster.push(new Uint8Array(piece))
  }
}
