import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { main } from '../../cli/main.ts'
import { formatVerifierKey } from '../../protocols/tape/checkpoint.ts'
import { CHECKPOINT_KEY, entryKey, leafKey, tapeKey } from '../../protocols/tape/keys.ts'
import { isPrintable } from '../../replay/printable.ts'
import { StoredTapes } from '../../replay/stored-tapes.ts'
import { CapturedIo } from '../support/captured-io.ts'
import type { MemoryReader } from '../support/memory-reader.ts'
import { execRecording, Recording } from '../support/recording.ts'
import { LOG_KEY, stored } from '../support/stored-recordings.ts'

const API = '01KAQ9V2Y8J4M6T3S5R7W9X0ZA'
const EXEC = '01KAQ9V2Y8J4M6T3S5R7W9X0ZB'

function store(): MemoryReader {
  const api = new Recording({ tape: API }).request(1, {}).answer(2, 1, 200, 'x').seal(3)
  return stored(api, execRecording({ tape: EXEC }))
}

async function verify(reader: MemoryReader, ...argv: readonly string[]) {
  const io = new CapturedIo()
  const data = argv.includes('--data') ? [] : ['--data', '/nonexistent']
  const code = await main(['tapes', 'verify', ...data, ...argv], io, async () => new StoredTapes(reader))
  for (const line of `${io.stdout}${io.stderr}`.split('\n')) assert.ok(isPrintable(line))
  return { code, stdout: io.stdout, stderr: io.stderr }
}

function move(reader: MemoryReader, from: string, to: string): void {
  const one = reader.values.get(from)!
  const other = reader.values.get(to)
  reader.values.set(to, one)
  if (other === undefined) reader.values.delete(from)
  else reader.values.set(from, other)
}

test('a whole store: integrity and completeness apart, and 0', async () => {
  const { code, stdout } = await verify(store())
  assert.equal(
    stdout,
    [
      `ok     ${EXEC}  intact  complete    8 entries`,
      `ok     ${API}  intact  complete    6 entries`,
      '2 tapes, none with faults; log of 4 leaves, 4 under a checkpoint; signatures not checked (no --key)',
      '',
    ].join('\n'),
  )
  assert.equal(code, 0)
})

test('a tape that is still open is no fault', async () => {
  const { code, stdout } = await verify(stored(new Recording({ tape: API }).request(1, {})))
  assert.match(stdout, /^ok .* intact {2}open /)
  assert.equal(code, 0)
})

const tampering: readonly (readonly [what: string, tamper: (reader: MemoryReader) => void, said: RegExp])[] = [
  ['a changed byte', (reader) => (reader.values.get(entryKey(EXEC, 4))![40]! ^= 1), /broken.*\n.*entry 4 changed/],
  ['a changed hash', (reader) => (reader.values.get(entryKey(EXEC, 0))![0]! ^= 1), /broken.*\n.*entry 0 changed/],
  ['a removed entry', (reader) => reader.values.delete(entryKey(EXEC, 3)), /broken.*\n.*entry 3 removed/],
  ['swapped entries', (reader) => move(reader, entryKey(EXEC, 5), entryKey(EXEC, 6)), /broken.*\n.*entry 5 swapped/],
  ['a cut tail', (reader) => reader.values.delete(entryKey(EXEC, 7)), /intact {2}incomplete.*\n.*entry 7 cut/],
  ['a value that is no entry', (reader) => reader.values.set(entryKey(EXEC, 2), new Uint8Array(3)), /entry 2 changed/],
  [
    'a tape that is gone with all its keys',
    (reader) => {
      reader.values.delete(tapeKey(EXEC))
      for (let seq = 0; seq < 8; seq++) reader.values.delete(entryKey(EXEC, seq))
    },
    /incomplete.*\n.*entry 0 missing/,
  ],
  ['a log that was cut', (reader) => reader.values.delete(leafKey(3)), /log: the store: rolled back/],
  ['a leaf that was changed', (reader) => (reader.values.get(leafKey(1))![60]! ^= 1), /log: the store: forked/],
  [
    'no log at all',
    (reader) => {
      for (let index = 0; index < 4; index++) reader.values.delete(leafKey(index))
      reader.values.delete(CHECKPOINT_KEY)
    },
    /log: there is no checkpoint/,
  ],
]

for (const [what, tamper, said] of tampering) {
  test(`${what} is found and named, and the exit code is 3`, async () => {
    const reader = store()
    tamper(reader)
    const { code, stdout } = await verify(reader)
    assert.match(stdout, said)
    assert.equal(code, 3)
  })
}

test('only the named tapes are verified', async () => {
  const reader = store()
  reader.values.get(entryKey(API, 0))![0]! ^= 1
  assert.equal((await verify(reader, EXEC)).code, 0)
  assert.equal((await verify(reader, 'last')).code, 0)
  assert.equal((await verify(reader, EXEC, API)).code, 3)
})

test('a tape that neither the store nor the log knows was mistyped', async () => {
  const { code, stderr } = await verify(store(), '01KAQ9V2Y8J4M6T3S5R7W9X0ZZ')
  assert.equal(stderr, 'sallyport: there is no tape 01KAQ9V2Y8J4M6T3S5R7W9X0ZZ\n')
  assert.equal(code, 1)
})

test('--json has one object a tape and one for the log', async () => {
  const reader = store()
  reader.values.delete(entryKey(EXEC, 3))
  const { stdout } = await verify(reader, '--json')
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const [exec = {}, api = {}, log = {}] = lines
  assert.deepEqual([exec.tape, exec.ok, exec.integrity], [EXEC, false, 'broken'])
  assert.deepEqual((exec.problems as { fault: string; seq: number }[])[0]!.fault, 'removed')
  assert.deepEqual([api.tape, api.ok, api.completeness], [API, true, 'complete'])
  const { root, ...rest } = log.log as Record<string, unknown>
  assert.match(String(root), /^[0-9a-f]{64}$/)
  assert.deepEqual(rest, { leaves: 4, signed: 4, checkpoints: 1, ok: true, problems: [] })
})

test('a checkpoint that was kept elsewhere shows a roll-back that the store’s own cannot', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-verify-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const witness = join(directory, 'witness.txt')
  const key = join(directory, 'log.pub')
  writeFileSync(witness, store().values.get(CHECKPOINT_KEY)!)
  writeFileSync(key, formatVerifierKey(LOG_KEY))
  assert.equal((await verify(store(), '--checkpoint', witness, '--key', key)).code, 0)
  const older = stored(new Recording({ tape: API }).request(1, {}).answer(2, 1, 200, 'x').seal(3))
  assert.equal((await verify(older, '--key', key)).code, 0)
  const { code, stdout } = await verify(older, '--key', key, '--checkpoint', witness, API)
  assert.match(stdout, /witness\.txt: rolled back/)
  assert.equal(code, 3)
})

test('a signature that does not hold is found with the key, and a file that is no key is said', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-verify-'))
  context.after(() => rmSync(directory, { recursive: true }))
  const key = join(directory, 'log.pub')
  writeFileSync(key, formatVerifierKey(LOG_KEY))
  const reader = store()
  const note = new TextDecoder().decode(reader.values.get(CHECKPOINT_KEY))
  const forged = note.replace(/.(.{4}\n)$/, (found, rest: string) => (found.startsWith('A') ? 'B' : 'A') + rest)
  reader.values.set(CHECKPOINT_KEY, new TextEncoder().encode(forged))
  const { code, stdout } = await verify(reader, '--key', key)
  assert.match(stdout, /log: the store: unsigned/)
  assert.equal(code, 3)
  writeFileSync(key, 'nothing\n')
  assert.match((await verify(reader, '--key', key)).stderr, /holds no key of a log/)
})

test('the key and the checkpoint beside the store are taken by themselves', async (context) => {
  const data = mkdtempSync(join(tmpdir(), 'sallyport-verify-'))
  context.after(() => rmSync(data, { recursive: true }))
  writeFileSync(join(data, 'log-key.pub'), `${formatVerifierKey(LOG_KEY)}\n`)
  writeFileSync(join(data, 'checkpoint'), store().values.get(CHECKPOINT_KEY)!)
  const whole = await verify(store(), '--data', data)
  assert.equal(whole.code, 0)
  assert.doesNotMatch(whole.stdout, /signatures not checked/)
  const older = stored(new Recording({ tape: API }).request(1, {}).answer(2, 1, 200, 'x').seal(3))
  const { code, stdout } = await verify(older, '--data', data)
  assert.match(stdout, /checkpoint: rolled back/)
  assert.equal(code, 3)
})
