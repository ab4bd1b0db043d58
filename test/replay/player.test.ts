import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../../protocols/tape/entry.ts'
import { NotPlayable, type PlayOptions, play } from '../../replay/player.ts'
import { DamagedTape } from '../../replay/stream-runs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { execRecording, Recording } from '../support/recording.ts'

interface Shown {
  readonly at: number
  readonly text: string
}

async function played(entries: AsyncIterable<Entry>, options: Partial<PlayOptions> = {}) {
  const clock = new ManualClock()
  const shown: Shown[] = []
  const sizes: string[] = []
  const screen = {
    write: (text: string) => void shown.push({ at: clock.millis, text }),
    resized: (size: { columns: number; rows: number }) => void sizes.push(`${size.columns}x${size.rows}`),
  }
  const result = await play(entries, screen, { speed: 1, maxIdle: Infinity, stdin: false, clock, ...options })
  return { shown, sizes, result, clock }
}

test('output comes with the timing of the recording, resizes are told, stdin is not shown', async () => {
  const { shown, sizes, result } = await played(execRecording())
  assert.deepEqual(shown, [
    { at: 0, text: '$ ' },
    { at: 1002, text: 'ls\r\n' },
    { at: 4980, text: '\x1b[1;34mbin\x1b[0m\r\n' },
    { at: 4980, text: '\x1b[0m' },
  ])
  assert.deepEqual(sizes, ['100x30'])
  assert.deepEqual(result, { micros: 4_980_000, dropped: 0, exitCode: 3, sealed: 'closed' })
})

test('speed divides every pause, and maxIdle cuts the long ones before that', async () => {
  const fast = await played(execRecording(), { speed: 2 })
  assert.deepEqual(fast.clock.slept, [501, 1989])
  const short = await played(execRecording(), { speed: 2, maxIdle: 500 })
  assert.deepEqual(short.clock.slept, [250, 250])
  const all = await played(execRecording(), { speed: Infinity })
  assert.deepEqual(all.clock.slept, [])
})

test('a slow screen does not make the recording longer', async () => {
  const clock = new ManualClock()
  const write = (): void => {
    clock.millis += 600
  }
  await play(execRecording(), { write }, { speed: 1, maxIdle: Infinity, stdin: false, clock })
  assert.deepEqual(clock.slept, [402, 3378])
})

test('stdin is shown when it is asked for', async () => {
  const { shown } = await played(execRecording(), { stdin: true })
  assert.deepEqual(
    shown.slice(0, 3).map(({ text }) => text),
    ['$ ', 'ls\r', 'ls\r\n'],
  )
})

test('escapes that act on the terminal are left out, also when cut over entries', async () => {
  const tape = new Recording({ kind: 'exec' })
    .stream(0, [0, 1, 'a\x1b]52;c;'], [1, 2, 'E'])
    .stream(10, [0, 1, 'eHg=\x07b'])
  const { shown, result } = await played(tape)
  assert.equal(shown.map(({ text }) => text).join(''), 'aEb')
  assert.equal(result.dropped, 1)
})

test('a tape that is not a terminal session is refused before anything is shown', async () => {
  for (const kind of ['api', 'portforward'] as const) {
    await assert.rejects(played(new Recording({ kind }).stream(0, [0, 1, 'x'])), NotPlayable)
  }
})

test('runs that do not fit their bytes are a damaged tape', async () => {
  const bytes = Buffer.from('abc')
  for (const runs of [
    [0, 1],
    [0, 1, 4],
    [0, 1, 2],
    [0, 1, -1],
    [0, 1, 1.5],
    [-1, 1, 3],
  ]) {
    const tape = new Recording({ kind: 'exec' }).add(0, 'stream', { runs, bytes })
    await assert.rejects(played(tape), DamagedTape)
  }
})

test('stopping in the middle leaves the terminal at rest', async () => {
  const stop = new AbortController()
  const clock = new ManualClock()
  const texts: string[] = []
  const tape = new Recording({ kind: 'exec' }).stream(0, [0, 1, '\x1b[?1049h'], [100, 1, 'never'])
  const screen = {
    write: (text: string) => {
      texts.push(text)
      stop.abort()
    },
  }
  const options = { speed: 1, maxIdle: Infinity, stdin: false, clock, signal: stop.signal }
  await assert.rejects(play(tape, screen, options), { name: 'AbortError' })
  assert.deepEqual(texts, ['\x1b[?1049h', '\x1b[?1049l'])
})
