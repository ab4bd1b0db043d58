// What a tape is told of a request: no word of it that the text masks know, in any place.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from '../../gateway/decision.ts'
import { MaskedWords } from '../../gateway/mask/text.ts'
import { decisionBody, requestBody } from '../../gateway/recording.ts'
import { requestInfo } from '../../gateway/request-info.ts'
import { searchTerms } from '../../protocols/tape/keys.ts'
import { wordMaskers } from './mask/support/words.ts'

const words = new MaskedWords(wordMaskers(['hunter2', 'pass word', 'flag s3cret']))

test('a word on a command line is neither in the command, nor the target, nor the search keys', () => {
  const query = 'command=sh&command=-c&command=echo+hunter2&command=pass%20word&command=flag&command=s3cret&tty=1'
  const target = `/api/v1/namespaces/a/pods/b/exec?${query}`
  const attributes = requestInfo('POST', target, 'spdy/3.1')
  assert.ok('verb' in attributes)
  const asked = { method: 'POST', target, fields: ['X-Note', 'it is hunter2', 'Authorization', 'Bearer hunter2'] }
  const body = requestBody(words, 1, 'id', asked, undefined, attributes)
  assert.deepEqual(body.command, ['sh', '-c', 'echo ~~~~~~~', '~~~~~~~~~', '~~~~', '~~~~~~'])
  assert.equal(
    body.target,
    '/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&command=echo+~~~~~~~&command=~~~~~~~~~&command=~~~~&command=~~~~~~&tty=1',
  )
  assert.deepEqual(body.fields, ['X-Note', 'it is ~~~~~~~', 'Authorization', '<redacted>'])
  assert.doesNotMatch(JSON.stringify([...searchTerms(body)]), /hunter2|s3cret/)
})

test('a word in the path is masked there and in the name, and in a denial', () => {
  const target = '/api/v1/namespaces/a/pods/hunter2'
  const attributes = requestInfo('GET', target, undefined)
  assert.ok('verb' in attributes)
  const body = requestBody(words, 1, 'id', { method: 'GET', target, fields: [] }, undefined, attributes)
  assert.equal(body.target, '/api/v1/namespaces/a/pods/~~~~~~~')
  assert.deepEqual([body.attributes?.name, body.attributes?.path], ['~~~~~~~', body.target])
  const denied = decisionBody(words, 1, refuse(403, 'Forbidden', 'default', 'you may not run hunter2'))
  assert.equal(denied.reason, 'you may not run ~~~~~~~')
})

test('what holds none of them is on the tape as it came', () => {
  const target = '/api/v1/namespaces/a/pods/b/exec?command=ls&command=a%2Fb'
  const attributes = requestInfo('POST', target, 'spdy/3.1')
  assert.ok('verb' in attributes)
  const fields = ['User-Agent', 'kubectl']
  const body = requestBody(words, 1, 'id', { method: 'POST', target, fields }, undefined, attributes)
  assert.deepEqual([body.target, body.command, body.fields], [target, ['ls', 'a/b'], fields])
})
