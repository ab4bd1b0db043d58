import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Approval, ApprovalEvent } from '../../../gateway/approvals/approvals.ts'
import { type Notification, ofApproval, ofBudget, ofLock } from '../../../gateway/webhooks/notification.ts'
import { bodyOf, FORMATS, type Format } from '../../../gateway/webhooks/templates.ts'

const PERSON = { user: 'oidc:ann', groups: [], actor: 'bot' }

function approval(words: Partial<Record<'command' | 'name' | 'reason' | 'diff', string>> = {}): Approval {
  const { command = 'kubectl delete pod x', name = 'x', reason = 'OPS', diff = '' } = words
  return {
    id: 'a1',
    state: 'requested',
    target: { kind: 'call', digest: 'd' },
    terms: {
      quorums: [{ rule: 'r', approvers: [{ group: 'oidc:sre' }], quorum: 1 }],
      ...{ waitMillis: 1, validForMillis: 1, uses: 1, reasonRequired: false, ticketRequired: false },
    },
    requester: PERSON,
    summary: {
      ...{
        cluster: 'prod',
        run: 'r1',
        command,
        verb: 'delete',
        resource: 'pods',
        namespace: 'web',
        name,
        diff,
        note: '',
      },
      objects: 1,
    },
    ...{ reason, ticket: '', requestedAt: 0, answerBy: 1_000, yeses: [], no: null, validUntil: null, used: 0 },
    overAt: null,
  }
}

function requested(of: Approval): Notification {
  const { id, target, terms, requester, summary, reason, ticket, answerBy } = of
  const event = { kind: 'request', id, at: 0, target, terms, requester, summary, reason, ticket, answerBy } as const
  return ofApproval(event, of) as Notification
}

function render(format: Format, notification: Notification): { text: string; value: unknown } {
  const jira = { project: 'OPS', issueType: 'Task' }
  const text = Buffer.from(bodyOf(notification, { format, address: 'https://gate.example', jira })).toString()
  return { text, value: JSON.parse(text) }
}

/** Every object of a rendered message, with its text where it is one that the target reads as it is. */
function* nodes(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Record<string, unknown>
  for (const inner of Object.values(value)) yield* nodes(inner)
}

const HOSTILE =
  '<!channel> <https://evil|click> *b* _i_ `c` [x](https://evil) <script>alert(1)</script> @here {{DATE()}} &amp;'

test('each format says who asks what, for which approval, and where to answer', () => {
  for (const format of FORMATS) {
    const { text } = render(format, requested(approval()))
    for (const words of ['kubectl delete pod x', 'oidc:ann', 'a1', 'https://gate.example/v1/approvals/a1']) {
      assert.ok(text.includes(words), `${format} lacks ${words}: ${text}`)
    }
  }
})

test('what is too long for a message says that it is not all of it', () => {
  const long = requested(
    approval({ command: `kubectl exec x -- sh -c '${'a'.repeat(2_000)}'`, diff: '+a\n'.repeat(30_000) }),
  )
  for (const format of FORMATS) {
    const { text } = render(format, long)
    // Machines get all of it.
    if (format === 'json') continue
    assert.ok(text.includes('NOT all of the command'), format)
    assert.ok(text.includes('NOT all of it: read the rest before you answer'), format)
  }
  assert.doesNotMatch(render('slack', requested(approval({ diff: '+a' }))).text, /NOT all/)
})

test('no character of HTML stands for itself in any format', () => {
  for (const format of FORMATS) {
    const { text } = render(
      format,
      requested(approval({ command: HOSTILE, reason: HOSTILE, name: HOSTILE, diff: HOSTILE })),
    )
    assert.doesNotMatch(text, /[<>&\u2028\u2029]/, format)
  }
})

test('Slack gets nothing to read as mrkdwn: anybody’s words stand only in plain and preformatted text', () => {
  const { value } = render('slack', requested(approval({ command: HOSTILE, reason: HOSTILE, diff: HOSTILE })))
  const message = value as { text: string; mrkdwn: boolean }
  assert.deepEqual([message.text, message.mrkdwn], ['Approval requested', false])
  for (const node of nodes(value)) {
    assert.notEqual(node.type, 'mrkdwn')
    if (JSON.stringify(Object.values(node).filter((one) => typeof one === 'string')).includes('evil')) {
      assert.equal(node.type, 'text')
    }
  }
  assert.ok([...nodes(value)].some(({ type }) => type === 'rich_text_preformatted'))
})

test('Teams gets no TextBlock, in which it would read markdown, and no date to work out', () => {
  const { value, text } = render('teams', requested(approval({ command: HOSTILE, diff: HOSTILE })))
  for (const { type } of nodes(value)) assert.ok(type !== 'TextBlock' && type !== 'FactSet', String(type))
  assert.ok(!text.includes('{{DATE'))
})

test('Jira gets a document of text nodes without marks, and a summary of one line', () => {
  const { value } = render('jira', requested(approval({ command: `${HOSTILE}\nh1. big`, diff: 'a\nb' })))
  for (const node of nodes(value)) assert.ok(!('marks' in node))
  const { fields } = value as { fields: { summary: string; project: object; issuetype: object } }
  assert.ok(!fields.summary.includes('\n') && fields.summary.length <= 250)
  assert.deepEqual([fields.project, fields.issuetype], [{ key: 'OPS' }, { name: 'Task' }])
})

test('ServiceNow gets no [code], behind which its journals take HTML', () => {
  const { value } = render('servicenow', requested(approval({ command: '[code]<b>x</b>[/code]', reason: '[CODE]' })))
  const { short_description, description, correlation_id } = value as Record<string, string>
  assert.ok(!/\[\/?code\]/i.test(`${short_description}${description}`))
  assert.equal(correlation_id, 'a1')
})

test('property: whatever the words, a message is JSON of bounded length without controls but line ends', () => {
  const words = fc.string({ unit: 'binary', maxLength: 3_000 })
  fc.assert(
    fc.property(words, words, fc.constantFrom(...FORMATS), (command, diff, format) => {
      const { text, value } = render(format, requested(approval({ command, diff, reason: command })))
      assert.ok(text.length < 60_000)
      assert.doesNotMatch(text, /[<>&]/)
      for (const node of nodes(value)) {
        for (const one of Object.values(node)) if (typeof one === 'string') assert.ok(one.isWellFormed())
      }
    }),
  )
})

test('of what happens to an approval people hear what matters to them, and once', () => {
  const base = { id: 'a1', at: 5 }
  const said = { by: PERSON, reason: 'no', ticket: '', via: 'cli' }
  const cases: readonly [ApprovalEvent, string | undefined][] = [
    [{ ...base, kind: 'cancel' }, undefined],
    [{ ...base, kind: 'return' }, undefined],
    [{ ...base, kind: 'approve', ...said, counts: [0], validUntil: null }, undefined],
    [{ ...base, kind: 'approve', ...said, counts: [0], validUntil: 9 }, 'approval.approved'],
    [{ ...base, kind: 'deny', ...said }, 'approval.denied'],
    [{ ...base, kind: 'revoke', ...said }, 'approval.revoked'],
    [{ ...base, kind: 'expire' }, 'approval.expired'],
    [{ ...base, kind: 'use', used: 1 }, 'approval.used'],
  ]
  for (const [event, type] of cases) assert.equal(ofApproval(event, approval())?.type, type, event.kind)
})

test('locks and budgets are told of as well', () => {
  const lock = { id: 'l1', target: { kind: 'actor', name: 'bot' }, reason: 'it runs wild', by: PERSON, at: 5 } as const
  const told = ofLock({ kind: 'lock', lock, by: PERSON, at: 5, reason: 'it runs wild' })
  assert.equal(told.type, 'lock.locked')
  const refusal = { allowed: false, status: 403, reason: 'Forbidden', message: 'spent', rule: 'budgets.b' } as const
  const spender = { user: 'ann', actor: '', run: '' }
  const spent = ofBudget({ budget: 'b', counted: 'deletions', spender, refusal }, 7)
  assert.deepEqual([spent.type, spent.subject, spent.at], ['budget.exceeded', 'b', 7])
  for (const format of FORMATS) {
    assert.ok(render(format, told).text.includes('bot'), format)
    assert.ok(render(format, spent).text.includes('spent'), format)
  }
})
