import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type DigestedRequest, requestDigest } from '../../../gateway/approvals/request-digest.ts'
import type { RequestAttributes } from '../../../gateway/request-attributes.ts'
import { requestInfo } from '../../../gateway/request-info.ts'

function attributesOf(method: string, target: string, upgrade?: string): RequestAttributes {
  const attributes = requestInfo(method, target, upgrade)
  assert.ok(!('status' in attributes), JSON.stringify(attributes))
  return attributes
}

const POD = '/api/v1/namespaces/prod/pods/web'

function digested(changes: Partial<DigestedRequest> = {}): DigestedRequest {
  return {
    cluster: 'prod',
    principal: { user: 'oidc:alice', groups: ['oidc:dev', 'oidc:ops'], actor: 'oidc:agent' },
    method: 'POST',
    attributes: attributesOf('POST', '/api/v1/namespaces/prod/pods?dryRun=All'),
    contentType: 'application/json',
    fields: ['Accept', 'application/json'],
    body: Buffer.from('{"kind":"Pod"}'),
    ...changes,
  }
}

const base = digested()
const { principal } = base

const CHANGES: readonly (readonly [string, Partial<DigestedRequest>])[] = [
  ['the cluster', { cluster: 'staging' }],
  ['the user', { principal: { ...principal, user: 'oidc:bob' } }],
  ['a group', { principal: { ...principal, groups: ['oidc:dev'] } }],
  ['the actor', { principal: { ...principal, actor: '' } }],
  ['the method', { method: 'PUT' }],
  ['the path', { attributes: attributesOf('POST', '/api/v1/namespaces/web/pods?dryRun=All') }],
  ['the query', { attributes: attributesOf('POST', '/api/v1/namespaces/prod/pods') }],
  ['the content type', { contentType: 'application/yaml' }],
  ['the body', { body: Buffer.from('{"kind":"pod"}') }],
  ['an empty body', { body: undefined }],
]

for (const [what, change] of CHANGES) {
  test(`${what} changes the digest`, () => assert.notEqual(requestDigest(digested(change)), requestDigest(base)))
}

test('the order of groups, and a group named twice, change nothing', () => {
  const groups = ['oidc:ops', 'oidc:dev', 'oidc:ops']
  assert.equal(requestDigest(digested({ principal: { ...principal, groups } })), requestDigest(base))
})

test('fields change nothing, unless a proxied server reads them', () => {
  const fields = ['Accept', 'text/plain', 'X-Anything', 'x']
  assert.equal(requestDigest(digested({ fields })), requestDigest(base))
  const attributes = attributesOf('GET', `${POD}/proxy/`)
  assert.notEqual(requestDigest(digested({ attributes, fields })), requestDigest(digested({ attributes })))
})

for (const stream of ['exec', 'attach', 'portforward']) {
  test(`${stream} over WebSocket and over SPDY is one and the same request`, () => {
    const target = `${POD}/${stream}${stream === 'portforward' ? '' : '?command=sh&stdin=true'}`
    const asWebSocket = attributesOf('GET', target, 'websocket')
    const asSpdy = attributesOf('POST', target, 'spdy/3.1')
    const [one, other] = [
      requestDigest(digested({ method: 'GET', attributes: asWebSocket, contentType: '', body: undefined })),
      requestDigest(digested({ method: 'POST', attributes: asSpdy, contentType: '', body: undefined })),
    ]
    assert.equal(one, other)
    const longer = attributesOf('POST', `${target}${target.includes('?') ? '&' : '?'}container=other`, 'spdy/3.1')
    assert.notEqual(
      requestDigest(digested({ method: 'POST', attributes: longer, contentType: '', body: undefined })),
      one,
    )
  })
}

test('property: two requests have the same digest only if all their parts are the same', () => {
  const text = fc.string({ unit: 'binary', maxLength: 6 })
  const parts = fc.record({
    cluster: text,
    user: text,
    groups: fc.uniqueArray(text, { maxLength: 3 }),
    actor: text,
    verb: fc.constantFrom('get', 'exec', 'proxy', 'create'),
    path: text,
    query: text,
    command: fc.array(text, { maxLength: 3 }),
    contentType: text,
    body: fc.uint8Array({ maxLength: 6 }),
  })
  type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never
  const digest = ({ cluster, user, groups, actor, verb, path, query, command, contentType, body }: Parts): string =>
    requestDigest({
      ...{ cluster, contentType, body, method: 'POST', fields: [] },
      principal: { user, groups, actor },
      attributes: { verb, path, query, command },
    })
  const same = (one: Parts, other: Parts): boolean => {
    const plain = (of: Parts) => JSON.stringify([{ ...of, groups: [...of.groups].sort() }, [...of.body]])
    return plain(one) === plain(other)
  }
  // One part is moved to its neighbour, the likeliest way for two encodings to be one.
  const pair = fc.tuple(parts, parts, fc.constantFrom(...(['cluster', 'user', 'actor', 'path', 'query'] as const)))
  fc.assert(
    fc.property(pair, ([one, drawn, key]) => {
      for (const other of [
        drawn,
        { ...one, [key]: drawn[key] },
        { ...one, command: drawn.command },
        { ...one, body: drawn.body },
      ]) {
        assert.equal(digest(one) === digest(other), same(one, other))
      }
      const shifted = { ...one, cluster: one.cluster + one.user, user: '' }
      assert.equal(digest(one) === digest(shifted), same(one, shifted))
    }),
  )
})
