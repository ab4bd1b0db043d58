import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessOf } from '../../../gateway/policy/access.ts'
import { caller, NOON, policyOf } from './support.ts'

const POLICY = policyOf(
  [
    { name: 'ann', subjects: [{ user: 'oidc:ann' }], verbs: ['get', 'list'], resources: ['pods'], effect: 'allow' },
    { name: 'bob', subjects: [{ user: 'oidc:bob' }], verbs: ['*'], effect: 'allow' },
    {
      name: 'agents',
      subjects: [{ actor: '*' }],
      verbs: ['exec'],
      namespaces: ['prod'],
      commands: [{ argv: ['sh', '...'] }],
      effect: 'requireApproval',
      approval: {
        approvers: [{ group: 'oidc:sre' }, { user: 'oidc:eve' }],
        wait: '2m',
        quorum: 2,
        reasonRequired: true,
      },
    },
    { name: 'run', subjects: [{ run: 'r-1' }], verbs: ['delete'], effect: 'deny', reason: 'this run is over' },
    {
      name: 'night',
      subjects: [{ group: '*' }],
      verbs: ['delete'],
      effect: 'deny',
      hours: [{ days: ['wed'], from: '22:00', to: '06:00', timeZone: 'UTC' }],
    },
    {
      name: 'dev',
      subjects: [{ group: 'oidc:dev' }],
      verbs: ['create'],
      clusters: ['dev'],
      labels: { app: 'web' },
      names: ['x'],
      dryRun: 'only',
      when: 'request.name == ""',
      effect: 'allow',
    },
  ],
  { reads: 'deny' },
)

const NOBODY = { run: '', intent: '' }

function names(...args: Parameters<typeof accessOf>): string[] {
  return accessOf(...args).rules.map(({ name }) => name)
}

test('a caller is told of the rules for them, and of no others', () => {
  assert.deepEqual(names(POLICY, caller(), NOBODY, undefined, NOON), ['ann', 'night', 'dev'])
  assert.deepEqual(names(POLICY, caller({ groups: [] }), NOBODY, undefined, NOON), ['ann'])
  const agent = caller({ user: 'oidc:bob', groups: [], actor: 'claude' })
  assert.deepEqual(names(POLICY, agent, { run: 'r-1', intent: '' }, undefined, NOON), ['bob', 'agents', 'run'])
})

test('rules for other clusters are left out where one is named', () => {
  assert.deepEqual(names(POLICY, caller(), NOBODY, 'prod', NOON), ['ann', 'night'])
  assert.deepEqual(names(POLICY, caller(), NOBODY, 'dev', NOON), ['ann', 'night', 'dev'])
})

test('each rule says all that it asks, and nothing that it leaves open', () => {
  const { rules, ...rest } = accessOf(POLICY, caller({ actor: 'claude' }), NOBODY, undefined, NOON)
  assert.deepEqual(rest, {
    principal: { user: 'oidc:ann', groups: ['oidc:dev'], actor: 'claude' },
    default: { reads: 'deny', writes: 'deny', streams: 'deny' },
    precedence: ['deny', 'requireApproval', 'allow'],
    requestable: [],
  })
  const [ann, agents, night, dev] = JSON.parse(JSON.stringify(rules)) as unknown[]
  assert.deepEqual(ann, { name: 'ann', effect: 'allow', verbs: ['get', 'list'], resources: ['pods'] })
  assert.deepEqual(agents, {
    name: 'agents',
    effect: 'requireApproval',
    verbs: ['exec'],
    namespaces: ['prod'],
    commands: [{ argv: ['sh', '...'] }],
    approval: {
      approvers: [{ group: 'oidc:sre' }, { user: 'oidc:eve' }],
      quorum: 2,
      waitSeconds: 120,
      validForSeconds: 600,
      uses: 1,
      reasonRequired: true,
      ticketRequired: false,
    },
  })
  assert.deepEqual(night, {
    name: 'night',
    effect: 'deny',
    verbs: ['delete'],
    now: false,
    hours: [{ days: ['wed'], from: '22:00', to: '06:00', timeZone: 'UTC' }],
  })
  assert.deepEqual(dev, {
    name: 'dev',
    effect: 'allow',
    verbs: ['create'],
    clusters: ['dev'],
    names: ['x'],
    labels: { app: 'web' },
    dryRun: 'only',
    when: 'request.name == ""',
  })
})

test('whether a rule with hours counts is said of the time that is asked about', () => {
  const [, night] = accessOf(POLICY, caller(), NOBODY, undefined, Date.UTC(2026, 6, 15, 23)).rules
  assert.equal(night?.now, true)
})
