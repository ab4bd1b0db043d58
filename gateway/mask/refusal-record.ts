// Masks what a refusal of the cluster quotes of the object that it refuses: the API server's errors hold whole objects, also
// such as the caller may not read. The values go, whatever they are; the fields and the reasons stay.

import type { FieldMasker, FieldTree, MaskedObject } from '../../protocols/kube/field-masker.ts'
import type { AskedRules } from './asked-rules.ts'
import { ANY } from './field-path.ts'
import { FieldRecord } from './field-record.ts'
import { around, type FieldNode, merged, pathTree } from './field-tree.ts'
import { sentinelOf } from './sentinel.ts'

/** Marks the nodes of a Status' own text; no rule can have this name. */
const TOLD = ' told'

const STATUS: FieldNode = merged(
  pathTree(TOLD, ['message'], 'text'),
  around(['details', 'causes', ANY], pathTree(TOLD, ['message'], 'text')),
) as FieldNode

/** For answers of 400 and above under rules; nothing in them is learned. */
export class RefusalRecord implements FieldMasker {
  readonly #fields: FieldRecord
  readonly #key: Uint8Array
  readonly #names: string

  /** `key`: of the sentinels. */
  constructor(key: Uint8Array, rules: AskedRules) {
    this.#fields = new FieldRecord(key, rules, true, undefined)
    this.#key = key
    this.#names = rules.names
  }

  get counts(): FieldRecord['counts'] {
    return this.#fields.counts
  }

  select(object: MaskedObject): FieldTree | undefined {
    return merged(this.#fields.select(object) as FieldNode | undefined, STATUS)
  }

  mask(object: MaskedObject, path: string, value: Uint8Array, node?: FieldTree): string {
    if ((node as FieldNode | undefined)?.rule !== TOLD) return this.#fields.mask(object, path, value, node)
    const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
    const inPlace = (quoted: string): string => {
      this.counts.add(this.#names, path)
      return sentinelOf(this.#key, object, path, Buffer.from(quoted))
    }
    return path === 'message' ? toldInAll(text, inPlace) : toldOfField(text, inPlace)
  }
}

/**
 * How an error of a field begins to quote (apimachinery pkg/util/validation/field/errors.go, ErrorBody); and how one of
 * structured-merge-diff does.
 */
const QUOTES = /(?:\b(?:Invalid|Unsupported|Duplicate) value|\bNot found): |, got /

/** Behind a line end stand differences between objects (kubernetes pkg/apis/core/validation). */
const LINES = /\r?\n/

type InPlace = (quoted: string) => string

/** Of all errors together: up to the first value. Names in it are the caller's, so no further place in it can be trusted. */
function toldInAll(text: string, inPlace: InPlace): string {
  const quotes = QUOTES.exec(text)
  const lines = LINES.exec(text)
  const from = Math.min(behind(quotes) ?? text.length, behind(lines) ?? text.length)
  return from === text.length ? text : text.slice(0, from) + inPlace(text.slice(from))
}

function behind(found: RegExpExecArray | null): number | undefined {
  return found === null ? undefined : found.index + found[0].length
}

/** Of one field: it begins with the value, so that its end is certain where it is in quotes or JSON, and with it the reason. */
function toldOfField(text: string, inPlace: InPlace): string {
  const quotes = QUOTES.exec(text)
  if (quotes?.index !== 0) return toldInAll(text, inPlace)
  const from = quotes[0].length
  const to = isSimple(text.slice(from)) ? from : valueEnd(text, from)
  const value = from === to ? '' : inPlace(text.slice(from, to))
  return quotes[0] + value + toldInAll(text.slice(to), inPlace)
}

/** Numbers, booleans and null are no secrets. */
function isSimple(text: string): boolean {
  return /^(?:-?\d[\d.e+-]{0,30}|true|false|null)(?:[:,\]]|$)/.test(text)
}

/** Behind a string as Go's %q writes it, or JSON; the end of the text where it is neither. */
function valueEnd(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') {
      for (at += 1; at < text.length && text[at] !== '"'; at += 1) if (text[at] === '\\') at += 1
    } else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (depth === 0) return text.length
    if (depth === 0) return at + 1
  }
  return text.length
}
