// The resources that a rule names, of the policy or of masking: "pods", "pods/log", "apps/deployments", "apps/*". Refuses
// names that could not match anything, and says how to write what was meant.

/** The core group's resources; it takes no others, so a bare name that is not among them is a mistake. */
const CORE = new Set(
  (
    'bindings componentstatuses configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims ' +
    'persistentvolumes pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services'
  ).split(' '),
)

/** Groups without a dot. All others have one: Kubernetes asks it of custom resources. */
const DOTLESS_GROUPS = new Set(['apps', 'autoscaling', 'batch', 'extensions', 'policy'])

export class ResourceNameError extends Error {}

/** [group, resource, subresource]. Throws ResourceNameError. */
export function parseResource(entry: string): [string, string, string] {
  const parts = entry.split('/')
  const [first, second, third] = parts
  if (first === undefined || parts.length > 3 || parts.some((part) => !PART.test(part))) {
    throw new ResourceNameError(
      'write RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/RESOURCE/SUBRESOURCE or "*"',
    )
  }
  if (first === '*' || (second === '*' && third !== undefined)) {
    throw new ResourceNameError(
      '"*" stands for all resources, GROUP/* for those of a group, RESOURCE/* for subresources',
    )
  }
  if (third !== undefined && second !== undefined) return [first, second, third]
  if (second === undefined) {
    if (CORE.has(first)) return ['', first, '']
    throw new ResourceNameError(
      'the core group has no resource of this name; write GROUP/RESOURCE, such as apps/deployments',
    )
  }
  if (CORE.has(first)) return ['', first, second]
  if (first.includes('.') || DOTLESS_GROUPS.has(first)) return [first, second, '']
  throw new ResourceNameError('there is neither a group nor a core resource of the name before the slash')
}

const PART = /^(?:\*|[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)$/
