import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../../protocols/limits.ts'
import { openBooks } from '../../support/books.ts'
import { answerOf, asked, asking, pass } from './asking.ts'

test('what is over is kept while it is no more text than may be, the newest longest', async () => {
  let books = await openBooks()
  const summary = { ...asking().summary, command: '', diff: 'd'.repeat(limits.approvals.diff) }
  const most = limits.approvals.keptText / limits.approvals.diff
  for (let at = 0; at <= most; at++) {
    const { id } = await asked(books, { digest: `d${at}`, summary })
    await books.approvals.answer(answerOf(id, { answer: 'no' }))
  }
  const last = books.approvals.list().at(-1)?.id
  books.approvals.look()
  assert.equal(books.approvals.list().length, most)
  books = await openBooks({ disk: books.disk })
  assert.deepEqual([books.approvals.list().length, books.approvals.list().at(-1)?.id], [most, last])
})

test('what has been over for long is forgotten, on the disk as well', async () => {
  const books = await openBooks()
  const { id } = await asked(books)
  await books.approvals.answer(answerOf(id, { answer: 'no' }))
  await pass(books, limits.approvals.keptMillis)
  await books.journal.durable()
  assert.deepEqual([books.approvals.get(id), books.disk.pairs.size], [undefined, 0])
})
