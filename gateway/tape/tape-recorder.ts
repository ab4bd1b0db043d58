// One tape: what is appended -> entries, numbered, timed, chained and handed to the writer, all before `append` returns.
// While nothing moves on it a tape holds its hash and a few numbers, no buffer.

import { MisuseError } from '../../protocols/errors.ts'
import { chainStart, LINK_LENGTH, link } from '../../protocols/tape/chain.ts'
import { encodeEntry } from '../../protocols/tape/codec.ts'
import type { BodyEnd, EntryBodies, EntryKind, RequestBody } from '../../protocols/tape/entry.ts'
import { entryKey, indexKey, searchTerms, tapeKey } from '../../protocols/tape/keys.ts'
import type { LeafType } from '../../protocols/tape/leaf.ts'
import { NOTHING, put } from './database.ts'
import type { Batch } from './group-commit.ts'
import type { JoinBuffer } from './join-buffer.ts'
import type { Tape, TapeOpening } from './tape.ts'
import type { TapeWriter } from './writer.ts'

/** Search terms remembered as written; a tape with more of them writes some again, which changes nothing. */
const TERMS = 16

export class TapeRecorder implements Tape {
  readonly id: string
  readonly openedAt: number
  readonly #writer: TapeWriter
  readonly #openedMicros: number
  readonly #chain: Uint8Array
  #micros = 0
  #seq = 0
  #size = 0
  #isSealed = false
  /** Entries that the log knows of. */
  #logged = 0
  #join: JoinBuffer | undefined
  #terms: Set<string> | undefined
  /** The batch of the last entry. */
  #batch: Batch

  constructor(writer: TapeWriter, id: string, openedAt: number, openedMicros: number, opening: TapeOpening) {
    this.#writer = writer
    this.id = id
    this.openedAt = openedAt
    this.#openedMicros = openedMicros
    this.#chain = new Uint8Array(chainStart(id))
    const { kind, cluster, client, previous } = opening
    const body = { format: 1, tape: id, kind, openedAt: openedAt * 1000, cluster, client, writer: writer.name } as const
    this.#batch = writer.add(put(tapeKey(id), NOTHING))
    this.#write('open', previous === undefined ? body : { ...body, previous })
    this.#log('open')
  }

  get size(): number {
    return this.#size
  }

  append<K extends Exclude<EntryKind, 'open' | 'seal' | 'stream'>>(kind: K, body: EntryBodies[K]): void {
    this.#check()
    this.flush()
    this.#write(kind, body)
    if (kind === 'request') this.#index(body as RequestBody)
  }

  stream(channel: number, bytes: Uint8Array): void {
    this.#check()
    this.#joinPieces(0, channel, bytes)
  }

  body(exchange: number, bytes: Uint8Array): void {
    this.#check()
    if (this.#join !== undefined && this.#join.exchange !== exchange) this.flush()
    this.#joinPieces(exchange, 0, bytes)
  }

  bodyEnd(exchange: number, end: BodyEnd): void {
    this.#check()
    if (this.#join?.exchange === exchange) {
      this.flush(end)
      return
    }
    this.flush()
    this.#write('responseBody', { exchange, bytes: NOTHING, end })
  }

  durable(): Promise<void> {
    if (this.#writer.failed === undefined) this.flush()
    return this.#writer.durable(this.#batch)
  }

  seal(reason: string): void {
    if (this.#isSealed) return
    this.#isSealed = true
    // Once the store has failed its recovery seals the tape, after what is really there.
    if (this.#writer.failed !== undefined) return
    this.flush()
    this.#write('seal', { reason, entries: this.#seq + 1 })
    this.#log('seal')
  }

  /** Makes an entry of what was joined; with `end`, the last one of its body. */
  flush(end?: BodyEnd): void {
    const join = this.#join
    if (join === undefined) return
    this.#join = undefined
    this.#writer.joined(this)
    const record = join.record(this.#seq, end)
    // A buffer may stay borrowed only if it is well filled, so that the backlog's bound holds for memory as well.
    const isFilled = 2 * record.length > record.buffer.byteLength
    this.#store(isFilled ? record : record.slice())
    if (isFilled) this.#batch.whenDone(() => this.#writer.buffers.give(join))
    else this.#writer.buffers.give(join)
  }

  /** Tells the log how far this tape has come, if that is news. */
  logHead(): void {
    if (this.#seq > this.#logged) this.#log('head')
  }

  #joinPieces(exchange: number, channel: number, bytes: Uint8Array): void {
    const micros = this.#now()
    let at = 0
    do {
      this.#join ??= this.#beginJoin(micros, exchange)
      at = this.#join.add(channel, micros, bytes, at)
      if (this.#join.isFull) this.flush()
    } while (at < bytes.length)
  }

  #beginJoin(micros: number, exchange: number): JoinBuffer {
    const join = this.#writer.buffers.take()
    join.begin(micros, exchange)
    this.#writer.joining(this)
    return join
  }

  #write<K extends EntryKind>(kind: K, body: EntryBodies[K]): void {
    this.#store(encodeEntry(this.#seq, this.#now(), kind, body, LINK_LENGTH))
  }

  /** `record`: an entry behind the room for its link. */
  #store(record: Uint8Array): void {
    const value = link(this.#chain, record)
    this.#batch = this.#writer.add(put(entryKey(this.id, this.#seq), value))
    this.#seq++
    this.#size += value.length
  }

  #log(type: LeafType): void {
    this.#logged = this.#seq
    this.#batch = this.#writer.log(this, type, this.#seq, this.#chain)
  }

  #index(request: RequestBody): void {
    for (const [dimension, value] of searchTerms(request)) {
      const key = indexKey(dimension, value, this.id)
      this.#terms ??= new Set()
      if (this.#terms.has(key)) continue
      if (this.#terms.size >= TERMS) this.#terms.clear()
      this.#terms.add(key)
      this.#batch = this.#writer.add(put(key, NOTHING))
    }
  }

  /** Microseconds since the tape opened. */
  #now(): number {
    this.#micros = Math.max(this.#micros, this.#writer.clock.micros() - this.#openedMicros)
    return this.#micros
  }

  #check(): void {
    if (this.#writer.failed !== undefined) throw this.#writer.failed
    if (this.#isSealed) throw new MisuseError('nothing is appended to a tape that is sealed')
  }
}
