// Masks what requests ask for and what they bring: narrows what may be answered to what can be masked, masks answers and
// streams, and gives the forms in which requests are taped. A tape is masked by every rule, whoever is exempt.

import { type Fields, field } from '../../protocols/fields.ts'
import { GzipBody } from '../../protocols/gzip/body.ts'
import { JsonBody } from '../../protocols/json/body.ts'
import type { BodyRewriter, BodyShape, FieldMasker } from '../../protocols/kube/field-masker.ts'
import type { MaskerOptions, TextMasker, TextMaskers } from '../../protocols/kube/text-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { ProtobufBody } from '../../protocols/protobuf/body.ts'
import { isMaskable } from '../../protocols/protobuf/maskable.ts'
import { type MaskWords, YamlBody } from '../../protocols/yaml/body.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { acceptMaskable, acceptPlain } from './accept.ts'
import { AnswerMask, type AnswerMaskParts } from './answer-mask.ts'
import { type AskedRules, askedRules, isOfObjects } from './asked-rules.ts'
import type { MaskingDocument } from './document.ts'
import { FieldRecord, type Learn, type LearnFrom, UNMASKED } from './field-record.ts'
import type { MaskRule } from './mask-rule.ts'
import { MaskCounts, type Masked } from './masked.ts'
import { type Original, Originals, type Seal } from './original.ts'
import { RefusalRecord } from './refusal-record.ts'
import { scanBytes, scanForSentinels } from './sentinel-scan.ts'
import { isAmong } from './subjects.ts'
import { mayShowInTable } from './table-columns.ts'
import { maskedFields, NOT_KEPT } from './taped-body.ts'
import { MaskedWords, maskedBytes } from './text.ts'
import { WatchEvents } from './watch-events.ts'
import { moved, unkept } from './write-refusals.ts'

export interface MaskingParts {
  /** Of the sentinels. */
  readonly key: Uint8Array
  readonly rules: readonly MaskRule[]
  /** Who sees everything as it is. */
  readonly exempt: MaskingDocument['exempt']
  readonly opaque: 'pass' | 'deny'
  /** Detectors, patterns and what was learned. */
  readonly text: TextMaskers
  /** The same without what was learned: for answers in which somebody may see a value that was. */
  readonly detectors: TextMaskers
  readonly learn: LearnFrom | undefined
  /** Where what is masked is kept as it was, encrypted. */
  readonly seal: Seal | undefined
}

export class Masking {
  readonly #parts: MaskingParts
  /** For tapes: words of requests and answers. */
  readonly words: MaskedWords

  constructor(parts: MaskingParts) {
    this.#parts = parts
    this.words = new MaskedWords(parts.text)
  }

  /** What is masked of one request. */
  of(cluster: string, principal: Principal | undefined, attributes: RequestAttributes): RequestMask {
    return new RequestMask(this.#parts, this.words, cluster, principal, attributes)
  }

  /** Bytes of the gateway's own answers, as the tape gets them: they may say a caller's words. */
  taped(bytes: Uint8Array): Uint8Array {
    return maskedBytes(this.#parts.text, bytes).bytes
  }
}

/** What masks the bytes of one stream, for this caller. */
export interface StreamMask {
  masker(options: MaskerOptions): TextMasker
  readonly isExempt: boolean
  readonly opaque: 'pass' | 'deny'
  readonly seal: Seal | undefined
}

export interface TapedBody {
  readonly body: Uint8Array
  readonly masked: readonly Masked[]
  /** The body as it was, encrypted, where something in it is masked. */
  readonly original: Original | undefined
}

interface Whole {
  readonly fields: Fields
  readonly body: Uint8Array
}

export class RequestMask {
  readonly #parts: MaskingParts
  readonly #words: MaskedWords
  readonly #cluster: string
  readonly #attributes: RequestAttributes
  readonly #rules: AskedRules | undefined
  /** Those that mask for the caller. */
  readonly #own: AskedRules | undefined
  readonly #isExempt: boolean
  /** Exempt, if only from a rule of this request: no detector takes back what the rule gives. */
  readonly #seesAll: boolean

  constructor(
    parts: MaskingParts,
    words: MaskedWords,
    cluster: string,
    principal: Principal | undefined,
    attributes: RequestAttributes,
  ) {
    this.#parts = parts
    this.#words = words
    this.#cluster = cluster
    this.#attributes = attributes
    this.#rules = askedRules(parts.rules, cluster, attributes)
    this.#isExempt = principal !== undefined && isAmong(principal, parts.exempt)
    const isAll = principal === undefined || this.#rules === undefined
    this.#seesAll = this.#isExempt || (principal !== undefined && this.#rules?.exempts(principal) === true)
    this.#own = this.#isExempt ? undefined : isAll ? this.#rules : this.#rules?.of(principal)
  }

  /** The request's fields as they may go on, or why they may not. */
  fields(fields: Fields): Fields | Refusal {
    if (this.#rules === undefined) return acceptPlain(fields)
    const { verb } = this.#attributes
    const isList = verb === 'list' || verb === 'deletecollection'
    const protobuf = isMaskable(this.#attributes, this.#rules.tree) && (isList ? 'alone' : true)
    const tables = !mayShowInTable(this.#attributes, this.#rules.tree)
    return acceptMaskable(fields, { protobuf, yaml: verb !== 'watch', tables })
  }

  /** Why a body may not go on: it would write a mask over a value, or is in a form that cannot be read. */
  refusal(fields: Fields, body: Uint8Array): Refusal | undefined {
    const { isResource, verb } = this.#attributes
    // What servers behind a proxy take is known to nobody here: only what stands in the open can be found.
    if (!isResource || verb === 'proxy') return scanBytes(body)
    const type = mediaType(fields)
    if (type.includes('protobuf') && this.#rules !== undefined && !isMaskable(this.#attributes, this.#rules.tree)) {
      const message = 'masked fields cannot be masked on the tape in protobuf; send this object as JSON or YAML'
      return refuse(415, 'UnsupportedMediaType', 'mask.unreadable_body', message)
    }
    const held = scanForSentinels(body, type, field(fields, 'content-encoding')?.toLowerCase() ?? '')
    const rules = this.#rules
    if (held !== undefined || rules === undefined || body.length === 0) return held
    return unkept(body, type, rules, verb === 'patch') ?? moved(body, type, rules.tree)
  }

  /** A request body as the tape gets it. `isAllowed`: what it writes becomes true, and is learned. */
  body(fields: Fields, body: Uint8Array, isAllowed: boolean): TapedBody {
    const rules = this.#rules
    let readable: Uint8Array | undefined = body
    let masked: readonly Masked[] = []
    if (rules !== undefined && body.length > 0) {
      const learn = isAllowed ? this.#learn(true) : undefined
      const record = new FieldRecord(this.#parts.key, rules, this.#attributes.verb === 'patch', learn)
      readable = maskedFields(body, mediaType(fields), record, rules.tree)
      if (readable === undefined)
        return this.#bodyOf(NOT_KEPT, [{ rule: rules.names, fields: 'the body', count: 1 }], body)
      masked = record.counts.take().map((each) => ({ ...each, fields: this.#words.text(each.fields) }))
    }
    const text = maskedBytes(this.#parts.text, readable)
    return this.#bodyOf(text.bytes, [...masked, ...text.masked], body)
  }

  /** What masks an answer; a refusal where it is in a form that cannot be read. */
  answer(status: number, fields: Fields): AnswerMask | Refusal {
    const type = mediaType(fields)
    const isBare = status === 204 || status === 304
    const coding = isBare ? 'identity' : (field(fields, 'content-encoding') ?? 'identity').trim().toLowerCase()
    const isGzip = coding === 'gzip' || coding === 'x-gzip'
    const isReadable = isGzip || coding === 'identity'
    const isWatch = this.#attributes.verb === 'watch' && status < 400
    const plain = {
      inflater: isGzip ? new GzipBody(COPIES, limits.mask) : undefined,
      taped: undefined,
      passed: undefined,
      record: undefined,
      passedRecord: undefined,
      text: this.#parts.text.masker({ terminal: false, timestamps: hasTimestamps(this.#attributes) }),
      passedText: this.#isExempt ? 'none' : 'same',
      words: this.#words,
      events: isWatch ? new WatchEvents(type.includes('protobuf')) : undefined,
      originals: this.#parts.seal === undefined ? undefined : new Originals(this.#parts.seal),
      isOpaque: !isReadable,
    } as const
    const rules = this.#rules
    if (rules === undefined) {
      if (!isReadable && !this.#mayBeOpaque) return unreadable()
      const isYaml = type === 'application/yaml' && isReadable && isOfObjects(this.#attributes)
      return new AnswerMask(isYaml ? { ...plain, ...this.#yaml() } : plain)
    }
    const Rewriter = REWRITERS.get(type)
    // Refusals of the API server's own filters are plain text, and come before there is an object.
    const isText = type === '' || type.startsWith('text/')
    if (isReadable && (isBare || (status >= 400 && isText))) return new AnswerMask(plain)
    if (Rewriter === undefined || !isReadable) return unreadable()
    const { key, detectors } = this.#parts
    const isRefused = status >= 400
    // What is refused of a read are its options, which are the caller's.
    const isQuoting = isRefused && !READS.has(this.#attributes.verb)
    const record = isQuoting ? new RefusalRecord(key, rules) : new FieldRecord(key, rules, false, this.#learn(false))
    // A refusal is one object, whatever was asked for.
    const shape = isRefused ? 'object' : this.#shape
    const taped = new Rewriter(shape, record, limits.mask, (words) => this.#words.values(words, record.counts))
    const own = this.#own
    if (own === rules) return new AnswerMask({ ...plain, record, taped })
    let passedRecord: FieldRecord | RefusalRecord | undefined
    if (own !== undefined) {
      passedRecord = isQuoting ? new RefusalRecord(key, own) : new FieldRecord(key, own, false, undefined)
    }
    const counts = passedRecord?.counts ?? new MaskCounts()
    const ownWords = new MaskedWords(detectors)
    const maskWords = this.#seesAll ? undefined : (words: readonly string[]) => ownWords.values(words, counts)
    const passed = new Rewriter(shape, passedRecord ?? UNMASKED, limits.mask, maskWords)
    // What a rule hides from others has been learned, and is not hidden from this caller.
    const passedText = this.#seesAll ? 'none' : detectors.masker({ terminal: false })
    return new AnswerMask({ ...plain, record, taped, passed, passedRecord, passedText })
  }

  /** Of objects without masked fields: text masks alone would not find what YAML folds. */
  #yaml(): Pick<AnswerMaskParts, 'taped' | 'passed' | 'record'> {
    const record = { counts: new MaskCounts() }
    const taped = new YamlBody('object', UNMASKED, limits.mask, (words) => this.#words.values(words, record.counts))
    return { record, taped, passed: this.#isExempt ? new YamlBody('object', UNMASKED, limits.mask) : undefined }
  }

  /** What masks an exec, attach or port-forward. */
  stream(): StreamMask {
    const { text, opaque, seal } = this.#parts
    return { isExempt: this.#isExempt, opaque, seal, masker: (options) => text.masker(options) }
  }

  /** An answer that is there whole: the cluster's to an upgrade that it refused. */
  whole(fields: Fields, body: Uint8Array): { readonly taped: Whole & TapedBody; readonly passed: Whole } {
    const { bytes, masked } = maskedBytes(this.#parts.text, body)
    const taped = { fields: this.#words.fields(fields), ...this.#bodyOf(bytes, masked, body) }
    return { taped, passed: this.#isExempt ? { fields, body } : taped }
  }

  #bodyOf(body: Uint8Array, masked: readonly Masked[], original: Uint8Array): TapedBody {
    const { seal } = this.#parts
    if (seal === undefined || masked.length === 0) return { body, masked, original: undefined }
    return { body, masked, original: { at: 0, length: original.length, bytes: seal(original) } }
  }

  /** `isWrite`: the object is the caller's word, and so is the namespace that it says. */
  #learn(isWrite: boolean): Learn | undefined {
    const { learn } = this.#parts
    if (learn === undefined) return undefined
    const { namespace } = this.#attributes
    return (object, path, value) => {
      const place = isWrite || object.namespace === '' ? namespace : object.namespace
      learn(object, path, value, `${this.#cluster}/${place}`)
    }
  }

  /** Whether what is compressed in a way that is not known here may pass: only servers behind a proxy do that. */
  get #mayBeOpaque(): boolean {
    return this.#parts.opaque === 'pass' && this.#attributes.verb === 'proxy'
  }

  get #shape(): BodyShape {
    const { verb } = this.#attributes
    if (verb === 'watch') return 'watch'
    return verb === 'list' || verb === 'deletecollection' ? 'list' : 'object'
  }
}

const READS = new Set(['get', 'list', 'watch'])

interface RewriterClass {
  new (shape: BodyShape, masker: FieldMasker, bounds: typeof limits.mask, words?: MaskWords): BodyRewriter
}

const REWRITERS: ReadonlyMap<string, RewriterClass> = new Map<string, RewriterClass>([
  ['application/json', JsonBody],
  ['application/vnd.kubernetes.protobuf', ProtobufBody],
  ['application/yaml', YamlBody],
])

/** A log that may be asked for with timestamps, of a kubelet behind a proxy too; "false" costs a second look. */
function hasTimestamps({ verb, subresource, query }: RequestAttributes): boolean {
  return (subresource === 'log' || verb === 'proxy') && new URLSearchParams(query).has('timestamps')
}

/** What an inflater lends is kept. */
const COPIES: BodyRewriter = { receive: (bytes) => new Uint8Array(bytes), end: () => new Uint8Array(0) }

function unreadable(): Refusal {
  const message = 'the cluster answered in a form that cannot be masked, so the answer was not passed on'
  return refuse(502, 'BadGateway', 'mask.unreadable_answer', message)
}

/** Lower-cased, without parameters. */
function mediaType(fields: Fields): string {
  return (field(fields, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
