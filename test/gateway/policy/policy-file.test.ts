import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ConfigError } from '../../../gateway/config-file.ts'
import { readPolicy } from '../../../gateway/policy/policy-file.ts'
import { answer, caller } from './support.ts'

function file(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'policy.yaml')
  writeFileSync(path, text)
  return path
}

/** "line:column path message" of each problem. */
function problems(t: TestContext, text: string): string[] {
  try {
    readPolicy(file(t, text), 'group')
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`)
  }
  return []
}

const HEAD = 'apiVersion: sallyport/v1\nkind: AccessPolicy\nrules:\n'

test('without a file reads are allowed and all else is denied, as durably as the configuration says', () => {
  const policy = readPolicy(undefined, 'strict')
  const read = answer(policy, 'GET /api/v1/pods')
  assert.ok(read.allowed)
  assert.equal(read.durability, 'strict')
  assert.equal(answer(policy, 'POST /api/v1/namespaces/n/pods').allowed, false)
})

test('the design’s own rules are read, in one file with defaults', (t) => {
  const policy = readPolicy(
    file(
      t,
      `${HEAD}- name: admins
  subjects: [{group: "oidc:admins"}]
  verbs: ["*"]
  effect: allow
  durability: strict
- name: ci
  subjects: [{group: "oidc:ci"}]
  verbs: [create, update, patch]
  resources: [apps/deployments]
  namespaces: [web]
  effect: allow
`,
    ),
    'group',
  )
  const admin = answer(policy, 'DELETE /api/v1/nodes/n', caller({ groups: ['oidc:admins'] }))
  assert.ok(admin.allowed)
  assert.deepEqual([admin.rule, admin.durability], ['admins', 'strict'])
  assert.equal(
    answer(policy, 'PATCH /apis/apps/v1/namespaces/web/deployments/x', caller({ groups: ['oidc:ci'] })).rule,
    'ci',
  )
  assert.equal(
    answer(policy, 'PATCH /apis/apps/v1/namespaces/prod/deployments/x', caller({ groups: ['oidc:ci'] })).allowed,
    false,
  )
})

test('every mistake is reported at once, where it stands, with what to do', (t) => {
  const found = problems(
    t,
    `apiVersion: sallyport/v1
kind: AccessPolicy
default: {reads: maybe, write: deny}
rules:
- name: default
  subjects: [{group: "system:masters"}]
  verbs: [get, impersonate]
  effect: allow
- name: a
  subjects: [{user: x, group: y}, {}]
  verbs: [get]
  namespaces: ["*"]
  effect: requireApproval
  when: 'true'
- name: b
  subjects: [{user: "system:admin"}]
  verbs: [get]
  resources: [deployments, pods/exec, foo/bar, "a/b/c/d"]
  commands: [{argv: [sh, "...", x]}]
  effect: allow
- name: b
  subjects: [{user: "*"}]
  verbs: [get]
  effect: deny
  durability: strict
- subjects: []
  verbs: []
  commands: [{pattern: x}]
`,
  )
  assert.deepEqual(found, [
    '3:11 default.reads "reads": it must be one of "allow", "deny", not "maybe"',
    '3:25 default.write unknown key "write"; known here: reads, writes, streams',
    '5:3 rules[0].name "name": "default" is what decides where no rule does',
    '7:16 rules[0].verbs[1] "verbs[1]": it must be one of "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "exec", "attach", "portforward", "proxy", "head", "post", "put", "options", "*", not "impersonate"',
    '10:14 rules[1].subjects[0] "subjects[0]": write one of user, group and actor in each subject',
    '10:35 rules[1].subjects[1] "subjects[1]": write one of user, group and actor in each subject',
    '12:16 rules[1].namespaces[0] "namespaces[0]": names are exact; leave the field out to mean all',
    '13:3 rules[1].effect approvals are not in this version: use allow or deny',
    '14:3 rules[1].when conditions are not in this version: remove "when", and narrow the rule by its other fields',
    '16:14 rules[2].subjects[0] "system:" users and groups are never let in, so this can match nobody; remove it',
    '18:15 rules[2].resources[0] "deployments": the core group has no resource of this name; write GROUP/RESOURCE, such as apps/deployments',
    '18:28 rules[2].resources[1] requests for pods/exec have the verb "exec", whatever their method; add it to verbs',
    '18:39 rules[2].resources[2] "foo/bar": there is neither a group nor a core resource of the name before the slash',
    '18:48 rules[2].resources[3] "a/b/c/d": write RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/RESOURCE/SUBRESOURCE or "*"',
    '19:3 rules[2].commands only exec has a command: let this rule allow exec alone, and the other verbs by another rule',
    '19:15 rules[2].commands[0].argv "..." stands only at the end',
    '21:3 rules[3].name another rule is called "b"; names must differ',
    '25:3 rules[3].durability what is denied is not recorded in two ways; remove it',
    '26:3 rules[4].name "name" is missing; it must be a string',
    '26:3 rules[4].subjects "subjects": name somebody; {user: "*"} is everybody',
    '26:3 rules[4].effect "effect" is missing; it must be one of "allow", "deny"',
    '27:3 rules[4].verbs "verbs": name at least one; "*" is every verb',
    '28:14 rules[4].commands[0].argv "argv" is missing; it must be a list',
    '28:15 rules[4].commands[0].pattern command patterns are not in this version: write argv',
  ])
})

test('a file of another kind, an empty one and a missing one are refused', (t) => {
  assert.deepEqual(problems(t, 'apiVersion: sallyport/v1\nkind: Gateway\n'), [
    '2:1 kind "kind": it must be "AccessPolicy", not "Gateway"',
  ])
  assert.deepEqual(problems(t, ''), ['1:1  the file is empty'])
  assert.throws(() => readPolicy('/nowhere/policy.yaml', 'group'), /cannot be read: there is no such file/)
})
