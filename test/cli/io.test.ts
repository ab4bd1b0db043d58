import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { ReaderGone, writerOf } from '../../cli/io.ts'
import { main } from '../../cli/main.ts'
import { CapturedIo } from '../support/captured-io.ts'

/** A stream that holds what is written until it is let go. */
class Slow extends Writable {
  readonly taken: string[] = []
  letGo: ((error?: Error) => void) | undefined

  constructor() {
    super({ highWaterMark: 4, decodeStrings: false })
  }

  override _write(chunk: string, _encoding: string, done: (error?: Error) => void): void {
    this.taken.push(chunk)
    this.letGo = done
  }
}

test('writing waits while the stream is full', async () => {
  const stream = new Slow()
  const write = writerOf(stream)
  let written = false
  const waiting = write('hello').then(() => {
    written = true
  })
  await Promise.resolve()
  assert.equal(written, false)
  stream.letGo?.()
  await waiting
  assert.deepEqual(stream.taken, ['hello'])
})

test('a reader that goes away ends the writing, in the middle of it and afterwards', async () => {
  const stream = new Slow()
  const write = writerOf(stream)
  const waiting = write('hello')
  stream.letGo?.(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await assert.rejects(waiting, ReaderGone)
  await assert.rejects(write('more'), ReaderGone)
})

test('any other fault of the stream is said', async () => {
  const stream = new Slow()
  const waiting = writerOf(stream)('hello')
  stream.letGo?.(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
  await assert.rejects(waiting, /no space left/)
})

test('a command whose reader went away ends quietly with 0', async () => {
  const io = new (class extends CapturedIo {
    override async out(): Promise<void> {
      throw new ReaderGone()
    }
  })()
  const code = await main(['--help'], io)
  assert.equal(code, 0)
  assert.equal(io.stderr, '')
})
