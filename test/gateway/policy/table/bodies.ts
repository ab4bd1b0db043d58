// What is judged by the body, the clock and conditions.

import type { RuleSource } from '../support.ts'
import type { Table } from './row.ts'

const NS = '/api/v1/namespaces'
const APPS = '/apis/apps/v1/namespaces'
const MERGE = 'application/merge-patch+json'
const STRATEGIC = 'application/strategic-merge-patch+json'
const JSON_PATCH = 'application/json-patch+json'
const APPLY = 'application/apply-patch+yaml'
const PROTOBUF = 'application/vnd.kubernetes.protobuf'

const EVERYTHING: RuleSource = { name: 'all', verbs: ['*'], effect: 'allow' }
const APPROVAL = { approvers: [{ group: 'oidc:sre' }] }

const container = (securityContext: object): object => ({ containers: [{ name: 'c', image: 'i', securityContext }] })
const pod = (spec: object, labels: object = {}): object => ({ kind: 'Pod', metadata: { labels }, spec })
const deployment = (spec: object): object => ({ kind: 'Deployment', spec: { replicas: 1, template: { spec } } })

export const TABLES: readonly Table[] = [
  {
    policy: 'dry runs apart',
    rules: [
      {
        name: 'try',
        verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
        dryRun: 'only',
        effect: 'allow',
      },
      { name: 'freeze', verbs: ['patch'], namespaces: ['prod'], dryRun: 'never', effect: 'deny' },
    ],
    rows: [
      [`POST ${NS}/n/pods?dryRun=All`, 'allow try'],
      [`POST ${NS}/n/pods?dry%52un=All`, 'allow try'],
      [`POST ${NS}/n/pods?dryRun=All&dryRun=All`, 'allow try'],
      [`POST ${NS}/n/pods`, 'deny default'],
      [`POST ${NS}/n/pods?dryRun=`, 'deny default'],
      [`POST ${NS}/n/pods?dryRun=all`, 'deny default'],
      [`POST ${NS}/n/pods?dryRun=All&dryRun=None`, 'deny default'],
      [`POST ${NS}/n/pods?dryrun=All`, 'deny default'],
      [`POST ${NS}/n/serviceaccounts/sa/token?dryRun=All`, 'deny default'],
      [`POST ${NS}/n/pods/p/eviction?dryRun=All`, 'allow try'],
      [`PATCH ${APPS}/n/deployments/x?dryRun=All`, 'allow try', { body: {}, type: APPLY }],
      [`PATCH ${APPS}/prod/deployments/x?dryRun=All`, 'allow try', { body: {}, type: APPLY }],
      [`PATCH ${APPS}/prod/deployments/x`, 'deny freeze', { body: {}, type: APPLY }],
      [`PATCH ${APPS}/prod/deployments/x?dryRun=x`, 'deny freeze', { body: {}, type: APPLY }],
      [`DELETE ${NS}/n/pods/p?dryRun=All`, 'allow try'],
      // Where a DELETE has a body, the query's word counts for nothing.
      [`DELETE ${NS}/n/pods/p?dryRun=All`, 'deny default', { body: { kind: 'DeleteOptions' } }],
      [`DELETE ${NS}/n/pods/p?dryRun=All`, 'deny default', { body: { dryRun: [] } }],
      [`DELETE ${NS}/n/pods/p`, 'allow try', { body: { dryRun: ['All'] } }],
      [`DELETE ${NS}/n/pods`, 'allow try', { body: { dryRun: ['All'] } }],
      [`DELETE ${NS}/n/pods/p`, 'deny default', { body: { dryRun: ['All', 'x'] } }],
      [`DELETE ${NS}/n/pods/p?dryRun=All`, 'deny default', { body: 'k8s', type: PROTOBUF }],
      [`GET ${NS}/n/pods/p/exec?command=x&dryRun=All`, 'deny default'],
      [`PUT ${NS}/n/pods/p/status?dryRun=All`, 'allow try'],
    ],
  },
  {
    policy: 'office hours in Berlin, nights in New York',
    rules: [
      {
        name: 'office',
        verbs: ['delete'],
        hours: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' }],
        effect: 'allow',
      },
      {
        name: 'night',
        verbs: ['patch'],
        hours: [{ days: ['fri'], from: '22:00', to: '06:00', timeZone: 'America/New_York' }],
        effect: 'deny',
      },
      { name: 'patches', verbs: ['patch'], effect: 'allow' },
    ],
    rows: [
      // 15 July 2026 is a Wednesday; Berlin is two hours ahead of UTC, New York four behind.
      [`DELETE ${NS}/n/pods/p`, 'allow office', { at: '15T07:00' }],
      [`DELETE ${NS}/n/pods/p`, 'deny default', { at: '15T06:59' }],
      [`DELETE ${NS}/n/pods/p`, 'allow office', { at: '15T14:59' }],
      [`DELETE ${NS}/n/pods/p`, 'deny default', { at: '15T15:00' }],
      [`DELETE ${NS}/n/pods/p`, 'deny default', { at: '18T10:00' }],
      [`PATCH ${NS}/n/pods/p`, 'allow patches', { at: '18T01:59', body: {}, type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'deny night', { at: '18T02:00', body: {}, type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'deny night', { at: '18T09:59', body: {}, type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'allow patches', { at: '18T10:00', body: {}, type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'allow patches', { at: '17T02:00', body: {}, type: MERGE }],
    ],
  },
  {
    policy: 'a condition on an allow',
    rules: [
      {
        name: 'small',
        verbs: ['create', 'update', 'patch'],
        resources: ['apps/deployments', 'apps/deployments/scale'],
        namespaces: ['web'],
        when: 'object.spec.replicas <= 10',
        effect: 'allow',
      },
    ],
    rows: [
      [`POST ${APPS}/web/deployments`, 'allow small', { body: deployment({}) }],
      [`POST ${APPS}/web/deployments`, 'allow small', { body: { spec: { replicas: 10 } } }],
      [`POST ${APPS}/web/deployments`, 'deny default', { body: { spec: { replicas: 11 } } }],
      [`POST ${APPS}/web/deployments`, 'deny default', { body: { spec: { replicas: '3' } } }],
      [`POST ${APPS}/web/deployments`, 'deny default', { body: { spec: {} } }],
      [`POST ${APPS}/web/deployments`, 'deny default', { body: [] }],
      [`POST ${APPS}/web/deployments`, 'deny default'],
      [`POST ${APPS}/web/deployments`, '400 small', { body: '{"spec": {"replicas": 3}, "spec": {"replicas": 99}}' }],
      [`POST ${APPS}/web/deployments`, '400 small', { body: '{' }],
      [`POST ${APPS}/web/deployments`, '415 small', { body: 'k8s', type: PROTOBUF }],
      [`POST ${APPS}/prod/deployments`, 'deny default', { body: 'k8s', type: PROTOBUF }],
      [`POST ${APPS}/web/deployments`, 'allow small', { body: 'spec:\n  replicas: 3\n', type: 'application/yaml' }],
      [`POST ${APPS}/web/deployments`, '400 small', { body: 'spec: &a\n  replicas: 3\n', type: 'application/yaml' }],
      [`PUT ${APPS}/web/deployments/x`, 'allow small', { body: { spec: { replicas: 3 } } }],
      [`PATCH ${APPS}/web/deployments/x`, 'allow small', { body: { spec: { replicas: 3 } }, type: MERGE }],
      [`PATCH ${APPS}/web/deployments/x`, 'deny default', { body: { spec: { replicas: 30 } }, type: MERGE }],
      [`PATCH ${APPS}/web/deployments/x`, 'deny default', { body: { metadata: {} }, type: MERGE }],
      [`PATCH ${APPS}/web/deployments/x`, 'allow small', { body: 'spec: {replicas: 3}', type: APPLY }],
      [
        `PATCH ${APPS}/web/deployments/x`,
        'deny default',
        { body: [{ op: 'replace', path: '/spec/replicas', value: 3 }], type: JSON_PATCH },
      ],
      [`PATCH ${APPS}/web/deployments/x/scale`, 'allow small', { body: { spec: { replicas: 3 } }, type: MERGE }],
      [`PATCH ${APPS}/web/deployments/x/status`, 'deny default', { body: { spec: { replicas: 3 } }, type: MERGE }],
      [`GET ${APPS}/web/deployments/x`, 'allow default'],
    ],
  },
  {
    policy: 'pod specs that ask for the host',
    rules: [
      { name: 'privileged', verbs: ['create', 'update', 'patch'], when: 'privileged(object)', effect: 'deny' },
      { name: 'host', verbs: ['create', 'update', 'patch'], when: 'hostNamespaces(object)', effect: 'deny' },
      {
        name: 'path',
        verbs: ['create', 'update', 'patch'],
        when: 'hostPath(object) || addsCapabilities(object)',
        effect: 'requireApproval',
        approval: APPROVAL,
      },
      EVERYTHING,
    ],
    rows: [
      [`POST ${NS}/n/pods`, 'allow all', { body: pod(container({})) }],
      [`POST ${NS}/n/pods`, 'allow all', { body: pod(container({ privileged: false })) }],
      [`POST ${NS}/n/pods`, 'deny privileged', { body: pod(container({ privileged: true })) }],
      [
        `POST ${NS}/n/pods`,
        'deny privileged',
        { body: pod({ initContainers: [{ securityContext: { privileged: true } }] }) },
      ],
      [
        `POST ${NS}/n/pods`,
        'deny privileged',
        { body: pod({ securityContext: { windowsOptions: { hostProcess: true } } }) },
      ],
      [`POST ${NS}/n/pods`, 'deny host', { body: pod({ hostNetwork: true }) }],
      [`POST ${NS}/n/pods`, 'deny host', { body: pod({ hostPID: true }) }],
      [`POST ${NS}/n/pods`, 'deny host', { body: pod({ hostIPC: true }) }],
      [`POST ${NS}/n/pods`, 'allow all', { body: pod({ hostNetwork: null }) }],
      [`POST ${NS}/n/pods`, 'ask path', { body: pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }) }],
      [`POST ${NS}/n/pods`, 'ask path', { body: pod(container({ capabilities: { add: ['SYS_ADMIN'] } })) }],
      [`POST ${NS}/n/pods`, 'allow all', { body: pod(container({ capabilities: { add: [], drop: ['ALL'] } })) }],
      [`POST ${APPS}/n/deployments`, 'deny privileged', { body: deployment(container({ privileged: true })) }],
      [`POST ${APPS}/n/daemonsets`, 'deny host', { body: deployment({ hostNetwork: true }) }],
      [
        'POST /apis/batch/v1/namespaces/n/cronjobs',
        'deny host',
        { body: { spec: { jobTemplate: { spec: { template: { spec: { hostPID: true } } } } } } },
      ],
      [`POST ${NS}/n/podtemplates`, 'deny host', { body: { template: { spec: { hostPID: true } } } }],
      [
        'POST /apis/argoproj.io/v1alpha1/namespaces/n/rollouts',
        'deny privileged',
        { body: deployment(container({ privileged: true })) },
      ],
      [
        'POST /apis/apiextensions.k8s.io/v1/customresourcedefinitions',
        'allow all',
        { body: { spec: { versions: [{ schema: { openAPIV3Schema: { properties: { hostPath: {} } } } }] } } },
      ],
      [
        `PATCH ${NS}/n/pods/p/ephemeralcontainers`,
        'deny privileged',
        { body: { spec: { ephemeralContainers: [{ securityContext: { privileged: true } }] } }, type: STRATEGIC },
      ],
      [
        `PATCH ${NS}/n/pods/p/ephemeralcontainers`,
        'allow all',
        { body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } }, type: STRATEGIC },
      ],
      [
        `PUT ${NS}/n/pods/p/ephemeralcontainers`,
        'deny privileged',
        { body: pod({ ephemeralContainers: [{ securityContext: { privileged: true } }] }) },
      ],
      [`PATCH ${APPS}/n/deployments/x`, 'deny host', { body: deployment({ hostNetwork: true }), type: MERGE }],
      [`PATCH ${APPS}/n/deployments/x`, 'deny host', { body: deployment({ hostNetwork: true }), type: APPLY }],
      [
        `PATCH ${APPS}/n/deployments/x`,
        'deny host',
        { body: [{ op: 'add', path: '/spec/template/spec/hostNetwork', value: true }], type: JSON_PATCH },
      ],
      [
        `PATCH ${APPS}/n/deployments/x`,
        'deny privileged',
        {
          body: [
            { op: 'test', path: '/metadata/name', value: 'x' },
            {
              op: 'replace',
              path: '/spec/template/spec/containers/0/securityContext',
              value: { privileged: true },
            },
          ],
          type: JSON_PATCH,
        },
      ],
      [
        `PATCH ${APPS}/n/deployments/x`,
        'ask path',
        {
          body: [
            {
              op: 'add',
              path: '/spec/template/spec/containers/0/securityContext/capabilities/add/-',
              value: 'SYS_ADMIN',
            },
          ],
          type: JSON_PATCH,
        },
      ],
      [
        `PATCH ${APPS}/n/deployments/x`,
        'deny privileged',
        { body: [{ op: 'copy', from: '/spec/a', path: '/spec/b' }], type: JSON_PATCH },
      ],
      [
        `PATCH ${APPS}/n/deployments/x`,
        'allow all',
        { body: [{ op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/b' }], type: JSON_PATCH },
      ],
      [
        `PATCH ${APPS}/n/deployments/x`,
        'allow all',
        { body: [{ op: 'remove', path: '/spec/template/spec/hostNetwork' }], type: JSON_PATCH },
      ],
      [`POST ${NS}/n/pods`, 'deny host', { body: '{"spec": {"constructor": {}, "hostNetwork": true}}' }],
      [`POST ${NS}/n/pods`, 'deny host', { body: '{"spec": {"__proto__": {"hostNetwork": true}}}' }],
      [`POST ${NS}/n/pods`, '415 privileged', { body: 'k8s', type: PROTOBUF }],
      [`PATCH ${NS}/n/pods/p`, '415 privileged', { body: 'x', type: 'application/apply-patch+cbor' }],
      [`DELETE ${NS}/n/pods/p`, 'allow all', { body: 'k8s', type: PROTOBUF }],
    ],
  },
  {
    policy: 'conditions on the request and the caller',
    rules: [
      {
        name: 'tail',
        verbs: ['get'],
        resources: ['pods/log'],
        when: '!("tailLines" in request.query) || int(request.query["tailLines"][0]) > 1000',
        effect: 'deny',
        reason: 'ask for at most 1000 lines of a log',
      },
      {
        name: 'own',
        verbs: ['delete'],
        resources: ['pods'],
        when: 'request.name.startsWith(principal.user.substring(5)) && principal.actor == ""',
        effect: 'allow',
      },
      {
        name: 'say-why',
        subjects: [{ actor: '*' }],
        verbs: ['create', 'patch'],
        when: 'principal.intent == ""',
        effect: 'deny',
      },
      { name: 'names', verbs: ['create'], when: 'object.metadata.name.matches("^[a-z]{1,8}$")', effect: 'allow' },
      {
        name: 'debug',
        verbs: ['exec'],
        when: 'request.container == "debug" && "ls" in request.command',
        effect: 'allow',
      },
    ],
    rows: [
      [`GET ${NS}/n/pods/p/log?tailLines=10`, 'allow default'],
      [`GET ${NS}/n/pods/p/log?tailLines=5000`, 'deny tail'],
      [`GET ${NS}/n/pods/p/log`, 'deny tail'],
      [`GET ${NS}/n/pods/p/log?tailLines=x`, 'deny tail'],
      [`DELETE ${NS}/n/pods/ann-1`, 'allow own', { who: 'oidc:ann' }],
      [`DELETE ${NS}/n/pods/bob-1`, 'deny default', { who: 'oidc:ann' }],
      [`DELETE ${NS}/n/pods/ann-1`, 'deny default', { who: 'oidc:ann ~claude' }],
      [`DELETE ${NS}/n/pods/ann-1`, 'deny default', { who: 'x' }],
      [`POST ${NS}/n/pods`, 'deny say-why', { who: 'oidc:ann ~claude', body: { metadata: { name: 'abc' } } }],
      [`POST ${NS}/n/pods`, 'allow names', { who: 'oidc:ann', body: { metadata: { name: 'abc' } } }],
      [`POST ${NS}/n/pods`, 'deny default', { who: 'oidc:ann', body: { metadata: { name: 'abc1' } } }],
      [`POST ${NS}/n/pods`, 'deny default', { who: 'oidc:ann', body: { metadata: { generateName: 'abc' } } }],
      [`GET ${NS}/n/pods/p/exec?command=ls&container=debug`, 'allow debug'],
      [`GET ${NS}/n/pods/p/exec?command=sh&container=debug`, 'deny default'],
      [`GET ${NS}/n/pods/p/exec?command=ls`, 'deny default'],
    ],
  },
  {
    policy: 'conditions that fail',
    rules: [
      { name: 'missing', verbs: ['update'], when: 'object.spec.paused', effect: 'deny' },
      {
        name: 'asks',
        verbs: ['create'],
        when: 'object.spec.size > 3',
        effect: 'requireApproval',
        approval: APPROVAL,
      },
      { name: 'loops', verbs: ['delete'], when: 'object.a.all(x, object.a.all(y, x == y))', effect: 'deny' },
      { name: 'writes', verbs: ['update', 'patch', 'delete'], effect: 'allow' },
    ],
    rows: [
      [`PUT ${NS}/n/pods/p`, 'deny missing', { body: { spec: { paused: true } } }],
      [`PUT ${NS}/n/pods/p`, 'allow writes', { body: { spec: { paused: false } } }],
      [`PUT ${NS}/n/pods/p`, 'deny missing', { body: { spec: {} } }],
      [`PUT ${NS}/n/pods/p`, 'deny missing', { body: { spec: { paused: 'no' } } }],
      [`PUT ${NS}/n/pods/p`, 'deny missing'],
      [`POST ${NS}/n/pods`, 'ask asks', { body: { spec: { size: 4 } } }],
      [`POST ${NS}/n/pods`, 'deny default', { body: { spec: { size: 3 } } }],
      // What cannot be worked out asks, but opens nothing.
      [`POST ${NS}/n/pods`, 'deny default', { body: { spec: {} } }],
      [`DELETE ${NS}/n/pods/p`, 'deny loops', { body: { a: Array.from({ length: 2_000 }, () => 1) } }],
      [`DELETE ${NS}/n/pods/p`, 'allow writes', { body: { a: [1, 2] } }],
    ],
  },
  {
    policy: 'a condition that is guarded',
    rules: [
      { name: 'guarded', verbs: ['patch'], when: 'object.?spec.?paused.orValue(false)', effect: 'deny' },
      { name: 'writes', verbs: ['patch'], effect: 'allow' },
    ],
    rows: [
      [`PATCH ${NS}/n/pods/p`, 'deny guarded', { body: { spec: { paused: true } }, type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'allow writes', { body: { spec: {} }, type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'deny guarded', { body: '{"spec": {"constructor": 1, "paused": true}}', type: MERGE }],
      [`PATCH ${NS}/n/pods/p`, 'deny guarded', { body: '{"constructor": 1, "spec": {"paused": true}}', type: MERGE }],
    ],
  },
]
