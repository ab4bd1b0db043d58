// The fields that are masked where no rule says otherwise, by what a request asks for: values of Secrets, tokens that the
// API server makes or reviews, and Helm's releases wherever Helm keeps them.

import type { FieldForm, FieldTree, MaskedObject } from '../../protocols/kube/field-masker.ts'
import type { RequestAttributes } from '../request-attributes.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** The name of Helm's releases, in Secrets and ConfigMaps (helm.sh/helm/v3 pkg/storage/driver). */
const HELM = 'sh.helm.release.v1.'

function node(form: FieldForm | undefined, fields: Readonly<Record<string, FieldTree>> = {}): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any: undefined }
}

const ANNOTATIONS = node(undefined, { annotations: node(undefined, { [LAST_APPLIED]: node('manifest') }) })

/** Data is base64 of the values, stringData the values, and the annotation a copy of both. */
const SECRET = node(undefined, { data: node('base64'), stringData: node('text'), metadata: ANNOTATIONS })
const HELM_CONFIG_MAP = node(undefined, { data: node('text'), binaryData: node('base64'), metadata: ANNOTATIONS })
const TOKEN_REQUEST = node(undefined, { status: node(undefined, { token: node('text') }) })
const TOKEN_REVIEW = node(undefined, { spec: node(undefined, { token: node('text') }) })

/** A name for the tape, and which fields of an object are masked. */
export interface FieldRule {
  readonly name: string
  tree(object: MaskedObject): FieldTree | undefined
  /** Whether a request body in protobuf may hold values: it could not be taped masked, so it is refused. */
  mayHold(protobuf: Uint8Array): boolean
}

const RULES: ReadonlyMap<string, FieldRule> = new Map<string, FieldRule>([
  ['/secrets', { name: 'secrets', tree: () => SECRET, mayHold: () => true }],
  [
    '/configmaps',
    {
      name: 'helm-releases',
      tree: ({ name }) => (name.startsWith(HELM) ? HELM_CONFIG_MAP : undefined),
      mayHold: (protobuf) => Buffer.from(protobuf.buffer, protobuf.byteOffset, protobuf.length).includes(HELM),
    },
  ],
  ['/serviceaccounts/token', { name: 'service-account-tokens', tree: () => TOKEN_REQUEST, mayHold: () => false }],
  ['authentication.k8s.io/tokenreviews', { name: 'token-reviews', tree: () => TOKEN_REVIEW, mayHold: () => true }],
])

/** The rule for what a request asks for; undefined where nothing in it is masked. */
export function fieldRule(attributes: RequestAttributes): FieldRule | undefined {
  if (!attributes.isResource) return undefined
  const { apiGroup, resource, subresource } = attributes
  return RULES.get(`${apiGroup}/${resource}${subresource === '' ? '' : `/${subresource}`}`)
}
