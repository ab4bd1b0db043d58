import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FAMILIES } from './families.ts'
import { playbooksTable } from './table.ts'

test('SECURITY.md holds the table of all playbooks', () => {
  const document = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8')
  const between = /<!-- playbooks -->\n+([\s\S]*?)\n*<!-- \/playbooks -->/.exec(document)?.[1]
  assert.equal(`${between}\n`, playbooksTable())
})

test('every file of playbooks is among the families', () => {
  const folders = readdirSync(new URL('.', import.meta.url), { withFileTypes: true }).filter((it) => it.isDirectory())
  const files = folders.flatMap(({ name }) =>
    readdirSync(new URL(`${name}/`, import.meta.url)).map((file) => `${name}/${file}`),
  )
  assert.deepEqual(files.sort(), FAMILIES.map(({ file }) => file).sort())
})

test('every playbook says where it was found and why it matters, and no two have one name', () => {
  const playbooks = FAMILIES.flatMap((family) => family.playbooks)
  assert.equal(new Set(playbooks.map(({ name }) => name)).size, playbooks.length)
  for (const { name, sources, why, plays } of playbooks) {
    assert.ok(sources.length > 0 && plays.length > 0, name)
    assert.match(why, /^\S.*\.$/, name)
    assert.equal(new Set(plays.map((play) => play.name)).size, plays.length, `two plays of "${name}" have one name`)
  }
})
