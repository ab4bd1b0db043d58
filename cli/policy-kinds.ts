// The kinds that Kubernetes serves itself, by every word that kubectl takes for them -> their place in the API. Without a
// cluster to ask there is no discovery: others are written RESOURCE.GROUP or RESOURCE.VERSION.GROUP.

export interface KindPlace {
  /** "" for the core group. */
  readonly group: string
  readonly version: string
  /** The plural, as in the path. */
  readonly resource: string
  readonly namespaced: boolean
  /** False for what is not in the table: its scope, and a plural made of a kind, are guesses. */
  readonly known: boolean
}

/** "GROUP/VERSION", then "kind plural short…"; a trailing "!" on the kind: in no namespace. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  v1: [
    ...[
      'Binding bindings',
      'ComponentStatus! componentstatuses cs',
      'ConfigMap configmaps cm',
      'Endpoints endpoints ep',
    ],
    ...['Event events ev', 'LimitRange limitranges limits', 'Namespace! namespaces ns', 'Node! nodes no'],
    ...['PersistentVolumeClaim persistentvolumeclaims pvc', 'PersistentVolume! persistentvolumes pv', 'Pod pods po'],
    ...['PodTemplate podtemplates', 'ReplicationController replicationcontrollers rc'],
    ...['ResourceQuota resourcequotas quota', 'Secret secrets', 'ServiceAccount serviceaccounts sa'],
    ...['Service services svc'],
  ],
  'apps/v1': [
    ...['ControllerRevision controllerrevisions', 'DaemonSet daemonsets ds', 'Deployment deployments deploy'],
    ...['ReplicaSet replicasets rs', 'StatefulSet statefulsets sts'],
  ],
  'autoscaling/v2': ['HorizontalPodAutoscaler horizontalpodautoscalers hpa'],
  'batch/v1': ['CronJob cronjobs cj', 'Job jobs'],
  'policy/v1': ['PodDisruptionBudget poddisruptionbudgets pdb'],
  'networking.k8s.io/v1': [
    ...['Ingress ingresses ing', 'NetworkPolicy networkpolicies netpol', 'IngressClass! ingressclasses'],
  ],
  'rbac.authorization.k8s.io/v1': [
    ...[
      'ClusterRole! clusterroles',
      'ClusterRoleBinding! clusterrolebindings',
      'Role roles',
      'RoleBinding rolebindings',
    ],
  ],
  'storage.k8s.io/v1': [
    'StorageClass! storageclasses sc',
    'VolumeAttachment! volumeattachments',
    'CSIDriver! csidrivers',
  ],
  'apiextensions.k8s.io/v1': ['CustomResourceDefinition! customresourcedefinitions crd crds'],
  'apiregistration.k8s.io/v1': ['APIService! apiservices'],
  'admissionregistration.k8s.io/v1': [
    'MutatingWebhookConfiguration! mutatingwebhookconfigurations',
    'ValidatingWebhookConfiguration! validatingwebhookconfigurations',
    'ValidatingAdmissionPolicy! validatingadmissionpolicies',
    'ValidatingAdmissionPolicyBinding! validatingadmissionpolicybindings',
  ],
  'scheduling.k8s.io/v1': ['PriorityClass! priorityclasses pc'],
  'coordination.k8s.io/v1': ['Lease leases'],
  'discovery.k8s.io/v1': ['EndpointSlice endpointslices'],
  'certificates.k8s.io/v1': ['CertificateSigningRequest! certificatesigningrequests csr'],
  'node.k8s.io/v1': ['RuntimeClass! runtimeclasses'],
  'authentication.k8s.io/v1': ['TokenReview! tokenreviews', 'SelfSubjectReview! selfsubjectreviews'],
  'authorization.k8s.io/v1': [
    ...['SubjectAccessReview! subjectaccessreviews', 'SelfSubjectAccessReview! selfsubjectaccessreviews'],
    'SelfSubjectRulesReview! selfsubjectrulesreviews',
  ],
}

/** What `kubectl get all` stands for. */
export const ALL = [
  ...['pods', 'replicationcontrollers', 'services', 'daemonsets', 'deployments', 'replicasets', 'statefulsets'],
  ...['horizontalpodautoscalers', 'cronjobs', 'jobs'],
] as const

const places = new Map<string, KindPlace>()
for (const [api, kinds] of Object.entries(KINDS)) {
  const [group, version] = splitApi(api)
  for (const line of kinds) {
    const [marked = '', resource = '', ...shorts] = line.split(' ')
    const kind = marked.replace('!', '').toLowerCase()
    const place = { group, version, resource, namespaced: !marked.endsWith('!'), known: true }
    for (const word of [kind, resource, ...shorts]) {
      for (const name of group === '' ? [word] : [word, `${word}.${group}`, `${word}.${version}.${group}`]) {
        places.set(name, place)
      }
    }
  }
}

/** A word for a type as kubectl takes it; undefined where only a cluster's discovery knows it. */
export function placeOfWord(word: string): KindPlace | undefined {
  const known = places.get(word.toLowerCase())
  if (known !== undefined) return known
  const [resource = '', second = '', ...rest] = word.toLowerCase().split('.')
  if (resource === '' || rest.length === 0) return undefined
  const isVersion = /^v\d+((alpha|beta)\d+)?$/.test(second)
  const group = (isVersion ? rest : [second, ...rest]).join('.')
  return { group, version: isVersion ? second : 'v1', resource, namespaced: true, known: false }
}

/** The `apiVersion` and `kind` of an object. */
export function placeOfKind(apiVersion: string, kind: string): KindPlace {
  const [group, version] = splitApi(apiVersion)
  const known = places.get(group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`)
  if (known !== undefined && known.group === group) return { ...known, version }
  return { group, version, resource: pluralOf(kind.toLowerCase()), namespaced: true, known: false }
}

function splitApi(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf('/')
  return slash === -1 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}

/** As apimachinery guesses it (meta.UnsafeGuessKindToResource). */
function pluralOf(kind: string): string {
  if (kind.endsWith('s')) return `${kind}es`
  return kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`
}
