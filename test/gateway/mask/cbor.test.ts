// CBOR, which no masker reads: it is not asked for where anything is masked, not passed on where it comes, and refused as the body
// of a write, whatever name it goes by (apimachinery pkg/runtime/serializer/cbor, KEP-4222).

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { maskingOf, nothingLearned } from '../../../gateway/mask/compose.ts'
import { maskingDocument } from '../../../gateway/mask/document.ts'
import type { RequestMask } from '../../../gateway/mask/masking.ts'
import type { Principal } from '../../../gateway/principal.ts'
import { requestInfo } from '../../../gateway/request-info.ts'
import { PeerError } from '../../../protocols/errors.ts'

const masking = maskingOf(maskingDocument.parse({}), new Uint8Array(32), nothingLearned())
const alice: Principal = { user: 'alice', groups: [], actor: '', issuer: 'i', expiresAt: 0 }

function asked(method: string, target: string): RequestMask {
  const attributes = requestInfo(method, target, undefined)
  assert.ok('verb' in attributes, target)
  return masking.of('lab', alice, attributes)
}

const SECRET = '/api/v1/namespaces/a/secrets/db'
const READS = [
  ['GET', SECRET],
  ['GET', '/api/v1/secrets'],
  ['GET', '/api/v1/secrets?watch=true'],
  ['GET', '/api/v1/watch/secrets'],
  ['PATCH', SECRET],
  ['DELETE', '/api/v1/namespaces/a/secrets'],
  ['POST', '/api/v1/namespaces/a/serviceaccounts/x/token'],
] as const
const TYPES = ['application/cbor', 'application/cbor-seq', 'Application/CBOR; a=b', 'application/apply-patch+cbor']

/** {"data": {"a": h'68756e74657232'}}, with the tag that says that it is CBOR (RFC 8949, section 3.4.6). */
const BODY = Buffer.from(`d9d9f7a14464617461a1416147${Buffer.from('hunter2').toString('hex')}`, 'hex')

for (const [method, target] of READS) {
  describe(`${method} ${target}`, () => {
    for (const type of TYPES) {
      test(`does not ask for ${type}`, () => {
        const taken = asked(method, target).fields(['Accept', `${type}, application/json;q=0.9`, 'Accept', type])
        assert.deepEqual(taken, ['Accept', 'application/json;q=0.9'])
        const alone = asked(method, target).fields(['Accept', type])
        assert.ok('status' in alone)
        assert.equal(alone.status, 406)
      })

      for (const status of [200, 201, 400, 404, 409, 500]) {
        test(`does not pass ${type} on with a ${status}`, () => {
          const answer = asked(method, target).answer(status, ['Content-Type', type])
          assert.ok('rule' in answer)
          assert.deepEqual([answer.status, answer.rule], [502, 'mask.unreadable_answer'])
        })
      }
    }

    test('does not pass CBOR on that comes as JSON', () => {
      const answer = asked(method, target).answer(200, ['Content-Type', 'application/json'])
      assert.ok('receive' in answer)
      assert.throws(() => {
        const { passed } = answer.receive(BODY)
        assert.equal(passed.length, 0)
        answer.end()
      }, PeerError)
    })
  })
}

describe('a write in CBOR is refused:', () => {
  for (const target of [SECRET, '/api/v1/namespaces/a/pods/p', '/apis/x.io/v1/namespaces/a/things/t', '/api/v1/nodes/n/status']) {
    for (const [method, type] of [
      ['PUT', 'application/cbor'],
      ['POST', 'application/cbor-seq'],
      ['PATCH', 'application/apply-patch+cbor'],
      ['DELETE', 'application/cbor; charset=x'],
      ['PATCH', 'APPLICATION/Apply-Patch+CBOR'],
    ] as const) {
      test(`${method} ${target} as ${type}`, () => {
        const refusal = asked(method, target).refusal(['Content-Type', type], BODY)
        assert.deepEqual([refusal?.status, refusal?.rule], [415, 'mask.unreadable_body'])
      })
    }

    test(`PUT ${target} as what it is not`, () => {
      for (const type of ['application/json', 'application/yaml', '', 'text/plain']) {
        assert.equal(asked('PUT', target).refusal(['Content-Type', type], BODY)?.status, 400, type)
      }
      assert.equal(asked('PUT', target).refusal([], BODY)?.status, 400)
    })
  } // biome-ignore format: tables
})
