// An Authorization header and the token in it, before anything of it is believed: taken apart, or refused as a value.

import assert from 'node:assert/strict'
import { bearerToken } from '../../../gateway/authn/credential.ts'
import { ALGORITHMS, openToken } from '../../../gateway/authn/token.ts'
import { limits } from '../../../protocols/limits.ts'
import { choice } from '../machine.ts'
import type { Target } from '../target.ts'

/** The input is the header and the claims as JSON, which are encoded here; else it is the header field. */
const JSON_FORM = 1

const target: Target = {
  words: [
    'Bearer ', '.', '{"alg":"RS256"}\n{"iss":"a"}', '"alg":"none"', '"alg":"HS256"', '"crit":[]', '"b64":false', '"kid":1',
    '"typ":"JWT"', '"typ":"logout+jwt"', ',"iss":"b"', '\\u0069', '"__proto__":{}', '\n', '[', '{', '\xef\xbb\xbf', '\xc3\xa9',
  ], // biome-ignore format: a list to look over, not to read
  run: (input) => {
    const [form, rest] = choice(input)
    const field =
      (form & JSON_FORM) === 0 ? Buffer.from(rest).toString('latin1') : `Bearer ${compact(Buffer.from(rest))}`
    const compactToken = bearerToken(['Authorization', field], undefined)
    if (typeof compactToken !== 'string') return [refused(compactToken.status, compactToken.rule)]
    const token = openToken(compactToken)
    if ('status' in token) return [refused(token.status, token.rule)]
    assert.ok(compactToken.length <= limits.gateway.token && field.includes(compactToken))
    // The whole JSON, read by another hand, says the same.
    const [header, claims] = compactToken.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    const { alg } = JSON.parse(header!) as { alg: string }
    assert.ok(ALGORITHMS.includes(alg))
    assert.deepEqual(token.claims, JSON.parse(claims!))
    assert.equal(token.issuer, token.claims.iss)
    return [`opened ${alg}`]
  },
}

export default target

function compact(json: Buffer): string {
  const line = json.indexOf('\n')
  const parts = line === -1 ? [json, Buffer.alloc(0)] : [json.subarray(0, line), json.subarray(line + 1)]
  return [...parts.map((part) => part.toString('base64url')), 'c2lnbmVk'].join('.')
}

function refused(status: number, rule: string): string {
  assert.equal(status, 401)
  return rule
}
