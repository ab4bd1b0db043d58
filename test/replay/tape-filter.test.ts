import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asksOfRequests,
  BadFilter,
  filterQuery,
  matchesOpening,
  matchesRequest,
  parseFilter,
  type TapeFilter,
} from '../../replay/tape-filter.ts'
import { OPENED_AT, Recording, requestBody } from '../support/recording.ts'

test('a filter reads back as it was written', () => {
  const filter: TapeFilter = {
    user: 'oidc:alice',
    actor: 'agent-7',
    cluster: 'prod',
    kind: 'exec',
    verb: 'exec',
    resource: 'pods',
    namespace: 'prod',
    since: Date.UTC(2026, 0, 1),
    until: Date.UTC(2026, 0, 2),
    text: 'rm -rf & more',
    limit: 7,
    cursor: '01KAQ9V2Y8J4M6T3S5R7W9X0ZC',
  }
  assert.deepEqual(parseFilter(new URLSearchParams(filterQuery(filter).toString())), filter)
  assert.deepEqual(parseFilter(new URLSearchParams()), { limit: 50 })
  assert.deepEqual(parseFilter(new URLSearchParams('user=&kind=&limit=')), { limit: 50 })
})

const wrong: readonly string[] = [
  ...['nope=1', '__proto__=1', 'kind=shell', 'limit=0', 'limit=1001', 'limit=1e2', 'limit=-1'],
  ...['since=yesterday', 'until=2026', 'since=2026-13-45', 'cursor=last', 'cursor=81KAQ9V2Y8J4M6T3S5R7W9X0ZC'],
  `text=${'x'.repeat(513)}`,
]

for (const query of wrong) {
  test(`refuses ${query.slice(0, 40)}`, () => {
    assert.throws(() => parseFilter(new URLSearchParams(query)), BadFilter)
  })
}

const opened = OPENED_AT / 1000
const openings: readonly (readonly [name: string, filter: Partial<TapeFilter>, matches: boolean])[] = [
  ['nothing asked', {}, true],
  ['the cluster', { cluster: 'prod' }, true],
  ['another cluster', { cluster: 'pro' }, false],
  ['another kind', { kind: 'exec' }, false],
  ['since the very moment', { since: opened }, true],
  ['since later', { since: opened + 1 }, false],
  ['until the very moment', { until: opened }, false],
]

for (const [name, filter, matches] of openings) {
  test(`an opening against ${name}`, () => {
    const [open] = new Recording().entries
    assert.ok(open?.kind === 'open')
    assert.equal(matchesOpening({ limit: 1, ...filter }, open.body), matches)
    assert.equal(asksOfRequests({ limit: 1, ...filter }), false)
  })
}

const requests: readonly (readonly [name: string, filter: Partial<TapeFilter>, matches: boolean])[] = [
  ['the caller', { user: 'oidc:alice' }, true],
  ['part of the caller', { user: 'alice' }, false],
  ['another actor', { actor: 'agent-7' }, false],
  ['verb, resource and namespace', { verb: 'list', resource: 'pods', namespace: 'prod' }, true],
  ['one of them wrong', { verb: 'list', resource: 'pods', namespace: 'web' }, false],
  ['part of the command line, in capitals', { text: 'PODS -N' }, true],
  ['another command line', { text: 'delete' }, false],
]

for (const [name, filter, matches] of requests) {
  test(`a request against ${name}`, () => {
    assert.equal(matchesRequest({ limit: 1, ...filter }, requestBody()), matches)
    assert.equal(asksOfRequests({ limit: 1, ...filter }), true)
  })
}

test('a request without a caller or a parsed path matches nothing that asks for them', () => {
  const nobody = requestBody({ principal: null, attributes: null })
  assert.equal(matchesRequest({ limit: 1, user: 'oidc:alice' }, nobody), false)
  assert.equal(matchesRequest({ limit: 1, verb: 'list' }, nobody), false)
})
