// Where pods' specs lie in the objects that hold some, and the environment of their containers as a tree.

import { ANY, type Step } from './field-path.ts'
import { around, type FieldNode, merged, namedValues } from './field-tree.ts'

const TEMPLATE = ['spec', 'template', 'spec'] as const

/** By "group/resource". */
const POD_SPECS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['/pods', ['spec']],
  ['/podtemplates', ['template', 'spec']],
  ['/replicationcontrollers', TEMPLATE],
  ['apps/deployments', TEMPLATE],
  ['apps/statefulsets', TEMPLATE],
  ['apps/daemonsets', TEMPLATE],
  ['apps/replicasets', TEMPLATE],
  // A patch of the template, kept as the object of an extension.
  ['apps/controllerrevisions', ['data', ...TEMPLATE]],
  ['batch/jobs', TEMPLATE],
  ['batch/cronjobs', ['spec', 'jobTemplate', 'spec', 'template', 'spec']],
])

const CONTAINERS = ['containers', 'initContainers', 'ephemeralContainers'] as const

/** Resources that hold pods' specs, as rules name them. */
export const HOLDERS: readonly string[] = [...POD_SPECS.keys()].map((key) => key.replace(/^\//, ''))

/** The variables of this resource's containers whose name fits one of the patterns; a custom resource has its template where deployments do. */
export function envTree(rule: string, key: string, patterns: readonly string[]): FieldNode {
  const variables = namedValues(rule, (name) => patterns.some((pattern) => fits(pattern, name)))
  const spec: readonly Step[] = POD_SPECS.get(key) ?? TEMPLATE
  const trees = CONTAINERS.map((containers) => around([...spec, containers, ANY, 'env'], variables))
  return trees.reduce((one, other) => merged(one, other) as FieldNode)
}

/** "DB_PASSWORD", "*_TOKEN", "AWS_*", "*SECRET*". */
function fits(pattern: string, name: string): boolean {
  const start = pattern.startsWith('*') ? 1 : 0
  const end = pattern.endsWith('*') && pattern.length > start ? pattern.length - 1 : pattern.length
  const text = pattern.slice(start, end)
  if (start === 1 && end < pattern.length) return name.includes(text)
  if (start === 1) return name.endsWith(text)
  return end < pattern.length ? name.startsWith(text) : name === text
}
