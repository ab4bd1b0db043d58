// Connections without a network: what one end writes lies on the wire until the run delivers it, cut as the run likes,
// and either end may be reset. Writers are held back as a socket holds them back.

import { Duplex } from 'node:stream'
import type { Random } from './random.ts'

/** Bytes on the wire before a writer is held back. */
const ON_THE_WIRE = 65_536

export class End extends Duplex {
  readonly alpnProtocol: string | false
  /** What this end has written and the other has not got. */
  sent: Buffer[] = []
  sentLength = 0
  /** This end has said FIN behind it. */
  isEnded = false
  finDelivered = false
  other!: End
  #written: (() => void)[] = []
  #wants = true

  constructor(alpnProtocol: string | false) {
    super({ allowHalfOpen: false, highWaterMark: 16_384 })
    this.alpnProtocol = alpnProtocol
  }

  /** Something can be delivered from this end to the other. */
  get isDeliverable(): boolean {
    if (this.other.destroyed) return false
    return (this.sentLength > 0 && this.other.#wants) || (this.sentLength === 0 && this.isEnded && !this.finDelivered)
  }

  /** Delivers some of what is on the wire, wherever the writes that made it began and ended. */
  deliver(random: Random): void {
    if (this.sentLength === 0) {
      this.finDelivered = true
      this.other.push(null)
      return
    }
    const all = this.sentLength
    const length = random.once(3) ? 1 + random.below(Math.min(all, 64)) : random.once(3) ? 1 + random.below(all) : all
    const bytes = Buffer.concat(this.sent)
    this.sent = length === all ? [] : [bytes.subarray(length)]
    this.sentLength -= length
    if (!this.other.push(Buffer.from(bytes.subarray(0, length)))) this.other.#wants = false
    if (this.sentLength < ON_THE_WIRE) {
      const written = this.#written
      this.#written = []
      for (const done of written) done()
    }
  }

  override _read(): void {
    this.#wants = true
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#take(chunk)
    if (this.sentLength < ON_THE_WIRE) done()
    else this.#written.push(done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#take(chunk)
    if (this.sentLength < ON_THE_WIRE) done()
    else this.#written.push(done)
  }

  override _final(done: () => void): void {
    this.isEnded = true
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this
    // Closed in order: what is on the wire still arrives, with the end behind it. Otherwise it is lost, as with a reset.
    if (!other.destroyed && !(this.isEnded && error === null)) setImmediate(() => other.destroy(new Error('reset')))
    done(error)
  }

  setNoDelay(): this {
    return this
  }

  /** As a socket's: ends, and is gone once all that was written is out. */
  destroySoon(): void {
    this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', () => this.destroy())
  }

  #take(chunk: Buffer): void {
    this.sent.push(Buffer.from(chunk))
    this.sentLength += chunk.length
  }
}

export class Wires {
  readonly #ends = new Set<End>()

  /** The two ends of a new connection, which agreed on a protocol. */
  connect(alpnProtocol: string | false): [End, End] {
    const ends: [End, End] = [new End(alpnProtocol), new End(alpnProtocol)]
    ends[0].other = ends[1]
    ends[1].other = ends[0]
    for (const end of ends) {
      this.#ends.add(end)
      end.on('error', () => undefined)
      end.once('close', () => this.#closed(end))
    }
    return ends
  }

  #closed(end: End): void {
    if (!end.isEnded || end.other.destroyed) this.#ends.delete(end)
    if (end.other.destroyed) this.#ends.delete(end.other)
  }

  get open(): readonly End[] {
    return [...this.#ends]
  }

  get deliverable(): readonly End[] {
    return this.open.filter((end) => end.isDeliverable)
  }
}
