import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer, Approval } from '../../../gateway/approvals/approvals.ts'
import { Journal } from '../../../gateway/approvals/journal.ts'
import { type Refusal, refuse } from '../../../gateway/decision.ts'
import { type AnsweringWebhook, type Heard, takeAnswer } from '../../../gateway/webhooks/answers.ts'
import { Nonces } from '../../../gateway/webhooks/nonces.ts'
import { sign } from '../../../gateway/webhooks/signature.ts'
import { limits } from '../../../protocols/limits.ts'
import { ManualTime } from '../../support/manual-time.ts'
import { MemoryJournal } from '../../support/memory-journal.ts'

const SECRET = Buffer.alloc(32, 9)

const WEBHOOK: AnsweringWebhook = {
  name: 'chat',
  secret: SECRET,
  approvers: new Map([['U1', { user: 'oidc:carol', groups: ['oidc:sre'] }]]),
}

const BODY = { approver: 'U1', approval: 'a1', cluster: 'prod', answer: 'approve' }

async function open(time = new ManualTime(), disk = new MemoryJournal()) {
  const journal = new Journal({ directory: 'x', timers: time, database: disk.open, onFault: () => undefined })
  const nonces = new Nonces(journal, () => time.now())
  await journal.start()
  const answers: Answer[] = []
  const state: { result: Approval | Refusal; isLocked: boolean } = {
    result: { id: 'a1', state: 'approved' } as Approval,
    isLocked: false,
  }
  const approvals = {
    answer: async (answer: Answer) => {
      answers.push(answer)
      return state.result
    },
  }
  const post = (
    body: unknown,
    more: {
      id?: string
      at?: number
      secret?: Uint8Array
      header?: (name: string) => string | undefined
      raw?: Uint8Array
    } = {},
  ): Promise<Heard> => {
    const bytes = more.raw ?? Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const id = more.id ?? 'm1'
    const timestamp = String(Math.floor((more.at ?? time.now()) / 1000))
    const headers: Record<string, string> = {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': sign(more.secret ?? SECRET, { id, timestamp, body: bytes }),
    }
    const header = more.header ?? ((name: string) => headers[name])
    return takeAnswer(
      WEBHOOK,
      { header, body: bytes },
      {
        ...{ approvals, nonces, now: () => time.now() },
        lockedOut: (user) => (state.isLocked ? refuse(403, 'Forbidden', 'locks.user', `${user} is locked`) : undefined),
      },
    )
  }
  return { time, disk, journal, answers, state, post }
}

function ruleOf({ result }: Heard): string {
  return 'rule' in result ? result.rule : result.state
}

test('a signed answer is the approver’s own, through this webhook, for the cluster that it names', async () => {
  const { post, answers } = await open()
  const heard = await post({ ...BODY, reason: 'looks right', ticket: 'OPS-1' })
  assert.deepEqual([heard.approval, heard.approver, ruleOf(heard)], ['a1', 'U1', 'approved'])
  const [{ approver, ...rest } = {} as Answer] = answers
  assert.deepEqual(rest, {
    ...{ id: 'a1', answer: 'yes', reason: 'looks right', ticket: 'OPS-1', via: 'chat', cluster: 'prod' },
  })
  assert.deepEqual([approver?.user, approver?.groups, approver?.actor], ['oidc:carol', ['oidc:sre'], ''])
})

test('a no is a no', async () => {
  const { post, answers } = await open()
  await post({ ...BODY, answer: 'deny' })
  assert.equal(answers[0]?.answer, 'no')
})

test('what is not signed, or with another secret, is refused, and says nothing of who was named', async () => {
  const { post, answers } = await open()
  const cases: readonly [Parameters<typeof post>[1], string][] = [
    [{ secret: Buffer.alloc(32, 8) }, 'webhooks.signature'],
    [{ header: () => undefined }, 'webhooks.unsigned'],
    [
      { header: (name) => (name === 'webhook-id' ? 'm1' : name === 'webhook-timestamp' ? '170' : '') },
      'webhooks.unsigned',
    ],
    [{ header: (name) => (name === 'webhook-timestamp' ? '1e9' : 'v1,x') }, 'webhooks.unsigned'],
    [{ id: 'a.b' }, 'webhooks.unsigned'],
  ]
  for (const [more, rule] of cases) {
    const heard = await post(BODY, more)
    assert.deepEqual([ruleOf(heard), heard.approver, heard.approval], [rule, '', ''])
  }
  assert.equal(answers.length, 0)
})

test('an answer that was signed too long ago, or in the future, is refused', async () => {
  const { post, time, answers } = await open()
  const late = limits.approvals.answerMillis + 2_000
  assert.equal(ruleOf(await post(BODY, { at: time.now() - late })), 'webhooks.timestamp')
  assert.equal(ruleOf(await post(BODY, { at: time.now() + late })), 'webhooks.timestamp')
  assert.equal(answers.length, 0)
})

test('no answer counts twice, with the same id or after a restart; and the id is free again when it is too old', async () => {
  const first = await open()
  await first.post(BODY)
  assert.equal(ruleOf(await first.post(BODY)), 'webhooks.replayed')
  assert.equal(ruleOf(await first.post({ ...BODY, answer: 'deny' })), 'webhooks.replayed')
  await first.journal.durable()
  await first.journal.close()
  const second = await open(first.time, first.disk)
  assert.equal(ruleOf(await second.post(BODY)), 'webhooks.replayed')
  const at = second.time.now()
  await second.time.advance(2 * limits.approvals.answerMillis + 2_000)
  assert.equal(ruleOf(await second.post(BODY, { at })), 'webhooks.timestamp')
  await second.journal.durable()
  assert.equal(ruleOf(await second.post(BODY, { id: 'm2' })), 'approved')
  await second.journal.durable()
  assert.equal(second.disk.pairs.size, 1, 'what is too old is forgotten on disk as well')
})

test('what is no answer is refused', async () => {
  const { post, answers } = await open()
  const bodies: readonly unknown[] = [
    '',
    'no json',
    '[]',
    { ...BODY, answer: 'yes' },
    { ...BODY, more: 1 },
    { ...BODY, cluster: undefined },
    { ...BODY, cluster: '' },
    { ...BODY, approval: 7 },
    '{"approver":"U1","approver":"U2","approval":"a1","cluster":"prod","answer":"approve"}',
  ]
  for (const [at, body] of bodies.entries()) {
    assert.equal(ruleOf(await post(body, { id: `m${at}` })), 'webhooks.body', JSON.stringify(body))
  }
  assert.equal(ruleOf(await post('', { id: 'raw', raw: Buffer.from([0xff, 0xfe]) })), 'webhooks.body')
  assert.equal(answers.length, 0)
})

test('a webhook speaks only for those whom the configuration names', async () => {
  const { post, answers } = await open()
  for (const [at, approver] of ['U2', 'oidc:carol', '__proto__', 'constructor'].entries()) {
    assert.equal(ruleOf(await post({ ...BODY, approver }, { id: `m${at}` })), 'webhooks.approver')
  }
  assert.equal(answers.length, 0)
})

test('whatever the approvals say of it is the answer, and its id is spent all the same', async () => {
  const { post, state } = await open()
  state.result = refuse(403, 'Forbidden', 'approvals.cluster', 'another cluster')
  assert.equal(ruleOf(await post({ ...BODY, cluster: 'stage' })), 'approvals.cluster')
  assert.equal(ruleOf(await post(BODY)), 'webhooks.replayed')
})

test('whoever is locked does not answer this way either', async () => {
  const { post, state, answers } = await open()
  state.isLocked = true
  assert.equal(ruleOf(await post(BODY)), 'locks.user')
  assert.equal(answers.length, 0)
})

test('while the journal is away nothing is taken', async () => {
  const { post, disk, journal, time, answers } = await open()
  disk.failAt = 1
  await post(BODY)
  await time.advance(0)
  assert.ok(journal.failed !== undefined)
  assert.equal(ruleOf(await post(BODY, { id: 'm2' })), 'approvals.unrecorded')
  assert.equal(answers.length, 1)
})
