// Which resources the demo's cluster serves, as one table: names, verbs, subresources, and the columns that kubectl
// prints. Discovery, OpenAPI, routing and Table output are all read from it.

import { at, type KubeObject, listAt, textAt } from './object.ts'

export interface Column {
  readonly name: string
  /** 0 is always printed, 1 with `-o wide`. */
  readonly priority?: 1
  /** `now` is in milliseconds since 1970. */
  cell(object: KubeObject, now: number): string | number
}

export interface Resource {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly subresources: readonly Subresource[]
  /** Part of what `kubectl get all` asks for. */
  readonly inAll: boolean
  readonly columns: readonly Column[]
}

export interface Subresource {
  readonly name: string
  readonly kind: string
  readonly verbs: readonly string[]
}

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const

const NAME: Column = { name: 'Name', cell: (object) => object.metadata.name }
const AGE: Column = { name: 'Age', cell: (object, now) => age(object.metadata.creationTimestamp, now) }
const DATA: Column = { name: 'Data', cell: (object) => Object.keys(at(object, 'data') ?? {}).length }

const POD_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: 'Ready',
    cell: (pod) =>
      `${listAt(pod, 'status.containerStatuses').filter((one) => at(one, 'ready') === true).length}/${listAt(pod, 'spec.containers').length}`,
  },
  { name: 'Status', cell: podStatus },
  { name: 'Restarts', cell: () => '0' },
  AGE,
  { name: 'IP', priority: 1, cell: (pod) => textAt(pod, 'status.podIP') || '<none>' },
  { name: 'Node', priority: 1, cell: (pod) => textAt(pod, 'spec.nodeName') || '<none>' },
  { name: 'Nominated Node', priority: 1, cell: () => '<none>' },
  { name: 'Readiness Gates', priority: 1, cell: () => '<none>' },
]

const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Type', cell: (service) => textAt(service, 'spec.type') || 'ClusterIP' },
  { name: 'Cluster-IP', cell: (service) => textAt(service, 'spec.clusterIP') || '<none>' },
  { name: 'External-IP', cell: () => '<none>' },
  {
    name: 'Port(s)',
    cell: (service) =>
      listAt(service, 'spec.ports')
        .map((port) => `${at(port, 'port')}/${textAt(port, 'protocol') || 'TCP'}`)
        .join(',') || '<none>',
  },
  AGE,
  { name: 'Selector', priority: 1, cell: (service) => pairs(at(service, 'spec.selector')) },
]

const DEPLOYMENT_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Ready', cell: (object) => `${number(object, 'status.readyReplicas')}/${number(object, 'spec.replicas')}` },
  { name: 'Up-to-date', cell: (object) => number(object, 'status.updatedReplicas') },
  { name: 'Available', cell: (object) => number(object, 'status.availableReplicas') },
  AGE,
  { name: 'Containers', priority: 1, cell: (object) => containers(object, 'name') },
  { name: 'Images', priority: 1, cell: (object) => containers(object, 'image') },
  { name: 'Selector', priority: 1, cell: (object) => pairs(at(object, 'spec.selector.matchLabels')) },
]

const EVENT_COLUMNS: readonly Column[] = [
  {
    name: 'Last Seen',
    cell: (event, now) => age(textAt(event, 'lastTimestamp') || event.metadata.creationTimestamp, now),
  },
  { name: 'Type', cell: (event) => textAt(event, 'type') },
  { name: 'Reason', cell: (event) => textAt(event, 'reason') },
  {
    name: 'Object',
    cell: (event) => `${textAt(event, 'involvedObject.kind').toLowerCase()}/${textAt(event, 'involvedObject.name')}`,
  },
  { name: 'Message', cell: (event) => textAt(event, 'message') },
]

const NODE_COLUMNS: readonly Column[] = [
  NAME,
  { name: 'Status', cell: () => 'Ready' },
  { name: 'Roles', cell: () => '<none>' },
  AGE,
  { name: 'Version', cell: (node) => textAt(node, 'status.nodeInfo.kubeletVersion') },
]

const STREAM_VERBS = ['create', 'get'] as const

export const RESOURCES: readonly Resource[] = [
  core('Namespace', 'namespaces', ['ns'], false, [NAME, { name: 'Status', cell: () => 'Active' }, AGE]),
  core('Node', 'nodes', ['no'], false, NODE_COLUMNS),
  {
    ...core('Pod', 'pods', ['po'], true, POD_COLUMNS),
    inAll: true,
    subresources: [
      { name: 'attach', kind: 'PodAttachOptions', verbs: STREAM_VERBS },
      { name: 'exec', kind: 'PodExecOptions', verbs: STREAM_VERBS },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: STREAM_VERBS },
    ],
  },
  { ...core('Service', 'services', ['svc'], true, SERVICE_COLUMNS), inAll: true },
  core('ConfigMap', 'configmaps', ['cm'], true, [NAME, DATA, AGE]),
  core('Secret', 'secrets', [], true, [
    NAME,
    { name: 'Type', cell: (secret) => textAt(secret, 'type') || 'Opaque' },
    DATA,
    AGE,
  ]),
  core('Event', 'events', ['ev'], true, EVENT_COLUMNS),
  core('ServiceAccount', 'serviceaccounts', ['sa'], true, [NAME, AGE]),
  {
    ...core('Deployment', 'deployments', ['deploy'], true, DEPLOYMENT_COLUMNS),
    group: 'apps',
    inAll: true,
    subresources: [{ name: 'scale', kind: 'Scale', verbs: ['get', 'patch', 'update'] }],
  },
  review('authentication.k8s.io', 'SelfSubjectReview', 'selfsubjectreviews'),
  review('authorization.k8s.io', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews'),
]

/** "apps/v1", or "v1" for the legacy group. */
export function groupVersion(resource: Resource): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** The groups in order of their first resource, the legacy one ("") included. */
export function groups(): string[] {
  return [...new Set(RESOURCES.map(({ group }) => group))]
}

function core(
  kind: string,
  plural: string,
  shortNames: string[],
  namespaced: boolean,
  columns: readonly Column[],
): Resource {
  return {
    group: '',
    version: 'v1',
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames,
    namespaced,
    verbs: VERBS,
    subresources: [],
    inAll: false,
    columns,
  }
}

/** Resources that are asked and not kept. */
function review(group: string, kind: string, plural: string): Resource {
  return { ...core(kind, plural, [], false, []), group, verbs: ['create'] }
}

function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating'
  const phase = textAt(pod, 'status.phase')
  return phase === 'Succeeded' ? 'Completed' : phase === 'Failed' ? 'Error' : phase || 'Unknown'
}

function containers(object: KubeObject, part: 'name' | 'image'): string {
  return listAt(object, 'spec.template.spec.containers')
    .map((container) => textAt(container, part))
    .join(',')
}

function pairs(labels: unknown): string {
  if (typeof labels !== 'object' || labels === null) return '<none>'
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',')
}

function number(object: KubeObject, path: string): number {
  const value = at(object, path)
  return typeof value === 'number' ? value : 0
}

/** As `duration.HumanDuration` (apimachinery) for short times: 12s, 5m, 3h, 2d. */
function age(timestamp: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(timestamp)) / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`
}
