// What the client gets of the cluster's answer -> its entries on the tape: head, masks, body, trailers, and how it broke off.
// The body is kept up to a cap, and hashed and counted whole; what an entry could not be made of must not pass.

import { createHash, type Hash } from 'node:crypto'
import type { Fields } from '../protocols/fields.ts'
import type { AnswerMask } from './mask/answer-mask.ts'
import { maskedBody, originalBody, redacted } from './recording.ts'
import type { Tape } from './tape/tape.ts'

/** All of its methods throw TapeFailed. */
export class AnswerRecord {
  readonly #tape: Tape
  readonly #exchange: number
  readonly #cap: number
  readonly #hash: Hash = createHash('sha256')
  #length = 0
  #isEnded = false

  /** `exchange`: its number on the tape. `cap`: bytes of the body to keep; Infinity for answers that are streams (watch, log). */
  constructor(tape: Tape, exchange: number, cap: number) {
    this.#tape = tape
    this.#exchange = exchange
    this.#cap = cap
  }

  head(status: number, fields: Fields): void {
    this.#tape.append('response', { exchange: this.#exchange, status, fields: redacted(fields), by: 'cluster' })
  }

  /** Bytes of the body, as masked; what is masked in them comes first. */
  piece(mask: AnswerMask, bytes: Uint8Array): void {
    for (const masked of mask.masked()) this.#tape.append('masked', maskedBody(this.#exchange, masked))
    this.#originals(mask, false)
    if (bytes.length > 0) this.#add(bytes)
  }

  /** The answer has come whole. */
  end(mask: AnswerMask, trailers: Fields): void {
    this.#originals(mask, true)
    this.#end(false)
    if (trailers.length > 0) this.#tape.append('note', { code: 'answer.trailers', text: lines(redacted(trailers)) })
  }

  /** The client does not get it whole. `mask`: where it had begun; `why`: more than the reason, or "". */
  broken(mask: AnswerMask | undefined, reason: string, why: string): void {
    if (mask !== undefined) this.#originals(mask, true)
    this.#end(true)
    if (why !== '') this.#tape.append('note', { code: reason, text: why })
    this.#tape.append('note', { code: 'answer.broken', text: reason })
  }

  #originals(mask: AnswerMask, isOver: boolean): void {
    for (const original of mask.originals(isOver)) {
      this.#tape.append('original', originalBody('responseBody', this.#exchange, original))
    }
  }

  #add(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    const room = this.#cap - this.#length
    this.#length += bytes.length
    if (room <= 0) return
    const kept = bytes.length <= room ? bytes : bytes.subarray(0, room)
    this.#tape.body(this.#exchange, kept)
  }

  /** The body's last entry: its sum. The first call counts: what was whole may still not reach a client. */
  #end(broken: boolean): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const sum = { length: this.#length, sha256: this.#hash.digest(), cut: this.#length > this.#cap }
    this.#tape.bodyEnd(this.#exchange, broken ? { ...sum, broken } : sum)
  }
}

/** Field lines as text. */
function lines(fields: Fields): string {
  let text = ''
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\n`
  return text
}
