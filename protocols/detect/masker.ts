// One stream of bytes through all matchers: masks what they find, however it was cut, and holds back no more than what may
// yet turn out to be found. Everything in here counts from the beginning of one buffer: bytes already given out that a
// match may look back on, then what is held, then what has come.

import type { Shown, TextMasked, TextMasker } from '../kube/text-masker.ts'
import { behindSequence, maskedFrom } from './beginnings.ts'
import { skipClass } from './classes.ts'
import { Effort } from './effort.ts'
import { lineEndWidth, nextLineEndByte } from './encodings.ts'
import { type GramFilter, type GramTable, gramAt } from './grams.ts'
import type { LearnedValues } from './learned-values.ts'
import { isCutNumber, MaskWriter } from './mask-text.ts'
import { FOUND, Found, type Matcher, NONE, type Outcome, type Window } from './match.ts'
import { LONGEST_GAP } from './passed.ts'
import { BEHIND, type Scratch } from './scratch.ts'
import { Waiting } from './waiting.ts'

const NOTHING = new Uint8Array(0)
const NOTHING_SHOWN: Shown = { original: NOTHING, masked: NOTHING }
const NO_WINDOW: Window = { text: NOTHING, end: 0, isFinal: false }
const BACKSLASH = 0x5c
const LETTER_U = 0x75
const LONGEST_ESCAPE = 6
const LEARNED = 'learned'
const GRAM = 4
/** A gram's bytes but one. */
const BEGUN = 3

/** What all maskers of one Detection share. */
export interface Sought {
  readonly filter: GramFilter
  /** From grams to places in `matchers`, counted from 1. */
  readonly anchors: GramTable
  readonly matchers: readonly (readonly Matcher[])[]
  readonly learned: LearnedValues | undefined
  readonly lookBehind: number
  readonly scratch: Scratch
}

/** While no more bytes are looked at again with each call, none wait. */
const FEW = 32

/** How a scan ends: more may come; nothing has come for a while; nothing comes any more. */
type Ending = 'more' | 'flush' | 'end'

export class StreamMasker implements TextMasker {
  readonly #sought: Sought
  readonly #found = new Found()
  readonly #writer = new MaskWriter()
  readonly #counts = new Map<string, number>()

  // Between two calls: #kept[0, #given) was given out, the rest is held; everything before #resume is decided.
  #kept: Uint8Array = NOTHING
  #given = 0
  #resume = 0
  /** What is held with the masks that are decided; undefined if there are none in it. */
  #heldMasked: Uint8Array | undefined
  /** Matchers are not asked below this place: it is masked already. */
  #covered = 0
  /** What is masked on, from #covered, while its bytes are of this class; and how much of its mask was written. */
  #run: Uint8Array | undefined
  #runWritten = 0
  #runIsBase64 = false
  #isRunOpen = false
  /** All masked between this place and #covered. */
  #solid = 0
  /** Before this place a flush gave out what was not decided, as it was. */
  #undecided = 0
  /** What began before this place was counted when a flush masked it. */
  #counted = 0
  /** What following learned values has cost before the first place that is not decided. */
  readonly #decidedEffort = new Effort()

  /** What has come since, and was not looked at. */
  readonly #waiting = new Waiting()

  // During a call.
  #text: Uint8Array = NOTHING
  #end = 0
  #ending: Ending = 'more'
  #window: Window = NO_WINDOW
  /** The first place that is not decided yet, and the first byte that must not pass. */
  #firstLive = 0
  #hold = 0
  /** From #given on, with masks; made when there is the first. */
  #masked: Uint8Array | undefined
  #firstMask = 0
  #lastMask = 0
  /** A flush masks from here on what is not decided. */
  #flushMask = 0
  /** As #decidedEffort, before the place that is looked at. */
  readonly #effort = new Effort()

  constructor(sought: Sought) {
    this.#sought = sought
  }

  get held(): number {
    return this.#kept.length - this.#given + this.#waiting.length
  }

  receive(bytes: Uint8Array): Shown {
    const again = this.#kept.length - this.#resume
    if (again <= FEW || this.#waiting.isWorth(bytes, again)) return this.#take(this.#waiting.take(bytes), 'more')
    this.#waiting.add(bytes)
    return NOTHING_SHOWN
  }

  flush(): Shown {
    return this.#take(this.#waiting.take(NOTHING), 'flush')
  }

  end(): Shown {
    return this.#take(this.#waiting.take(NOTHING), 'end')
  }

  taken(): TextMasked | undefined {
    if (this.#counts.size === 0) return undefined
    let count = 0
    for (const each of this.#counts.values()) count += each
    const rules = [...this.#counts.keys()].sort().join(', ')
    this.#counts.clear()
    return { rules, count }
  }

  #take(bytes: Uint8Array, ending: Ending): Shown {
    const before = this.#kept.length
    const end = before + bytes.length
    const text = this.#sought.scratch.take(end)
    text.set(this.#kept)
    text.set(bytes, before)
    // What an earlier text left there decides nothing: matchers may look at the byte behind the end.
    text.fill(0, end, end + BEHIND)
    this.#text = text
    this.#end = end
    this.#ending = ending
    this.#window = { text, end, isFinal: ending === 'end' }
    this.#firstLive = end
    this.#hold = end
    this.#masked = undefined
    this.#firstMask = end
    this.#lastMask = 0
    this.#flushMask = end
    this.#effort.set(this.#decidedEffort)
    if (this.#heldMasked !== undefined) {
      this.#copy().set(this.#heldMasked)
      this.#firstMask = this.#given
      this.#lastMask = before
    }
    this.#goOnMasking()
    this.#scan()
    const shown = this.#show(bytes, before, ending === 'more' ? this.#hold : end)
    this.#text = NOTHING
    this.#masked = undefined
    this.#window = NO_WINDOW
    this.#sought.scratch.done()
    return shown
  }

  /** What began to be masked in an earlier call goes on. */
  #goOnMasking(): void {
    if (this.#run === undefined) return
    const at = this.#covered
    const to = this.#runTo(at, this.#run)
    this.#runWritten = this.#write(at, to, this.#runIsBase64, this.#runWritten, true)
    this.#covered = to
    if (!this.#isRunOpen) this.#run = undefined
  }

  /** How far a run goes from `at` on. What may be half of an escape waits for the other half, to be masked with it or not at all. */
  #runTo(at: number, run: Uint8Array): number {
    let to = skipClass(this.#text, at, this.#end, run)
    this.#isRunOpen = to === this.#end && this.#ending !== 'end'
    if (!this.#isRunOpen || this.#ending === 'flush') return to
    to = this.#beforeHalfEscape(at, to)
    if (to < this.#hold) this.#hold = to
    return to
  }

  /** `to`, or the place before it where an escape begins that is not whole yet: a backslash, or one with "u" and not all digits. */
  #beforeHalfEscape(from: number, to: number): number {
    const text = this.#text
    for (let at = to - 1; at >= from && to - at < LONGEST_ESCAPE; at--) {
      if (text[at] !== BACKSLASH) continue
      let backslashes = 1
      while (at - backslashes >= from && text[at - backslashes] === BACKSLASH) backslashes += 1
      const isHalf =
        (backslashes & 1) === 1 && (at + 1 === to || (text[at + 1] === LETTER_U && isCutNumber(text, at + 2, to)))
      return isHalf ? at : to
    }
    return to
  }

  #scan(): void {
    const { filter, learned, scratch } = this.#sought
    const text = this.#text
    const end = this.#end
    let at = this.#resume
    for (;;) {
      const lineEnd = learned === undefined ? end : this.#nextLineEnd(at)
      const stop = lineEnd - BEGUN
      if (at < stop) {
        let place = filter.sweep(text, scratch.words, at, stop)
        for (; place < stop; place = filter.sweep(text, scratch.words, place + 1, stop)) {
          const gram = gramAt(text, place)
          this.#considerAnchor(place, gram)
          if (learned !== undefined) this.#considerLearned(learned, place, gram)
        }
        at = stop
      }
      if (learned === undefined || lineEnd === end) {
        for (; at < end; at++) this.#begun(at, gramAt(text, at), end - at)
        return
      }
      this.#considerAcross(learned, at, lineEnd)
      // The letter of an escaped line end may be a letter behind a backslash all the same.
      at = lineEnd + 1
    }
  }

  /** The next line end, in either form, that what is learned is looked for across; a backslash at the end may be half of one. */
  #nextLineEnd(from: number): number {
    const end = this.#end
    for (let at = from; ; at++) {
      at = nextLineEndByte(this.#text, this.#sought.scratch.words, at, end)
      if (at === end || this.#text[at] !== BACKSLASH) return at
      const width = lineEndWidth(this.#text, at, end)
      if (width > 0 || (width < 0 && this.#ending !== 'end')) return at
    }
  }

  /** The places from `at`, of the three before a line end, with what goes on behind it; and those of one that is escaped. */
  #considerAcross(learned: LearnedValues, at: number, lineEnd: number): void {
    const text = this.#text
    const end = this.#end
    // The bytes behind, up to three, are the same for all.
    const most = lineEnd + LONGEST_GAP
    let next = 0
    let count = 0
    let behind = lineEnd
    while (count < BEGUN && behind < end && behind < most) {
      const width = lineEndWidth(text, behind, end)
      if (width < 0) break
      if (width === 0) next |= text[behind]! << (8 * count++)
      behind += width === 0 ? 1 : width
    }
    const isOpen = behind < most
    const isEscaped = text[lineEnd] === BACKSLASH
    for (; at < lineEnd; at++) {
      if (isEscaped) this.#considerContiguous(at)
      const before = lineEnd - at
      const gram = (gramAt(text, at) & (0xffffffff >>> (32 - 8 * before))) | (next << (8 * before))
      if (before + count < GRAM) {
        if (isOpen) this.#begun(at, gram, before + count)
      } else if (this.#sought.filter.mayHave(gram)) this.#considerLearned(learned, at, gram)
    }
    // Of a backslash at the end nothing is known yet.
    if (isEscaped) this.#considerContiguous(lineEnd)
  }

  /** A place whose next four bytes have an escaped line end among them: an anchor may. */
  #considerContiguous(place: number): void {
    const gram = gramAt(this.#text, place)
    const come = this.#end - place
    if (come < GRAM) this.#begun(place, gram, come)
    else if (this.#sought.filter.mayHave(gram)) this.#considerAnchor(place, gram)
  }

  /** The text ends `length` bytes into what may be a gram. */
  #begun(place: number, gram: number, length: number): void {
    if (this.#ending === 'end') return
    if (place < this.#firstLive) this.#firstLive = place
    if (place >= this.#hold || !this.#sought.filter.mayBegin(gram, length)) return
    this.#hold = Math.min(this.#hold, maskedFrom(this.#text, place, this.#end))
  }

  #considerAnchor(place: number, gram: number): void {
    const { anchors, matchers } = this.#sought
    const list = place >= this.#covered ? anchors.get(gram) : 0
    if (list === 0) return
    for (const matcher of matchers[list - 1]!) {
      this.#settle(place, matcher.match(this.#window, place, this.#found), matcher.detector)
      if (place < this.#covered) break
    }
  }

  #considerLearned(learned: LearnedValues, place: number, gram: number): void {
    const isDecided = this.#firstLive > place
    const outcome = learned.walk.match(this.#window, place, gram, this.#found, this.#effort)
    this.#effort.spend(place, this.#found.effort)
    this.#settle(place, outcome, LEARNED)
    // The first place that is not decided is looked at again, with all behind it: as if none of them had been yet.
    if (isDecided && this.#firstLive > place) this.#decidedEffort.set(this.#effort)
  }

  #settle(place: number, outcome: Outcome, rule: string): void {
    if (outcome === NONE) return
    const { to, isBase64, run } = this.#found
    const begins = behindSequence(this.#text, place, this.#end)
    const from = Math.max(this.#found.from, begins)
    if (outcome === FOUND) {
      if (this.#firstLive > place) {
        this.#mask(from, to, isBase64, run, rule)
        return
      }
      // Decided once what is before it is. Until then it is held, and no flush lets it pass.
      if (from < this.#hold) this.#hold = from
      if (this.#ending === 'flush') this.#maskUndecided(from, run === undefined ? to : this.#end, rule)
      return
    }
    const { isSure } = this.#found
    // What is masked whatever comes need not be held.
    const begun = Math.max(this.#found.hold, begins)
    const hold = begun >= this.#solid ? Math.max(begun, this.#covered) : begun
    if (place < this.#firstLive) this.#firstLive = place
    if (hold < this.#hold) this.#hold = hold
    if (this.#ending === 'flush' && isSure) this.#maskUndecided(hold, this.#end, rule)
  }

  #mask(from: number, to: number, isBase64: boolean, run: Uint8Array | undefined, rule: string): void {
    const isNew = from >= this.#counted
    const seen = Math.max(from, this.#undecided)
    // Of values that overlap, the part that is masked stays so.
    const behind = run === undefined && this.#solid <= seen && this.#covered > seen ? this.#covered : seen
    let index = this.#write(behind, to, isBase64, behind === seen ? 0 : behind - seen, run !== undefined, seen)
    if ((this.#writer.changed > 0 || run !== undefined) && isNew) this.#count(rule)
    let end = to
    if (run !== undefined) {
      end = this.#runTo(to, run)
      index = this.#write(to, end, isBase64, index, true)
      this.#runIsBase64 = isBase64
      this.#run = this.#isRunOpen ? run : undefined
      this.#runWritten = index
    }
    if (end <= this.#covered) return
    if (from > this.#covered || this.#solid > from) this.#solid = from
    this.#covered = end
  }

  /** On a flush, what may yet be decided otherwise. */
  #maskUndecided(from: number, to: number, rule: string): void {
    if (to <= from) return
    const seen = Math.max(from, this.#undecided)
    const isNew = from >= this.#counted
    this.#write(seen, to, false, 0, true)
    if (this.#writer.changed > 0 && isNew) this.#count(rule)
    if (to === this.#end && from < this.#flushMask) this.#flushMask = from
  }

  #count(rule: string): void {
    this.#counts.set(rule, (this.#counts.get(rule) ?? 0) + 1)
  }

  #write(from: number, to: number, isBase64: boolean, index: number, isOpen: boolean, begun = from): number {
    this.#writer.changed = 0
    if (to <= from) return index
    const after = this.#writer.write(this.#text, this.#copy(), this.#given, from, to, isBase64, index, isOpen, begun)
    this.#firstMask = Math.min(this.#firstMask, from)
    this.#lastMask = Math.max(this.#lastMask, to)
    return after
  }

  /** The text from the first byte not yet given out, to be masked. */
  #copy(): Uint8Array {
    this.#masked ??= this.#text.slice(this.#given, this.#end)
    return this.#masked
  }

  /** Gives out what lies before `to`, and keeps what the next call needs. */
  #show(bytes: Uint8Array, before: number, to: number): Shown {
    const given = this.#given
    const end = this.#end
    const text = this.#text
    if (to < given) to = given
    const whole = to === end ? bytes : bytes.subarray(0, Math.max(0, to - before))
    const original = given === before ? whole : text.slice(given, to)
    const masked = this.#masked === undefined || this.#firstMask >= to ? original : this.#masked.subarray(0, to - given)
    if (this.#ending === 'flush') {
      this.#undecided = this.#flushMask
      if (this.#flushMask < end) this.#counted = end
    }
    const resume = this.#ending === 'end' ? end : this.#firstLive
    const from = Math.max(0, Math.min(resume, to) - this.#sought.lookBehind)
    this.#heldMasked = this.#masked !== undefined && this.#lastMask > to ? this.#masked.slice(to - given) : undefined
    this.#kept = text.slice(from, end)
    this.#given = to - from
    this.#resume = resume - from
    this.#covered = Math.max(0, this.#covered - from)
    this.#solid = Math.max(0, this.#solid - from)
    this.#undecided = Math.max(0, this.#undecided - from)
    this.#counted = Math.max(0, this.#counted - from)
    this.#decidedEffort.moveTo(from)
    return { original, masked }
  }
}
