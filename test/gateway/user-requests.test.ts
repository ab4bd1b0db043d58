import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserRequests } from '../../gateway/user-requests.ts'
import { limits } from '../../protocols/limits.ts'

test('a user has as many requests under way as one may have, whatever the others do', () => {
  const requests = new UserRequests()
  for (let at = 0; at < limits.gateway.userRequests; at++) assert.equal(requests.begin('ann'), true)
  assert.equal(requests.begin('ann'), false)
  assert.equal(requests.begin('bob'), true)
  requests.end('ann')
  assert.equal(requests.begin('ann'), true)
  assert.equal(requests.begin('ann'), false)
})
