// Text masks over what is there whole: bodies, header values, words of a command, request targets. Lengths stay, so what is
// joined to be looked at in one go comes apart again in the same places.

import type { Fields } from '../../protocols/fields.ts'
import type { TextMasker, TextMaskers } from '../../protocols/kube/text-masker.ts'
import type { MaskCounts, Masked } from './masked.ts'

/** The bytes masked, the array itself where nothing in it is; and what was. */
export function maskedBytes(
  maskers: TextMaskers,
  bytes: Uint8Array,
): { readonly bytes: Uint8Array; readonly masked: readonly Masked[] } {
  if (bytes.length === 0) return { bytes, masked: [] }
  const masker = maskers.masker({ terminal: false })
  const first = new Uint8Array(masker.receive(bytes).masked)
  const rest = masker.end().masked
  const masked = textMasked(masker)
  return { bytes: masked.length === 0 ? bytes : Buffer.concat([first, rest]), masked }
}

/** What a masker has masked since it was asked last, as the tape has it. */
export function textMasked(masker: TextMasker): Masked[] {
  const taken = masker.taken()
  return taken === undefined ? [] : [{ rule: taken.rules, fields: 'text', count: taken.count }]
}

/** Fields whose values are of a few known forms, which hold nothing: not looked at. */
const PLAIN = new Set([
  'accept',
  'accept-encoding',
  'audit-id',
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'host',
  'transfer-encoding',
  'upgrade',
  'x-kubernetes-pf-flowschema-uid',
  'x-kubernetes-pf-prioritylevel-uid',
])

export class MaskedWords {
  readonly #maskers: TextMaskers

  constructor(maskers: TextMaskers) {
    this.#maskers = maskers
  }

  /** Field values, one character for each octet. The array itself where nothing in it is masked. */
  fields(fields: Fields): Fields {
    const places: number[] = []
    for (let at = 0; at < fields.length; at += 2) {
      if (!PLAIN.has((fields[at] as string).toLowerCase())) places.push(at + 1)
    }
    if (places.length === 0) return fields
    const values = places.map((at) => fields[at] as string)
    const masked = this.#joined(values, '\n', 'latin1')
    if (masked === values) return fields
    const copy = fields.slice()
    for (const [index, at] of places.entries()) copy[at] = masked[index] as string
    return copy
  }

  /** The words of a command, as one line: what stands behind "--password" is a word of its own. */
  command(words: readonly string[]): readonly string[] {
    return words.length === 0 ? words : this.#joined(words, ' ', 'utf8')
  }

  /** Values that stand apart, each whole; `counts` is told what of them is masked. */
  values(values: readonly string[], counts: MaskCounts): readonly string[] {
    return values.length === 0 ? values : this.#joined(values, '\n', 'utf8', counts)
  }

  text(text: string): string {
    return this.#joined([text], '', 'utf8')[0] as string
  }

  /** A request target, as it is written and as what it says: `command` words of its query are masked as a command is. */
  target(target: string): string {
    const masked = this.text(target)
    const mark = masked.indexOf('?')
    if (mark === -1 || !/[%+]|[?&]command=/.test(masked)) return masked
    const pairs = masked.slice(mark + 1).split('&')
    const names: string[] = []
    const values: string[] = []
    for (const pair of pairs) {
      const equals = pair.indexOf('=')
      names.push(equals === -1 ? pair : pair.slice(0, equals + 1))
      values.push(equals === -1 ? '' : decoded(pair.slice(equals + 1)))
    }
    const shown = this.command(values)
    if (shown === values) return masked
    const query = pairs.map((pair, at) =>
      shown[at] === values[at] ? pair : `${names[at]}${encodeURIComponent(shown[at] as string)}`,
    )
    return `${masked.slice(0, mark + 1)}${query.join('&')}`
  }

  #joined(
    words: readonly string[],
    between: string,
    encoding: 'latin1' | 'utf8',
    counts?: MaskCounts,
  ): readonly string[] {
    const whole = Buffer.from(words.join(between), encoding)
    const { bytes, masked } = maskedBytes(this.#maskers, whole)
    if (bytes === whole) return words
    for (const { rule, fields, count } of masked) counts?.add(rule, fields, count)
    let at = 0
    return words.map((word) => {
      const end = at + Buffer.byteLength(word, encoding)
      const masked = Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString(encoding)
      at = end + between.length
      return masked
    })
  }
}

/** A value of a query, which has been checked to be well-formed. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    return value
  }
}
