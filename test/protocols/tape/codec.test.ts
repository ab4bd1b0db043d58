import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MisuseError } from '../../../protocols/errors.ts'
import { limits } from '../../../protocols/limits.ts'
import { decodeEntry, encodeEntry, encodeStreamHead, streamHeadLength } from '../../../protocols/tape/codec.ts'
import type { EntryBodies, EntryKind } from '../../../protocols/tape/entry.ts'
import { MsgpackWriter } from '../../../protocols/tape/msgpack-writer.ts'
import { requestBody } from '../../support/recording.ts'

const sha256 = new Uint8Array(32).fill(7)

const bodies: EntryBodies = {
  open: {
    format: 1,
    tape: '01KATAPE0000000000000000A1',
    kind: 'exec',
    openedAt: 1_795_435_200_000_000,
    cluster: 'prod',
    client: '127.0.0.1:51234',
    writer: 'sallyport/0.1.0',
    previous: '01KATAPE0000000000000000A0',
  },
  request: requestBody({ command: ['sh', '-c', 'echo Zürich'] }),
  requestBody: { exchange: 1, bytes: Uint8Array.of(1, 2, 3), end: { length: 3, sha256, cut: false, broken: true } },
  decision: { exchange: 1, effect: 'deny', rule: 'default', reason: 'streams are denied' },
  response: { exchange: 1, status: 403, fields: ['Content-Type', 'application/json'], by: 'gateway' },
  responseBody: { exchange: 1, bytes: new Uint8Array(70_000).fill(9) },
  stream: { runs: [0, 1, 2, 1500, 2, 1], bytes: Uint8Array.of(1, 2, 3) },
  masked: { code: 'secret', text: 'data was masked', facts: { count: 3, whole: true, key: 'password' } },
  original: { of: 'stream', exchange: 0, channel: 1, at: 3, length: 2, bytes: Uint8Array.of(4, 5, 6) },
  note: { code: 'token.expired', text: 'the token expired' },
  seal: { reason: 'closed', entries: 10 },
}

for (const kind of Object.keys(bodies) as EntryKind[]) {
  test(`an entry of kind ${kind} reads back as it was, also past 2^32 microseconds`, () => {
    const bytes = encodeEntry(9, 2 ** 33 + 1, kind, bodies[kind])
    assert.deepEqual(decodeEntry(bytes), { seq: 9, micros: 2 ** 33 + 1, kind, body: bodies[kind] })
  })

  test(`an entry of kind ${kind} is refused without any one of its fields, and with one more`, () => {
    const body = bodies[kind] as unknown as Record<string, unknown>
    const optional = new Set(['previous', 'end', 'facts'])
    for (const name of Object.keys(body)) {
      const { [name]: _, ...rest } = body
      if (!optional.has(name)) assert.throws(() => decodeEntry(raw(kind, rest)), { rule: 'tape.entry.body' })
      assert.throws(() => decodeEntry(raw(kind, { ...body, [name]: [{}] })), { rule: 'tape.entry.body' }, name)
    }
    assert.throws(() => decodeEntry(raw(kind, { ...body, more: 1 })), { rule: 'tape.entry.body' })
  })
}

test('a request may be without a principal and without attributes', () => {
  const body = { ...bodies.request, principal: null, attributes: null }
  assert.deepEqual(decodeEntry(encodeEntry(1, 1, 'request', body)).body, body)
})

test('runs whose lengths are not those of the bytes are refused', () => {
  for (const runs of [
    [0, 1, 2],
    [0, 1],
    [0, 1, 3, 5],
  ]) {
    assert.throws(() => decodeEntry(raw('stream', { runs, bytes: Uint8Array.of(1, 2, 3) })), {
      rule: 'tape.entry.body',
    })
  }
})

test('field lines that do not come in pairs are refused', () => {
  const body = { ...bodies.response, fields: ['Content-Type'] }
  assert.throws(() => decodeEntry(raw('response', body)), { rule: 'tape.entry.body' })
})

test('what is no entry is refused', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [[1, 2, 'seal'], 'tape.entry.form'],
    [{ seq: 1 }, 'tape.entry.form'],
    [[-1, 2, 'seal', bodies.seal], 'tape.entry.number'],
    [[1, 0.5, 'seal', bodies.seal], 'tape.entry.number'],
    [[1, 2, 'constructor', bodies.seal], 'tape.entry.kind'],
    [[1, 2, 3, bodies.seal], 'tape.entry.kind'],
  ]
  for (const [value, rule] of cases) {
    assert.throws(() => decodeEntry(new MsgpackWriter(16).begin().value(value).written.slice()), { rule })
  }
})

test('an entry past the cap is neither written nor read', () => {
  const bytes = new Uint8Array(limits.tape.entry)
  assert.throws(() => encodeEntry(1, 1, 'requestBody', { exchange: 1, bytes }), MisuseError)
  assert.throws(() => decodeEntry(new Uint8Array(limits.tape.entry + 1)), { rule: 'tape.entry.too_long' })
})

test('the room in front of an entry is left free', () => {
  const bytes = encodeEntry(3, 4, 'note', bodies.note)
  const roomy = encodeEntry(3, 4, 'note', bodies.note, 33)
  assert.deepEqual(roomy.subarray(33), bytes)
})

test('a stream head and the joined bytes are the same entry', () => {
  const { runs, bytes } = bodies.stream
  const head = encodeStreamHead(3, 4, [...runs, 99, 99, 99], runs.length, bytes.length)
  assert.deepEqual(Uint8Array.from([...head, ...bytes]), encodeEntry(3, 4, 'stream', bodies.stream))
})

test('no stream head is longer than the room that is kept for it', () => {
  const runs = new Array<number>(768).fill(2 ** 32 - 1)
  const head = encodeStreamHead(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, runs, runs.length, 2 ** 32 - 1)
  assert.ok(head.length <= streamHeadLength(runs.length))
})

function raw(kind: string, body: unknown): Uint8Array {
  return new MsgpackWriter(16).begin().value([1, 2, kind, body]).written.slice()
}
