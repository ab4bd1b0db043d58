import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lintPolicy } from '../../../gateway/policy/lint.ts'
import type { RuleSource } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-lint-'))
after(() => rmSync(directory, { recursive: true }))

function advice(...rules: readonly Omit<RuleSource, 'name'>[]): string[] {
  const path = join(directory, 'policy.yaml')
  const named = rules.map((rule, at) => ({ name: `r${at}`, subjects: [{ user: '*' }], ...rule }))
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ apiVersion: 'sallyport/v1', kind: 'AccessPolicy', rules: named }))
  const { rules: count, problems } = lintPolicy(path)
  assert.equal(count, rules.length)
  return problems.map(({ path: at, message }) => `${at}: ${message}`)
}

const ANN = [{ user: 'oidc:ann' }]
const APPROVAL = { approvers: [{ group: 'oidc:sre' }] }

const shadowed: readonly (readonly [what: string, rules: readonly Omit<RuleSource, 'name'>[], expected: RegExp])[] = [
  [
    'an allow inside a denial',
    [
      { verbs: ['delete'], effect: 'deny' },
      { verbs: ['delete'], resources: ['pods'], subjects: ANN, effect: 'allow' },
    ],
    /^rules\[1\]\.name: it never applies: rule "r0" denies all of it$/,
  ],
  [
    'an approval inside a denial',
    [
      { verbs: ['exec'], effect: 'requireApproval', approval: APPROVAL },
      { verbs: ['*'], effect: 'deny' },
    ],
    /^rules\[0\]\.name: it never applies: rule "r1" denies all of it$/,
  ],
  [
    'an allow inside an approval',
    [
      { verbs: ['exec'], effect: 'requireApproval', approval: APPROVAL },
      { verbs: ['exec'], names: ['x'], effect: 'allow' },
    ],
    /^rules\[1\]\.name: it never applies without an approval/,
  ],
  [
    'an allow inside an allow',
    [
      { verbs: ['get', 'list'], effect: 'allow' },
      { verbs: ['get'], namespaces: ['a'], effect: 'allow' },
    ],
    /^rules\[1\]\.name: it changes nothing: rule "r0" covers all of it$/,
  ],
  [
    'the later one of two that say the same',
    [
      { verbs: ['get'], effect: 'allow' },
      { verbs: ['get'], effect: 'allow' },
    ],
    /^rules\[1\]\.name: it changes nothing: rule "r0" says the same$/,
  ],
  [
    'a denial of a subresource inside that of the resource',
    [
      { verbs: ['get'], resources: ['pods'], effect: 'deny' },
      { verbs: ['get'], resources: ['pods/log'], effect: 'deny' },
    ],
    /^rules\[1\]\.name: it changes nothing/,
  ],
  [
    'a condition on a body that no request of the verb has',
    [{ verbs: ['get', 'create'], when: 'object.spec.x == 1', effect: 'allow' }],
    /^rules\[0\]\.when: requests without a body have no object, so for get the condition fails, and the rule allows none/,
  ],
]

for (const [what, rules, expected] of shadowed) {
  test(`advised against: ${what}`, () => {
    const [first, ...more] = advice(...rules)
    assert.match(first as string, expected)
    assert.deepEqual(more, [])
  })
}

const apart: readonly (readonly [what: string, ...rules: readonly Omit<RuleSource, 'name'>[]])[] = [
  ['another subject', { verbs: ['get'], subjects: ANN, effect: 'deny' }, { verbs: ['get'], effect: 'allow' }],
  ['another verb', { verbs: ['get'], effect: 'allow' }, { verbs: ['list'], effect: 'allow' }],
  [
    'more namespaces',
    { verbs: ['get'], namespaces: ['a'], effect: 'deny' },
    { verbs: ['get'], namespaces: ['a', 'b'], effect: 'allow' },
  ],
  [
    'another condition',
    { verbs: ['get'], when: 'true', effect: 'deny' },
    { verbs: ['get'], when: 'false', effect: 'allow' },
  ],
  [
    'another durability',
    { verbs: ['get'], effect: 'allow' },
    { verbs: ['get'], durability: 'strict', effect: 'allow' },
  ],
  ['only dry runs', { verbs: ['create'], dryRun: 'only', effect: 'deny' }, { verbs: ['create'], effect: 'allow' }],
  [
    'an allow of the resource, not of its subresource',
    { verbs: ['get'], resources: ['pods'], effect: 'allow' },
    { verbs: ['get'], resources: ['pods/log'], effect: 'allow' },
  ],
  ['a denial inside an allow', { verbs: ['get'], effect: 'allow' }, { verbs: ['get'], names: ['x'], effect: 'deny' }],
  ['a condition on the body of what has one', { verbs: ['create'], when: 'object.x == 1', effect: 'allow' }],
]

for (const [what, ...rules] of apart) {
  test(`not advised against: ${what}`, () => assert.deepEqual(advice(...rules), []))
}

test('rules of several files shadow one another, and are told where they stand', () => {
  const folder = join(directory, 'several')
  mkdirSync(folder)
  const head = 'apiVersion: sallyport/v1\nkind: AccessPolicy\nrules:\n'
  const rule = (name: string, effect: string) =>
    `- name: ${name}\n  subjects: [{user: "*"}]\n  verbs: [get]\n  effect: ${effect}\n`
  writeFileSync(join(folder, 'a.yaml'), `${head}${rule('a', 'allow')}`)
  writeFileSync(join(folder, 'b.yaml'), `${head}${rule('c', 'deny')}${rule('b', 'deny')}`)
  assert.deepEqual(
    lintPolicy(folder).problems.map(({ file, line, column, message }) => [
      file.slice(folder.length + 1),
      line,
      column,
      message,
    ]),
    [
      ['a.yaml', 4, 3, 'it never applies: rule "c" denies all of it'],
      ['b.yaml', 8, 3, 'it changes nothing: rule "c" says the same'],
    ],
  )
})
