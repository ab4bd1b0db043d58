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
  effect: allow
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
  commands: [{pattern: x, argv: [x]}]
`,
  )
  assert.deepEqual(found, [
    '3:11 default.reads "reads": it must be one of "allow", "deny", not "maybe"',
    '3:25 default.write unknown key "write"; known here: reads, writes, streams',
    '5:3 rules[0].name "name": "default" is what decides where no rule does',
    '7:16 rules[0].verbs[1] "verbs[1]": it must be one of "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "exec", "attach", "portforward", "proxy", "head", "post", "put", "options", "*", not "impersonate"',
    '10:14 rules[1].subjects[0] "subjects[0]": write one of user, group, actor and run in each subject',
    '10:35 rules[1].subjects[1] "subjects[1]": write one of user, group, actor and run in each subject',
    '12:16 rules[1].namespaces[0] "namespaces[0]": names are exact; leave the field out to mean all',
    '15:14 rules[2].subjects[0] "system:" users and groups are never let in, so this can match nobody; remove it',
    '17:15 rules[2].resources[0] "deployments": the core group has no resource of this name; write GROUP/RESOURCE, such as apps/deployments',
    '17:28 rules[2].resources[1] requests for pods/exec have the verb "exec", whatever their method; add it to verbs',
    '17:39 rules[2].resources[2] "foo/bar": there is neither a group nor a core resource of the name before the slash',
    '17:48 rules[2].resources[3] "a/b/c/d": write RESOURCE, RESOURCE/SUBRESOURCE, GROUP/RESOURCE, GROUP/RESOURCE/SUBRESOURCE or "*"',
    '18:3 rules[2].commands only exec has a command: let this rule allow exec alone, and the other verbs by another rule',
    '18:15 rules[2].commands[0].argv "..." stands only at the end',
    '20:3 rules[3].name another rule is called "b"; names must differ',
    '24:3 rules[3].durability what is denied is not recorded in two ways; remove it',
    '25:3 rules[4].name "name" is missing; it must be a string',
    '25:3 rules[4].subjects "subjects": name somebody; {user: "*"} is everybody',
    '25:3 rules[4].effect "effect" is missing; it must be one of "allow", "deny", "requireApproval"',
    '26:3 rules[4].verbs "verbs": name at least one; "*" is every verb',
    '27:14 rules[4].commands[0] "commands[0]": write one of argv and pattern in each command',
  ])
})

test('what a rule cannot mean is reported, in conditions to the character', (t) => {
  const found = problems(
    t,
    `${HEAD}- name: a
  subjects: [{run: "r-1"}]
  verbs: [get]
  effect: allow
- name: b
  subjects: [{user: "*"}]
  verbs: [get, create]
  labels: "app in"
  effect: allow
- name: c
  subjects: [{user: "*"}]
  verbs: [get]
  labels: {app: web}
  dryRun: only
  hours: [{days: [mon], from: "09:00", to: "17:00", timeZone: Europe/Atlantis}]
  effect: allow
- name: d
  subjects: [{user: "*"}]
  verbs: [exec]
  commands: [{pattern: "(?=a)b"}, {argv: ["...", a]}]
  effect: requireApproval
- name: e
  subjects: [{user: "*"}]
  verbs: [exec]
  effect: requireApproval
  approval: {approvers: [{user: ann}, {user: "a*"}, {group: "system:masters"}], validFor: 0s}
- name: f
  subjects: [{user: "*"}]
  verbs: [exec]
  effect: requireApproval
  approval: {approvers: [{user: ann}], quorum: 2}
- name: g
  subjects: [{user: "*"}]
  verbs: [create]
  approval: {approvers: [{user: ann}]}
  effect: deny
  when: request.verv == "create"
- name: h
  subjects: [{user: "*"}]
  verbs: [create]
  effect: deny
  when: |
    object.spec.replicas > 1 &&
      request.name.matches(object.x)
- name: i
  subjects: [{user: "*"}]
  verbs: [create]
  effect: allow
  when: 'principal.run == "x"'
- name: j
  subjects: [{user: "*"}]
  verbs: [create]
  effect: allow
  when: "request.name"
- name: k
  subjects: [{user: "*"}]
  verbs: [create]
  effect: allow
  when: 'request.name == "a" &&'
- name: l
  subjects: [{user: "*"}]
  verbs: [create]
  effect: allow
  when: 'object.a.all(a, a.all(b, b.all(c, c.all(d, d))))'
- name: m
  subjects: [{user: "*"}]
  verbs: [create]
  effect: allow
  when: 'request.name.matches("(a")'
- name: n
  subjects: [{user: "*"}]
  verbs: [create]
  effect: allow
  hours: [{days: [mon], from: "9:00", to: "25:00", timeZone: UTC}]
`,
  )
  assert.deepEqual(found, [
    '5:14 rules[0].subjects[0] a run is what the caller says of itself, so it opens nothing: allow a user, group or actor, and deny or ask about the run',
    '11:3 rules[1].labels write terms such as app=web, tier!=db, tier in (a, b), tier notin (a, b), app, !app, with commas',
    '11:3 rules[1].labels only list, watch and deletecollection (by their selector) and create (by its body) show the labels that they touch: let this rule allow these alone, and the other verbs by another rule',
    '16:3 rules[2].labels only list, watch and deletecollection (by their selector) and create (by its body) show the labels that they touch: let this rule allow these alone, and the other verbs by another rule',
    '17:3 rules[2].dryRun only writes can be dry runs; remove it, or add create, update, patch or delete to verbs',
    '18:53 rules[2].hours[0].timeZone there is no time zone "Europe/Atlantis"; write one such as Europe/Berlin or UTC',
    '23:15 rules[3].commands[0].pattern not a pattern of RE2: invalid or unsupported Perl syntax: `(?=`',
    '23:36 rules[3].commands[1].argv "..." stands only at the end',
    '24:3 rules[3].effect say under "approval" who can say yes, such as approval: {approvers: [{group: "oidc:sre"}]}',
    '29:39 rules[4].approval.approvers[1] approvers are named; "*" is nobody',
    '29:53 rules[4].approval.approvers[2] "system:" users and groups are never let in',
    '29:81 rules[4].approval.validFor a yes must be good for some time',
    '34:40 rules[5].approval.quorum only 1 can say yes, so 2 never will',
    '38:3 rules[6].approval only requireApproval takes it; remove it, or change the effect',
    '40:17 rules[6].when No such key: verv',
    '47:7 rules[7].when matches() takes one pattern, written out',
    '52:3 rules[8].when principal.run, principal.intent and request.userAgent are what the caller says of itself, so no allow rests on them: turn it round, into a deny of the others',
    '57:10 rules[9].when it must be true or false, and is of type string',
    '62:32 rules[10].when Unexpected token: EOF',
    '67:10 rules[11].when loops may be nested 3 deep',
    '72:31 rules[12].when not a pattern of RE2: missing closing ): `(a`',
    '77:25 rules[13].hours[0].from "from": write HH:MM, from "00:00" to "24:00"',
    '77:39 rules[13].hours[0].to "to": write HH:MM, from "00:00" to "24:00"',
  ])
})

test('a directory is its *.yaml in the order of their names, with names that differ over all of them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const put = (name: string, rules: string, head = ''): void =>
    writeFileSync(join(folder, name), `apiVersion: sallyport/v1\nkind: AccessPolicy\n${head}rules:\n${rules}`)
  const rule = (name: string, effect: string): string =>
    `- {name: ${name}, subjects: [{user: "*"}], verbs: [delete], effect: ${effect}}\n`
  put('20.yaml', rule('later', 'allow'))
  put('10.yaml', rule('sooner', 'allow'), 'default: {reads: deny}\n')
  put('.hidden.yaml', rule('hidden', 'deny'))
  writeFileSync(join(folder, 'notes.txt'), 'no policy')
  const policy = readPolicy(folder, 'group')
  assert.equal(answer(policy, 'DELETE /api/v1/namespaces/n/pods/p').rule, 'sooner')
  assert.equal(answer(policy, 'GET /api/v1/pods').allowed, false)

  put('30.yaml', rule('sooner', 'deny'), 'default: {reads: allow}\n')
  put('40.yaml', '- {name: x}\n')
  assert.throws(
    () => readPolicy(folder, 'group'),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(
        error.problems.map(({ file, line, path }) => [file.slice(folder.length + 1), line, path]),
        [
          ['30.yaml', 3, 'default'],
          ['30.yaml', 5, 'rules[0].name'],
          ['40.yaml', 4, 'rules[0].subjects'],
          ['40.yaml', 4, 'rules[0].verbs'],
          ['40.yaml', 4, 'rules[0].effect'],
        ],
      )
      return true
    },
  )
  assert.throws(() => readPolicy(join(folder, '..', 'nowhere'), 'group'), ConfigError)
  const empty = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))
  t.after(() => rmSync(empty, { recursive: true }))
  assert.throws(() => readPolicy(empty, 'group'), /has no \*\.yaml/)
})

test('a file of another kind, an empty one and a missing one are refused', (t) => {
  assert.deepEqual(problems(t, 'apiVersion: sallyport/v1\nkind: Gateway\n'), [
    '2:1 kind "kind": it must be "AccessPolicy", not "Gateway"',
  ])
  assert.deepEqual(problems(t, ''), ['1:1  the file is empty'])
  assert.throws(() => readPolicy('/nowhere/policy.yaml', 'group'), /cannot be read: there is no such file/)
})
