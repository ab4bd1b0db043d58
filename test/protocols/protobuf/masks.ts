// Field trees and a masker that says what it masked, for the tests of both formats.

import type { FieldForm, FieldMasker, FieldTree, MaskedObject } from '../../../protocols/kube/field-masker.ts'

export function node(form: FieldForm | undefined, fields: Record<string, FieldTree> = {}, any?: FieldTree): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any }
}

const text = node('text')
const each = (below: FieldTree): FieldTree => node(undefined, {}, below)

export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const metadata = node(undefined, { annotations: node(undefined, { [LAST_APPLIED]: node('manifest') }) })
export const METADATA = node(undefined, { metadata })
export const SECRET = node(undefined, { data: node('base64'), stringData: text, metadata })

const container = node(undefined, {
  env: each(node(undefined, { value: text })),
  args: text,
  command: each(text),
  livenessProbe: node(undefined, { httpGet: node(undefined, { httpHeaders: each(node(undefined, { value: text })) }) }),
  lifecycle: node(undefined, { preStop: node(undefined, { exec: node(undefined, { command: text }) }) }),
})
const podSpec = node(undefined, {
  containers: each(container),
  initContainers: each(container),
  ephemeralContainers: each(container),
})
const template = node(undefined, { spec: podSpec })

/** Environment by the names of its elements: half of them by one node, some by another. */
const halves = [node(undefined, { value: text }), node(undefined, { value: node('base64') })] as const
const named: FieldTree = {
  ...node(undefined, {}, halves[1]),
  named: (name) => (name.length % 2 === 0 ? halves[0] : undefined),
}
export const NAMED = node(undefined, {
  spec: node(undefined, {
    containers: each(node(undefined, { env: named })),
    ephemeralContainers: each(node(undefined, { env: named, args: { ...text, named: (name) => (name === '' ? text : undefined) } })),
  }),
}) // biome-ignore format: trees to look over

/** A tree for each kind, its list and its events. */
export const TREES: Readonly<Record<string, FieldTree>> = {
  Secret: SECRET,
  ConfigMap: node(undefined, { data: text, binaryData: node('base64') }),
  ServiceAccount: node(undefined, { metadata, secrets: each(node(undefined, { name: text })) }),
  Pod: node(undefined, { metadata, spec: podSpec, status: node(undefined, { message: text }) }),
  PodTemplate: node(undefined, { template }),
  ReplicationController: node(undefined, { spec: node(undefined, { template }) }),
  Deployment: node(undefined, { metadata, spec: node(undefined, { template }) }),
  StatefulSet: node(undefined, { spec: node(undefined, { template }) }),
  DaemonSet: node(undefined, { spec: node(undefined, { template }) }),
  ReplicaSet: node(undefined, { spec: node(undefined, { template }) }),
  Job: node(undefined, { spec: node(undefined, { template }) }),
  CronJob: node(undefined, { spec: node(undefined, { jobTemplate: node(undefined, { spec: node(undefined, { template }) }) }) }),
  ControllerRevision: node(undefined, { data: node(undefined, { spec: node(undefined, { template }) }) }),
  Event: node(undefined, { message: text, note: text }),
  TokenRequest: node(undefined, { status: node(undefined, { token: text }) }),
  TokenReview: node(undefined, { spec: node(undefined, { token: text }) }),
  CertificateSigningRequest: node(undefined, { spec: node(undefined, { request: node('base64') }) }),
  PartialObjectMetadata: METADATA,
  Status: SECRET,
  DeleteOptions: SECRET,
  Service: METADATA,
} // biome-ignore format: one line for each

export interface Call {
  readonly uid: string
  readonly path: string
  readonly value: string
  /** Whose rule masks: the node's number, the same in both formats. */
  readonly node: number
}

const numbers = new WeakMap<FieldTree, number>()
let lastNumber = 0

function numberOf(tree: FieldTree | undefined): number {
  if (tree === undefined) return -1
  let number = numbers.get(tree)
  if (number === undefined) {
    lastNumber += 1
    number = lastNumber
    numbers.set(tree, number)
  }
  return number
}

/** Masks by a tree; each mask says where it stood, and what object it was of. */
export class TellingMasker implements FieldMasker {
  readonly calls: Call[] = []
  readonly #tree: FieldTree | undefined

  constructor(tree: FieldTree | undefined) {
    this.#tree = tree
  }

  select(): FieldTree | undefined {
    return this.#tree
  }

  mask(object: MaskedObject, path: string, value: Uint8Array, tree?: FieldTree): string {
    this.calls.push({ uid: object.uid, path, value: Buffer.from(value).toString('latin1'), node: numberOf(tree) })
    return `<${object.uid}|${path}|${value.length}>`
  }
}
