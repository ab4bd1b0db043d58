// The fields that are masked, by what a request asks for: values of Secrets (Helm's releases among them), and tokens that
// the API server makes or reviews.

import type { FieldForm, FieldTree } from '../../protocols/kube/field-masker.ts'
import type { RequestAttributes } from '../request-attributes.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

function node(form: FieldForm | undefined, fields: Readonly<Record<string, FieldTree>> = {}): FieldTree {
  return { form, fields: new Map(Object.entries(fields)), any: undefined }
}

const ANNOTATIONS = node(undefined, { annotations: node(undefined, { [LAST_APPLIED]: node('manifest') }) })

/** Data is base64 of the values, stringData the values, and the annotation a copy of both. */
const SECRET = node(undefined, { data: node('base64'), stringData: node('text'), metadata: ANNOTATIONS })
const TOKEN_REQUEST = node(undefined, { status: node(undefined, { token: node('text') }) })
const TOKEN_REVIEW = node(undefined, { spec: node(undefined, { token: node('text') }) })

/** A name for the tape, and which fields of the objects are masked. */
export interface FieldRule {
  readonly name: string
  readonly tree: FieldTree
  /** Whether request bodies hold values as well: in protobuf they could not be taped masked, so they are refused. */
  readonly inRequests: boolean
}

const RULES: ReadonlyMap<string, FieldRule> = new Map<string, FieldRule>([
  ['/secrets', { name: 'secrets', tree: SECRET, inRequests: true }],
  ['/serviceaccounts/token', { name: 'service-account-tokens', tree: TOKEN_REQUEST, inRequests: false }],
  ['authentication.k8s.io/tokenreviews', { name: 'token-reviews', tree: TOKEN_REVIEW, inRequests: true }],
])

/** The rule for what a request asks for; undefined where nothing in it is masked. */
export function fieldRule(attributes: RequestAttributes): FieldRule | undefined {
  if (!attributes.isResource) return undefined
  const { apiGroup, resource, subresource } = attributes
  return RULES.get(`${apiGroup}/${resource}${subresource === '' ? '' : `/${subresource}`}`)
}
