import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RequestAttributes } from '../../../gateway/request-attributes.ts'
import { requestInfo } from '../../../gateway/request-info.ts'
import { limits } from '../../../protocols/limits.ts'
import { requestLine } from '../../support/request-targets.ts'

function read(method: string, target: string, upgrade?: string): RequestAttributes {
  const info = requestInfo(method, target, upgrade)
  assert.ok(!('status' in info), `refused: ${JSON.stringify(info)}`)
  return info
}

function refused(method: string, target: string, upgrade?: string): { status: number; rule: string } {
  const info = requestInfo(method, target, upgrade)
  assert.ok('status' in info, `not refused: ${JSON.stringify(info)}`)
  return { status: info.status, rule: info.rule }
}

/** method, target, verb, Kubernetes' verb, "group/resource/subresource", namespace, name. */
const READINGS: readonly (readonly [string, string, string, string, string, string, string])[] = [
  ['GET', '/api/v1/namespaces/prod/pods', 'list', 'list', '/pods/', 'prod', ''],
  ['HEAD', '/api/v1/namespaces/prod/pods', 'list', 'list', '/pods/', 'prod', ''],
  ['GET', '/api/v1/namespaces/prod/pods/', 'list', 'list', '/pods/', 'prod', ''],
  ['GET', '/api/v1/pods?watch', 'watch', 'watch', '/pods/', '', ''],
  ['GET', '/api/v1/pods?watch=yes', 'watch', 'watch', '/pods/', '', ''],
  ['GET', '/api/v1/pods?w%61tch=1', 'watch', 'watch', '/pods/', '', ''],
  ['GET', '/api/v1/pods?watch=False', 'list', 'list', '/pods/', '', ''],
  ['GET', '/api/v1/pods?watch=0', 'list', 'list', '/pods/', '', ''],
  ['GET', '/api/v1/pods?Watch=1', 'list', 'list', '/pods/', '', ''],
  ['GET', '/api/v1/namespaces/prod/pods/p?watch=true', 'get', 'get', '/pods/', 'prod', 'p'],
  ['GET', '/api/v1/watch/namespaces/prod/secrets', 'watch', 'watch', '/secrets/', 'prod', ''],
  ['GET', '/api/v1/watch/namespaces/prod/secrets/db', 'watch', 'watch', '/secrets/', 'prod', 'db'],
  ['GET', '/api/v1/secrets?fieldSelector=metadata.name%3Ddb', 'list', 'list', '/secrets/', '', 'db'],
  ['GET', '/api/v1/secrets?fieldSelector=a%3Db,metadata.name%3D%3Ddb', 'list', 'list', '/secrets/', '', 'db'],
  ['GET', '/api/v1/secrets?fieldSelector=metadata.name!%3Ddb', 'list', 'list', '/secrets/', '', ''],
  ['GET', '/api/v1/secrets?fieldSelector=metadata.name=a%5C,b', 'list', 'list', '/secrets/', '', 'a,b'],
  ['GET', '/api/v1/secrets?fieldSelector=metadata.name=a/b', 'list', 'list', '/secrets/', '', ''],
  ['DELETE', '/api/v1/namespaces/prod/pods', 'deletecollection', 'deletecollection', '/pods/', 'prod', ''],
  [
    'DELETE',
    '/api/v1/namespaces/prod/pods?fieldSelector=metadata.name%3Dp',
    'deletecollection',
    'deletecollection',
    '/pods/',
    'prod',
    '',
  ],
  ['DELETE', '/api/v1/namespaces/prod', 'delete', 'delete', '/namespaces/', 'prod', 'prod'],
  ['PUT', '/api/v1/namespaces/prod/finalize', 'update', 'update', '/namespaces/finalize', 'prod', 'prod'],
  ['PATCH', '/api/v1/namespaces/prod/status', 'patch', 'patch', '/namespaces/status', 'prod', 'prod'],
  ['GET', '/api/v1/namespaces', 'list', 'list', '/namespaces/', '', ''],
  ['PATCH', '/apis/apps/v1/namespaces/web/deployments/x/scale', 'patch', 'patch', 'apps/deployments/scale', 'web', 'x'],
  ['GET', '/api/v1/namespaces/prod/pods/p/exec?command=id', 'exec', 'get', '/pods/exec', 'prod', 'p'],
  ['POST', '/api/v1/namespaces/prod/pods/p/exec?command=id', 'exec', 'create', '/pods/exec', 'prod', 'p'],
  ['GET', '/api/v1/namespaces/prod/pods/p/attach', 'attach', 'get', '/pods/attach', 'prod', 'p'],
  ['POST', '/api/v1/namespaces/prod/pods/p/portforward', 'portforward', 'create', '/pods/portforward', 'prod', 'p'],
  ['GET', '/api/v1/nodes/n/proxy/exec/prod/p/c', 'proxy', 'get', '/nodes/proxy', '', 'n'],
  ['OPTIONS', '/api/v1/namespaces/prod/services/web/proxy/', 'proxy', '', '/services/proxy', 'prod', 'web'],
  ['GET', '/api/v1/proxy/nodes/n/x', 'proxy', 'proxy', '/nodes/', '', 'n'],
  [
    'GET',
    '/apis/x.example.com/v1/namespaces/prod/things/t/exec',
    'exec',
    'get',
    'x.example.com/things/exec',
    'prod',
    't',
  ],
  ['GET', '/api/v1/watch/namespaces/prod/pods/p/exec', 'exec', 'watch', '/pods/exec', 'prod', 'p'],
  ['GET', '/api/v1/namespaces/prod/%73ecrets/db', 'get', 'get', '/secrets/', 'prod', 'db'],
]

for (const [method, target, verb, kubeVerb, what, namespace, name] of READINGS) {
  test(`${method} ${target} is ${verb} of ${what}`, () => {
    const info = read(method, target)
    assert.deepEqual(
      [info.verb, info.kubeVerb, `${info.apiGroup}/${info.resource}/${info.subresource}`, info.namespace, info.name],
      [verb, kubeVerb, what, namespace, name],
    )
    assert.equal(info.isResource, true)
  })
}

test('paths outside the API have the lower-case method as their verb', () => {
  for (const target of ['/', '/healthz', '/api', '/api/v1', '/apis/apps/v1', '/openapi/v3/', '/api/v1?watch=1']) {
    const info = read('POST', target)
    assert.deepEqual([info.isResource, info.verb, info.kubeVerb, info.resource], [false, 'post', 'post', ''])
  }
})

/** Every way to write a path that another reader could take for another one. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['/api/v1/namespaces/prod%2fsecrets%2fdb', 'path.encoded_slash'],
  ['/api/v1/namespaces/prod/pods/p%2Fexec?command=id', 'path.encoded_slash'],
  ['/api/v1/namespaces/prod%5csecrets', 'path.backslash'],
  ['/api/v1\\pods', 'path.backslash'],
  ['/api/v1/namespaces/prod/secrets/db%00', 'path.nul'],
  ['/api/v1/namespaces/prod/secrets/%2570', 'path.encoded_percent'],
  ['//api/v1/namespaces/prod/secrets/db', 'path.empty_segment'],
  ['/api//v1/namespaces/prod/secrets/db', 'path.empty_segment'],
  ['/api/v1/pods//', 'path.empty_segment'],
  ['//', 'path.empty_segment'],
  ['/api/v1/namespaces/dev/../prod/secrets/db', 'path.dot_segment'],
  ['/api/v1/namespaces/dev/./secrets', 'path.dot_segment'],
  ['/api/v1/nodes/n/proxy/healthz/../exec/prod/p/c', 'path.dot_segment'],
  ['/api/v1/nodes/n/proxy/healthz/%2e%2E/exec', 'path.dot_segment'],
  ['/api/v1/nodes/n/proxy/healthz/..;/exec', 'path.semicolon'],
  ['/api/v1/nodes/n/proxy/x%3By', 'path.semicolon'],
  ['/api/v1/nodes/n/proxy/a%2fb', 'path.encoded_slash'],
  ['/api/v1/nodes/n/proxy/%ff', 'path.utf8'],
  ['/api/v1/nodes/n/proxy/%C0%AF', 'path.utf8'],
  ['/api/v1/pods/a%0ab', 'path.control'],
  ['/api/v1/pods/a%7f', 'path.control'],
  ['/api/v1/pods/%C2%85', 'path.control'],
  ['/api/v1/pods/%4', 'path.percent'],
  ['/api/v1/pods/%zz', 'path.percent'],
  ['/api/v1/pods/\u00e9', 'path.character'],
  ['/api/v1/pods/a b', 'path.character'],
  ['/api/v1/pods#x', 'path.fragment'],
  ['/api/v1/pods?a#x', 'path.fragment'],
  ['https://evil/api/v1/pods', 'path.form'],
  ['*', 'path.form'],
  ['', 'path.form'],
  ['/api/v1/watch', 'path.incomplete'],
  ['/apis/apps/v1/proxy', 'path.incomplete'],
  ['/api/v1/pods?a=1;watch=1', 'query.semicolon'],
  ['/api/v1/pods?a=%', 'query.percent'],
  ['/api/v1/pods?%fe=1', 'query.utf8'],
  ['/api/v1/pods?a=\u00e9', 'query.character'],
  ['/api/v1/pods?watch=1&watch=0', 'query.repeated'],
  ['/api/v1/pods?watch=0&w%61tch=1', 'query.repeated'],
  ['/api/v1/pods?fieldSelector=a%3Db&fieldSelector=c%3Dd', 'query.repeated'],
  ['/api/v1/pods?labelSelector=a&labelSelector=b', 'query.repeated'],
  ['/api/v1/pods?fieldSelector=metadata.name=a,metadata.name=b', 'query.field_selector'],
  ['/api/v1/pods?fieldSelector=nonsense', 'query.field_selector'],
  ['/api/v1/pods?fieldSelector=a=b%5C', 'query.field_selector'],
  ['/api/v1/pods?fieldSelector=a=b=c', 'query.field_selector'],
  ['/api/v1/pods?fieldSelector=metadata.name=db&labelSelector=((', 'query.label_selector'],
  ['/api/v1/pods?limit=x', 'query.number'],
  ['/api/v1/pods?timeoutSeconds=', 'query.number'],
  ['/api/v1/pods?watch=fal%C5%BFe', 'query.boolean'],
  ['/api/v1/namespaces/n/pods/p/exec?command=sh%00x', 'query.nul'],
  ['/api/v1/namespaces/n/pods/p/exec?container=a&container=b', 'query.repeated'],
  ['/api/v1/namespaces/n/pods/p/exec?tty=0&%74ty=1', 'query.repeated'],
  ['/api/v1/namespaces/n/pods/p/attach?stdin=1&stdin=0', 'query.repeated'],
]

for (const [target, rule] of REFUSED) {
  test(`${target} is refused by ${rule}`, () => assert.deepEqual(refused('GET', target), { status: 400, rule }))
}

test('methods that Kubernetes does not serve there are refused with 405', () => {
  assert.deepEqual(refused('TRACE', '/api'), { status: 405, rule: 'method.unknown' })
  assert.deepEqual(refused('CONNECT', '/api'), { status: 405, rule: 'method.unknown' })
  assert.deepEqual(refused('get', '/api'), { status: 405, rule: 'method.unknown' })
  assert.deepEqual(refused('__proto__', '/api'), { status: 405, rule: 'method.unknown' })
  assert.deepEqual(refused('OPTIONS', '/api/v1/pods'), { status: 405, rule: 'method.options' })
  assert.deepEqual(refused('DELETE', '/api/v1/watch/pods'), { status: 405, rule: 'method.watch' })
  assert.deepEqual(refused('DELETE', '/api/v1/namespaces/n/pods/p/exec', 'websocket'), {
    status: 405,
    rule: 'method.upgrade',
  })
})

test('an exec has its words in order and its options by Go’s reading of booleans', () => {
  const info = read(
    'GET',
    '/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=echo+%22a%26b%22%0A&container=c&stdin=true&stdout=&stderr=FALSE&tty=yes',
  )
  assert.deepEqual(info.command, ['sh', '-c', 'echo "a&b"\n'])
  assert.deepEqual([info.container, info.stdin, info.stdout, info.stderr, info.tty], ['c', true, true, false, true])
  assert.equal(info.longRunning, true)
})

test('an attach takes no command, and a proxied query belongs to whoever is behind the proxy', () => {
  assert.deepEqual(read('GET', '/api/v1/namespaces/n/pods/p/attach?command=x').command, [])
  const proxied = read(
    'GET',
    '/api/v1/namespaces/n/services/web:80/proxy/q?watch=1&watch=2&container=a&container=b&limit=x',
  )
  assert.equal(proxied.verb, 'proxy')
  assert.deepEqual(proxied.parts, ['web:80', 'proxy', 'q'])
})

test('a command of too many words is refused', () => {
  const words = (count: number) => Array.from({ length: count }, () => 'command=x').join('&')
  const path = '/api/v1/namespaces/n/pods/p/exec'
  assert.equal(
    read('GET', `${path}?${words(limits.kubernetes.commandWords)}`).command.length,
    limits.kubernetes.commandWords,
  )
  assert.equal(refused('GET', `${path}?${words(limits.kubernetes.commandWords + 1)}`).rule, 'query.command_words')
})

test('what goes upstream is encoded anew, byte for byte as kubectl writes it', () => {
  const same = [
    '/api/v1/namespaces/default/pods?limit=500',
    '/api/v1/namespaces/prod/services/https:dashboard:443/proxy/',
    '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node',
    '/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=echo+hi%21&stdin=true',
    '/api/v1/namespaces/n/services/p/proxy/query?query=up{job="api"}',
    '/',
  ]
  for (const target of same) assert.equal(read('GET', target).target, target)
  assert.equal(
    read('GET', '/api/v1/namespaces/n/%70ods/%C3%a9%20%3f%23').target,
    '/api/v1/namespaces/n/pods/%C3%A9%20%3F%23',
  )
  assert.equal(read('GET', "/api/v1/nodes/n/proxy/!'()*%2B%3A").target, '/api/v1/nodes/n/proxy/%21%27%28%29%2A+:')
  assert.equal(read('GET', '/api/v1/pods?').target, '/api/v1/pods')
})

test('long-running is what Kubernetes says it is', () => {
  const long = [
    '/api/v1/pods?watch=1',
    '/api/v1/namespaces/n/pods/p/log',
    '/api/v1/nodes/n/proxy/x',
    '/debug/pprof/heap',
  ]
  for (const target of long) assert.equal(read('GET', target).longRunning, true, target)
  for (const target of ['/api/v1/pods', '/api/v1/namespaces/n/pods/p/status', '/debug']) {
    assert.equal(read('GET', target).longRunning, false, target)
  }
})

test('what was accepted is canonical: read again it is the same, and nothing in it is refused', () => {
  fc.assert(
    fc.property(requestLine, ({ method, target }) => {
      const info = requestInfo(method, target, undefined)
      if ('status' in info) return
      assert.deepEqual(requestInfo(method, info.target, undefined), info)
      assert.match(info.target, /^\/[\x21-\x7e]*$/)
    }),
    { numRuns: 5_000 },
  )
})

test('whatever comes, it is an answer or a refusal, never an exception, and a message holds none of it', () => {
  fc.assert(
    fc.property(fc.constantFrom('GET', 'POST'), fc.string({ unit: 'binary', maxLength: 60 }), (method, rest) => {
      const info = requestInfo(method, `/api/v1/${rest}`, undefined)
      if ('status' in info) assert.match(info.message, /^[ -~]+$/)
    }),
    { numRuns: 5_000 },
  )
})
