import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from '../../gateway/deadlines.ts'
import type { Refusal } from '../../gateway/decision.ts'
import { ClientGone } from '../../gateway/exchange.ts'
import { BodyBudget, RequestBody } from '../../gateway/request-body.ts'
import { limits } from '../../protocols/limits.ts'

let now = 0
let deadlines: Deadlines
let budget: BodyBudget

beforeEach(() => {
  now = 0
  deadlines = new Deadlines(() => now)
  deadlines.close()
  budget = new BodyBudget()
})

const body = (length?: number): RequestBody => new RequestBody(length, deadlines, budget)
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

function rule(given: Uint8Array | Refusal): string {
  assert.ok('status' in given)
  return `${given.status} ${given.rule}`
}

test('a body is its pieces, wherever it is cut and whenever it is read, and they are no longer held', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(9), fc.boolean(), async (given, readAt, stated) => {
      const whole = Buffer.concat(given)
      const one = body(stated ? whole.length : undefined)
      let read: ReturnType<RequestBody['read']> | undefined
      for (const [at, piece] of given.entries()) {
        if (at === readAt) read = one.read(200)
        const borrowed = piece.slice()
        one.add(borrowed)
        borrowed.fill(0xff)
      }
      one.complete()
      read ??= one.read(200)
      assert.deepEqual(Buffer.from((await read) as Uint8Array), whole)
      assert.equal(budget.held, 0)
      assert.equal(one.deadline, Number.POSITIVE_INFINITY)
    }),
  )
})

test('a body without bytes is there at once', () => {
  assert.deepEqual(Buffer.from(body(0).read(10) as Uint8Array), Buffer.alloc(0))
})

test('a body may have as many bytes as the limit says and no more, known before, behind or meanwhile', async () => {
  const tooLarge = '413 request.body.too_large'
  const exact = body(3)
  exact.add(bytes('abc'))
  exact.complete()
  assert.deepEqual(exact.read(3), bytes('abc'))
  assert.equal(rule((await body(4).read(3)) as Refusal), tooLarge)
  const before = body()
  before.add(bytes('abcd'))
  assert.equal(rule(before.read(3) as Refusal), tooLarge)
  const meanwhile = body()
  const read = meanwhile.read(3)
  meanwhile.add(bytes('ab'))
  meanwhile.add(bytes('cd'))
  assert.equal(rule(await read), tooLarge)
  meanwhile.add(bytes('nothing of this is held'))
  meanwhile.complete()
  assert.equal(rule((await meanwhile.read(100)) as Refusal), tooLarge)
  assert.equal(budget.held, 0)
})

test('without anybody to read it no more than the gateway’s own limit is held', () => {
  const unread = body()
  const half = new Uint8Array(limits.gateway.requestBody / 2)
  unread.add(half)
  unread.add(half)
  assert.equal(budget.held, limits.gateway.requestBody)
  unread.add(Uint8Array.of(1))
  assert.equal(budget.held, 0)
  assert.equal(rule(unread.read(limits.gateway.requestBody) as Refusal), '413 request.body.too_large')
})

test('bodies share a budget: who exceeds it is refused, the others go on, and what is read or dropped is free again', async () => {
  budget.held = limits.gateway.bodiesBytes - 6
  const [first, second, third] = [body(), body(), body()]
  first.add(bytes('abc'))
  const read = second.read(10)
  second.add(bytes('def'))
  second.add(bytes('g'))
  assert.equal(rule(await read), '429 request.body.too_many')
  third.add(bytes('hij'))
  assert.equal(budget.held, limits.gateway.bodiesBytes)
  first.complete()
  assert.deepEqual(first.read(10), bytes('abc'))
  third.discard()
  assert.equal(budget.held, limits.gateway.bodiesBytes - 6)
})

test('a body that is read must come within the time that its length, or the limit, allows', async () => {
  const { headMillis, requestBodyRate } = limits.gateway
  for (const [length, limit] of [
    [2 * requestBodyRate, 4 * requestBodyRate],
    [undefined, 2 * requestBodyRate],
  ] as const) {
    now = 1_000_000
    const slow = body(length)
    now += headMillis // nobody waits yet
    deadlines.look()
    const read = slow.read(limit) as Promise<Uint8Array | Refusal>
    let settled = false
    void read.then(() => {
      settled = true
    })
    slow.add(bytes('x'))
    now += headMillis + 2_000 - 1
    deadlines.look()
    await Promise.resolve()
    assert.equal(settled, false)
    now += 1
    deadlines.look()
    assert.equal(rule(await read), '408 request.body.slow')
    assert.equal(budget.held, 0)
    assert.equal(slow.deadline, Number.POSITIVE_INFINITY)
    slow.add(bytes('too late'))
    slow.complete()
    assert.equal(budget.held, 0)
  }
})

test('a body that nobody will read holds nothing, and who waits for it, or asks for it later, hears that the client has gone', async () => {
  const waited = body()
  const read = waited.read(10) as Promise<unknown>
  waited.add(bytes('abc'))
  waited.discard()
  await assert.rejects(read, ClientGone)
  for (const complete of [false, true]) {
    const late = body(3)
    late.add(bytes('abc'))
    if (complete) late.complete()
    late.discard()
    late.discard()
    late.add(bytes('more'))
    await assert.rejects(late.read(10) as Promise<unknown>, ClientGone)
    assert.equal(late.deadline, Number.POSITIVE_INFINITY)
  }
  assert.equal(budget.held, 0)
})
