// An answer of the cluster on its way: inflated if it must be, its fields masked where a rule applies, then its text. Gives
// for each piece what the tape gets and what the caller gets, and never the second before the first.

import type { Fields } from '../../protocols/fields.ts'
import type { BodyRewriter } from '../../protocols/kube/field-masker.ts'
import type { TextMasker } from '../../protocols/kube/text-masker.ts'
import type { FieldRecord } from './field-record.ts'
import type { Masked } from './masked.ts'
import type { Original, Originals } from './original.ts'
import { type MaskedWords, textMasked } from './text.ts'
import type { WatchEvents } from './watch-events.ts'

/** Bytes of a body that may pass now, in the two forms. Stable for this turn of the event loop. */
export interface Piece {
  readonly taped: Uint8Array
  readonly passed: Uint8Array
}

export interface AnswerMaskParts {
  /** What makes the body readable, where it came compressed. */
  readonly inflater: BodyRewriter | undefined
  /** The rewriter of the tape; undefined where no rule masks a field. */
  readonly taped: BodyRewriter | undefined
  /** The caller's own rewriter, where not the same rules mask for them. */
  readonly passed: BodyRewriter | undefined
  readonly record: Pick<FieldRecord, 'counts'> | undefined
  /** What the caller's own rewriter masks, where there is one. */
  readonly passedRecord: Pick<FieldRecord, 'counts'> | undefined
  readonly text: TextMasker
  /** The caller's own text masker; "same" for what the tape has, "none" for what came. */
  readonly passedText: TextMasker | 'same' | 'none'
  readonly words: MaskedWords
  /** Of a watch: where a piece ends with an event, nothing is held behind it. */
  readonly events: WatchEvents | undefined
  /** Keeps the body as it was, where that is wanted. */
  readonly originals: Originals | undefined
  /** It is compressed in a way that is not known here, so nothing in it can be found. */
  readonly isOpaque: boolean
}

const NOTHING = new Uint8Array(0)

export class AnswerMask {
  readonly #parts: AnswerMaskParts
  /** Bytes that the tape's text masker was given. */
  #given = 0
  #isOpaqueTold = false
  /** What may pass once the tape has its masked form: the caller's form, and how far the tape must be. */
  #waiting: { readonly bytes: Uint8Array; readonly at: number }[] = []

  constructor(parts: AnswerMaskParts) {
    this.#parts = parts
  }

  /** Whether the body is as long as it was. */
  get keepsLength(): boolean {
    return this.#parts.taped === undefined && this.#parts.inflater === undefined
  }

  /** True if the answer's head may pass before its body: an answer that fails later can then only be broken off. */
  get isStream(): boolean {
    return this.keepsLength || this.#parts.events !== undefined
  }

  /** Bytes are held back that time alone can let go of. */
  get isHolding(): boolean {
    const { text, passedText } = this.#parts
    return text.held > 0 || (typeof passedText === 'object' && passedText.held > 0)
  }

  /** The head's fields: what they say is masked as the body is. */
  head(fields: Fields): { readonly taped: Fields; readonly passed: Fields } {
    const kept = this.#parts.inflater === undefined ? fields : without(fields, 'content-encoding')
    const taped = this.#parts.words.fields(kept)
    return { taped, passed: this.#parts.passedText === 'none' ? kept : taped }
  }

  /** Throws PeerError where the body cannot be read. */
  receive(bytes: Uint8Array): Piece {
    const { inflater, events } = this.#parts
    const readable = inflater === undefined ? bytes : inflater.receive(bytes)
    const piece = this.#readable(readable, false)
    if (events === undefined) return piece
    // A rewriter gives out whole events.
    const isWhole = events.endsWith(readable) || this.#parts.taped !== undefined
    return isWhole && this.isHolding ? joined(piece, this.flush()) : piece
  }

  /** Nothing has come for a while: what is held of the text. */
  flush(): Piece {
    const { text, passedText } = this.#parts
    const shown = text.flush()
    if (this.#parts.passed === undefined) return this.#shown(shown, NOTHING)
    const taped = new Uint8Array(shown.masked)
    if (typeof passedText === 'object') this.#wait(passedText.flush().masked)
    return { taped, passed: this.#released() }
  }

  /** The body is complete. Throws PeerError where it is not. */
  end(): Piece {
    const { inflater } = this.#parts
    return this.#readable(inflater === undefined ? NOTHING : inflater.end(), true)
  }

  /** What was masked since it was asked last. */
  masked(): Masked[] {
    if (this.#parts.isOpaque && !this.#isOpaqueTold) {
      this.#isOpaqueTold = true
      return [{ rule: 'mask.opaque', fields: 'the body was not looked into', count: 0 }]
    }
    const masked = [...inWords(this.#parts.record, this.#parts.words), ...textMasked(this.#parts.text)]
    if (masked.length > 0) this.#parts.originals?.masked()
    return masked
  }

  /** What of it the caller does not see: asked instead of `masked`, by who shows a caller's view. */
  maskedForCaller(): Masked[] {
    const { passed, record, passedRecord, text, passedText } = this.#parts
    const fields = (passed === undefined ? record : passedRecord)?.counts.take() ?? []
    if (passedText === 'none') return fields
    return [...fields, ...textMasked(passedText === 'same' ? text : passedText)]
  }

  /** The body as it was, encrypted, as far as it is masked. Asked behind `masked`; the last time with `isOver`. */
  originals(isOver: boolean): readonly Original[] {
    return this.#parts.originals?.take(isOver) ?? []
  }

  #readable(bytes: Uint8Array, isEnd: boolean): Piece {
    const { taped, passed, originals } = this.#parts
    if (taped !== undefined) originals?.add(bytes)
    if (passed === undefined) return this.#text(rewritten(taped, bytes, isEnd), isEnd)
    // Both are given the same, and hold it as long.
    const forTape = rewritten(taped, bytes, isEnd)
    const forCaller = rewritten(passed, bytes, isEnd)
    const { text, passedText } = this.#parts
    this.#given += forTape.length
    const shown = stable(text.receive(forTape).masked, forTape)
    const rest = isEnd ? new Uint8Array(text.end().masked) : NOTHING
    if (typeof passedText === 'object') {
      this.#wait(passedText.receive(forCaller).masked)
      if (isEnd) this.#wait(passedText.end().masked)
    } else this.#wait(forCaller)
    return { taped: concat(shown, rest), passed: this.#released() }
  }

  #text(bytes: Uint8Array, isEnd: boolean): Piece {
    const { text } = this.#parts
    if (!isEnd) return this.#shown(text.receive(bytes), bytes)
    const piece = this.#shown(text.receive(bytes), bytes)
    return joined(piece, this.#shown(text.end(), NOTHING))
  }

  #shown(shown: { readonly original: Uint8Array; readonly masked: Uint8Array }, given: Uint8Array): Piece {
    const taped = stable(shown.masked, given)
    if (this.#parts.taped === undefined) this.#parts.originals?.piece(shown.original, shown.original !== shown.masked)
    if (this.#parts.passedText === 'same' || shown.original === shown.masked) return { taped, passed: taped }
    return { taped, passed: stable(shown.original, given) }
  }

  #wait(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#waiting.push({ bytes: new Uint8Array(bytes), at: this.#given })
  }

  #released(): Uint8Array {
    const told = this.#given - this.#parts.text.held
    let count = 0
    while (count < this.#waiting.length && (this.#waiting[count] as { at: number }).at <= told) count += 1
    if (count === 0) return NOTHING
    return Buffer.concat(this.#waiting.splice(0, count).map(({ bytes }) => bytes))
  }
}

/** Names of fields are a caller's words. */
function inWords(record: AnswerMaskParts['record'], words: MaskedWords): Masked[] {
  return (record?.counts.take() ?? []).map((masked) => ({ ...masked, fields: words.text(masked.fields) }))
}

function rewritten(rewriter: BodyRewriter | undefined, bytes: Uint8Array, isEnd: boolean): Uint8Array {
  if (rewriter === undefined) return bytes
  const piece = bytes.length === 0 ? NOTHING : rewriter.receive(bytes)
  return isEnd ? concat(piece, rewriter.end()) : piece
}

/** Maskers lend their memory until the next call; views of what they were given are good for longer. */
function stable(bytes: Uint8Array, given: Uint8Array): Uint8Array {
  const start = given.byteOffset
  const isView =
    bytes.buffer === given.buffer &&
    bytes.byteOffset >= start &&
    bytes.byteOffset + bytes.length <= start + given.length
  return isView || bytes.length === 0 ? bytes : new Uint8Array(bytes)
}

function joined(one: Piece, other: Piece): Piece {
  const taped = concat(one.taped, other.taped)
  const isSame = one.taped === one.passed && other.taped === other.passed
  return { taped, passed: isSame ? taped : concat(one.passed, other.passed) }
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (other.length === 0) return one
  return one.length === 0 ? other : Buffer.concat([one, other])
}

function without(fields: Fields, lowerName: string): Fields {
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    if ((fields[at] as string).toLowerCase() !== lowerName) kept.push(fields[at] as string, fields[at + 1] as string)
  }
  return kept
}
