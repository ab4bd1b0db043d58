// The rules that a request's objects come under, and of each object the tree of its masked fields, for the tape (every
// rule) or for one caller (those that mask for them).

import type { FieldTree, MaskedObject } from '../../protocols/kube/field-masker.ts'
import type { Principal } from '../principal.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { type FieldNode, merged } from './field-tree.ts'
import type { MaskRule } from './mask-rule.ts'

interface Asked {
  readonly rule: MaskRule
  readonly tree: FieldNode
}

/** Verbs and subresources whose bodies are streams of bytes, not the resource's objects. */
const STREAMS = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])

export function isOfObjects({ isResource, verb, subresource }: RequestAttributes): boolean {
  return isResource && !STREAMS.has(verb) && !STREAMS.has(subresource)
}

/** Undefined where nothing that is asked for has masked fields. */
export function askedRules(
  rules: readonly MaskRule[],
  cluster: string,
  attributes: RequestAttributes,
): AskedRules | undefined {
  if (!isOfObjects(attributes)) return undefined
  let asked: Asked[] | undefined
  for (const rule of rules) {
    const tree = rule.tree(cluster, attributes)
    if (tree === undefined) continue
    asked ??= []
    asked.push({ rule, tree })
  }
  return asked === undefined ? undefined : new AskedRules(asked, attributes)
}

export class AskedRules {
  readonly #asked: readonly Asked[]
  readonly #attributes: RequestAttributes
  /** Trees of several rules made one, by the places of those rules. */
  readonly #merged = new Map<string, FieldNode>()

  constructor(asked: readonly Asked[], attributes: RequestAttributes) {
    this.#asked = asked
    this.#attributes = attributes
  }

  /** "secrets", or "database-config, secrets" where it takes a node to tell them apart. */
  get names(): string {
    return this.#asked.map(({ rule }) => rule.name).join(', ')
  }

  /** All fields that an object of the request may have masked. */
  get tree(): FieldNode {
    return this.#union(this.#asked) as FieldNode
  }

  /** Those that mask for a caller: itself where all do, undefined where none does. */
  of(principal: Principal): AskedRules | undefined {
    const kept = this.#asked.filter(({ rule }) => rule.masksFor(principal))
    if (kept.length === this.#asked.length) return this
    return kept.length === 0 ? undefined : new AskedRules(kept, this.#attributes)
  }

  /** Whether one of them has an exemption for a caller. */
  exempts(principal: Principal): boolean {
    return this.#asked.some(({ rule }) => rule.exempts(principal))
  }

  /** `isPart`: of an object, as a patch is. What an object does not say of itself, the request says. */
  select(object: MaskedObject, isPart: boolean): FieldTree | undefined {
    const asked = this.#asked
    const [first] = asked
    if (asked.length === 1 && first?.rule.isSelective === false) return first.tree
    const { name, namespace } = this.#attributes
    const whole = {
      ...object,
      name: object.name === '' ? name : object.name,
      namespace: object.namespace === '' ? namespace : object.namespace,
    }
    return this.#union(asked.filter(({ rule }) => rule.means(whole, isPart)))
  }

  #union(asked: readonly Asked[]): FieldNode | undefined {
    const [first] = asked
    if (asked.length < 2) return first?.tree
    const key = asked.map(({ rule }) => rule.name).join()
    let tree = this.#merged.get(key)
    if (tree === undefined) {
      tree = asked.reduce<FieldNode | undefined>((one, { tree }) => merged(one, tree), undefined) as FieldNode
      this.#merged.set(key, tree)
    }
    return tree
  }
}
