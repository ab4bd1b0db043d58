// Teleport PR #67788, security bar 1a: many requests of two people on shared connections, and never one person's request
// under the other's name, never one's answer to the other.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { impersonation } from '../../../gateway/identity.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { Answer, Bench } from './support/cluster.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

const REQUESTS = 3_000
const LANES = 24

const PEOPLE: readonly Principal[] = ['oidc:ada', 'oidc:\u0173ystem:m\u00e4sters'].map((user, at) => ({
  user,
  groups: [`oidc:team-${at}`, 'oidc:all'],
  actor: '',
  issuer: 'https://issuer',
  expiresAt: 0,
}))

test(`${REQUESTS} interleaved requests of two users on pooled connections: each under its own name alone`, async () => {
  let maximum = 0
  let open = 0
  const port = await bench.https((request, response) => {
    maximum = Math.max(maximum, ++open)
    const names = request.headersDistinct
    const body = JSON.stringify({
      target: request.url,
      users: names['impersonate-user']?.map((name) => Buffer.from(name, 'latin1').toString('utf8')),
      groups: names['impersonate-group'],
      authorization: names.authorization,
    })
    // Some at once, some later and out of order, some in pieces.
    const number = Number(request.url?.split('=')[1])
    const answer = (): void => {
      open--
      response.write(body.slice(0, 5))
      response.end(body.slice(5))
    }
    if (number % 3 === 0) setImmediate(answer)
    else answer()
  })
  const upstream = bench.upstream(port)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < REQUESTS) {
      const number = next++
      const principal = PEOPLE[number % PEOPLE.length] as Principal
      const fields = [...(await upstream.credentials()), ...impersonation(principal, {})]
      const answer = new Answer()
      const target = `/api/v1/pods?n=${number}`
      const call = upstream.send(
        { method: 'GET', target, fields, body: undefined, longRunning: false, user: 'ann' },
        answer,
      )
      if (number % 50 === 49) {
        call.abort() // a client that goes away must not leave its answer to the next one
        continue
      }
      const { text, failure } = await answer.done
      assert.equal(failure, undefined)
      assert.deepEqual(JSON.parse(text), {
        target,
        users: [principal.user],
        groups: [...principal.groups],
        authorization: ['Bearer gateway-token'],
      })
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  assert.ok(maximum > 1, 'requests did overlap')
  assert.ok(bench.connections.length < REQUESTS / 10, 'connections were shared')
})
