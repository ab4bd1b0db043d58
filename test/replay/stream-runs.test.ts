import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExitStatus, TerminalSizes } from '../../replay/stream-runs.ts'

test('sizes are read out of the resize channel, cut anywhere', () => {
  const bytes = Buffer.from('{"Width":80,"Height":24}\n{"Width":0,"Height":24}{"Width":120,"Height":40}')
  const expected = [
    { columns: 80, rows: 24 },
    { columns: 120, rows: 40 },
  ]
  for (let at = 0; at <= bytes.length; at++) {
    const sizes = new TerminalSizes()
    assert.deepEqual([...sizes.take(bytes.subarray(0, at)), ...sizes.take(bytes.subarray(at))], expected)
  }
})

test('what is no size is passed over and never kept without a bound', () => {
  const sizes = new TerminalSizes()
  assert.deepEqual(sizes.take(Buffer.from('{"Width":"80","Height":24}[1]null{"Width":1e9,"Height":24}')), [])
  for (let turn = 0; turn < 100; turn++) assert.deepEqual(sizes.take(Buffer.alloc(2_000, 0x78)), [])
  assert.deepEqual(sizes.take(Buffer.from('{"Width":80,"Height":24}')), [{ columns: 80, rows: 24 }])
})

const statuses: readonly (readonly [name: string, text: string, code: number | undefined, message: string])[] = [
  ['success', '{"metadata":{},"status":"Success"}', 0, ''],
  [
    'an exit code',
    '{"status":"Failure","message":"m","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"137"}]}}',
    ...([137, 'm'] as const),
  ],
  [
    'a failure of the server',
    '{"status":"Failure","message":"container not found","reason":"InternalError"}',
    undefined,
    'container not found',
  ],
  ['text of an old protocol', 'exit status 1', undefined, 'exit status 1'],
  [
    'an exit code that is none',
    '{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"0x1"}]}}',
    undefined,
    '',
  ],
  ['nothing', '', undefined, ''],
]

for (const [name, text, code, message] of statuses) {
  test(`the error channel says ${name}`, () => {
    const exit = new ExitStatus()
    for (const byte of Buffer.from(text)) exit.take(Uint8Array.of(byte))
    assert.equal(exit.code, code)
    assert.equal(exit.message, message)
  })
}
