import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsApproval } from '../../../gateway/decision.ts'
import type { Question } from '../../../gateway/policy/asked.ts'
import { decide } from '../../../gateway/policy/decide.ts'
import { NO_BODY, RequestObject } from '../../../gateway/policy/request-object.ts'
import { asked, caller, NOON, policyOf, question } from './support.ts'
import { TABLES as BODIES } from './table/bodies.ts'
import { TABLES as REQUESTS } from './table/requests.ts'
import type { Row } from './table/row.ts'
import { TABLES as SUBJECTS } from './table/subjects.ts'

const TABLES = [...REQUESTS, ...SUBJECTS, ...BODIES]

/** "oidc:ann +oidc:dev ~claude #r-1". */
function whoOf(words: string): Pick<Question, 'principal' | 'claims'> {
  const all = words.split(' ')
  const marked = (mark: string): string[] => all.flatMap((word) => (word.startsWith(mark) ? [word.slice(1)] : []))
  return {
    principal: caller({ user: all[0] as string, groups: marked('+'), actor: marked('~')[0] ?? '' }),
    claims: { run: marked('#')[0] ?? '', intent: '' },
  }
}

function questionOf([line, , circumstances = {}]: Row): Question {
  const { who, cluster = 'prod', upgrade, body, type = 'application/json', at } = circumstances
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  return question(asked(line), {
    ...(who === undefined ? {} : whoOf(who)),
    cluster,
    upgrade,
    object: text === undefined ? NO_BODY : new RequestObject(new TextEncoder().encode(text), type),
    now: at === undefined ? NOON : Date.parse(`2026-07-${at}:00Z`),
  })
}

for (const { policy: name, rules, default: defaults = {}, rows } of TABLES) {
  test(`policy: ${name}`, () => {
    const policies = [policyOf(rules, defaults), policyOf([...rules].reverse(), defaults)]
    for (const row of rows) {
      const [line, expected] = row
      const what = `${line} ${JSON.stringify(row[2] ?? {})}`
      const [decision, reversed] = policies.map((policy) => decide(policy, questionOf(row)))
      assert.ok(decision !== undefined && reversed !== undefined)
      const refused = !decision.allowed && decision.status !== 403 ? `${decision.status}` : 'deny'
      const effect = decision.allowed ? 'allow' : needsApproval(decision) ? 'ask' : refused
      assert.equal(`${effect} ${decision.rule}`, expected, what)
      assert.equal(reversed.allowed, decision.allowed, `in the other order: ${what}`)
      assert.equal(needsApproval(reversed), needsApproval(decision), `in the other order: ${what}`)
    }
  })
}

test('the table has at least 300 decisions', () => {
  assert.ok(TABLES.reduce((sum, { rows }) => sum + rows.length, 0) >= 300)
})
