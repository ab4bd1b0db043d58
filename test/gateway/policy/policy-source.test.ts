import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readPolicy } from '../../../gateway/policy/policy-file.ts'
import {
  changesText,
  isChange,
  type NextPolicy,
  nextPolicy,
  type PolicyChanges,
  policyChanges,
  watchedFolder,
} from '../../../gateway/policy/policy-source.ts'
import { policyOf, type RuleSource } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-source-'))
after(() => rmSync(directory, { recursive: true }))

const HEAD = 'apiVersion: sallyport/v1\nkind: AccessPolicy\n'

function rule(name: string, effect = 'allow'): string {
  return `- name: ${name}\n  subjects: [{user: "*"}]\n  verbs: [get]\n  effect: ${effect}\n`
}

function write(path: string, ...rules: readonly string[]): string {
  writeFileSync(path, `${HEAD}rules:\n${rules.join('')}`)
  return path
}

function taken(next: NextPolicy): Extract<NextPolicy, { policy: unknown }> {
  assert.ok('policy' in next, JSON.stringify(next))
  return next
}

const NOTHING: PolicyChanges = { added: [], removed: [], changed: [], reordered: false, defaults: [] }

test('the next policy comes with the rules that it adds, removes and changes', () => {
  const path = write(join(directory, 'p.yaml'), rule('a'), rule('b'), rule('c'))
  const first = readPolicy(path, 'group')
  write(path, rule('d'), rule('b', 'deny'), rule('c'))
  const { policy, changes } = taken(nextPolicy(first, path, 'group'))
  assert.deepEqual(
    policy.rules.map(({ name }) => name),
    ['d', 'b', 'c'],
  )
  assert.deepEqual(changes, { ...NOTHING, added: ['d'], removed: ['a'], changed: ['b'] })
  assert.equal(isChange(changes), true)
})

test('a file with a mistake leaves the policy in force as it is, with every mistake', () => {
  const path = write(join(directory, 'p.yaml'), rule('a'))
  const first = readPolicy(path, 'group')
  write(path, rule('b', 'permit'), rule('c', 'maybe'))
  const next = nextPolicy(first, path, 'group')
  assert.ok('problems' in next)
  assert.deepEqual(
    next.problems.map(({ line, path: at }) => [line, at]),
    [
      [7, 'rules[0].effect'],
      [11, 'rules[1].effect'],
    ],
  )
  rmSync(path)
  const gone = nextPolicy(first, path, 'group')
  assert.ok('problems' in gone && /there is no such file/.test(gone.problems[0]?.message ?? ''))
})

test('one bad file of a directory refuses the others too', () => {
  const folder = join(directory, 'several')
  mkdirSync(folder)
  write(join(folder, 'a.yaml'), rule('a'))
  const first = readPolicy(folder, 'group')
  write(join(folder, 'b.yaml'), rule('b'))
  write(join(folder, 'c.yaml'), rule('a'))
  assert.ok('problems' in nextPolicy(first, folder, 'group'))
  rmSync(join(folder, 'c.yaml'))
  assert.deepEqual(taken(nextPolicy(first, folder, 'group')).changes, { ...NOTHING, added: ['b'] })
  rmSync(join(folder, 'a.yaml'))
  rmSync(join(folder, 'b.yaml'))
  assert.ok('problems' in nextPolicy(first, folder, 'group'))
})

test('the same rules in other words are no change', () => {
  const path = write(join(directory, 'p.yaml'), rule('a'))
  const first = readPolicy(path, 'group')
  writeFileSync(
    path,
    `# a comment\n${HEAD}default: {writes: deny}\nrules: [{name: a, effect: allow, verbs: ["get"], subjects: [{user: '*'}]}]\n`,
  )
  const { changes } = taken(nextPolicy(first, path, 'group'))
  assert.deepEqual(changes, NOTHING)
  assert.equal(isChange(changes), false)
  assert.equal(changesText(changes), 'nothing')
})

test('changed defaults and another order are changes', () => {
  const a: RuleSource = { name: 'a', verbs: ['get'], effect: 'allow' }
  const b: RuleSource = { name: 'b', verbs: ['get'], effect: 'allow' }
  const c: RuleSource = { name: 'c', verbs: ['get'], effect: 'allow' }
  const moved = policyChanges(policyOf([a, b, c]), policyOf([c, a], { writes: 'allow' }))
  assert.deepEqual(moved, {
    ...NOTHING,
    removed: ['b'],
    reordered: true,
    defaults: [{ of: 'writes', was: 'deny', is: 'allow' }],
  })
  assert.equal(changesText(moved), '1 removed (b); the order of rules; default.writes from deny to allow')
  // One that goes does not move the others.
  assert.equal(policyChanges(policyOf([a, b, c]), policyOf([a, c])).reordered, false)
})

test('a long list of names is cut', () => {
  const many = Array.from({ length: 25 }, (_, at): RuleSource => ({ name: `r${at}`, verbs: ['get'], effect: 'deny' }))
  const text = changesText(policyChanges(policyOf([]), policyOf(many)))
  assert.match(text, /^25 added \(r0, .*r19, …\)$/)
})

test('what happens in the folder concerns the policy by its name', () => {
  const path = write(join(directory, 'p.yaml'), rule('a'))
  const ofFile = watchedFolder(path)
  assert.equal(ofFile.folder, directory)
  const names = ['p.yaml', 'q.yaml', '.p.yaml.swp', '..data', null]
  assert.deepEqual(
    names.map((name) => ofFile.concerns(name)),
    [true, false, false, true, true],
  )
  const ofFolder = watchedFolder(directory)
  assert.equal(ofFolder.folder, directory)
  assert.deepEqual(
    names.map((name) => ofFolder.concerns(name)),
    [true, true, false, true, true],
  )
})
