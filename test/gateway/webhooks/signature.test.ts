import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSigned, readSecret, sign } from '../../../gateway/webhooks/signature.ts'

/** The example of the Standard Webhooks specification. */
const SECRET = readSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') as Uint8Array
const SIGNED = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: Buffer.from('{"test": 2432232314}'),
}
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

test('the specification’s own example is signed as it says', () => {
  assert.equal(sign(SECRET, SIGNED), SIGNATURE)
  assert.ok(isSigned(SECRET, SIGNED, SIGNATURE))
})

test('one signature of several is enough; of other versions none counts', () => {
  assert.ok(isSigned(SECRET, SIGNED, `v1a,AAAA v1,AAAA ${SIGNATURE}`))
  assert.ok(!isSigned(SECRET, SIGNED, SIGNATURE.replace('v1', 'v2')))
})

const WRONG: readonly [string, Partial<typeof SIGNED>][] = [
  ['another id', { id: 'msg_other' }],
  ['another time', { timestamp: '1614265331' }],
  ['another body', { body: Buffer.from('{"test": 2432232315}') }],
  ['a longer body', { body: Buffer.from('{"test": 2432232314} ') }],
]
for (const [what, change] of WRONG) {
  test(`${what} is not what was signed`, () => assert.ok(!isSigned(SECRET, { ...SIGNED, ...change }, SIGNATURE)))
}

test('what is no signature is none', () => {
  for (const header of ['', 'v1', 'v1,', 'v1,%%%', SIGNATURE.slice(0, -4), `${SIGNATURE}AAAA`, SIGNATURE.slice(3)]) {
    assert.ok(!isSigned(SECRET, SIGNED, header), header)
  }
  assert.ok(!isSigned(readSecret('x'.repeat(32)) as Uint8Array, SIGNED, SIGNATURE))
})

test('only so many signatures are looked at', () => {
  assert.ok(!isSigned(SECRET, SIGNED, `${'v1,AAAA '.repeat(8)}${SIGNATURE}`))
})

test('secrets are base64 behind "whsec_", or text; never short ones', () => {
  assert.equal(readSecret(`\n${'s'.repeat(24)}\n`)?.length, 24)
  for (const text of ['', 'short', 's'.repeat(23), 's'.repeat(65), 'whsec_!!!', 'whsec_AAAA']) {
    assert.equal(readSecret(text), undefined, text)
  }
})
