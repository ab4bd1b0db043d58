import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../protocols/tape/entry.ts'
import { asciicast } from '../../replay/asciicast.ts'
import { NotPlayable } from '../../replay/player.ts'
import { isPrintable } from '../../replay/printable.ts'
import { collect, execRecording, OPENED_AT, Recording, TAPE_ID } from '../support/recording.ts'

type Event = readonly [seconds: number, code: string, data: string]

async function cast(entries: AsyncIterable<Entry>, version: 2 | 3, stdin = false) {
  const lines = await collect(asciicast(entries, { version, stdin }))
  for (const line of lines) {
    assert.ok(line.endsWith('\n'))
    assert.ok(isPrintable(line.slice(0, -1)))
  }
  const [header, ...events] = lines.map((line) => JSON.parse(line) as unknown)
  return { header: header as Record<string, unknown>, events: events as Event[] }
}

test('version 2: a header with the size, and events at seconds since the start', async () => {
  const { header, events } = await cast(execRecording(), 2)
  assert.deepEqual(header, {
    version: 2,
    width: 100,
    height: 30,
    timestamp: OPENED_AT / 1e6,
    command: 'kubectl exec -it shell -c main -- sh',
    title: `prod ${TAPE_ID}`,
    env: { TERM: 'xterm-256color' },
  })
  assert.deepEqual(events, [
    [0.02, 'o', '$ '],
    [1.022, 'o', 'ls\r\n'],
    [5, 'o', '\x1b[1;34mbin\x1b[0m\r\n'],
    [5.01, 'o', '\x1b[0m'],
  ])
})

test('version 3: the size under term, intervals, and the exit status at the end', async () => {
  const { header, events } = await cast(execRecording(), 3, true)
  assert.equal(header.version, 3)
  assert.deepEqual(header.term, { cols: 100, rows: 30, type: 'xterm-256color' })
  assert.deepEqual(events, [
    [0.02, 'o', '$ '],
    [1, 'i', 'ls\r'],
    [0.002, 'o', 'ls\r\n'],
    [3.978, 'o', '\x1b[1;34mbin\x1b[0m\r\n'],
    [0.01, 'o', '\x1b[0m'],
    [0, 'x', '3'],
  ])
})

test('a later resize is an event, a note is a marker', async () => {
  const tape = new Recording({ kind: 'exec' })
    .stream(0, [0, 1, 'x'])
    .stream(500, [0, 4, '{"Width":90,"Height":30}'])
    .add(600, 'note', { code: 'token.expired', text: 'the token expired' })
  assert.deepEqual((await cast(tape, 3)).events, [
    [0, 'o', 'x'],
    [0.5, 'r', '90x30'],
    [0.1, 'm', 'token.expired'],
  ])
})

test('without a terminal line feeds become new lines, and a character cut by frames stays whole', async () => {
  const bytes = Buffer.from('é\n')
  const tape = new Recording({ kind: 'exec' }).stream(0, [0, 1, bytes.subarray(0, 1)], [1, 1, bytes.subarray(1)])
  assert.deepEqual((await cast(tape, 2)).events, [[0.001, 'o', 'é\r\n']])
})

test('a cast cannot act on the terminal that it is played on', async () => {
  const tape = new Recording({ kind: 'exec', cluster: '\x1b]0;c\x07' }).stream(0, [0, 1, 'a\x1b]52;c;eA==\x07b'])
  const { header, events } = await cast(tape, 2)
  assert.equal(header.title, `\\x1b]0;c\\x07 ${TAPE_ID}`)
  assert.deepEqual(events, [[0, 'o', 'ab']])
})

test('a session without output is a header alone', async () => {
  const { header, events } = await cast(new Recording({ kind: 'exec' }).seal(0), 2)
  assert.equal(header.width, 80)
  assert.deepEqual(events, [])
})

test('a tape that is not a terminal session is refused', async () => {
  await assert.rejects(cast(new Recording({ kind: 'api' }), 3), NotPlayable)
})
