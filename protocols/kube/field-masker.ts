// What a rewriter of Kubernetes objects asks: which fields of this object are masked, and what stands in their place. The
// rewriters (protocols/json, protocols/protobuf) know formats; whoever implements this knows the rules.

/** What rules select objects by. "" and an empty map where the object does not say. */
export interface MaskedObject {
  readonly name: string
  readonly namespace: string
  readonly uid: string
  readonly labels: ReadonlyMap<string, string>
}

/**
 * How a masked string is written: as it is; as base64 of the value (`data` of a Secret); or as JSON text that is itself a
 * manifest of the object (`kubectl.kubernetes.io/last-applied-configuration`), whose fields are masked one by one.
 */
export type FieldForm = 'text' | 'base64' | 'manifest'

/**
 * The masked fields of an object, as a tree of its field names. A form at a node masks all strings at and below it;
 * numbers, booleans and null are no secrets and pass. Below an array the tree goes on at `any`.
 */
export interface FieldTree {
  readonly form: FieldForm | undefined
  readonly fields: ReadonlyMap<string, FieldTree>
  /** Every field name, and every element. A name's own node is taken before it. */
  readonly any: FieldTree | undefined
  /**
   * For arrays whose elements have names (`env` of a container): the node of the element whose `name` is this; undefined:
   * `any`. An element without a name, or with one that is no string, is asked for by "".
   */
  readonly named?: (name: string) => FieldTree | undefined
}

export interface FieldMasker {
  /** The masked fields of one object; undefined where none are. */
  select(object: MaskedObject): FieldTree | undefined
  /**
   * What stands in place of a field's value, as text without the base64 of its form; the rewriter encodes and escapes it.
   * `value`: decoded from the field's form and borrowed; base64 that does not decode comes as it stands. `path`:
   * "data.password", for the tape. `node`: of the tree, where the form is from; it tells whose rule masks.
   */
  mask(object: MaskedObject, path: string, value: Uint8Array, node?: FieldTree): string
}

/**
 * The path of a field below another: "data.password"; a key with a dot or a bracket in it stands in brackets. Sentinels are made
 * of it, so every format has to name a field alike.
 */
export function fieldPath(path: string, key: string): string {
  if (/[.[\]]/.test(key)) return `${path}[${key}]`
  return path === '' ? key : `${path}.${key}`
}

/** What a body holds, by its request: one object or Table, a list of them (`items`, `rows`), or watch events in a row. */
export type BodyShape = 'object' | 'list' | 'watch'

/** A body on its way through. After a throw it is not asked again. */
export interface BodyRewriter {
  /** Takes borrowed bytes, returns those that may pass now: possibly none, possibly views of what it was given. Throws PeerError. */
  receive(bytes: Uint8Array): Uint8Array
  /** The body is complete: the rest. Throws PeerError where it is not. */
  end(): Uint8Array
}
