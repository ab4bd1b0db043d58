// What the log says of errors: nothing that was parsed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loggedError } from '../../gateway/logged-error.ts'

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}

test('what a parser of the runtime quotes is left out, also of causes', () => {
  const parsed = thrownBy(() => JSON.parse('hunter2!'))
  for (const error of [
    parsed,
    thrownBy(() => new URL('hunter2')),
    new Error('outer', { cause: parsed }),
    Object.assign(new Error('x'), { body: 'hunter2' }),
    'hunter2',
  ]) {
    assert.doesNotMatch(JSON.stringify(loggedError(error)), /hunter2/)
  }
})

test('kind, words, code and place are told', () => {
  const { type, message, code, stack, cause } = loggedError(
    Object.assign(new RangeError('too long', { cause: new TypeError('why') }), { code: 'E_X' }),
  )
  assert.deepEqual(
    [type, message, code, cause?.type, cause?.message],
    ['RangeError', 'too long', 'E_X', 'TypeError', 'why'],
  )
  assert.match(stack, /^\s+at .*logged-error\.test\.ts/)
  assert.equal(loggedError(undefined).type, 'undefined')
})
