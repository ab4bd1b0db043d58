import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { at, listAt, textAt } from '../../demo/cluster/object.ts'
import { type TestCluster, testCluster } from './support/cluster.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
const DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'
const MERGE = { 'content-type': 'application/merge-patch+json' }
const JSON_TYPE = { 'content-type': 'application/json' }
const CONFIGMAPS = '/api/v1/namespaces/default/configmaps'

let peer: TestCluster

before(async () => {
  peer = await testCluster()
})
after(() => peer.close())

/** Requests, and what their answers must hold at a path. */
const TABLES: readonly (readonly [
  title: string,
  method: string,
  path: string,
  status: number,
  at: string,
  value: unknown,
])[] = [
  ['a pod', 'GET', '/api/v1/namespaces/default/pods/shell', 200, 'metadata.name', 'shell'],
  ['pods', 'GET', '/api/v1/namespaces/default/pods', 200, 'items.length', 3],
  ['pods of all namespaces', 'GET', '/api/v1/pods', 200, 'items.length', 4],
  ['pods by label', 'GET', '/api/v1/pods?labelSelector=app%3Dweb', 200, 'items.0.metadata.name', 'web'],
  ['pods by a set of labels', 'GET', '/api/v1/pods?labelSelector=app+in+%28web%2Cshell%29', 200, 'items.length', 2],
  ['pods by field', 'GET', '/api/v1/pods?fieldSelector=metadata.namespace%3Dprod', 200, 'items.length', 1],
  ['a namespace', 'GET', '/api/v1/namespaces/prod', 200, 'kind', 'Namespace'],
  ['a Secret', 'GET', '/api/v1/namespaces/prod/secrets/db', 200, 'data.username', 'YXBw'],
  ['a deployment', 'GET', '/apis/apps/v1/namespaces/prod/deployments/payments', 200, 'spec.replicas', 1],
  ['the version', 'GET', '/version', 200, 'major', '1'],
  ['legacy groups', 'GET', '/api', 200, 'versions.0', 'v1'],
  ['named groups', 'GET', '/apis', 200, 'groups.0.name', 'apps'],
  ['resources of a version', 'GET', '/apis/apps/v1', 200, 'resources.0.name', 'deployments'],
  ['OpenAPI', 'GET', '/openapi/v3/api/v1', 200, 'openapi', '3.0.0'],
  ['no such pod', 'GET', '/api/v1/namespaces/default/pods/none', 404, 'reason', 'NotFound'],
  ['no such resource', 'GET', '/api/v1/namespaces/default/nothings', 404, 'reason', 'NotFound'],
  ['no such path', 'GET', '/openapi/v2', 404, 'kind', 'Status'],
  ['a method without meaning', 'PUT', CONFIGMAPS, 405, 'reason', 'MethodNotAllowed'],
  [
    'exec without an upgrade',
    'POST',
    '/api/v1/namespaces/default/pods/shell/exec?command=id',
    400,
    'reason',
    'BadRequest',
  ],
  ['a selector that is none', 'GET', '/api/v1/pods?labelSelector=a%3Db%3Dc%3D%21', 400, 'reason', 'BadRequest'],
  [
    'a log of no such container',
    'GET',
    '/api/v1/namespaces/default/pods/shell/log?container=x',
    400,
    'reason',
    'BadRequest',
  ],
]

for (const [title, method, path, status, where, value] of TABLES) {
  test(`${method} ${title}: ${status}`, async () => {
    const answer = await peer.ask(method, path)
    assert.equal(answer.status, status, answer.text)
    const length = where.endsWith('.length') ? listAt(answer.json, where.slice(0, -7)).length : undefined
    assert.equal(length ?? at(answer.json, where), value)
  })
}

describe('who may ask', () => {
  test('nobody without the token', async () => {
    const answer = await peer.ask('GET', '/api/v1/pods', { authorization: 'Bearer gateway-tokem' })
    assert.equal(answer.status, 401)
  })

  test('nobody who does not say for whom', async () => {
    const answer = await peer.ask('GET', '/api/v1/pods', { 'impersonate-user': '' })
    assert.equal(answer.status, 403)
  })

  test('who it is for comes back in a review', async () => {
    const headers = {
      ...JSON_TYPE,
      'impersonate-group': ['oidc:developers', 'oidc:b'],
      'impersonate-extra-sallyport-actor': 'agent',
    }
    const answer = await peer.ask(
      'POST',
      '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      headers,
      '{"metadata":{}}',
    )
    assert.equal(textAt(answer.json, 'status.userInfo.username'), 'oidc:alice')
    assert.deepEqual(at(answer.json, 'status.userInfo.groups'), ['oidc:developers', 'oidc:b', 'system:authenticated'])
    assert.deepEqual(at(answer.json, 'status.userInfo.extra'), { 'sallyport-actor': ['agent'] })
  })
})

describe('what kubectl asks for', () => {
  test('a Table has a row of cells for each pod and no object but its metadata', async () => {
    const { json } = await peer.ask('GET', '/api/v1/namespaces/default/pods', { accept: TABLE })
    assert.equal(json.kind, 'Table')
    const cells = listAt(json, 'rows').map((row) => listAt(row, 'cells').slice(0, 4))
    assert.deepEqual(cells[1], ['shell', '2/2', 'Running', '0'])
    assert.equal(at(listAt(json, 'rows')[0], 'object.kind'), 'PartialObjectMetadata')
  })

  test('aggregated discovery is answered by its own media type', async () => {
    const answer = await peer.ask('GET', '/api', { accept: DISCOVERY })
    assert.match(answer.headers['content-type'] ?? '', /g=apidiscovery\.k8s\.io;v=v2;as=APIGroupDiscoveryList/)
    const resources = listAt(listAt(listAt(answer.json, 'items')[0], 'versions')[0], 'resources')
    assert.ok(resources.some((resource) => at(resource, 'resource') === 'pods'))
  })

  test('OpenAPI says that PATCH validates fields, which lets kubectl apply', async () => {
    const { json } = await peer.ask('GET', '/openapi/v3/api/v1')
    const path = (json.paths as Record<string, unknown>)['/api/v1/namespaces/{namespace}/configmaps/{name}']
    assert.ok(listAt(path, 'patch.parameters').some((parameter) => at(parameter, 'name') === 'fieldValidation'))
  })

  test('logs: the last lines, with timestamps', async () => {
    const path = '/api/v1/namespaces/default/pods/shell/log?container=main'
    await peer.lines(`${path}&follow=true`, 2)
    const { text } = await peer.ask('GET', `${path}&tailLines=1&timestamps=true`)
    assert.match(text, /^\d{4}-\d\d-\d\dT\S+Z tick \d+\n$/)
  })
})

describe('objects', () => {
  const draft = (name: string, data: Record<string, string>): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })

  test('are created, changed and deleted', async () => {
    const created = await peer.ask('POST', CONFIGMAPS, JSON_TYPE, draft('one', { a: '1', b: '2' }))
    assert.equal(created.status, 201)
    const merged = await peer.ask('PATCH', `${CONFIGMAPS}/one`, MERGE, '{"data":{"a":null,"c":"3"}}')
    assert.deepEqual(merged.json.data, { b: '2', c: '3' })
    assert.notEqual(at(merged.json, 'metadata.resourceVersion'), at(created.json, 'metadata.resourceVersion'))
    assert.equal((await peer.ask('DELETE', `${CONFIGMAPS}/one`)).status, 200)
    assert.equal((await peer.ask('GET', `${CONFIGMAPS}/one`)).status, 404)
  })

  test('are applied from YAML, whether they exist or not', async () => {
    const apply = { 'content-type': 'application/apply-patch+yaml' }
    const yaml = (value: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {v: "${value}"}\n`
    assert.equal((await peer.ask('PATCH', `${CONFIGMAPS}/two?fieldManager=t`, apply, yaml('1'))).status, 201)
    const again = await peer.ask('PATCH', `${CONFIGMAPS}/two?fieldManager=t`, apply, yaml('2'))
    assert.equal(again.status, 200)
    assert.deepEqual(again.json.data, { v: '2' })
  })

  test('of a strategic merge keep what is named apart in lists', async () => {
    const path = '/apis/apps/v1/namespaces/prod/deployments/payments'
    const type = { 'content-type': 'application/strategic-merge-patch+json' }
    const body = JSON.stringify({ spec: { template: { spec: { containers: [{ name: 'side', image: 's' }] } } } })
    const { json } = await peer.ask('PATCH', `${path}?dryRun=All`, type, body)
    const names = listAt(json, 'spec.template.spec.containers').map((container) => textAt(container, 'name'))
    assert.deepEqual(names, ['main', 'side'])
  })

  test('of a dry run are not kept', async () => {
    assert.equal((await peer.ask('POST', `${CONFIGMAPS}?dryRun=All`, JSON_TYPE, draft('dry', {}))).status, 201)
    assert.equal((await peer.ask('GET', `${CONFIGMAPS}/dry`)).status, 404)
  })

  test('are not written over a newer version', async () => {
    const { json } = await peer.ask('POST', CONFIGMAPS, JSON_TYPE, draft('three', {}))
    await peer.ask('PATCH', `${CONFIGMAPS}/three`, MERGE, '{"data":{"x":"y"}}')
    const late = await peer.ask('PUT', `${CONFIGMAPS}/three`, JSON_TYPE, JSON.stringify(json))
    assert.equal(late.status, 409)
    assert.equal(late.json.reason, 'Conflict')
  })

  const WRONG: readonly (readonly [string, string, number])[] = [
    ['not JSON', '{', 400],
    ['no object', '[]', 400],
    ['another kind', '{"kind":"Secret","metadata":{"name":"a"}}', 400],
    ['a name that is none', '{"metadata":{"name":"../a"}}', 422],
    ['another namespace', '{"metadata":{"name":"a","namespace":"prod"}}', 400],
    ['a name that is taken', '{"metadata":{"name":"settings"}}', 409],
  ]
  for (const [title, body, status] of WRONG) {
    test(`are refused: ${title}`, async () => {
      assert.equal((await peer.ask('POST', CONFIGMAPS, JSON_TYPE, body)).status, status)
    })
  }

  test('are read from the protobuf of typed clients', async () => {
    const text = (number: number, content: string): string =>
      String.fromCharCode(number * 8 + 2, content.length) + content
    const raw = text(1, text(1, 'proto')) + text(2, text(1, 'key') + text(2, 'value'))
    const body = `k8s\0${text(1, text(1, 'v1') + text(2, 'ConfigMap'))}${text(2, raw)}`
    const type = { 'content-type': 'application/vnd.kubernetes.protobuf' }
    const { status, json } = await peer.ask('POST', CONFIGMAPS, type, Buffer.from(body, 'latin1'))
    assert.equal(status, 201)
    assert.deepEqual(json.data, { key: 'value' })
    assert.equal((await peer.ask('POST', CONFIGMAPS, type, Buffer.from(body.slice(0, -3), 'latin1'))).status, 400)
  })
})

test('a watch tells what comes, changes and goes, from a version on', async () => {
  const { json } = await peer.ask('GET', CONFIGMAPS)
  const version = textAt(json, 'metadata.resourceVersion')
  const change = async (): Promise<void> => {
    await peer.ask('POST', CONFIGMAPS, JSON_TYPE, '{"metadata":{"name":"w"}}')
    await peer.ask('PATCH', `${CONFIGMAPS}/w`, MERGE, '{"data":{"x":"y"}}')
    await peer.ask('DELETE', `${CONFIGMAPS}/w`)
  }
  const path = `${CONFIGMAPS}?watch=true&resourceVersion=${version}&fieldSelector=metadata.name%3Dw`
  const events = (await peer.lines(path, 3, () => void change())).map((line) => JSON.parse(line) as { type: string })
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ADDED', 'MODIFIED', 'DELETED'],
  )
})

test('a watch list gives everything first, and a bookmark behind it', async () => {
  const path =
    '/api/v1/namespaces?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
  const events = (await peer.lines(path, 3)).map((line) => JSON.parse(line) as { type: string; object: unknown })
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ADDED', 'ADDED', 'BOOKMARK'],
  )
  assert.equal(
    (at(events[2]?.object, 'metadata.annotations') as Record<string, string>)['k8s.io/initial-events-end'],
    'true',
  )
})
