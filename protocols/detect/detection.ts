// What is looked for in free text, put together once: detectors that are on, custom patterns, and what was learned. Makes the
// maskers of streams, which share all of it. Refuses detectors that do not exist.

import { MisuseError } from '../errors.ts'
import type { MaskerOptions, TextMasker, TextMaskers } from '../kube/text-masker.ts'
import { limits } from '../limits.ts'
import { DETECTORS, matchersOf } from './detectors.ts'
import { EscapeSequences } from './escape-sequences.ts'
import { GramFilter, GramTable, gramsOf } from './grams.ts'
import { InterleavedMasker } from './interleaved-masker.ts'
import type { LearnedValues } from './learned-values.ts'
import { LineTimestamps } from './line-timestamps.ts'
import { type Sought, StreamMasker } from './masker.ts'
import type { Matcher } from './match.ts'
import { type CustomPattern, patternMatcher } from './patterns.ts'
import { Scratch } from './scratch.ts'

export interface DetectionOptions {
  /** Names of DETECTORS. */
  readonly detectors: ReadonlySet<string>
  readonly patterns: readonly CustomPattern[]
  /** Shared by all detections of a gateway; undefined: nothing is learned. */
  readonly learned: LearnedValues | undefined
}

export class Detection implements TextMaskers {
  readonly #sought: Sought

  /** Throws PatternError for a pattern that cannot be looked for. */
  constructor({ detectors, patterns, learned }: DetectionOptions) {
    const filter = learned?.filter ?? new GramFilter()
    const matchers = [...[...detectors].flatMap(detectorMatchers), ...patterns.map(patternMatcher)]
    const byGram = new Map<number, Matcher[]>()
    for (const matcher of matchers) {
      for (const { literal, anyCase, isMasked } of matcher.anchors) {
        for (const gram of gramsOf(literal, anyCase)) {
          const known = byGram.get(gram)
          if (known === undefined) byGram.set(gram, [matcher])
          else if (!known.includes(matcher)) known.push(matcher)
          if (learned === undefined) filter.add(gram, isMasked)
          else learned.reserve(gram, isMasked)
        }
      }
    }
    const anchors = new GramTable()
    const lists: Matcher[][] = []
    for (const [gram, list] of byGram) anchors.add(gram, lists.push(list))
    const { lookBehind, scratch } = limits.detect
    this.#sought = { filter, anchors, matchers: lists, learned, lookBehind, scratch: new Scratch(scratch) }
  }

  masker({ terminal, timestamps = false }: MaskerOptions): TextMasker {
    const masker = new StreamMasker(this.#sought)
    if (!terminal && !timestamps) return masker
    const { controlString, between } = limits.detect
    const skipped = terminal ? new EscapeSequences(controlString) : new LineTimestamps()
    return new InterleavedMasker(masker, new StreamMasker(this.#sought), skipped, between)
  }
}

function detectorMatchers(name: string): readonly Matcher[] {
  if (!DETECTORS.has(name)) throw new MisuseError(`no detector is called "${name}"`)
  return matchersOf(name)
}
