// Status: what is written is what Kubernetes' clients read, and the error stream is read as client-go does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitStatus, failureStatus, readCommandStatus, statusBytes } from '../../../protocols/kube/status.ts'
import { limits } from '../../../protocols/limits.ts'

function read(text: string | Uint8Array, version = 4): ReturnType<typeof readCommandStatus> {
  return readCommandStatus(Buffer.from(text), version, limits.kubernetes)
}

test('a Status has the shape of metav1, and a cause its type under "reason"', () => {
  const bytes = statusBytes({
    code: 403,
    reason: 'Forbidden',
    message: 'no: "x"',
    uid: 'a-1',
    causes: [['SallyportRule', 'default']],
  })
  assert.equal(
    Buffer.from(bytes).toString(),
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"no: \\"x\\"","reason":"Forbidden",' +
      '"details":{"uid":"a-1","causes":[{"reason":"SallyportRule","message":"default"}]},"code":403}\n',
  )
  const plain = JSON.parse(Buffer.from(statusBytes({ code: 502, reason: 'BadGateway', message: 'm' })).toString())
  assert.deepEqual(plain.details, {})
})

test('what is invalid says in which part of the request', () => {
  const bytes = statusBytes({
    code: 422,
    reason: 'Invalid',
    message: 'm',
    causes: [['SallyportRule', 'mask.sentinel: m', 'body']],
  })
  assert.match(
    Buffer.from(bytes).toString(),
    /"causes":\[\{"reason":"SallyportRule","message":"mask.sentinel: m","field":"body"\}\]/,
  )
})

test('what we write on an error stream is read back', () => {
  assert.deepEqual(read(exitStatus(0)), { success: true, exitCode: 0, message: '' })
  assert.deepEqual(read(exitStatus(137)), {
    success: false,
    exitCode: 137,
    message: 'command terminated with non-zero exit code: exit status 137',
  })
  assert.deepEqual(read(failureStatus('sallyport: your token has expired')), {
    success: false,
    exitCode: undefined,
    message: 'sallyport: your token has expired',
  })
})

test('reads the Status of the wire sheet’s example', () => {
  const text =
    '{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"m","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}'
  for (const version of [4, 5]) assert.deepEqual(read(text, version), { success: false, exitCode: 3, message: 'm' })
})

test('an empty error stream is success in every version, and text before v4 is a failure', () => {
  for (const version of [1, 2, 3, 4, 5]) {
    assert.deepEqual(read('', version), { success: true, exitCode: 0, message: '' })
  }
  for (const version of [1, 2, 3]) {
    assert.deepEqual(read('exit status 7', version), { success: false, exitCode: undefined, message: 'exit status 7' })
  }
})

test('the exit code is the cause of its type, wherever it stands', () => {
  const causes = [
    { reason: 'Other', message: '1' },
    { reason: 'ExitCode', message: '255' },
  ]
  const status = { status: 'Failure', reason: 'NonZeroExitCode', message: '', details: { causes } }
  assert.equal(read(JSON.stringify(status))?.exitCode, 255)
})

for (const [what, text] of [
  ['no JSON', 'exit status 7'],
  ['half of a Status', '{"status":"Succ'],
  ['two of them', '{"status":"Success"}{"status":"Success"}'],
  ['null', 'null'],
  ['a list', '[]'],
  ['neither success nor failure', '{"status":"Maybe"}'],
  ['no status at all', '{"__proto__":{"status":"Success"}}'],
  ['no details', '{"status":"Failure","reason":"NonZeroExitCode"}'],
  ['causes that are no list', '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":{}}}'],
  ['no exit code among the causes', '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[null]}}'],
  ...['256', '-1', '+1', '1.0', '0x1', '', ' 1', '1000', '٣'].map((code) => [
    `an exit code of ${JSON.stringify(code)}`,
    `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"${code}"}]}}`,
  ]),
] as [string, string][]) {
  test(`a Status with ${what} is none`, () => assert.equal(read(text), undefined))
}

test('what is too long, or not UTF-8, is no Status', () => {
  const long = Buffer.from(JSON.stringify({ status: 'Failure', message: 'x'.repeat(limits.kubernetes.status) }))
  assert.equal(read(long), undefined)
  assert.equal(read(Buffer.alloc(limits.kubernetes.status, 0x78), 1)?.success, false)
  assert.equal(read(Buffer.alloc(limits.kubernetes.status + 1, 0x78), 1), undefined)
  assert.equal(read(Uint8Array.of(0xff), 1), undefined)
})
