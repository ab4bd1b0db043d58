import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TicketCheck } from '../../../gateway/hooks/ticket-check.ts'
import { CallFailed, type HttpsCall } from '../../../gateway/https-call.ts'

const TRACKER = {
  ...{ url: 'https://t.example/issue/{ticket}?fields=status', headers: { authorization: 'Basic x' }, ca: undefined },
  ...{ millis: 1_000, field: ['fields', 'status', 'name'], values: new Set(['Open', 'In Progress']) },
}

const OPEN = { fields: { status: { name: 'Open' } } }

async function check(
  tickets: readonly string[],
  said: readonly (object | string | CallFailed)[] = [OPEN],
  tracker = TRACKER,
) {
  const calls: HttpsCall[] = []
  const failures: string[] = []
  const left = [...said]
  const tickets_ = new TicketCheck(
    tracker,
    async (call) => {
      calls.push(call)
      const next = left.shift()
      if (next instanceof CallFailed) throw next
      if (typeof next === 'object' && 'status' in next) return { status: next.status as number, body: new Uint8Array() }
      return { status: 200, body: Buffer.from(typeof next === 'string' ? next : JSON.stringify(next)) }
    },
    (why) => failures.push(why),
  )
  const refusal = await tickets_.check(tickets)
  return { rule: refusal?.rule, calls, failures }
}

test('a ticket that is open, as the tracker says at this moment, is good', async () => {
  const { rule, calls } = await check(['OPS-1'])
  assert.equal(rule, undefined)
  const { method, url, headers, body } = calls[0] as HttpsCall
  assert.deepEqual(
    [method, url, headers, body],
    ['GET', 'https://t.example/issue/OPS-1?fields=status', TRACKER.headers, undefined],
  )
})

test('without a tracker a name is enough', async () => {
  assert.equal(
    await new TicketCheck(
      undefined,
      () => assert.fail('asked'),
      () => assert.fail('failed'),
    ).check(['x']),
    undefined,
  )
})

const CLOSED: readonly [string, object | string | CallFailed, string][] = [
  ['is closed', { fields: { status: { name: 'Done' } } }, 'tickets.closed'],
  ['is not there', { status: 404 }, 'tickets.closed'],
  ['may not be read', { status: 403 }, 'tickets.unknown'],
  ['is behind a tracker that hangs', new CallFailed('no answer within 1000 ms'), 'tickets.unknown'],
  [
    'is behind a tracker that redirects',
    new CallFailed('the server redirects, which is not followed'),
    'tickets.unknown',
  ],
  ['has no status', { fields: {} }, 'tickets.unknown'],
  ['has a status of another form', { fields: { status: { name: ['Open'] } } }, 'tickets.unknown'],
  ['has a status twice', '{"fields":{"status":{"name":"Done","name":"Open"}}}', 'tickets.unknown'],
  ['is no JSON', 'Open', 'tickets.unknown'],
]
for (const [what, said, expected] of CLOSED) {
  test(`a ticket that ${what} is refused`, async () => {
    const { rule, failures } = await check(['OPS-1'], [said])
    assert.equal(rule, expected)
    assert.equal(failures.length, expected === 'tickets.unknown' ? 1 : 0)
  })
}

test('no ticket is none, and a name that could change the URL is not asked for', async () => {
  assert.equal((await check([''])).rule, 'tickets.none')
  for (const name of ['../x', 'a/b', 'a?b', 'a b', '.', 'é', 'x'.repeat(65), '-a', '%2e']) {
    const { rule, calls } = await check([name])
    assert.deepEqual([rule, calls.length], ['tickets.name', 0], name)
  }
})

test('of several tickets one that is open is enough', async () => {
  const closed = { fields: { status: { name: 'Done' } } }
  assert.equal((await check(['A-1', '', 'A-2', 'A-1'], [closed, OPEN])).rule, undefined)
  assert.equal((await check(['A-1', 'A-2'], [closed, closed])).rule, 'tickets.closed')
})

test('inherited names are no fields', async () => {
  const tracker = { ...TRACKER, field: ['constructor', 'name'], values: new Set(['Object']) }
  assert.equal((await check(['A-1'], [{}], tracker)).rule, 'tickets.unknown')
})
