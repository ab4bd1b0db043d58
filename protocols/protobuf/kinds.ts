// The kinds that are described, by their group, version and name (generated.proto of k8s.io/api), and by their resources.

import {
  bytes,
  bytesMap,
  list,
  type Message,
  message,
  number,
  one,
  opaque,
  opaqueMap,
  opaques,
  text,
  textMap,
  texts,
} from './message.ts'
import { ANY_OBJECT, DELETE_OPTIONS, listOf, metadata, PARTIAL_OBJECT_METADATA, STATUS } from './metadata.ts'
import {
  CONTROLLER_REVISION,
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  JOB,
  POD,
  POD_TEMPLATE,
  REPLICA_SET,
  REPLICATION_CONTROLLER,
  STATEFUL_SET,
} from './workloads.ts'

const SECRET = message({
  1: metadata,
  2: bytesMap('data'),
  3: text('type'),
  4: textMap('stringData'),
  5: number('immutable'),
})

const CONFIG_MAP = message({
  1: metadata,
  2: textMap('data'),
  3: bytesMap('binaryData'),
  4: number('immutable'),
})

const OBJECT_REFERENCE = message({
  1: text('kind'),
  2: text('namespace'),
  3: text('name'),
  4: text('uid'),
  5: text('apiVersion'),
  6: text('resourceVersion'),
  7: text('fieldPath'),
})

const LOCAL_OBJECT_REFERENCE = message({
  1: text('name'),
})

const SERVICE_ACCOUNT = message({
  1: metadata,
  2: list('secrets', OBJECT_REFERENCE),
  3: list('imagePullSecrets', LOCAL_OBJECT_REFERENCE),
  4: number('automountServiceAccountToken'),
})

const EVENT_SOURCE = message({
  1: text('component'),
  2: text('host'),
})

const EVENT = message({
  1: metadata,
  2: one('involvedObject', OBJECT_REFERENCE),
  3: text('reason'),
  4: text('message'),
  5: one('source', EVENT_SOURCE),
  6: opaque('firstTimestamp'),
  7: opaque('lastTimestamp'),
  8: number('count'),
  9: text('type'),
  10: opaque('eventTime'),
  11: opaque('series'),
  12: text('action'),
  13: one('related', OBJECT_REFERENCE),
  14: text('reportingComponent'),
  15: text('reportingInstance'),
})

const NEW_EVENT = message({
  1: metadata,
  2: opaque('eventTime'),
  3: opaque('series'),
  4: text('reportingController'),
  5: text('reportingInstance'),
  6: text('action'),
  7: text('reason'),
  8: one('regarding', OBJECT_REFERENCE),
  9: one('related', OBJECT_REFERENCE),
  10: text('note'),
  11: text('type'),
  12: one('deprecatedSource', EVENT_SOURCE),
  13: opaque('deprecatedFirstTimestamp'),
  14: opaque('deprecatedLastTimestamp'),
  15: number('deprecatedCount'),
})

const TOKEN_REQUEST_STATUS = message({
  1: text('token'),
  2: opaque('expirationTimestamp'),
})

const TOKEN_REQUEST = message({
  1: metadata,
  2: opaque('spec'),
  3: one('status', TOKEN_REQUEST_STATUS),
})

const USER_INFO = message({
  1: text('username'),
  2: text('uid'),
  3: texts('groups'),
  4: opaqueMap('extra'),
})

const TOKEN_REVIEW_SPEC = message({
  1: text('token'),
  2: texts('audiences'),
})

const TOKEN_REVIEW_STATUS = message({
  1: number('authenticated'),
  2: one('user', USER_INFO),
  3: text('error'),
  4: texts('audiences'),
})

const TOKEN_REVIEW = message({
  1: metadata,
  2: one('spec', TOKEN_REVIEW_SPEC),
  3: one('status', TOKEN_REVIEW_STATUS),
})

const CERTIFICATE_SIGNING_REQUEST_SPEC = message({
  1: bytes('request'),
  2: text('username'),
  3: text('uid'),
  4: texts('groups'),
  5: texts('usages'),
  6: opaqueMap('extra'),
  7: text('signerName'),
  8: number('expirationSeconds'),
})

const CERTIFICATE_SIGNING_REQUEST_STATUS = message({
  1: opaques('conditions'),
  2: bytes('certificate'),
})

const CERTIFICATE_SIGNING_REQUEST = message({
  1: metadata,
  2: one('spec', CERTIFICATE_SIGNING_REQUEST_SPEC),
  3: one('status', CERTIFICATE_SIGNING_REQUEST_STATUS),
})

/** Version, resource, kind. */
const DESCRIBED: readonly (readonly [version: string, resource: string, kind: string, message: Message])[] = [
  ['v1', 'configmaps', 'ConfigMap', CONFIG_MAP],
  ['v1', 'events', 'Event', EVENT],
  ['v1', 'pods', 'Pod', POD],
  ['v1', 'podtemplates', 'PodTemplate', POD_TEMPLATE],
  ['v1', 'replicationcontrollers', 'ReplicationController', REPLICATION_CONTROLLER],
  ['v1', 'secrets', 'Secret', SECRET],
  ['v1', 'serviceaccounts', 'ServiceAccount', SERVICE_ACCOUNT],
  ['apps/v1', 'controllerrevisions', 'ControllerRevision', CONTROLLER_REVISION],
  ['apps/v1', 'daemonsets', 'DaemonSet', DAEMON_SET],
  ['apps/v1', 'deployments', 'Deployment', DEPLOYMENT],
  ['apps/v1', 'replicasets', 'ReplicaSet', REPLICA_SET],
  ['apps/v1', 'statefulsets', 'StatefulSet', STATEFUL_SET],
  ['authentication.k8s.io/v1', 'serviceaccounts/token', 'TokenRequest', TOKEN_REQUEST],
  ['authentication.k8s.io/v1', 'tokenreviews', 'TokenReview', TOKEN_REVIEW],
  ['batch/v1', 'cronjobs', 'CronJob', CRON_JOB],
  ['batch/v1', 'jobs', 'Job', JOB],
  ['certificates.k8s.io/v1', 'certificatesigningrequests', 'CertificateSigningRequest', CERTIFICATE_SIGNING_REQUEST],
  ['events.k8s.io/v1', 'events', 'Event', NEW_EVENT],
]

const RESOURCES: ReadonlyMap<string, Message> = new Map([
  ...DESCRIBED.map(([version, resource, , message]): [string, Message] => [`${version} ${resource}`, message]),
  // The request is for a resource of the core group, and the kind is of another.
  ['v1 serviceaccounts/token', TOKEN_REQUEST],
])

const KINDS: ReadonlyMap<string, Message> = new Map([
  ...[
    ...DESCRIBED,
    ['meta.k8s.io/v1', '', 'PartialObjectMetadata', PARTIAL_OBJECT_METADATA] as const,
    ['meta.k8s.io/v1beta1', '', 'PartialObjectMetadata', PARTIAL_OBJECT_METADATA] as const,
  ].flatMap(([version, , kind, message]): [string, Message][] => [
    [`${version} ${kind}`, message],
    [`${version} ${kind}List`, listOf(message)],
  ]),
  ['v1 Status', STATUS],
])

const ANY_LIST = listOf(ANY_OBJECT)

/** The message of a kind; of one that is not described, what is so of every kind: its metadata, and a list's items. */
export function messageOf(apiVersion: string, kind: string): Message {
  const described = KINDS.get(`${apiVersion} ${kind}`)
  if (described !== undefined) return described
  // Every group has its own name for these.
  if (kind === 'DeleteOptions') return DELETE_OPTIONS
  return kind.endsWith('List') ? ANY_LIST : ANY_OBJECT
}

/**
 * The message of what a request for a resource gives and takes, by its group ("" or "apps"), version, resource and
 * subresource ("" for none).
 */
export function messageOfResource(
  apiGroup: string,
  apiVersion: string,
  resource: string,
  subresource: string,
): Message {
  const version = apiGroup === '' ? apiVersion : `${apiGroup}/${apiVersion}`
  const name = subresource === '' || SAME_KIND.has(subresource) ? resource : `${resource}/${subresource}`
  return RESOURCES.get(`${version} ${name}`) ?? ANY_OBJECT
}

/** Subresources that are the object itself; others have kinds of their own. */
const SAME_KIND: ReadonlySet<string> = new Set(['status', 'resize', 'ephemeralcontainers', 'approval'])
