import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ballast, isDiskFull } from '../../../gateway/tape/ballast.ts'
import { logKey } from '../../../gateway/tape/log-key.ts'
import { FileWitness } from '../../../gateway/tape/witness.ts'
import { openCheckpoint, parseVerifierKey, signCheckpoint } from '../../../protocols/tape/checkpoint.ts'
import { dataDirectory } from './support/store.ts'

test('the key that is made is the one that is read, and its public half opens its notes', async (t) => {
  const path = join(await dataDirectory(t), 'log-key.pem')
  const made = await logKey(path)
  await chmod(path, 0o644)
  const read = await logKey(path)
  assert.deepEqual(read.verifier, made.verifier)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const key = parseVerifierKey(await readFile(path.replace('.pem', '.pub'), 'utf8'))
  const note = signCheckpoint(3, new Uint8Array(32), made.verifier, made.privateKey)
  assert.equal(openCheckpoint(note, key).size, 3)
})

test('a key file with something else in it is refused, and its content is not said', async (t) => {
  const path = join(await dataDirectory(t), 'log-key.pem')
  await writeFile(path, '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n')
  await assert.rejects(logKey(path), (error: Error) => {
    assert.match(error.message, /does not hold an Ed25519 key/)
    assert.ok(!error.message.includes('c2VjcmV0') && error.cause === undefined)
    return true
  })
})

test('the witness file holds the latest of the notes, whole, and nothing lies beside it', async (t) => {
  const data = await dataDirectory(t)
  const failures: Error[] = []
  const witness = new FileWitness(join(data, 'checkpoint'), (error) => failures.push(error))
  assert.equal(await witness.last(), undefined)
  for (let size = 0; size < 20; size++) witness.keep(`note ${size}\n`)
  await witness.idle()
  assert.equal(await witness.last(), 'note 19\n')
  witness.keep('another\n')
  await witness.idle()
  assert.equal(await witness.last(), 'another\n')
  assert.deepEqual(await readdir(data), ['checkpoint'])
  assert.deepEqual(failures, [])
})

test('a note that cannot be written is told, and the next one is tried', async (t) => {
  const data = join(await dataDirectory(t), 'later')
  const failures: NodeJS.ErrnoException[] = []
  const witness = new FileWitness(join(data, 'checkpoint'), (error) => failures.push(error))
  witness.keep('one\n')
  await witness.idle()
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['ENOENT'],
  )
  await mkdir(data)
  witness.keep('two\n')
  await witness.idle()
  assert.equal(await witness.last(), 'two\n')
})

test('the ballast takes its space once, and gives it back', async (t) => {
  const path = join(await dataDirectory(t), 'ballast')
  const ballast = new Ballast(path, 1_048_576 + 10)
  assert.equal(await ballast.take(), true)
  const { size, blocks, mtimeMs } = await stat(path)
  assert.equal(size, 1_048_586)
  assert.ok(blocks * 512 >= size, 'the space is really taken')
  assert.equal(await ballast.take(), true)
  assert.equal((await stat(path)).mtimeMs, mtimeMs)
  await ballast.drop()
  await ballast.drop()
  await assert.rejects(stat(path), { code: 'ENOENT' })
})

test('no room for the ballast is no error', async (t) => {
  const ballast = new Ballast(join(await dataDirectory(t), 'missing', 'ballast'), 10)
  assert.equal(await ballast.take(), false)
})

test('a full disk is known by its code or by what LevelDB says, however deep', () => {
  const level = new Error('Database failed to open', { cause: new Error('IO error: x.log: No space left on device') })
  assert.equal(isDiskFull(level), true)
  assert.equal(isDiskFull(Object.assign(new Error('write'), { code: 'ENOSPC' })), true)
  assert.equal(isDiskFull(new Error('Input/output error')), false)
  assert.equal(isDiskFull(undefined), false)
})
