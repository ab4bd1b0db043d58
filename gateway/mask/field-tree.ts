// Trees of masked fields: made of paths, and of several rules' trees made one. Each node knows whose rule its form is from,
// so that the tape can say who masked.

import type { FieldForm, FieldTree } from '../../protocols/kube/field-masker.ts'
import { ANY, type Step } from './field-path.ts'

type Named = (name: string) => FieldNode | undefined

export class FieldNode implements FieldTree {
  /** The rule that the form is from; "" at a node without one. */
  readonly rule: string
  readonly form: FieldForm | undefined
  readonly fields: ReadonlyMap<string, FieldNode>
  readonly any: FieldNode | undefined
  readonly named?: Named

  constructor(
    rule: string,
    form: FieldForm | undefined,
    fields: ReadonlyMap<string, FieldNode> = NO_FIELDS,
    any?: FieldNode,
    named?: Named,
  ) {
    this.rule = form === undefined ? '' : rule
    this.form = form
    this.fields = fields
    this.any = any
    if (named !== undefined) this.named = named
  }

  get isLeaf(): boolean {
    return this.fields.size === 0 && this.any === undefined && this.named === undefined
  }

  /** The node of a field or element: below a form everything is masked. */
  below(step: Step): FieldNode | undefined {
    const own = step === ANY ? undefined : this.fields.get(step)
    return own ?? this.any ?? (this.form === undefined ? undefined : new FieldNode(this.rule, this.form))
  }
}

const NO_FIELDS: ReadonlyMap<string, FieldNode> = new Map()

/** The tree of one path: a form at its end, and the way there. */
export function pathTree(rule: string, steps: readonly Step[], form: FieldForm): FieldNode {
  return around(steps, new FieldNode(rule, form))
}

/** `node` at the end of a way. */
export function around(steps: readonly Step[], node: FieldNode): FieldNode {
  return steps.reduceRight<FieldNode>((inner, step) => {
    if (step === ANY) return new FieldNode('', undefined, undefined, inner)
    return new FieldNode('', undefined, new Map([[step, inner]]))
  }, node)
}

/** An array whose elements' `value` is masked where the name is one of these. */
export function namedValues(rule: string, matches: (name: string) => boolean): FieldNode {
  const value = pathTree(rule, ['value'], 'text')
  return new FieldNode('', undefined, undefined, undefined, (name) => (matches(name) ? value : undefined))
}

/** What either masks. */
export function merged(one: FieldNode | undefined, other: FieldNode | undefined): FieldNode | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const owner = STRENGTH[one.form ?? 'none'] >= STRENGTH[other.form ?? 'none'] ? one : other
  if (one.isLeaf && other.isLeaf) return owner
  const fields = new Map<string, FieldNode>()
  for (const name of [...one.fields.keys(), ...other.fields.keys()]) {
    if (fields.has(name)) continue
    const node = merged(one.below(name), other.below(name))
    if (node !== undefined) fields.set(name, node)
  }
  const { form, rule } = owner
  const any = merged(one.below(ANY), other.below(ANY))
  if (one.named === undefined && other.named === undefined) return new FieldNode(rule, form, fields, any)
  const named = (name: string): FieldNode | undefined =>
    merged(one.named?.(name) ?? one.below(ANY), other.named?.(name) ?? other.below(ANY))
  return new FieldNode(rule, form, fields, any, named)
}

/** Of two forms at one node: what is base64 stays so, and JSON that kubectl reads stays JSON. */
const STRENGTH = { none: 0, text: 1, manifest: 2, base64: 3 } as const
