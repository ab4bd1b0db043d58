// Masks the fields of a request's objects by its rules, counts what it masks, and has each value learned.

import type { FieldMasker, FieldTree, MaskedObject } from '../../protocols/kube/field-masker.ts'
import type { AskedRules } from './asked-rules.ts'
import { FieldNode } from './field-tree.ts'
import { MaskCounts } from './masked.ts'
import { sentinelOf } from './sentinel.ts'

/** Remembers values that were hidden, so that they are hidden wherever else they turn up. */
export type Learn = (object: MaskedObject, path: string, value: Uint8Array) => void

/** The same from several places: `origin` is a cluster and a namespace. */
export type LearnFrom = (object: MaskedObject, path: string, value: Uint8Array, origin: string) => void

export class FieldRecord implements FieldMasker {
  readonly counts = new MaskCounts()
  readonly #key: Uint8Array
  readonly #rules: AskedRules
  readonly #isPart: boolean
  readonly #learn: Learn | undefined

  /** `key`: of the sentinels. `isPart`: of an object, as a patch is. */
  constructor(key: Uint8Array, rules: AskedRules, isPart: boolean, learn: Learn | undefined) {
    this.#key = key
    this.#rules = rules
    this.#isPart = isPart
    this.#learn = learn
  }

  select(object: MaskedObject): FieldTree | undefined {
    return this.#rules.select(object, this.#isPart)
  }

  mask(object: MaskedObject, path: string, value: Uint8Array, node?: FieldTree): string {
    this.counts.add(node instanceof FieldNode && node.rule !== '' ? node.rule : this.#rules.names, path)
    this.#learn?.(object, path, value)
    return sentinelOf(this.#key, object, path, value)
  }
}

/** Masks nothing: for a rewriter that only holds bytes as long as the one of the tape does. */
export const UNMASKED: FieldMasker = {
  select: () => undefined,
  mask: () => '',
}
