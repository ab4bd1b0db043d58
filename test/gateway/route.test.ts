import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routeOf } from '../../gateway/route.ts'

const clusters = new Map([
  ['prod', {}],
  ['dev', {}],
])

test('a path without /clusters/ goes to the first cluster, unchanged', () => {
  assert.deepEqual(routeOf('/api/v1/pods?limit=500', clusters, 'prod'), {
    cluster: 'prod',
    target: '/api/v1/pods?limit=500',
  })
})

test('a path with /clusters/NAME goes to that cluster without the prefix', () => {
  for (const [target, rest] of [
    ['/clusters/dev/api/v1/pods', '/api/v1/pods'],
    ['/clusters/dev', '/'],
    ['/clusters/dev?x=1', '/?x=1'],
    ['/clusters/dev/', '/'],
  ] as const) {
    assert.deepEqual(routeOf(target, clusters, 'prod'), { cluster: 'dev', target: rest })
  }
})

test('an unknown cluster is refused with 404, and its name is not repeated', () => {
  for (const target of ['/clusters/nowhere/api', '/clusters/', '/clusters/de%76/api', '/clusters/__proto__/api']) {
    const refusal = routeOf(target, clusters, 'prod')
    assert.ok('status' in refusal)
    assert.equal(refusal.status, 404)
    assert.equal(refusal.rule, 'route.unknown_cluster')
    assert.ok(!refusal.message.includes('nowhere'))
  }
})
