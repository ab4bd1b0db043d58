import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Journal } from '../../../gateway/approvals/journal.ts'
import { CallFailed, type HttpsAnswer, type HttpsCall } from '../../../gateway/https-call.ts'
import type { Notification } from '../../../gateway/webhooks/notification.ts'
import { Outbox } from '../../../gateway/webhooks/outbox.ts'
import { isSigned } from '../../../gateway/webhooks/signature.ts'
import type { Webhook } from '../../../gateway/webhooks/webhook.ts'
import { limits } from '../../../protocols/limits.ts'
import { ManualTime, settle } from '../../support/manual-time.ts'
import { MemoryJournal } from '../../support/memory-journal.ts'

const SECRET = Buffer.alloc(32, 7)

function webhook(name: string, more: Partial<Webhook> = {}): Webhook {
  const common = { format: 'json', address: undefined, jira: undefined, ca: undefined } as const
  const types = new Set(['lock.locked'] as const)
  return {
    name,
    url: `https://${name}.example/`,
    secret: SECRET,
    headers: { authorization: 'Bearer t' },
    types,
    ...common,
    ...more,
  }
}

function notification(time: ManualTime, subject: string): Notification {
  return { type: 'lock.locked', at: time.now(), title: 'Locked', facts: [], diff: '', subject, data: { subject } }
}

async function open(time = new ManualTime(), disk = new MemoryJournal(), webhooks = [webhook('w')]) {
  const calls: HttpsCall[] = []
  const lost: string[] = []
  const state = { answer: async (): Promise<HttpsAnswer> => ({ status: 200, body: new Uint8Array() }), isLate: false }
  const journal = new Journal({ directory: 'x', timers: time, database: disk.open, onFault: () => undefined })
  let ids = 0
  const outbox = new Outbox({
    journal,
    timers: time,
    now: () => time.now(),
    newId: () => `${disk.opens}-${++ids}`,
    call: (call) => {
      calls.push(call)
      return state.answer()
    },
    durable: () => (state.isLate ? Promise.reject(new Error('the ledger')) : journal.durable()),
    lost: (name, { subject }, why) => lost.push(`${name} ${subject}: ${why}`),
    failed: () => undefined,
  })
  await journal.start()
  outbox.configure(webhooks)
  const subjects = (): unknown[] =>
    calls.map(({ body }) => JSON.parse(String(Buffer.from(body as Uint8Array))).data.subject)
  return { time, disk, journal, outbox, calls, lost, state, subjects }
}

test('a message is sent once it is on disk, signed, and then forgotten', async () => {
  const { time, disk, outbox, calls } = await open()
  disk.isHeld = true
  outbox.put(notification(time, 'a'))
  await settle()
  assert.equal(calls.length, 0)
  disk.release()
  await time.advance(0)
  assert.equal(calls.length, 1)
  const { url, headers, body, method } = calls[0] as HttpsCall
  assert.deepEqual([method, url, headers.authorization], ['POST', 'https://w.example/', 'Bearer t'])
  const signed = {
    id: headers['webhook-id'] as string,
    timestamp: headers['webhook-timestamp'] as string,
    body: body as Uint8Array,
  }
  assert.equal(Number(signed.timestamp), Math.floor(time.now() / 1000))
  assert.ok(isSigned(SECRET, signed, headers['webhook-signature'] as string))
  await settle()
  assert.deepEqual([outbox.size, disk.pairs.size], [0, 0])
})

test('webhooks hear only of what they are for', async () => {
  const { time, outbox, calls } = await open(new ManualTime(), new MemoryJournal(), [
    webhook('a'),
    webhook('b', { types: new Set(['approval.requested']) }),
  ])
  outbox.put(notification(time, 'x'))
  await time.advance(0)
  assert.deepEqual(
    calls.map(({ url }) => url),
    ['https://a.example/'],
  )
})

test('a failed try is made again with longer and longer waits, always with the same id, until it is taken', async () => {
  const { time, outbox, calls, state } = await open()
  const failures: (() => Promise<HttpsAnswer>)[] = [
    async () => ({ status: 500, body: new Uint8Array() }),
    () => Promise.reject(new CallFailed('no answer')),
    async () => ({ status: 404, body: new Uint8Array() }),
  ]
  state.answer = () => (failures.shift() ?? (async () => ({ status: 204, body: new Uint8Array() })))()
  outbox.put(notification(time, 'a'))
  const at: number[] = []
  const start = time.now()
  for (let tick = 0; tick < 80; tick++) {
    await time.advance(100)
    while (at.length < calls.length) at.push(Math.floor((time.now() - start) / 1_000))
  }
  assert.deepEqual(at, [0, 1, 3, 7])
  assert.equal(new Set(calls.map(({ headers }) => headers['webhook-id'])).size, 1)
  assert.equal(outbox.size, 0)
})

test('waits do not grow past the longest, and a message is given up in the end', async () => {
  const { time, outbox, calls, lost, state } = await open()
  state.answer = async () => ({ status: 503, body: new Uint8Array() })
  outbox.put(notification(time, 'a'))
  await time.advance(limits.approvals.tryMillis)
  const tries = calls.length
  assert.ok(tries >= limits.approvals.tryMillis / limits.approvals.retryLongestMillis)
  await time.advance(2 * limits.approvals.retryLongestMillis)
  assert.deepEqual(lost, ['w a: the server answered 503'])
  assert.equal(outbox.size, 0)
  const after = calls.length
  await time.advance(limits.approvals.tryMillis)
  assert.equal(calls.length, after)
})

test('a webhook that hangs holds up no other, and gets its own messages one at a time', async () => {
  const opened = await open(new ManualTime(), new MemoryJournal(), [webhook('slow'), webhook('quick')])
  const { time, outbox, calls, state } = opened
  const waiting: (() => void)[] = []
  state.answer = () => {
    const isSlow = calls[calls.length - 1]?.url.includes('slow') === true
    if (!isSlow) return Promise.resolve({ status: 200, body: new Uint8Array() })
    return new Promise((resolve) => waiting.push(() => resolve({ status: 200, body: new Uint8Array() })))
  }
  outbox.put(notification(time, 'a'))
  outbox.put(notification(time, 'b'))
  await time.advance(0)
  assert.equal(calls.filter(({ url }) => url.includes('quick')).length, 2)
  assert.equal(calls.filter(({ url }) => url.includes('slow')).length, 1)
  waiting.shift()?.()
  await time.advance(0)
  assert.equal(calls.filter(({ url }) => url.includes('slow')).length, 2)
})

test('what was not taken before the end of the process is sent after the next start, with its id', async () => {
  const first = await open()
  first.state.answer = () => new Promise(() => undefined)
  first.outbox.put(notification(first.time, 'a'))
  await first.time.advance(0)
  assert.equal(first.calls.length, 1)
  first.outbox.close()
  await first.journal.close()

  const second = await open(first.time, first.disk)
  await second.time.advance(0)
  assert.deepEqual(second.subjects(), ['a'])
  assert.equal(second.calls[0]?.headers['webhook-id'], first.calls[0]?.headers['webhook-id'])
  await settle()
  assert.equal(second.disk.pairs.size, 0)
})

test('nobody is told of what did not come to the disk', async () => {
  const { time, disk, outbox, calls } = await open()
  disk.failAt = 1
  outbox.put(notification(time, 'a'))
  await time.advance(0)
  disk.failAt = Number.POSITIVE_INFINITY
  await time.advance(60_000)
  assert.equal(calls.length, 0)
})

test('while the ledger is late nobody is told, and then they are', async () => {
  const { time, outbox, calls, state } = await open()
  state.isLate = true
  outbox.put(notification(time, 'a'))
  await time.advance(10_000)
  assert.equal(calls.length, 0)
  state.isLate = false
  await time.advance(limits.approvals.retryMillis)
  assert.equal(calls.length, 1)
})

test('a webhook that hangs fills its own share alone, and budgets that are over only half of it', async () => {
  const types = new Set(['lock.locked', 'budget.exceeded'] as const)
  const webhooks = [webhook('w', { types }), webhook('v', { types: new Set(['lock.unlocked']) })]
  const { time, outbox, lost, state } = await open(new ManualTime(), new MemoryJournal(), webhooks)
  state.answer = () => new Promise(() => undefined)
  const half = limits.approvals.outbox / 2
  for (let at = 0; at < half; at++) outbox.put({ ...notification(time, 'b'), type: 'budget.exceeded' })
  assert.deepEqual([outbox.size, lost.length], [half / 2, half / 2])
  for (let at = 0; at < half; at++) outbox.put(notification(time, 'l'))
  assert.deepEqual([outbox.size, lost.length], [half, half])
  outbox.put({ ...notification(time, 'u'), type: 'lock.unlocked' })
  assert.deepEqual([outbox.size, lost.length], [half + 1, half])
})

test('more than it may hold is refused, and that is said; of a webhook that is gone all is forgotten', async () => {
  const { time, outbox, lost, state, disk } = await open()
  state.answer = () => new Promise(() => undefined)
  for (let at = 0; at < limits.approvals.outbox; at++) outbox.put(notification(time, String(at)))
  assert.equal(lost.length, 0)
  outbox.put(notification(time, 'one more'))
  assert.deepEqual(lost, ['w one more: too many messages wait to be sent'])
  await settle()
  outbox.configure([])
  await settle()
  assert.deepEqual([outbox.size, disk.pairs.size], [0, 0])
})
