// The rules that are there without a word in the configuration: values of Secrets (Helm's releases among them), tokens
// that the API server makes or reviews, and releases that Helm keeps in ConfigMaps.

import type { FieldForm } from '../../protocols/kube/field-masker.ts'
import { selectorOf } from '../labels.ts'
import type { MaskingDocument } from './document.ts'
import { type FieldNode, merged, pathTree } from './field-tree.ts'
import { lastApplied, MaskRule, type ObjectSelector } from './mask-rule.ts'

/** Helm 3 and 2 (helm pkg/storage/driver/cfgmaps.go); the name stays where somebody takes the labels away. */
const HELM: readonly ObjectSelector[] = [
  { labels: selectorOf('owner=helm') },
  { labels: selectorOf('OWNER=TILLER') },
  { names: ['sh.helm.release.v1.*'] },
]

export function builtinRules(switched: MaskingDocument['builtin']): MaskRule[] {
  const rules: MaskRule[] = []
  if (switched.secrets) {
    // Data is base64 of the values, stringData the values, and the annotation a copy of both.
    rules.push(builtin('secrets', '/secrets', [['data', 'base64'], ['stringData', 'text']])) // biome-ignore format: pairs
  }
  if (switched.tokens) {
    rules.push(builtin('service-account-tokens', '/serviceaccounts/token', [['status.token', 'text']]))
    rules.push(builtin('token-reviews', 'authentication.k8s.io/tokenreviews', [['spec.token', 'text']]))
  }
  if (switched.helmConfigMaps) {
    rules.push(builtin('helm-releases', '/configmaps', [['data.release', 'text']], HELM))
  }
  return rules
}

function builtin(
  name: string,
  resource: string,
  fields: readonly (readonly [path: string, form: FieldForm])[],
  selectors: readonly ObjectSelector[] = [],
): MaskRule {
  const trees = fields.map(([path, form]) => pathTree(name, path.split('.'), form))
  const tree = trees.reduce<FieldNode>((one, other) => merged(one, other) as FieldNode, lastApplied(name))
  return new MaskRule({
    name,
    selectors,
    tree(group, kind, subresource) {
      const key = `${group}/${kind}`
      return resource === key || resource === `${key}/${subresource}` ? tree : undefined
    },
  })
}
