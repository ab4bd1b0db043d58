import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../../../gateway/config-file.ts'
import { accessOf } from '../../../gateway/policy/access.ts'
import { policySchema } from '../../../gateway/policy/document.ts'
import { type GrantAsked, grantTerms } from '../../../gateway/policy/grant-terms.ts'
import { lintPolicy } from '../../../gateway/policy/lint.ts'
import type { Policy } from '../../../gateway/policy/policy.ts'
import { readDocuments, readPolicy } from '../../../gateway/policy/policy-file.ts'
import { nextPolicy } from '../../../gateway/policy/policy-source.ts'
import { parseResource } from '../../../gateway/resource-names.ts'
import { caller, NOON } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-grants-'))
after(() => rmSync(directory, { recursive: true }))

const HEAD = 'apiVersion: sallyport/v1\nkind: AccessPolicy\n'

function file(text: string): string {
  const path = join(directory, 'policy.yaml')
  writeFileSync(path, HEAD + text)
  return path
}

interface Entry {
  readonly name: string
  readonly [field: string]: unknown
}

const SRE = { approvers: [{ group: 'oidc:sre' }] }
const TEAM = { approvers: [{ group: 'oidc:team' }, { user: 'oidc:eve' }], quorum: 2, ticketRequired: true }

/** Entries for everybody, of everything, that the SREs allow, unless they say otherwise. */
function policyOf(...entries: readonly Entry[]): Policy {
  const grants = entries.map((entry) => ({ subjects: [{ user: '*' }], verbs: ['*'], approval: SRE, ...entry }))
  return readPolicy(file(`grants: ${JSON.stringify(grants)}`), 'group')
}

/** "patch,update apps/deployments web", of ann, for half an hour. */
function asked(line: string, changes: Partial<GrantAsked> = {}): GrantAsked {
  const [verbs = '', resources = '', namespaces = ''] = line.split(' ')
  return {
    principal: caller(),
    cluster: 'prod',
    verbs: verbs.split(','),
    resources: resources.split(',').map((entry) => {
      const [group, resource, subresource] = parseResource(entry)
      return { group, resource, subresource }
    }),
    namespaces: namespaces === '*' ? 'all' : namespaces.split(','),
    durationMillis: 1_800_000,
    ...changes,
  }
}

/** The entries whose yes it needs, or the rule that refuses it. */
function answer(policy: Policy, request: GrantAsked): string {
  const terms = grantTerms(policy, request)
  return 'status' in terms ? terms.rule : terms.quorums.map(({ rule }) => rule).join(' ')
}

const WEB = { name: 'web', verbs: ['create', 'patch'], resources: ['apps/deployments'], namespaces: ['web', 'shop'] }
const NONE = 'grants.not_offered'

const table: readonly (readonly [entries: readonly Entry[], line: string, expected: string])[] = [
  [[WEB], 'patch apps/deployments web', 'web'],
  [[WEB], 'create,patch apps/deployments shop,web', 'web'],
  [[WEB], 'patch,update apps/deployments web', NONE],
  [[WEB], 'patch apps/deployments,apps/statefulsets web', NONE],
  [[WEB], 'patch apps/deployments/scale web', NONE],
  [[WEB], 'patch apps/deployments web,prod', NONE],
  [[WEB], 'patch apps/deployments *', NONE],
  [[WEB], 'patch apps/* web', NONE],
  [[{ ...WEB, resources: ['apps/*'] }], 'patch apps/* web', 'web'],
  [[{ ...WEB, resources: ['apps/*'] }], 'patch apps/deployments/scale web', 'web'],
  [[{ ...WEB, clusters: ['dev'] }], 'patch apps/deployments web', NONE],
  [[{ ...WEB, clusters: ['dev', 'prod'] }], 'patch apps/deployments web', 'web'],
  [[{ ...WEB, subjects: [{ group: 'oidc:sre' }] }], 'patch apps/deployments web', NONE],
  [[{ ...WEB, subjects: [{ group: 'oidc:dev' }] }], 'patch apps/deployments web', 'web'],
  [[{ ...WEB, subjects: [{ actor: '*' }] }], 'patch apps/deployments web', NONE],
  [[{ name: 'all' }], 'delete namespaces *', 'all'],
  [[], 'get pods web', NONE],
  // exec has one meaning on pods, where it is spelled out.
  [[{ name: 'a', verbs: ['exec'], resources: ['pods'] }], 'exec pods prod', 'a'],
  [[{ name: 'a', verbs: ['exec'], resources: ['pods/exec'] }], 'exec pods prod', 'a'],
  [[{ name: 'a', verbs: ['*'], resources: ['pods'] }], 'exec pods prod', NONE],
  [[{ name: 'a', verbs: ['*'], resources: ['pods/*'] }], 'exec pods prod', 'a'],
  [[{ name: 'a', verbs: ['get'], resources: ['pods/*'] }], 'get pods prod', NONE],
  // All that it meets must say yes, and one must hold it whole.
  [[WEB, { name: 'any', approval: TEAM }], 'patch apps/deployments web', 'any web'],
  [[WEB, { name: 'any', approval: TEAM }], 'patch apps/deployments web,prod', 'any web'],
  [[WEB, { name: 'any', approval: TEAM }], 'patch apps/deployments prod', 'any'],
  [[WEB, { name: 'any', approval: TEAM }], 'patch apps/* web', 'any web'],
  [[WEB, { name: 'any', approval: TEAM }], 'patch batch/* web', 'any'],
  [[WEB, { name: 'any', approval: TEAM }], 'delete namespaces web', 'any'],
  [
    [
      { name: 'secrets', verbs: ['get'], resources: ['secrets'], namespaces: ['prod'] },
      { name: 'reads', verbs: ['get', 'list', 'watch'] },
    ],
    'list secrets *',
    'reads secrets',
  ],
  [
    [
      { name: 'pods', verbs: ['delete'], resources: ['pods'], namespaces: ['prod'] },
      { name: 'spaces', verbs: ['delete'], resources: ['namespaces'] },
    ],
    'delete namespaces prod',
    'pods spaces',
  ],
  [
    [
      { name: 'half', verbs: ['patch'], resources: ['apps/deployments'] },
      { name: 'other', verbs: ['patch'], resources: ['apps/statefulsets'] },
    ],
    'patch apps/deployments,apps/statefulsets web',
    NONE,
  ],
]

for (const [entries, line, expected] of table) {
  test(`of ${JSON.stringify(entries)} "${line}" needs ${expected}`, () => {
    assert.equal(answer(policyOf(...entries), asked(line)), expected)
  })
}

test('the terms are those of all entries together, and the shortest of their times is the longest', () => {
  const policy = policyOf({ ...WEB, longest: '45m' }, { name: 'any', longest: '2h', approval: TEAM })
  const terms = grantTerms(policy, asked('patch apps/deployments web'))
  assert.ok(!('status' in terms))
  assert.deepEqual(terms.quorums, [
    { rule: 'any', quorum: 2, approvers: [{ group: 'oidc:team' }, { user: 'oidc:eve' }] },
    { rule: 'web', quorum: 1, approvers: [{ group: 'oidc:sre' }] },
  ])
  assert.deepEqual([terms.validForMillis, terms.waitMillis, terms.ticketRequired], [2_700_000, 0, true])
  const tooLong = grantTerms(policy, asked('patch apps/deployments web', { durationMillis: 2_700_001 }))
  assert.ok('status' in tooLong)
  assert.deepEqual(
    [tooLong.status, tooLong.rule, tooLong.message],
    [403, 'grants.too_long', 'this can be asked for 45 minutes at most (web)'],
  )
})

test('an agent asks by the entries for it, its user by those for the user', () => {
  const policy = policyOf({ name: 'agents', subjects: [{ actor: 'claude' }] })
  const agent = caller({ actor: 'claude' })
  assert.equal(answer(policy, asked('patch pods web', { principal: agent })), 'agents')
  assert.equal(answer(policy, asked('patch pods web')), NONE)
  assert.equal(answer(policy, asked('patch pods web', { principal: caller({ actor: 'other' }) })), NONE)
})

test('a refusal says what may be asked for, and of no entry that is for others', () => {
  const policy = policyOf(WEB, { name: 'hidden', subjects: [{ user: 'oidc:bob' }] })
  const refused = grantTerms(policy, asked('delete pods prod'))
  assert.ok('status' in refused)
  assert.equal(
    refused.message,
    'no standing access that you may ask for holds all of this. You may ask for: web: create, patch on apps/deployments in namespace web, shop, for 1h at most',
  )
  const many = policyOf(...Array.from({ length: 60 }, (_, at) => ({ ...WEB, name: `entry-${at}` })))
  const long = grantTerms(many, asked('delete pods prod'))
  assert.ok('status' in long && Buffer.byteLength(long.message) <= 1_024)
})

test('neither the order of entries nor one more entry makes an approval need fewer people', () => {
  const entry = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    verbs: fc.subarray(['get', 'list', 'patch', 'delete', 'exec'], { minLength: 1 }),
    resources: fc.subarray(['pods', 'pods/log', 'secrets', 'apps/*', 'apps/deployments'], { minLength: 1 }),
    namespaces: fc.subarray(['web', 'prod'], { minLength: 1 }),
  })
  const entries = fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 5 })
  const request = fc.record({
    verbs: fc.subarray(['get', 'list', 'patch', 'delete', 'exec'], { minLength: 1 }),
    resources: fc.subarray(['pods', 'secrets', 'apps/deployments', 'apps/*'], { minLength: 1 }),
    namespaces: fc.subarray(['web', 'prod'], { minLength: 1 }),
  })
  fc.assert(
    fc.property(entries, request, entry, (some, { verbs, resources, namespaces }, more) => {
      const wanted = asked([verbs, resources, namespaces].map(String).join(' '))
      const before = answer(policyOf(...some), wanted)
      assert.equal(answer(policyOf(...[...some].reverse()), wanted), before)
      if (before === NONE) return
      const after = answer(policyOf(...some, { ...more, name: 'more' }), wanted).split(' ')
      for (const name of before.split(' ')) assert.ok(after.includes(name))
    }),
  )
})

const mistakes: readonly (readonly [what: string, text: string, problem: string])[] = [
  [
    'a name that a rule has',
    'rules:\n- {name: a, subjects: [{user: "*"}], verbs: [get], effect: allow}\ngrants:\n- {name: a, subjects: [{user: "*"}], verbs: [get], approval: {approvers: [{group: g}]}}\n',
    '6:4 grants[0].name another rule is called "a"; names must differ',
  ],
  ['an unknown key', grant('effect: allow'), '4:52 grants[0].effect unknown key "effect"; known here: name, subjects'],
  ['a run', grant('', '{run: r}'), '4:24 grants[0].subjects[0] a run is what the caller says of itself'],
  [
    'a resource of no kind',
    grant('resources: [deploy]'),
    '4:64 grants[0].resources[0] "deploy": the core group has no',
  ],
  ['a time that is too long', grant('longest: 13h'), '4:52 grants[0].longest at most 12h: for longer write a rule'],
  ['no time at all', grant('longest: 0m'), '4:52 grants[0].longest access must be for some time'],
  ['a verb of other paths', grant('', undefined, 'post'), '4:46 grants[0].verbs[0] "verbs[0]": it must be one of'],
  [
    'a quorum that nobody makes',
    'grants:\n- name: a\n  subjects: [{user: "*"}]\n  verbs: [get]\n  approval: {approvers: [{user: eve}], quorum: 2}\n',
    '7:40 grants[0].approval.quorum only 1 can say yes, so 2 never will',
  ],
  [
    'an approver who is anybody',
    'grants:\n- name: a\n  subjects: [{user: "*"}]\n  verbs: [get]\n  approval: {approvers: [{group: "*"}]}\n',
    '7:26 grants[0].approval.approvers[0] approvers are named; "*" is nobody',
  ],
  ['nobody who allows it', 'grants:\n- {name: a, subjects: [{user: "*"}], verbs: [get]}\n', '4:3 grants[0].approval'],
]

function grant(field: string, subject = '{user: "*"}', verb = 'get'): string {
  const fields = field === '' ? '' : `, ${field}`
  return `grants:\n- {name: a, subjects: [${subject}], verbs: [${verb}]${fields}, approval: {approvers: [{group: g}]}}\n`
}

for (const [what, text, problem] of mistakes) {
  test(`a grant with ${what} is refused where it stands`, () => {
    assert.throws(
      () => readPolicy(file(text), 'group'),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError)
        const [first] = error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`)
        assert.ok(first?.startsWith(problem), first)
        return true
      },
    )
  })
}

test('a grant that a denial covers is pointed out, and one that it does not is not', () => {
  const deny = '{name: no, subjects: [{user: "*"}], verbs: [delete], effect: deny}'
  const entry = (name: string, verbs: string): string =>
    `{name: ${name}, subjects: [{user: "*"}], verbs: [${verbs}], approval: {approvers: [{group: g}]}}`
  const { problems } = lintPolicy(
    file(`rules: [${deny}]\ngrants:\n- ${entry('a', 'delete')}\n- ${entry('b', 'get,delete')}\n`),
  )
  assert.deepEqual(
    problems.map(({ line, column, message }) => [line, column, message]),
    [[5, 4, 'it opens nothing: rule "no" denies all of it, and no grant lifts a denial']],
  )
})

test('grants of several files are one list, and a reload says what has changed in them', () => {
  const before = policyOf(WEB, { name: 'other' })
  assert.equal(readDocuments(join(directory, 'policy.yaml')).document.grants.length, 2)
  policyOf({ ...WEB, longest: '30m' }, { name: 'new' })
  const next = nextPolicy(before, join(directory, 'policy.yaml'), 'group')
  assert.ok('changes' in next)
  assert.deepEqual([next.changes.added, next.changes.removed, next.changes.changed], [['new'], ['other'], ['web']])
})

test('a caller is told what may be asked for', () => {
  const policy = policyOf({ ...WEB, approval: TEAM }, { name: 'hidden', subjects: [{ user: 'oidc:bob' }] })
  assert.deepEqual(accessOf(policy, caller(), { run: '', intent: '' }, 'prod', NOON).requestable, [
    {
      name: 'web',
      verbs: ['create', 'patch'],
      resources: ['apps/deployments'],
      namespaces: ['web', 'shop'],
      longestSeconds: 3_600,
      approval: {
        approvers: [{ group: 'oidc:team' }, { user: 'oidc:eve' }],
        quorum: 2,
        reasonRequired: false,
        ticketRequired: true,
      },
    },
  ])
})

test('editors know grants', () => {
  const { properties } = policySchema() as {
    properties: { grants: { items: { required: string[] } } }
  }
  assert.deepEqual(properties.grants.items.required, ['name', 'subjects', 'verbs', 'approval'])
})
