import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isoTime, jsonLines } from '../../replay/json-lines.ts'
import { RecordedTapes } from '../support/recorded-tapes.ts'
import { collect, execRecording, Recording } from '../support/recording.ts'

async function exported(recording: Recording): Promise<Record<string, unknown>[]> {
  const lines = await collect(jsonLines(new RecordedTapes(recording).entries(recording.id)))
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('every entry is one object with its time, hash and whole body', async () => {
  const recording = execRecording()
  const lines = await exported(recording)
  assert.deepEqual(
    lines.map(({ kind }) => kind),
    recording.entries.map(({ kind }) => kind),
  )
  const { body, ...rest } = lines[5] ?? {}
  assert.deepEqual(rest, {
    seq: 5,
    time: '2026-11-23T12:00:00.020000Z',
    micros: 20_000,
    kind: 'stream',
    hash: '00'.repeat(32),
  })
  assert.deepEqual(body, {
    runs: [0, 1, 2, 1_000_000, 0, 3, 1_002_000, 1, 4],
    bytes: { base64: Buffer.from('$ ls\rls\r\n').toString('base64'), text: '$ ls\rls\r\n' },
  })
})

test('bytes that are no UTF-8 have no text, and come back from base64 as they were', async () => {
  const bytes = Uint8Array.of(0xff, 0x00, 0xef, 0xbb, 0xbf)
  const [, stream] = await exported(new Recording({ kind: 'exec' }).stream(0, [0, 1, bytes]))
  assert.ok(stream !== undefined)
  const value = (stream.body as { bytes: { base64: string } }).bytes
  assert.deepEqual(Object.keys(value), ['base64'])
  assert.deepEqual(new Uint8Array(Buffer.from(value.base64, 'base64')), bytes)
})

test('times have microseconds, and what is no time is empty', () => {
  assert.equal(isoTime(1), '1970-01-01T00:00:00.000001Z')
  assert.equal(isoTime(1_763_899_200_123_456), '2025-11-23T12:00:00.123456Z')
  assert.equal(isoTime(Number.MAX_VALUE), '')
})
