import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandLine, wantsTerminal } from '../../../protocols/kube/command-line.ts'
import type { RequestBody } from '../../../protocols/tape/entry.ts'
import { attributes, requestBody } from '../../support/recording.ts'

const web = { apiGroup: 'apps', namespace: 'web', name: 'web' }
const shell = { namespace: 'default', name: 'shell' }

function exec(query: string, command: readonly string[], namespace = 'default'): Partial<RequestBody> {
  const at = attributes('exec', 'pods', { namespace, name: 'shell', subresource: 'exec' })
  return { target: `/api/v1/namespaces/${namespace}/pods/shell/exec?${query}`, attributes: at, command }
}

const table: readonly (readonly [line: string, request: Partial<RequestBody>])[] = [
  ['get pods -n prod', {}],
  ['get pods', { attributes: attributes('list', 'pods', { namespace: 'default' }) }],
  ['get pods -A', { target: '/api/v1/pods', attributes: attributes('list', 'pods') }],
  ['get nodes', { attributes: attributes('list', 'nodes') }],
  ['get namespace prod', { attributes: attributes('get', 'namespaces', { namespace: 'prod', name: 'prod' }) }],
  ['get pod shell', { attributes: attributes('get', 'pods', shell) }],
  ['get -w pods -n prod', { attributes: attributes('watch', 'pods', { namespace: 'prod' }) }],
  [
    'get ingress x',
    { attributes: attributes('get', 'ingresses', { apiGroup: 'networking.k8s.io', namespace: 'default', name: 'x' }) },
  ],
  [
    'get networkpolicy x',
    {
      attributes: attributes('get', 'networkpolicies', {
        apiGroup: 'networking.k8s.io',
        namespace: 'default',
        name: 'x',
      }),
    },
  ],
  [
    'get widgets.example.com x -n a',
    { attributes: attributes('get', 'widgets', { apiGroup: 'example.com', namespace: 'a', name: 'x' }) },
  ],
  [
    "get pods -n prod -l 'app in (a,b)' --field-selector=status.phase=Running",
    { target: '/api/v1/namespaces/prod/pods?labelSelector=app+in+%28a%2Cb%29&fieldSelector=status.phase%3DRunning' },
  ],
  ['delete pod x', { method: 'DELETE', attributes: attributes('delete', 'pods', { namespace: 'default', name: 'x' }) }],
  [
    'delete --all pods -n prod',
    { method: 'DELETE', attributes: attributes('deletecollection', 'pods', { namespace: 'prod' }) },
  ],
  ['patch deployment web -n web', { method: 'PATCH', attributes: attributes('patch', 'deployments', web) }],
  [
    'apply deployment web -n web',
    {
      method: 'PATCH',
      target: '/apis/apps/v1/namespaces/web/deployments/web?fieldManager=kubectl-client-side-apply',
      attributes: attributes('patch', 'deployments', web),
    },
  ],
  [
    'apply --server-side deployment web -n web --dry-run=server',
    {
      method: 'PATCH',
      target: '/apis/apps/v1/namespaces/web/deployments/web?fieldManager=kubectl&dryRun=All',
      fields: ['Content-Type', 'application/apply-patch+yaml'],
      attributes: attributes('patch', 'deployments', web),
    },
  ],
  [
    'apply deployment -n web',
    {
      method: 'POST',
      target: '/apis/apps/v1/namespaces/web/deployments?fieldManager=kubectl-client-side-apply',
      attributes: attributes('create', 'deployments', { apiGroup: 'apps', namespace: 'web' }),
    },
  ],
  [
    'scale deployment web -n web --subresource=scale',
    { method: 'PUT', attributes: attributes('update', 'deployments', { ...web, subresource: 'scale' }) },
  ],
  [
    'create token ci -n web',
    {
      method: 'POST',
      attributes: attributes('create', 'serviceaccounts', { namespace: 'web', name: 'ci', subresource: 'token' }),
    },
  ],
  [
    'auth can-i',
    {
      method: 'POST',
      attributes: attributes('create', 'selfsubjectaccessreviews', { apiGroup: 'authorization.k8s.io' }),
    },
  ],
  [
    'logs -f shell -c main --timestamps --tail=10 --since=60s',
    {
      target:
        '/api/v1/namespaces/default/pods/shell/log?container=main&follow=true&sinceSeconds=60&tailLines=10&timestamps=true',
      attributes: attributes('get', 'pods', { ...shell, subresource: 'log' }),
    },
  ],
  ['exec -it shell -c main -- sh', exec('command=sh&container=main&stdin=true&stdout=true&tty=true', ['sh'])],
  [
    'exec -i shell -n prod -- sh -c \'rm -rf "$HOME"\'',
    exec('stdin=1&tty=false', ['sh', '-c', 'rm -rf "$HOME"'], 'prod'),
  ],
  ["exec shell -- echo $'\\x1b]52;c;x\\x07'", exec('stdout=true', ['echo', '\x1b]52;c;x\x07'])],
  ['cp shell:/etc/hosts LOCAL', exec('stdout=true', ['tar', 'cf', '-', '/etc/hosts'])],
  ['cp LOCAL prod/shell:/tmp -c main', exec('container=main&stdin=true', ['tar', '-xmf', '-', '-C', '/tmp'], 'prod')],
  [
    'cp LOCAL shell:/tmp',
    exec('stdin=true', ['tar', '--no-same-permissions', '--no-same-owner', '-xmf', '-', '-C', '/tmp']),
  ],
  ['exec shell -- tar cf - /a /b', exec('stdout=true', ['tar', 'cf', '-', '/a', '/b'])],
  [
    'attach -it shell -c main',
    {
      target: '/api/v1/namespaces/default/pods/shell/attach?container=main&stdin=true&tty=true',
      attributes: attributes('attach', 'pods', { ...shell, subresource: 'attach' }),
    },
  ],
  [
    'port-forward pod/web -n web',
    { attributes: attributes('portforward', 'pods', { namespace: 'web', name: 'web', subresource: 'portforward' }) },
  ],
  [
    'port-forward pod/web 80 443 -n web',
    {
      target: '/api/v1/namespaces/web/pods/web/portforward?ports=80,443',
      attributes: attributes('portforward', 'pods', { namespace: 'web', name: 'web', subresource: 'portforward' }),
    },
  ],
  ['get --raw /healthz', { target: '/healthz', attributes: attributes('get', '', { path: '/healthz' }) }],
  ["get --raw '/openapi/v3?timeout=32s'", { target: '/openapi/v3?timeout=32s', attributes: attributes('get', '') }],
  [
    'create --raw /api/v1/namespaces/web/services/x/proxy/',
    {
      method: 'POST',
      target: '/api/v1/namespaces/web/services/x/proxy/',
      attributes: attributes('proxy', 'services', { namespace: 'web', name: 'x', subresource: 'proxy' }),
    },
  ],
  ["GET '/api/v1/%2e%2e/$(x)'", { target: '/api/v1/%2e%2e/$(x)', attributes: null }],
]

for (const [line, request] of table) {
  test(`command line: ${line}`, () => assert.equal(commandLine(requestBody(request)), line))
}

test('a client that claims to be another command is believed only within the same verb', () => {
  const target = '/api/v1/namespaces/default/pods/x?fieldManager=kubectl-label'
  const at = attributes('delete', 'pods', { namespace: 'default', name: 'x' })
  const request = requestBody({ method: 'DELETE', target, attributes: at, fields: ['Kubectl-Command', 'kubectl get'] })
  assert.equal(commandLine(request), 'delete pod x')
})

test('a terminal is wanted if tty is true as the API server reads it', () => {
  const asked = (query: string) => wantsTerminal(requestBody(exec(query, ['sh'])))
  assert.deepEqual(
    [asked('tty=true'), asked('tty=1'), asked('tty=false'), asked('tty=0'), asked('')],
    [...[true, true, false, false, false]],
  )
})
