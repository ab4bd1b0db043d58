// Masks what a request asks for: narrows what may be answered to what can be masked, gives the rewriters of the answer,
// and the form in which a request's own body is taped. A tape is masked for everybody, also where the caller is exempt.

import { type Fields, field } from '../../protocols/fields.ts'
import { JsonBody } from '../../protocols/json/body.ts'
import { JsonError } from '../../protocols/json/errors.ts'
import type { BodyRewriter, BodyShape, FieldMasker, FieldTree } from '../../protocols/kube/field-masker.ts'
import { limits } from '../../protocols/limits.ts'
import { type Refusal, refuse } from '../decision.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { acceptMaskable } from './accept.ts'
import { type FieldRule, fieldRule } from './secret-fields.ts'
import { sentinelOf } from './sentinel.ts'
import { scanForSentinels } from './sentinel-scan.ts'
import { jsonOfYaml } from './yaml-body.ts'

/** Who sees values as they are. */
export type Exempt = {
  readonly user?: string | undefined
  readonly group?: string | undefined
  readonly actor?: string | undefined
}

/** Fields named on a tape for one answer or body; the count is of all. */
const NAMED_FIELDS = 16

/** What was masked, for the tape: how many values by which rule, and the names of the first fields. Never a value. */
export interface Masked {
  readonly rule: string
  readonly fields: string
  readonly count: number
}

/** An answer on its way: what the tape gets, and what the caller gets, which differ where the caller is exempt. */
export interface AnswerMask {
  readonly taped: BodyRewriter
  readonly passed: BodyRewriter | undefined
  /** True if the answer's head may pass before its body: an answer that fails later can then only be broken off. */
  readonly isStream: boolean
  masked(): Masked | undefined
}

export class Masking {
  readonly #key: Uint8Array
  readonly #exempt: readonly Exempt[]

  /** `key`: of the sentinels. */
  constructor(key: Uint8Array, exempt: readonly Exempt[]) {
    this.#key = key
    this.#exempt = exempt
  }

  /** The request's fields as they may go on, or why they may not. */
  fields(attributes: RequestAttributes, fields: Fields): Fields | Refusal {
    return fieldRule(attributes) === undefined ? fields : acceptMaskable(fields)
  }

  /** Why a body may not go on: it would write a mask over a value, or is in a form that cannot be read. */
  refusal(attributes: RequestAttributes, fields: Fields, body: Uint8Array): Refusal | undefined {
    if (!attributes.isResource || attributes.verb === 'proxy') return undefined
    const type = mediaType(fields)
    if (type.includes('protobuf') && fieldRule(attributes)?.inRequests === true) {
      const message = 'secret values cannot be masked on the tape in protobuf; send this object as JSON or YAML'
      return refuse(415, 'UnsupportedMediaType', 'mask.unreadable_body', message)
    }
    return scanForSentinels(body, type, field(fields, 'content-encoding')?.toLowerCase() ?? '')
  }

  /**
   * A request body as the tape gets it, and what is masked in it. YAML is taped as the JSON that it means. What cannot be
   * read is not kept: it is refused, or refused by the cluster.
   */
  request(
    attributes: RequestAttributes,
    fields: Fields,
    body: Uint8Array,
  ): { readonly body: Uint8Array; readonly masked: Masked | undefined } {
    const rule = fieldRule(attributes)
    if (rule?.inRequests !== true || body.length === 0) return { body, masked: undefined }
    const record = new MaskRecord(this.#key, bodyRule(rule, fields))
    try {
      const rewriter = new JsonBody('object', record, limits.mask)
      const head = rewriter.receive(asJson(body, fields))
      const taped = Buffer.concat([head, rewriter.end()])
      return { body: taped, masked: record.masked() }
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      return { body: NOT_KEPT, masked: { rule: rule.name, fields: 'the body', count: 1 } }
    }
  }

  /** The rewriters of an answer; undefined where nothing in it is masked; a refusal where it has values and cannot be masked. */
  answer(
    principal: Principal,
    attributes: RequestAttributes,
    status: number,
    fields: Fields,
  ): AnswerMask | Refusal | undefined {
    const rule = fieldRule(attributes)
    if (rule === undefined) return undefined
    const type = mediaType(fields)
    const isJson = type === 'application/json'
    // Refusals of the API server's own filters are plain text, and come before there is an object.
    if (!isJson && (status >= 400 || status === 204 || status === 304)) return undefined
    if (!isJson || (field(fields, 'content-encoding') ?? 'identity') !== 'identity') {
      const message = 'the cluster answered in a form that cannot be masked, so the answer was not passed on'
      return refuse(502, 'BadGateway', 'mask.unreadable_answer', message)
    }
    const shape = shapeOf(attributes.verb)
    const record = new MaskRecord(this.#key, rule)
    const isExempt = this.#isExempt(principal)
    return {
      taped: new JsonBody(shape, record, limits.mask),
      // Held just as long, so that nothing passes before its masked form is on the tape.
      passed: isExempt ? new JsonBody(shape, UNMASKED, limits.mask) : undefined,
      isStream: shape === 'watch',
      masked: () => record.masked(),
    }
  }

  #isExempt({ user, groups, actor }: Principal): boolean {
    return this.#exempt.some(
      (exempt) =>
        exempt.user === user ||
        (exempt.group !== undefined && groups.includes(exempt.group)) ||
        (actor !== '' && exempt.actor === actor),
    )
  }
}

const NOT_KEPT = Buffer.from('{"sallyport":"a body that could not be read is not kept"}')

const UNMASKED: FieldMasker = {
  select: () => undefined,
  mask: () => '',
}

/** Masks by one rule and counts what it masks. */
class MaskRecord implements FieldMasker {
  readonly #key: Uint8Array
  readonly #rule: FieldRule
  readonly #fields = new Set<string>()
  #count = 0

  constructor(key: Uint8Array, rule: FieldRule) {
    this.#key = key
    this.#rule = rule
  }

  select(): FieldTree {
    return this.#rule.tree
  }

  mask(object: Parameters<FieldMasker['mask']>[0], path: string, value: Uint8Array): string {
    this.#count += 1
    if (this.#fields.size < NAMED_FIELDS) this.#fields.add(path)
    return sentinelOf(this.#key, object, path, value)
  }

  /** What was masked since it was asked last; undefined if nothing. */
  masked(): Masked | undefined {
    if (this.#count === 0) return undefined
    const masked = { rule: this.#rule.name, fields: [...this.#fields].join(', '), count: this.#count }
    this.#count = 0
    this.#fields.clear()
    return masked
  }
}

const EVERY_VALUE: FieldTree = {
  form: undefined,
  fields: new Map([['value', { form: 'text', fields: new Map(), any: undefined }]]),
  any: undefined,
}

/** A JSON patch says where by a path of its own: all of its values are masked. */
function bodyRule(rule: FieldRule, fields: Fields): FieldRule {
  return mediaType(fields) === 'application/json-patch+json' ? { ...rule, tree: EVERY_VALUE } : rule
}

function asJson(body: Uint8Array, fields: Fields): Uint8Array {
  if (!mediaType(fields).includes('yaml')) return body
  return jsonOfYaml(body) ?? body
}

function shapeOf(verb: string): BodyShape {
  if (verb === 'watch') return 'watch'
  return verb === 'list' || verb === 'deletecollection' ? 'list' : 'object'
}

/** Lower-cased, without parameters. */
function mediaType(fields: Fields): string {
  return (field(fields, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
