import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { needsApproval } from '../../../gateway/decision.ts'
import { classOf, decide } from '../../../gateway/policy/decide.ts'
import { explainDecision } from '../../../gateway/policy/explain-decision.ts'
import type { Effect } from '../../../gateway/policy/policy.ts'
import { requestInfo } from '../../../gateway/request-info.ts'
import { requestLine } from '../../support/request-targets.ts'
import { caller, policyOf, question, type RuleSource } from './support.ts'

const some = <T>(...values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 })

const subject = fc.constantFrom(
  { user: '*' },
  { user: 'oidc:ann' },
  { user: 'oidc:bob' },
  { group: 'oidc:dev' },
  { actor: '*' },
)
const rule = fc
  .record(
    {
      subjects: fc.array(subject, { minLength: 1, maxLength: 2 }),
      verbs: some(
        '*',
        'get',
        'list',
        'watch',
        'create',
        'update',
        'patch',
        'delete',
        'deletecollection',
        'exec',
        'proxy',
        'portforward',
      ),
      effect: fc.constantFrom('allow', 'deny', 'requireApproval'),
      resources: maybe(
        some(
          '*',
          'pods',
          'secrets',
          'nodes',
          'namespaces',
          'pods/log',
          'pods/*',
          'services/proxy',
          'apps/deployments',
          'apps/*',
        ),
      ),
      namespaces: maybe(some('prod', 'dev')),
      names: maybe(some('db', 'p', 'web')),
      clusters: maybe(some('prod', 'dev')),
      commands: maybe(fc.constant([{ argv: ['echo', '...'] }])),
      durability: maybe(fc.constantFrom('strict', 'group')),
      // The last one fails without a body.
      when: maybe(fc.constantFrom('request.name == "db"', 'request.namespace != "prod"', 'object.spec.x == 1')),
    },
    { requiredKeys: ['subjects', 'verbs', 'effect'] },
  )
  .map((source) => {
    const approval = source.effect === 'requireApproval' ? { approvers: [{ group: 'oidc:sre' }] } : undefined
    return JSON.parse(JSON.stringify({ ...source, approval })) as Omit<RuleSource, 'name'>
  })
const rules = fc
  .array(rule, { maxLength: 6 })
  .map((sources) => sources.map((source, at) => ({ ...source, name: `r${at}` })))
const who = fc.constantFrom(caller(), caller({ user: 'oidc:bob', groups: [] }), caller({ actor: 'bot' }))
const defaults = fc.constantFrom(
  {},
  { reads: 'deny' as const },
  { writes: 'allow' as const, streams: 'allow' as const },
)

test('the order of rules changes neither whether it is allowed nor how it is recorded', () => {
  fc.assert(
    fc.property(
      rules,
      fc.infiniteStream(fc.nat()),
      who,
      requestLine,
      defaults,
      (sources, random, principal, { method, target }, standard) => {
        const attributes = requestInfo(method, target, undefined)
        if ('status' in attributes) return
        const shuffled = sources.map((source) => ({ source, key: random.next().value as number }))
        shuffled.sort((a, b) => a.key - b.key)
        const one = decide(policyOf(sources, standard), question(attributes, { principal }))
        const other = decide(
          policyOf(
            shuffled.map(({ source }) => source),
            standard,
          ),
          question(attributes, { principal }),
        )
        assert.equal(one.allowed, other.allowed)
        assert.equal(needsApproval(one), needsApproval(other))
        if (one.allowed && other.allowed) assert.equal(one.durability, other.durability)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('a decision is what its rules say one by one', () => {
  fc.assert(
    fc.property(rules, who, requestLine, defaults, (sources, principal, { method, target }, standard) => {
      const attributes = requestInfo(method, target, undefined)
      if ('status' in attributes) return
      const policy = policyOf(sources, standard)
      const asked = question(attributes, { principal })
      const { decision, considered } = explainDecision(policy, asked)
      const first = (effect: Effect): string | undefined =>
        considered.find((one) => one.effect === effect && one.applies)?.rule
      const isOpen = first('allow') !== undefined || policy.default[classOf(attributes)] === 'allow'
      const denied = first('deny')
      const gate = first('requireApproval')
      if (denied !== undefined) {
        assert.equal(decision.rule, denied)
        assert.ok(!decision.allowed && !needsApproval(decision))
      } else if (gate !== undefined && isOpen) {
        assert.equal(decision.rule, gate)
        assert.ok(needsApproval(decision))
      } else if (gate === undefined) {
        assert.equal(decision.rule, first('allow') ?? 'default')
        assert.equal(decision.allowed, isOpen)
      } else assert.equal(decision.allowed, false)
    }),
    { numRuns: 3_000 },
  )
})

test('another allow never undoes a denial by a rule, and another denial never opens anything', () => {
  fc.assert(
    fc.property(rules, rule, who, requestLine, defaults, (sources, extra, principal, { method, target }, standard) => {
      const attributes = requestInfo(method, target, undefined)
      if ('status' in attributes) return
      const before = decide(policyOf(sources, standard), question(attributes, { principal }))
      const after = decide(
        policyOf([...sources, { ...extra, name: 'extra' }], standard),
        question(attributes, { principal }),
      )
      if (extra.effect === 'allow' && !before.allowed && before.rule !== 'default')
        assert.equal(after.rule, before.rule)
      if (extra.effect === 'deny' && !before.allowed) assert.equal(after.allowed, false)
      if (extra.effect === 'allow' && before.allowed) assert.equal(after.allowed, true)
    }),
    { numRuns: 3_000 },
  )
})

test('whatever one rule allows, the same rule as a denial denies', () => {
  fc.assert(
    fc.property(rule, who, requestLine, (source, principal, { method, target }) => {
      const attributes = requestInfo(method, target, undefined)
      if ('status' in attributes) return
      const under = (effect: 'allow' | 'deny') =>
        decide(policyOf([{ ...source, effect, name: 'r' }], { reads: 'deny' }), question(attributes, { principal }))
      if (under('allow').allowed) assert.equal(under('deny').rule, 'r')
    }),
    { numRuns: 3_000 },
  )
})

test('a namespace’s rules do not depend on how a request spells it', () => {
  const policy = policyOf([
    { name: 'no', verbs: ['*'], namespaces: ['prod'], effect: 'deny' },
    { name: 'all', verbs: ['*'], effect: 'allow' },
  ])
  fc.assert(
    fc.property(requestLine, ({ method, target }) => {
      const attributes = requestInfo(method, target, undefined)
      if ('status' in attributes || attributes.namespace !== 'prod') return
      assert.equal(decide(policy, question(attributes)).rule, 'no')
    }),
    { numRuns: 2_000 },
  )
})
